"""What a request costs the database, counted in statements and rows, so on any machine alike.

The application and the database are in this process, so that what passes between them can be
counted. `tests/store/test_cost.py` counts what SQLite does inside a statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from exempla.api.app import create_app
from exempla.api.pages import ExamplesCursor
from exempla.ids import ResourceId
from exempla.store import examples, setup, spaces, versions
from exempla.store.access import OPERATOR
from exempla.store.database import Database
from exempla.store.engines import Engine
from exempla.store.listing import FIRST
from tests.conftest import ENGINES
from tests.serving import KEY
from tests.store.conftest import settings_for
from tests.store.values import fields

SMALL, LARGE = 1_000, 20_000
VERSIONS = 20
PAGE = 500


class Cost(NamedTuple):
    """What was asked of the database."""

    statements: int
    """Executed, once for each row of values that they were executed with."""
    rows: int
    """That the database gave."""


class Meter:
    """Counts what passes over the connections of an engine."""

    def __init__(self, engine: Engine) -> None:
        self.statements: list[str] = []
        self.rows = 0
        self._connect = engine.connect
        engine.connect = self._counting_connect  # type: ignore[method-assign]

    def _counting_connect(self) -> Any:
        connection: Any = self._connect()
        if isinstance(connection, psycopg.Connection):
            connection.cursor_factory = self._cursor_class()
            connection.row_factory = lambda _: self._row
        else:
            connection.set_trace_callback(self.statements.append)
            connection.row_factory = lambda _, row: self._row(row)
        return connection

    def _row(self, values: Sequence[Any]) -> tuple[Any, ...]:
        self.rows += 1
        return tuple(values)

    def _cursor_class(self) -> type[psycopg.Cursor[Any]]:
        meter = self

        class Counting(psycopg.Cursor[Any]):
            def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
                meter.statements.append(str(query))
                return super().execute(query, *args, **kwargs)

            def executemany(self, query: Any, params_seq: Any, **kwargs: Any) -> None:
                meter.statements += [str(query)] * len(params_seq)
                super().executemany(query, params_seq, **kwargs)

        return Counting

    def take(self) -> Cost:
        """Return what was counted, and begin anew."""
        cost = Cost(len(self.statements), self.rows)
        self.statements.clear()
        self.rows = 0
        return cost


class Measured:
    """A dataset of `size` examples and `VERSIONS` versions, and what requests to it cost."""

    def __init__(self, engine: Engine, size: int) -> None:
        self.size = size
        _, lock = setup.prepare(engine, KEY)
        self._meter = Meter(engine)
        self.database = Database(engine, lock)
        self._app: Any = create_app(self.database)
        asyncio.run(self._fill())
        asyncio.run(self._send("GET", ""))  # the first use of the key is noted

    async def _fill(self) -> None:
        space = (
            await self.database.read(
                spaces.list_page, OPERATOR, organization=None, name="", before=FIRST, limit=1
            )
        )[0]
        given = [fields(n=n) for n in range(self.size)]
        dataset, first = await self.database.write(
            examples.create_dataset, OPERATOR, space.id, "measured", given
        )
        self.dataset, self.oldest = dataset.id, first.id
        page = await self.database.read(
            examples.list_page, OPERATOR, self.dataset, None, after=0, limit=self.size
        )
        self.ids = [example.id for example in page.examples]
        for number in range(VERSIONS):
            changes = {id: fields(n=f"in {number}") for id in self.ids[number * 40 :: 101]}
            await self.database.write(
                examples.update, OPERATOR, self.dataset, None, changes, f"version {number}"
            )

    async def _send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self._app),
            base_url="http://localhost",
            headers={"Authorization": f"Bearer {KEY}"},
        ) as http:
            return await http.request(method, f"/v2/datasets/{self.dataset}{path}", **kwargs)

    def cost(self, method: str, path: str, **kwargs: Any) -> Cost:
        """Return what the request costs, which must succeed."""
        self._meter.take()
        answer = asyncio.run(self._send(method, path, **kwargs))
        assert answer.is_success, answer.text
        return self._meter.take()

    def update(self, version: ResourceId | None = None, **members: str) -> Cost:
        """Update three examples that lie apart."""
        chosen = (self.ids[0], self.ids[self.size // 2], self.ids[-1])
        body = {"examples": [{"id": id, "n": "new"} for id in chosen], **members}
        where = {"dataset_version_id": str(version)} if version else {}
        return self.cost("PATCH", "/examples", json=body, params=where)

    def page(self, version: ResourceId | None, *, last: bool) -> Cost:
        """Read a page of 500, the first or the last."""
        where = {"limit": str(PAGE)} | ({"dataset_version_id": str(version)} if version else {})
        if last:
            where["cursor"] = self._cursor_before_last(version)
        return self.cost("GET", "/examples", params=where)

    def _cursor_before_last(self, version: ResourceId | None) -> str:
        async def details() -> versions.Details:
            return await self.database.read(versions.details, OPERATOR, self.dataset, version)

        at = asyncio.run(details()).id
        return str(ExamplesCursor(self.dataset.number, at, self.size - PAGE))


@pytest.fixture(scope="module", params=ENGINES)
def both(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_postgres_url: Callable[[], str],
) -> Iterator[tuple[Measured, Measured]]:
    """A small and a large dataset, each in a database of its own."""

    def measured(size: int) -> Measured:
        folder: Path = tmp_path_factory.mktemp("measured")
        engine = setup.open_engine(settings_for(request.param, folder, new_postgres_url))
        return Measured(engine, size)

    pair = measured(SMALL), measured(LARGE)
    yield pair
    for one in pair:
        one.database.close()


class Bound(NamedTuple):
    """A request, and the most that it may cost on either engine."""

    ask: Callable[[Measured], Cost]
    statements: int
    rows: int


WORK = {
    "update 3 in place": Bound(lambda m: m.update(), 20, 6),
    "update 3 of an old version in place": Bound(lambda m: m.update(m.oldest), 24, 6),
    "update 3 into a new version": Bound(lambda m: m.update(new_version="one more"), 21, 6),
    "insert 1": Bound(lambda m: m.cost("POST", "/examples", json={"examples": [{"n": 1}]}), 12, 3),
    # The key, the dataset, the version, and one example more, which tells of the next page; the
    # examples in two parts, of which the first tells how large they are.
    "first page of the latest": Bound(lambda m: m.page(None, last=False), 7, PAGE + 4),
    "last page of the latest": Bound(lambda m: m.page(None, last=True), 7, PAGE + 4),
    "first page of the oldest": Bound(lambda m: m.page(m.oldest, last=False), 7, PAGE + 4),
    "last page of the oldest": Bound(lambda m: m.page(m.oldest, last=True), 7, PAGE + 4),
}


@pytest.mark.parametrize("name", WORK)
def test_a_request_costs_the_same_at_any_size(both: tuple[Measured, Measured], name: str) -> None:
    ask, statements, rows = WORK[name]
    small, large = map(ask, both)
    assert small == large
    assert 0 < large.statements <= statements
    assert 0 < large.rows <= rows
