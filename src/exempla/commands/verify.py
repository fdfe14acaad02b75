"""`exempla verify`: check that every version is what its digest says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from exempla.commands.support import DatabaseUrl, DataDir, find_dataset, run, visible

if TYPE_CHECKING:
    from exempla.store.database import Database, Transaction
    from exempla.store.datasets import Dataset
    from exempla.store.verify import Checked


def verify(
    name: Annotated[
        str | None, typer.Argument(help="The name or the id of a dataset; all if left out.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Recompute the digest of every version from its examples and compare; 1 if one differs.

    A version whose digest was never asked for gets it now, so that the next check can compare.
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
    """Check one dataset, tell what came of it, and keep the digests that it lacked."""
    from exempla.store import datasets, digests, verify
    from exempla.store.access import OPERATOR

    def check(tx: Transaction) -> tuple[Dataset, list[Checked]]:
        now = datasets.get(tx, OPERATOR, dataset.id)
        return now, verify.check(tx, now)

    try:
        now, checked = await database.search(check)
    except (msgspec.DecodeError, ValueError) as error:
        line = f"{visible(dataset.name)}: what is stored of it cannot be read: {error}"
        console.print(Text(line, style="red"))
        return False
    new = [one for one in checked if not one.kept and not one.faults]

    def keep(tx: Transaction) -> None:
        for one in new:
            digests.keep(tx, now, one.version.id.number, one.found)

    if new:
        await database.write(keep)
    faults = [(one.version.name, fault) for one in checked for fault in one.faults]
    for version, fault in faults:
        line = f"{visible(now.name)}, version {visible(version)}: {fault}"
        console.print(Text(line, style="red"))
    if not faults:
        said = f", {len(new)} for the first time" if new else ""
        console.print(Text(f"{visible(now.name)}: {len(checked)} versions verified{said}"))
    return not faults
