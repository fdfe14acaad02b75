"""`exempla export` and `exempla import`: examples as files, on the database itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer
from rich.console import Console

from exempla.commands.diff import print_changes, summary
from exempla.commands.packed import WRITTEN, Kind, kind_of, reading, writing
from exempla.commands.support import (
    DatabaseUrl,
    DataDir,
    find_dataset,
    find_space,
    find_version,
    run,
    startup_errors,
    visible,
)
from exempla.files.formats import BY_SUFFIX

if TYPE_CHECKING:
    from rich.progress import Progress

    from exempla.ids import ResourceId
    from exempla.store.database import Database
    from exempla.store.datasets import Dataset
    from exempla.store.imports import Counts, Import, Mode
    from exempla.store.incoming import Incoming
    from exempla.store.transaction import Row, Transaction
    from exempla.store.versions import Version

_DEFAULT_SPACE = "Default"
_SHOWN = 50
"""Changes that a dry run shows."""

Name = Annotated[str, typer.Argument(help="The name or the id of a dataset.")]
Format = Annotated[
    str | None,
    typer.Option(help="jsonl, csv or parquet.", show_default="by the file's suffix; jsonl"),
]
VersionName = Annotated[
    str | None,
    typer.Option("--version", help="The name or the id of a version.", show_default="the latest"),
]


def export(
    name: Name,
    file: Annotated[
        str, typer.Argument(help="*.jsonl, *.csv, *.parquet, also with .gz or .zst; - is a pipe.")
    ] = "-",
    version: VersionName = None,
    format: Format = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write a version of a dataset to a file."""
    with startup_errors():
        kind = kind_of(file, format, WRITTEN)

    async def work(database: Database) -> None:
        from exempla.files.export import Export
        from exempla.store import bulk
        from exempla.store.access import OPERATOR

        dataset, chosen = await database.read(_find, name, version)
        export = Export(kind.format, database.engine.scratch)
        with closing(export), _progress() as progress, writing(file, kind.packing) as out:
            read = progress.add_task("examples read", total=chosen.example_count)
            written = progress.add_task("bytes written", total=None)

            def take(part: list[Row]) -> None:
                export.take(part)
                progress.advance(read, len(part))

            await database.read_whole(bulk.read, OPERATOR, dataset.id, chosen.id, take)
            for chunk in export.chunks():
                out.write(chunk)
                progress.advance(written, len(chunk))

    run(data_dir, database_url, work)


def import_(
    file: Annotated[
        str,
        typer.Argument(
            help="*.jsonl, *.json, *.csv, *.parquet, also with .gz or .zst; - is a pipe."
        ),
    ],
    name: Name,
    space: Annotated[
        str | None, typer.Option(help="The name or the id of the dataset's space.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="The examples are changes, by id.")
    ] = False,
    version: VersionName = None,
    new_version: Annotated[
        str | None, typer.Option(help="The name of a version to make for it.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show what would differ.")
    ] = False,
    create: Annotated[bool, typer.Option("--create", help="Make the dataset.")] = False,
    format: Format = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Add the examples of a file to a dataset, or update its examples; all of them, or none."""
    if create and (update or version or new_version or dry_run):
        raise typer.BadParameter(
            "a new dataset has no examples to update, nor versions", param_hint="--create"
        )
    with startup_errors():
        kind = kind_of(file, format, BY_SUFFIX)

    async def work(database: Database) -> None:
        with _progress() as progress:
            source = _Source(file, kind, database, progress)
            if create:
                said = await _create(source, space, name)
            else:
                mode: Mode = "update" if update else "insert"
                into = _Into(name, space, version, mode, new_version)
                said = await (_attempt if dry_run else _write)(source, into)
        said()

    run(data_dir, database_url, work)


class _Source(NamedTuple):
    """The file to import, and where it goes."""

    file: str
    kind: Kind
    database: Database
    progress: Progress

    @contextmanager
    def read(self) -> Iterator[Incoming]:
        """Give all examples of the file."""
        from exempla.files.reading import read

        folder = self.database.engine.scratch
        with reading(self.file, self.kind.packing, folder) as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(0)
            if not self.progress.disable:
                source = self.progress.wrap_file(source, size, description="bytes read")
            incoming = read(self.kind.format, source, folder)
        with incoming:
            yield incoming


class _Into(NamedTuple):
    """Which version is written to, and how."""

    name: str
    space: str | None
    version: str | None
    mode: Mode
    new_version: str | None

    async def find(self, database: Database) -> tuple[ResourceId, ResourceId | None]:
        """Return the ids of the dataset and of the version, None for the latest."""
        found = await database.read(_find, self.name, self.version, self.space)
        return found[0].id, found[1].id if self.version else None

    def work(self, source: _Source, incoming: Incoming) -> Import:
        """Return what writes these examples."""
        from exempla.api import fields
        from exempla.store.imports import Import

        into = None
        if self.new_version is not None:
            into = fields.name(self.new_version, "--new-version")
        task = source.progress.add_task("examples written", total=len(incoming))
        return Import(incoming, self.mode, into, partial(source.progress.advance, task))


async def _create(source: _Source, space: str | None, name: str) -> Callable[[], None]:
    from exempla.api import fields
    from exempla.store import audit, bulk, datasets
    from exempla.store.access import OPERATOR

    place = await source.database.read(find_space, space or _DEFAULT_SPACE)
    await source.database.read(datasets.check_free, OPERATOR, place.id, fields.name(name, "NAME"))
    with source.read() as incoming:
        source.progress.add_task("examples written", total=None)
        act = audit.by_operator("exempla import --create", space_id=str(place.id), name=name)
        bulk.create_dataset(source.database, OPERATOR, place.id, name, incoming, act=act)
        count = len(incoming)
    return lambda: print(f"{visible(name)}, version v1: {count} inserted")


async def _write(source: _Source, into: _Into) -> Callable[[], None]:
    from exempla.store.access import OPERATOR

    where = await into.find(source.database)
    with source.read() as incoming:
        work = into.work(source, incoming).write
        done = await source.database.write(work, OPERATOR, *where)
    said = _told(done.counts)
    return lambda: print(
        f"{visible(done.dataset.name)}, version {visible(done.version.name)}: {said}"
    )


async def _attempt(source: _Source, into: _Into) -> Callable[[], None]:
    from exempla.store.access import OPERATOR

    where = await into.find(source.database)
    with source.read() as incoming:
        work = into.work(source, incoming).attempt
        done = await source.database.write(work, OPERATOR, *where, _SHOWN)

    def show() -> None:
        print_changes(done.changes)
        if done.has_more:
            print("...")
        print(f"nothing was written; it would be: {summary(done.differing)} ({_told(done.counts)})")

    return show


def _told(counts: Counts) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts._asdict().items() if count)


def _find(
    tx: Transaction, name: str, version: str | None, space: str | None = None
) -> tuple[Dataset, Version]:
    """Return the dataset and the version, the latest if not named."""
    from exempla.store import datasets, versions
    from exempla.store.access import OPERATOR

    if space is None:
        dataset = find_dataset(tx, name)
    else:
        dataset = datasets.by_name(tx, OPERATOR, find_space(tx, space).id, name)
    found = find_version(tx, dataset, version) if version else versions.get(tx, dataset, None)
    return dataset, found


def _progress() -> Progress:
    """Return bars on a terminal, beside what the command prints."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description:>16}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
