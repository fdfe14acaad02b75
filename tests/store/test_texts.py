"""Bytes in memory and in a file are given back alike."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exempla.store import texts
from exempla.store.texts import Texts


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=12), st.booleans(), st.data())
def test_any_stretch_is_given_back(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[bytes],
    in_memory: bool,
    data: st.DataObject,
) -> None:
    whole = b"".join(pieces)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "IN_MEMORY_BYTES", data.draw(st.integers(0, 60)))
        with closing(Texts(tmp_path_factory.getbasetemp(), in_memory=in_memory)) as kept:
            for piece in pieces:
                kept.append(piece)
            for _ in range(5):
                start = data.draw(st.integers(0, len(whole)))
                size = data.draw(st.integers(0, len(whole) - start))
                assert kept.read(start, size) == whole[start : start + size]


def test_one_at_a_time_uses_memory(tmp_path: Path) -> None:
    first, second = Texts(tmp_path, in_memory=True), Texts(tmp_path, in_memory=True)
    assert [in_file(first), in_file(second)] == [0, 3]
    first.close()
    first.close()
    third, fourth = Texts(tmp_path, in_memory=True), Texts(tmp_path, in_memory=False)
    assert [in_file(third), in_file(fourth)] == [0, 3]
    for kept in (second, third, fourth):
        kept.close()


def test_what_is_more_goes_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "IN_MEMORY_BYTES", 5)
    kept = Texts(tmp_path, in_memory=True)
    assert [in_file(kept), in_file(kept), in_file(kept)] == [0, 3, 6]
    assert kept.read(2, 5) == b"cabca"
    kept.close()


def in_file(kept: Texts) -> int:
    """Append three bytes and return how many the file has then."""
    kept.append(b"abc")
    kept._file.flush()
    return os.fstat(kept._file.fileno()).st_size
