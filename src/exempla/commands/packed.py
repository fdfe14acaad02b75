"""Files by their names: the format, and whether they are compressed; `-` is a pipe."""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple, cast

from exempla.errors import StartupError
from exempla.files.formats import FORMATS, Format

PIPE = "-"
GZIP_LEVEL = 6

Packing = Literal["", ".gz", ".zst"]

WRITTEN: dict[str, Format] = {f".{format}": format for format in FORMATS}
"""What a file to write is, by the end of its name; of one to read `BY_SUFFIX` tells it."""


class Kind(NamedTuple):
    """What a file is."""

    format: Format
    packing: Packing


def kind_of(file: str, format: str | None, suffixes: Mapping[str, Format]) -> Kind:
    """Tell a file by its suffixes, as `.csv.gz`; the format given counts more.

    A pipe is JSONL if none is given, and never compressed.
    """
    stem, packing = file, ""
    for suffix in (".gz", ".zst"):
        if file.endswith(suffix):
            stem, packing = file.removesuffix(suffix), suffix
    told = "jsonl" if file == PIPE else suffixes.get(Path(stem).suffix)
    for known in FORMATS:
        if known == (format or told):
            return Kind(known, cast("Packing", packing))
    if format:
        raise StartupError(f"the format must be one of {', '.join(FORMATS)}, not {format!r}")
    ends = ", ".join(suffixes)
    raise StartupError(f"{file!r} does not end with one of {ends} (or .gz or .zst after it)")


@contextmanager
def writing(file: str, packing: Packing) -> Iterator[BinaryIO]:
    """Give what to write to; the file is there when all is written, else it is as it was."""
    if file == PIPE:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = Path(f"{file}.part")
    with _told(file):
        try:
            with part.open("wb") as raw, _packed(raw, packing) as packed:
                yield packed
            part.replace(file)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


@contextmanager
def reading(file: str, packing: Packing, folder: Path | None) -> Iterator[BinaryIO]:
    """Give a file that can be read anywhere: a copy in the folder of what is packed, or a pipe."""
    with _told(file):
        if file != PIPE and not packing:
            with Path(file).open("rb") as plain:
                yield plain
            return
        with tempfile.TemporaryFile(dir=folder) as copy:
            with _unpacked(file, packing) as source:
                shutil.copyfileobj(source, copy, 1024 * 1024)
            copy.seek(0)
            yield cast("BinaryIO", copy)


@contextmanager
def _told(file: str) -> Iterator[None]:
    """Tell in one line what is wrong with a file."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise StartupError(f"{file}: {why}") from None


@contextmanager
def _packed(raw: BinaryIO, packing: Packing) -> Iterator[BinaryIO]:
    if packing == ".gz":
        with gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as packed:
            yield cast("BinaryIO", packed)
    elif packing == ".zst":
        import pyarrow as pa

        with pa.CompressedOutputStream(raw, "zstd") as packed:
            yield packed
    else:
        yield raw


@contextmanager
def _unpacked(file: str, packing: Packing) -> Iterator[BinaryIO]:
    if file == PIPE:
        yield sys.stdin.buffer
    elif packing == ".gz":
        with gzip.open(file) as unpacked:
            yield cast("BinaryIO", unpacked)
    else:
        import pyarrow as pa

        with Path(file).open("rb") as raw, pa.CompressedInputStream(raw, "zstd") as unpacked:
            yield unpacked
