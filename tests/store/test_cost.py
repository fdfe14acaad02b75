"""The cost of an operation, counted by the engine itself, so on any machine alike.

On SQLite in steps of its virtual machine, on PostgreSQL in rows and blocks read. The bounds are the
design's: a write of k costs O(k log n), a page O(page), on any version, whatever the size of the
dataset, and whatever PostgreSQL's planner knows of it.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exempla.files import reading
from exempla.filters import parse
from exempla.settings import Settings
from exempla.store import (
    annotation_configs,
    datasets,
    diff,
    digests,
    examples,
    history,
    search,
    setup,
    spaces,
    versions,
)
from exempla.store import annotations as annotations_store
from exempla.store.access import OPERATOR
from exempla.store.annotation_configs import ConfigSettings
from exempla.store.annotations import Value
from exempla.store.engines import Engine
from exempla.store.examples import Written
from exempla.store.imports import Import
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction
from exempla.store.versions import Version
from tests.store.conftest import settings_for
from tests.store.values import fields

SMALL, LARGE = 200, 10_000

NOTE = Value("note", None, None, "seen", "here")

_ROWS_AND_BLOCKS = """
    SELECT SUM(t.seq_tup_read + COALESCE(t.idx_tup_fetch, 0)
        + heap_blks_read + heap_blks_hit + COALESCE(idx_blks_read, 0) + COALESCE(idx_blks_hit, 0)
        + COALESCE(toast_blks_read, 0) + COALESCE(toast_blks_hit, 0))::bigint
    FROM pg_stat_user_tables AS t JOIN pg_statio_user_tables AS b USING (relid)"""


class Untimed(Transaction):
    """One whose work has no time limit: SQLite looks at the clock where the steps are counted."""

    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()


class Counting:
    """A database of its own, and the cost of work on it."""

    def __init__(self, settings: Settings) -> None:
        self.engine: Engine = setup.open_engine(settings)
        setup.open_database(self.engine)[0].close()
        self.connection: Any = self.engine.connect()
        self.tx: Transaction = Untimed(self.connection, self.engine)
        self.space = spaces.list_page(
            self.tx, OPERATOR, organization=None, name="", before=FIRST, limit=1
        )[0]
        if self.engine.name == "sqlite":
            self.connection.execute("PRAGMA synchronous = off")  # it takes long and is no step
        if self.engine.name == "postgresql":
            for (table,) in self.tx.all("SELECT relname FROM pg_stat_user_tables"):
                self.tx.run(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')
        annotation_configs.create(
            self.tx, OPERATOR, self.space.id, NOTE.name, "FREEFORM", ConfigSettings()
        )

    def cost(self, work: Callable[[], object]) -> int:
        """Return how many steps the work takes, or how many rows and blocks it reads."""
        if self.engine.name == "sqlite":
            return self._steps(work)
        before = self._read()
        with self.connection.transaction():
            work()
        return self._read() - before

    def _steps(self, work: Callable[[], object]) -> int:
        count = 0

        def step() -> int:
            nonlocal count
            count += 1
            return 0

        self.connection.set_progress_handler(step, 1)
        work()
        self.connection.set_progress_handler(None, 1)
        return count

    def _read(self) -> int:
        self.tx.all("SELECT pg_stat_force_next_flush()")
        number: int = self.tx.exactly_one(_ROWS_AND_BLOCKS)[0]
        return number


class Counted:
    """A dataset of `size` examples, and work on it."""

    def __init__(self, database: Counting, size: int) -> None:
        self.tx = database.tx
        self.cost = database.cost
        self.size = size
        given = [fields(n=n) for n in range(size)]
        dataset, self.v1 = examples.create_dataset(
            self.tx, OPERATOR, database.space.id, f"of {size}", given
        )
        self.dataset = dataset.id

    def ids(self, *ordinals: int) -> list[str]:
        """Return the ids of the examples with these ordinals."""
        one = "SELECT id FROM examples WHERE dataset_id = :dataset AND ordinal = :ordinal"
        number = self.dataset.number
        return [self.tx.exactly_one(one, dataset=number, ordinal=o)[0] for o in ordinals]

    def update(self, version: Version | None, name: str | None) -> Written:
        """Update three examples that lie apart."""
        ids = self.ids(1, self.size // 2, self.size)
        changes = {id: fields(n="new") for id in ids}
        at = version.id if version else None
        return examples.update(self.tx, OPERATOR, self.dataset, at, changes, name)

    def branch(self, version: Version) -> None:
        """Make a version of this one."""
        versions.branch(self.tx, OPERATOR, self.dataset, version.id, "branched", "")

    def diff(self, version: Version) -> None:
        """Compare this version with the 41st."""
        dataset = datasets.get(self.tx, OPERATOR, self.dataset)
        head = versions.all_of(self.tx, dataset)[-41]
        list(diff.changes(self.tx, dataset, version, head))

    def page(self, version: Version | None, after: int) -> int:
        """Read a page of 50 and return its length."""
        at = version.id if version else None
        page = examples.list_page(self.tx, OPERATOR, self.dataset, at, after=after, limit=50)
        return len(page.examples)

    def keep_digest(self) -> None:
        """Compute the digest of the latest version, and keep it."""
        dataset, details, found = digests.details(self.tx, OPERATOR, self.dataset, None)
        digests.keep(self.tx, dataset.id, details.id.number, found)

    def annotate(self) -> None:
        """Annotate two examples that lie apart."""
        records = [(id, [NOTE]) for id in self.ids(3, self.size - 3)]
        annotations_store.annotate(self.tx, OPERATOR, self.dataset, records)

    def history(self) -> None:
        """Read all that was written to an example."""
        (id,) = self.ids(self.size // 2)
        until = time.monotonic() + 60
        events, _ = history.page(
            self.tx, OPERATOR, self.dataset, id, before=FIRST, limit=500, until=until
        )
        assert len(events) > 40

    def search(self) -> None:
        """Find an example by its id, at the end."""
        (id,) = self.ids(self.size)
        until = time.monotonic() + 60
        search.page(
            self.tx,
            OPERATOR,
            self.dataset,
            None,
            filter=parse(f"id = '{id}' and annotation.note.text is null"),
            after=self.size - 50,
            limit=50,
            until=until,
        )

    def insert_lines(self) -> None:
        """Import a line."""
        line = io.BytesIO(b'{"id": "of my own", "n": 1}')
        with reading.read("jsonl", line, self.tx.engine.scratch) as incoming:
            Import(incoming, "insert", None).write(self.tx, OPERATOR, self.dataset, None)


SCENES = ["sqlite", "never analyzed", "analyzed before it was made", "analyzed"]


@pytest.fixture(scope="module", params=SCENES)
def both(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_postgres_url: Callable[[], str],
) -> Iterator[tuple[Counted, Counted]]:
    """A small and a large dataset in a database, each with 40 versions of 3 changes."""
    engine = "sqlite" if request.param == "sqlite" else "postgres"
    folder = tmp_path_factory.mktemp("counted")
    database = Counting(settings_for(engine, folder, new_postgres_url))
    if request.param == "analyzed before it was made":
        Counted(database, LARGE + 1)
        database.tx.run("ANALYZE")
    small, large = Counted(database, SMALL), Counted(database, LARGE)
    for counted in (small, large):
        for number in range(40):
            counted.update(None, f"version {number}")
        counted.annotate()
    if request.param == "analyzed":
        database.tx.run("ANALYZE")
    yield small, large
    database.connection.close()


WORK: dict[str, Callable[[Counted], object]] = {
    "update in place": lambda c: c.update(None, None),
    "update an old version in place": lambda c: c.update(c.v1, None),
    "update into a new version": lambda c: c.update(None, "one more"),
    "new version from the oldest": lambda c: c.update(c.v1, "restored"),
    "new version without changes": lambda c: c.branch(c.v1),
    "diff": lambda c: c.diff(c.v1),
    "insert": lambda c: examples.insert(c.tx, OPERATOR, c.dataset, None, [fields(n=1)]),
    "import": lambda c: c.insert_lines(),
    "delete": lambda c: examples.delete(c.tx, OPERATOR, c.dataset, c.v1.id, c.ids(7, 8)),
    "annotate": lambda c: c.annotate(),
    "history": lambda c: c.history(),
    "search": lambda c: c.search(),
    "log": lambda c: history.log(c.tx, OPERATOR, c.dataset, before=FIRST, limit=50),
    "first page of the latest": lambda c: c.page(None, 0),
    "middle of the latest": lambda c: c.page(None, c.size // 2),
    "last page of the latest": lambda c: c.page(None, c.size - 60),
    "first page of the oldest": lambda c: c.page(c.v1, 0),
    "middle of the oldest": lambda c: c.page(c.v1, c.size // 2),
    "last page of the oldest": lambda c: c.page(c.v1, c.size - 60),
}


@pytest.mark.parametrize("name", WORK)
def test_work_costs_the_same_at_any_size(both: tuple[Counted, Counted], name: str) -> None:
    small, large = (counted.cost(partial(WORK[name], counted)) for counted in both)
    assert 0 < large <= small * 1.1 + 10


def test_a_digest_costs_what_was_written_since(both: tuple[Counted, Counted]) -> None:
    for counted in both:
        counted.cost(counted.keep_digest)
        counted.update(None, None)
    small, large = (counted.cost(counted.keep_digest) for counted in both)
    assert 0 < large <= small * 1.1 + 10


def test_the_end_of_an_old_version_costs_the_same_however_much_came_later(tmp_path: Path) -> None:
    def steps(added_later: int) -> int:
        database = Counting(Settings(data_dir=tmp_path / str(added_later)))
        counted = Counted(database, SMALL)
        counted.update(None, "later")
        later = [fields(n=n) for n in range(added_later)]
        examples.insert(counted.tx, OPERATOR, counted.dataset, None, later)
        found = counted.cost(lambda: counted.page(counted.v1, SMALL - 20))
        assert counted.page(counted.v1, SMALL - 20) == 20
        database.connection.close()
        return found

    assert steps(LARGE) <= steps(1) * 1.1 + 10


def test_a_page_of_an_old_version_costs_the_same_however_often_its_examples_changed(
    tmp_path: Path,
) -> None:
    def steps(changes: int) -> list[int]:
        database = Counting(Settings(data_dir=tmp_path / str(changes)))
        counted = Counted(database, SMALL)
        ids = counted.ids(*range(1, SMALL + 1))
        made = [
            examples.update(
                counted.tx,
                OPERATOR,
                counted.dataset,
                None,
                {id: fields(n=number) for id in ids},
                f"of {number}",
            ).version
            for number in range(changes)
        ]
        old = [counted.v1, made[len(made) // 2], made[-2]]
        found = [counted.cost(partial(counted.page, version, SMALL - 60)) for version in old]
        database.connection.close()
        return found

    for few, many in zip(steps(4), steps(100), strict=True):
        assert 0 < many <= few * 1.1 + 10
