"""`exempla check`: everything that can be known of the soundness of a database."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from exempla.commands.support import DatabaseUrl, DataDir, startup_errors, visible
from exempla.errors import StartupError
from exempla.settings import Settings

if TYPE_CHECKING:
    from exempla.store.check import Subject, Violation
    from exempla.store.engines import Engine
    from exempla.store.transaction import Transaction


def check(
    file: Annotated[
        Path | None, typer.Argument(help="A backup to check; the database if left out.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Look for damage and for broken rules in the whole database; 1 if there is any.

    It writes nothing, and works beside a running server.
    """
    from exempla.store import advice, folder, setup
    from exempla.store.engines import Sqlite

    with startup_errors(), ExitStack() as locked:
        if file:
            if not file.is_file():
                raise StartupError(f"there is no file {file}")
            engine: Engine = Sqlite(file, is_read_only=True)
        else:
            chosen = Settings(data_dir=data_dir, database_url=database_url)
            engine = setup.open_engine(chosen, make=False)
            if isinstance(engine, Sqlite):
                locked.enter_context(folder.hold(engine.path.parent))
        try:
            found = _check(engine)
        except engine.Error as error:
            raise StartupError(advice.why(engine, error)) from error
    if found:
        raise typer.Exit(1)


def _check(engine: Engine) -> int:
    """Check all, print what is found, and return how much that is."""
    from exempla.store import check, setup

    console = Console(soft_wrap=True, highlight=False)
    connection: Any = engine.connect()
    with closing(connection):

        def tell(part: Callable[[Transaction], Iterator[Violation]]) -> int:
            count = 0
            with _reading(engine, connection) as tx:
                for violation in part(tx):
                    count += 1
                    where = visible(violation.where)
                    fault = visible(violation.fault)
                    line = f"{where}: {fault}" if where else fault
                    console.print(Text(line, style="red"))
            return count

        if damage := tell(check.check_engine):
            return damage
        with _reading(engine, connection) as tx:
            setup.check_current(tx)
        found = tell(check.check_names)
        with _reading(engine, connection) as tx:
            subjects = check.subjects(tx)
        for subject in subjects:
            with _progress(subject) as progress:
                here = tell(partial(check.check_dataset, subject=subject, progress=progress))
            if not here:
                console.print(Text(f"{visible(subject.name)}: sound"))
            found += here
    console.print(
        Text(
            _counted(found, "fault found", "faults found")
            if found
            else _counted(len(subjects), "dataset is sound", "datasets are sound")
        )
    )
    return found


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


@contextmanager
def _reading(engine: Engine, connection: Any) -> Iterator[Transaction]:
    """Give a transaction that reads, all of one moment."""
    from exempla.store.transaction import Transaction

    connection.execute(engine.begin_read)
    yield Transaction(connection, engine)
    connection.execute("COMMIT")


@contextmanager
def _progress(subject: Subject) -> Iterator[Callable[[int], None]]:
    """Show how far a dataset is checked, in a terminal."""
    shown = Console(stderr=True)
    with Progress(console=shown, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(visible(subject.name), total=subject.examples)
        yield lambda ordinal: progress.update(task, completed=ordinal)
