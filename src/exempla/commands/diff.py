"""`exempla diff`: what changed from one version of a dataset to another."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from exempla.commands.support import (
    DatabaseUrl,
    DataDir,
    find_dataset,
    find_version,
    read,
    visible,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exempla.store.diff import Change, Counts
    from exempla.store.transaction import Transaction
    from exempla.store.versions import Version

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}

BaseName = Annotated[str, typer.Argument(help="The name or the id of a version.")]
HeadName = Annotated[str, typer.Argument(help="The name or the id of the version to compare.")]


def diff(
    name: Annotated[str, typer.Argument(help="The name or the id of a dataset.")],
    base: BaseName,
    head: HeadName,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what changed from one version of a dataset to another."""

    def show(tx: Transaction) -> None:
        from exempla.store import diff

        dataset = find_dataset(tx, name)
        ends = find_version(tx, dataset, base), find_version(tx, dataset, head)
        counts = diff.Counts(0, 0, 0, ends[0].example_count)

        def counted(found: Iterable[tuple[int, Change]]) -> Iterator[Change]:
            for _, change in found:
                diff.add_to(counts, change)
                yield change

        with closing(diff.changes(tx, dataset, *ends)) as found:
            (_print_json if as_json else _print)(*ends, counted(found), counts)

    read(data_dir, database_url, show)


def _print(base: Version, head: Version, changes: Iterator[Change], counts: Counts) -> None:
    """Print changes as they are found, and their counts last."""
    print_changes(changes)
    Console(soft_wrap=True, highlight=False).print(
        Text(f"{visible(base.name)} to {visible(head.name)}: {summary(counts)}")
    )


def summary(counts: Counts) -> str:
    """Return counts as a person reads them."""
    return (
        f"{counts.added} added, {counts.removed} removed, {counts.changed} changed, "
        f"{counts.unchanged} unchanged"
    )


def print_changes(changes: Iterable[Change]) -> None:
    """Print changes as they are found, in colors if this is a terminal."""
    console = Console(soft_wrap=True, highlight=False)
    for change in changes:
        sign, color = _SIGNS[change.kind]
        console.print(Text(f"{sign} {visible(change.id)}", style=color))
        for name, field in change.fields.items():
            console.print(Text(f"    {visible(name)}:"))
            if not isinstance(field.old, msgspec.UnsetType):
                console.print(Text(f"      - {visible(bytes(field.old).decode())}", style="red"))
            if not isinstance(field.new, msgspec.UnsetType):
                console.print(Text(f"      + {visible(bytes(field.new).decode())}", style="green"))


def _print_json(base: Version, head: Version, changes: Iterator[Change], counts: Counts) -> None:
    """Print what the API answers, as one object, the changes as they are found."""
    sys.stdout.write(f'{{"base":"{base.id}","head":"{head.id}","changes":[')
    for number, change in enumerate(changes):
        sys.stdout.write(("," if number else "") + msgspec.json.encode(change).decode())
    sys.stdout.write(f'],"counts":{msgspec.json.encode(counts).decode()}}}\n')
