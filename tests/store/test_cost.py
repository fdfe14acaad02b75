"""The cost of an operation, counted in steps of SQLite's virtual machine, so on any machine alike.

The bounds are the design's: a write of k costs O(k log n), a page O(page), on any version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exempla.settings import Settings
from exempla.store import datasets, diff, digests, examples, history, setup, spaces, versions
from exempla.store.access import OPERATOR
from exempla.store.database import Transaction
from exempla.store.engines import Engine
from exempla.store.examples import Written
from exempla.store.listing import FIRST
from tests.store.values import fields

SMALL, LARGE = 200, 10_000


class Counted:
    """A dataset of `size` examples in a database of its own, and the steps of work on it."""

    def __init__(self, folder: Path, size: int) -> None:
        self.engine: Engine = setup.open_engine(Settings(data_dir=folder))
        setup.open_database(self.engine)[0].close()
        self.connection: Any = self.engine.connect()
        self.size = size
        self.tx = Transaction(self.connection, self.engine)
        space = spaces.list_page(
            self.tx, OPERATOR, organization=None, name="", before=FIRST, limit=1
        )[0]
        given = [fields(n=n) for n in range(size)]
        dataset, self.v1 = examples.create_dataset(self.tx, OPERATOR, space.id, "counted", given)
        self.dataset = dataset.id

    def ids(self, *ordinals: int) -> list[str]:
        """Return the ids of the examples with these ordinals."""
        one = "SELECT id FROM examples WHERE dataset_id = :dataset AND ordinal = :ordinal"
        number = self.dataset.number
        return [self.tx.exactly_one(one, dataset=number, ordinal=o)[0] for o in ordinals]

    def update(self, version: versions.Version | None, name: str | None) -> Written:
        """Update three examples that lie apart."""
        ids = self.ids(1, self.size // 2, self.size)
        changes = {id: fields(n="new") for id in ids}
        at = version.id if version else None
        return examples.update(self.tx, OPERATOR, self.dataset, at, changes, name)

    def branch(self, version: versions.Version) -> None:
        """Make a version of this one."""
        versions.branch(self.tx, OPERATOR, self.dataset, version.id, "branched", "")

    def diff(self, version: versions.Version) -> None:
        """Compare this version with the 41st."""
        dataset = datasets.get(self.tx, OPERATOR, self.dataset)
        head = versions.all_of(self.tx, dataset)[-41]
        list(diff.changes(self.tx, dataset, version, head))

    def page(self, version: versions.Version | None, after: int) -> int:
        """Read a page of 50 and return its length."""
        at = version.id if version else None
        page = examples.list_page(self.tx, OPERATOR, self.dataset, at, after=after, limit=50)
        return len(page.examples)

    def steps(self, work: Callable[[], object]) -> int:
        """Return how many steps the work takes."""
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            return 0

        self.connection.set_progress_handler(step, 1)
        work()
        self.connection.set_progress_handler(None, 1)
        return count


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Counted, Counted]]:
    """A small and a large dataset, each with 40 versions of 3 changes."""
    pair = tuple(Counted(tmp_path_factory.mktemp("counted"), n) for n in (SMALL, LARGE))
    for counted in pair:
        for number in range(40):
            counted.update(None, f"version {number}")
    yield pair[0], pair[1]
    for counted in pair:
        counted.connection.close()


WORK: dict[str, Callable[[Counted], object]] = {
    "update in place": lambda c: c.update(None, None),
    "update an old version in place": lambda c: c.update(c.v1, None),
    "update into a new version": lambda c: c.update(None, "one more"),
    "new version from the oldest": lambda c: c.update(c.v1, "restored"),
    "new version without changes": lambda c: c.branch(c.v1),
    "diff": lambda c: c.diff(c.v1),
    "insert": lambda c: examples.insert(c.tx, OPERATOR, c.dataset, None, [fields(n=1)]),
    "delete": lambda c: examples.delete(c.tx, OPERATOR, c.dataset, c.v1.id, c.ids(7, 8)),
    "log": lambda c: history.log(c.tx, OPERATOR, c.dataset, before=FIRST, limit=50),
    "first page of the latest": lambda c: c.page(None, 0),
    "last page of the latest": lambda c: c.page(None, c.size - 60),
    "first page of the oldest": lambda c: c.page(c.v1, 0),
    "last page of the oldest": lambda c: c.page(c.v1, c.size - 60),
}


@pytest.mark.parametrize("name", WORK)
def test_work_costs_the_same_at_any_size(both: tuple[Counted, Counted], name: str) -> None:
    small, large = (counted.steps(partial(WORK[name], counted)) for counted in both)
    assert 0 < large <= small * 1.1 + 10


def test_a_digest_costs_what_was_written_since(both: tuple[Counted, Counted]) -> None:
    for counted in both:
        dataset, details, found = digests.details(counted.tx, OPERATOR, counted.dataset, None)
        digests.keep(counted.tx, dataset.id, details.id.number, found)
        counted.update(None, None)
    small, large = (
        counted.steps(partial(digests.details, counted.tx, OPERATOR, counted.dataset, None))
        for counted in both
    )
    assert 0 < large <= small * 1.1 + 10


def test_the_end_of_an_old_version_costs_the_same_however_much_came_later(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def steps(added_later: int) -> int:
        counted = Counted(tmp_path_factory.mktemp("grown"), SMALL)
        counted.update(None, "later")
        later = [fields(n=n) for n in range(added_later)]
        examples.insert(counted.tx, OPERATOR, counted.dataset, None, later)
        found = counted.steps(lambda: counted.page(counted.v1, SMALL - 20))
        assert counted.page(counted.v1, SMALL - 20) == 20
        counted.connection.close()
        return found

    assert steps(LARGE) <= steps(1) * 1.1 + 10
