"""`exempla verify`: check that every version is what its digest says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from exempla.commands.support import DatabaseUrl, DataDir, find_dataset, run, visible

if TYPE_CHECKING:
    from exempla.store.database import Database
    from exempla.store.datasets import Dataset
    from exempla.store.transaction import Transaction


def verify(
    name: Annotated[
        str | None, typer.Argument(help="The name or the id of a dataset; all if left out.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Recompute the digest of every version from its examples and compare; 1 if one differs.

    The digests of sound versions are kept as they are now, so that the next check can compare.
    """

    async def work(database: Database) -> bool:
        console = Console(soft_wrap=True, highlight=False)
        sound = True
        for dataset in await database.read(lambda tx: _datasets(tx, name)):
            sound = await _verify(database, console, dataset) and sound
        return sound

    if not run(data_dir, database_url, work):
        raise typer.Exit(1)


def _datasets(tx: Transaction, name: str | None) -> list[Dataset]:
    from exempla.store import datasets
    from exempla.store.access import OPERATOR
    from exempla.store.listing import FIRST

    if name is not None:
        return [find_dataset(tx, name)]
    found = datasets.list_page(
        tx, OPERATOR, space=None, space_name="", name="", before=FIRST, limit=FIRST
    )
    return found[::-1]


async def _verify(database: Database, console: Console, dataset: Dataset) -> bool:
    """Check one dataset, and tell what came of it."""
    from exempla.store import verify

    report = await verify.verify(database, dataset.id)
    if report is None:  # it was deleted meanwhile
        return True
    name = visible(dataset.name)
    for fault in report.faults:
        console.print(Text(f"{name}, {visible(fault)}", style="red"))
    if not report.faults:
        first = f", {report.kept_first} for the first time" if report.kept_first else ""
        console.print(Text(f"{name}: {report.versions} versions verified{first}"))
    return not report.faults
