"""Problems as sentences for a person: what the API says to programs, in the words of the pages."""

from __future__ import annotations

import re
from collections.abc import Callable

from markupsafe import Markup

from exempla.errors import Problem
from exempla.web.text import visible

_MAY = {
    "READ_ONLY": "read",
    "MEMBER": "write",
    "ADMIN": "manage the space",
    "ADMINISTRATOR": "administer the server",
}
"""What a key may do with a role, as the page of the keys has it."""


def _role(match: re.Match[str]) -> str:
    own = _MAY.get(match[2] or "")
    return f"your key may not {_MAY[match[1]]} here" + (f"; it may {own}" if own else "")


def _example(match: re.Match[str]) -> str:
    example = f"example {int(match[1]) + 1}"
    return f"{example}, the field " if match[2] else example


def _label(match: re.Match[str]) -> str:
    return f"label {int(match[1]) + 1}"


_WORDS: dict[str, str | Callable[[re.Match[str]], str]] = {
    r"(?:\bexamples|(?<=: ))\[(\d+)\](\.)?": _example,
    r"\bthis needs the role (\w+); (?:yours is (\w+)|you have none) here": _role,
    r"; make a new version of it instead: .*": "; make a new version, and write into that one",
    r"^(\w+) is (?:not a valid id|an id of the kind)\b.*": (
        r"there is no such \1; check that the address is whole"
    ),
    r"^cursor .*": "the address of this page is incomplete, or too old; begin with the first page",
    r"^(\S+) does not answer GET$": r"there is no page at \1",
    r"(?:^|(?<=: ))the body\b": "what was sent",
    r"\bvalues\[(\d+)\]\.label\b": _label,
    r"\ban earlier item has too$": "an earlier line has too",
    r"^values has (\d+) items; give (.*)$": r"there are \1 labels; give \2, one on each line",
    r"^minimum_score\b": "the lowest score",
    r"\bmaximum_score\b(?=, )": "the highest score",
    r"^expires_at\b": "the expiry",
}
"""What the words for programs become, by their pattern."""

_PATTERNS = [(re.compile(pattern, re.DOTALL), words) for pattern, words in _WORDS.items()]


def sentence(detail: str) -> Markup:
    """Return what a problem says as a sentence, with hidden characters visible."""
    for pattern, words in _PATTERNS:
        detail = pattern.sub(words, detail)
    end = "" if detail.endswith((".", "!", "?")) else "."
    return visible(detail[:1].upper() + detail[1:] + end)


def of_one(problem: Problem) -> str:
    """Return the detail of a problem with the one example that was sent."""
    detail = problem.detail.replace("examples[0].", "the field ")
    return detail.replace("examples[0]", "the example")
