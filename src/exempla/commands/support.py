"""What the commands share: where the database is, one transaction on it, errors as one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from exempla.errors import NotFound, Problem, StartupError, ValidationError
from exempla.ids import parse_id
from exempla.settings import Settings

if TYPE_CHECKING:
    from exempla.store.database import Database
    from exempla.store.datasets import Dataset
    from exempla.store.spaces import Space
    from exempla.store.transaction import Transaction
    from exempla.store.versions import Version

T = TypeVar("T")

DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="EXEMPLA_DATA_DIR",
        help="The folder of the SQLite database.",
        show_default="the platform's user data folder",
    ),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        envvar="EXEMPLA_DATABASE_URL",
        help="A PostgreSQL database instead: postgresql://user:password@host:5432/name",
    ),
]


def write(data_dir: Path | None, database_url: str | None, work: Callable[..., T]) -> T:
    """Run one write on a database that exists already."""
    return run(data_dir, database_url, lambda database: database.write(work))


def read(data_dir: Path | None, database_url: str | None, work: Callable[..., T]) -> T:
    """Run one read on a database that exists already; all it reads is of one moment."""
    return run(data_dir, database_url, lambda database: database.read(work))


def run(
    data_dir: Path | None,
    database_url: str | None,
    work: Callable[[Database], Coroutine[Any, Any, T]],
) -> T:
    """Run what reads and writes on a database that exists already."""
    import asyncio

    from exempla.store import setup

    with startup_errors():
        chosen = Settings(data_dir=data_dir, database_url=database_url)
        engine = setup.open_engine(chosen, make=False)
        database, _ = setup.open_database(engine, make=False)
        try:
            with _output_errors():
                return asyncio.run(work(database))
        finally:
            database.close()


def find_dataset(tx: Transaction, name_or_id: str) -> Dataset:
    """Return the dataset of this name, or with this id; the name must be of one dataset alone."""
    from exempla.store import datasets
    from exempla.store.access import OPERATOR
    from exempla.store.listing import FIRST

    part = name_or_id if name_or_id.isprintable() else ""  # it may be no text at all
    found = datasets.list_page(
        tx, OPERATOR, space=None, space_name="", name=part, before=FIRST, limit=FIRST
    )
    named = [dataset for dataset in found if dataset.name == name_or_id]
    if len(named) > 1:
        ids = ", ".join(str(dataset.id) for dataset in named)
        raise ValidationError(f"several datasets are named {name_or_id!r}; give an id: {ids}")
    if named:
        return named[0]
    try:
        id = parse_id(name_or_id, "Dataset", "NAME")
    except Problem:
        raise NotFound(f"there is no dataset named {name_or_id!r}") from None
    return datasets.get(tx, OPERATOR, id)


def find_version(tx: Transaction, dataset: Dataset, name_or_id: str) -> Version:
    """Return the version of this name, or with this id."""
    from exempla.store import versions

    for version in versions.all_of(tx, dataset):
        if name_or_id in (version.name, str(version.id)):
            return version
    raise NotFound(f"the dataset {dataset.name!r} has no version named {name_or_id!r}")


def find_space(tx: Transaction, name_or_id: str) -> Space:
    """Return the space of this name, or with this id; the name must be of one space alone."""
    from exempla.store import spaces
    from exempla.store.access import OPERATOR
    from exempla.store.listing import FIRST

    found = spaces.list_page(tx, OPERATOR, organization=None, name="", before=FIRST, limit=FIRST)
    named = [one for one in found if name_or_id in (one.name, str(one.id))]
    if not named:
        raise NotFound(f"there is no space named {name_or_id!r}")
    if len(named) > 1:
        ids = ", ".join(str(one.id) for one in named)
        raise ValidationError(f"several spaces are named {name_or_id!r}; give an id: {ids}")
    return named[0]


@contextmanager
def startup_errors() -> Iterator[None]:
    """Show what hinders a command as one line, and exit with status 1."""
    try:
        yield
    except StartupError as error:
        message = str(error)
    except Problem as error:
        message = error.detail
    else:
        return
    note(f"exempla: {message}")
    raise typer.Exit(1)


@contextmanager
def _output_errors() -> Iterator[None]:
    """Say that the output cannot be written; nothing if whoever reads it has seen enough."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else it is tried again
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(1) from None
        raise StartupError(f"cannot write the output: {error.strerror}") from None


def note(line: str) -> None:
    """Print a line for a person, beside what the command prints for others to read."""
    print(line, file=sys.stderr)


def visible(text: str) -> str:
    """Return the text with what a terminal could act on written as an escape."""
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)
