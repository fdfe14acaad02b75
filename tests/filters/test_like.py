"""LIKE: right by a plain matcher, and quick for every pattern."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exempla.filters import like


def plain(pattern: str, text: str) -> bool:
    """Match by the definition, character by character."""
    reached = {0}
    for char in pattern:
        if char == "%":
            reached = set(range(min(reached), len(text) + 1)) if reached else reached
        else:
            reached = {at + 1 for at in reached if at < len(text) and char in ("_", text[at])}
    return len(text) in reached


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("%", "", True),
        ("%%", "abc", True),
        ("_", "", False),
        ("_", "\n", True),
        ("__", "\U0001f600é", True),
        ("a%", "abc", True),
        ("a%", "Abc", False),
        ("%c", "abc", True),
        ("%b%", "abc", True),
        ("a%a", "a", False),
        ("ab%ba", "aba", False),
        ("%a_c%", "xxabcxx", True),
        ("%_a", "a", False),
        ("a.c", "abc", False),
        ("[a]*%", "[a]*?", True),
        ("a\\%", "a%", False),
        ("a\\%", "a\\b", True),
        ("%aab%", "aaab", True),
        ("%a%a%a%", "aa", False),
    ],
)
def test_a_pattern_describes(pattern: str, text: str, expected: bool) -> None:
    assert like.compile(pattern)(text) is expected
    assert plain(pattern, text) is expected


TEXTS = st.text("ab\n", max_size=12)


@given(st.text("ab_%", max_size=8), TEXTS)
def test_a_pattern_means_what_its_definition_says(pattern: str, text: str) -> None:
    assert like.compile(pattern)(text) is plain(pattern, text)


@given(st.text("ab_", min_size=1, max_size=5), TEXTS, st.integers(0, 3))
def test_long_and_short_strings_are_searched_alike(part: str, text: str, at: int) -> None:
    expected = next((i for i in range(at, len(text)) if plain(part, text[i : i + len(part)])), -1)
    assert like._finder(part)(text, at) == expected
    assert like._shift_and(part)(text, at) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "%a" * 4_999 + "b",
        "%" + "a_" * 4_999 + "b%",
        "%" + "_a" * 4_999 + "%b",
        "%a_a" * 2_499 + "b",
        "%" * 9_999 + "b",
        "_" * 9_999 + "%b",
        "%" + "a" * 9_990 + "b%",
    ],
    ids=lambda pattern: pattern[:8] + pattern[-3:],
)
def test_no_pattern_is_slow(pattern: str) -> None:
    started = time.process_time()
    assert not like.compile(pattern)("a" * 200_000)
    assert time.process_time() - started < 3  # 2 x 10^9 comparisons would take longer
