"""`exempla diff`: what changed from one version of a dataset to another."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from exempla.commands.support import DatabaseUrl, DataDir, find_dataset, read, visible
from exempla.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exempla.store.database import Transaction
    from exempla.store.datasets import Dataset
    from exempla.store.diff import Change, Counts
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
        from exempla.store import diff, versions

        dataset = find_dataset(tx, name)
        known = versions.all_of(tx, dataset)
        ends = _find_version(known, dataset, base), _find_version(known, dataset, head)
        counts = diff.Counts(0, 0, 0, ends[0].example_count)

        def counted() -> Iterator[Change]:
            for _, change in diff.changes(tx, dataset, *ends):
                diff.add_to(counts, change)
                yield change

        (_print_json if as_json else _print)(*ends, counted(), counts)

    read(data_dir, database_url, show)


def _find_version(known: list[Version], dataset: Dataset, name_or_id: str) -> Version:
    for version in known:
        if name_or_id in (version.name, str(version.id)):
            return version
    raise NotFound(f"the dataset {dataset.name!r} has no version named {name_or_id!r}")


def _print(base: Version, head: Version, changes: Iterator[Change], counts: Counts) -> None:
    """Print changes as they are found, in colors if this is a terminal, and their counts last."""
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
    console.print(
        Text(
            f"{visible(base.name)} to {visible(head.name)}: {counts.added} added, "
            f"{counts.removed} removed, {counts.changed} changed, {counts.unchanged} unchanged"
        )
    )


def _print_json(base: Version, head: Version, changes: Iterator[Change], counts: Counts) -> None:
    """Print what the API answers, as one object, the changes as they are found."""
    sys.stdout.write(f'{{"base":"{base.id}","head":"{head.id}","changes":[')
    for number, change in enumerate(changes):
        sys.stdout.write(("," if number else "") + msgspec.json.encode(change).decode())
    sys.stdout.write(f'],"counts":{msgspec.json.encode(counts).decode()}}}\n')
