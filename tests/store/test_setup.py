"""The schema and its migrations, on each engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import StaticPool, create_engine

from exempla.ids import ResourceId
from exempla.store import datasets, history, keys, migrations, schemas, setup, verify, versions
from exempla.store.access import OPERATOR
from exempla.store.database import Database
from exempla.store.listing import FIRST
from exempla.store.tables import metadata
from tests.conftest import ENGINES
from tests.store.conftest import Store, settings_for


def test_the_migrations_make_the_schema_of_the_tables(store: Store) -> None:
    connection: Any = store.database.engine.connect()
    engine = create_engine(
        store.database.engine.url, creator=lambda: connection, poolclass=StaticPool
    )
    with engine.connect() as adopted:
        assert compare_metadata(MigrationContext.configure(adopted), metadata) == []
    connection.close()


def test_head_is_the_newest_migration() -> None:
    scripts = ScriptDirectory(migrations.__path__[0])
    assert [s.revision for s in scripts.walk_revisions()] == list(reversed(migrations.KNOWN))


def test_opening_again_changes_nothing(store: Store) -> None:
    assert store.read(setup.is_current, store.database.engine)
    database, secret = setup.open_database(store.database.engine, "another-bootstrap-key-0")
    assert secret is None
    database.close()
    count = store.read(lambda tx: tx.one("SELECT COUNT(*) FROM users"))
    assert count == (1,)


FIRST_SCHEMA_ROWS = [
    "INSERT INTO organizations VALUES (1, 'suffix', 'Default', 'default', '', 1)",
    "INSERT INTO spaces VALUES (1, 'suffix', 1, 'Default', 'default', '', 1)",
    "INSERT INTO users VALUES (1, 'suffix', 'Admin', 'admin@localhost', 1)",
    "INSERT INTO api_keys VALUES (1, 'suffix', 1, 'admin', '', '{hash}', 1, NULL, NULL)",
]


MakeOlder = Callable[[str, Sequence[str]], Database]


@pytest.fixture(params=ENGINES)
def make_older(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    new_postgres_url: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[MakeOlder]:
    """Give a function that opens a database which an older schema with these rows was in."""
    engine = setup.open_engine(settings_for(request.param, tmp_path, new_postgres_url))
    opened: list[Database] = []

    def begin(connection: Any) -> None:
        connection.execute(engine.begin_write)

    def make(revision: str, rows: Sequence[str]) -> Database:
        with monkeypatch.context() as patched:
            patched.setattr(migrations, "HEAD", revision)
            migrations.upgrade(engine, begin)
        connection: Any = engine.connect()
        for row in rows:
            connection.execute(row)
        connection.close()
        database, made = setup.open_database(engine)
        assert made is None
        opened.append(database)
        return database

    yield make
    for database in opened:
        database.close()


def test_a_database_of_the_first_schema_is_brought_up_to_date(make_older: MakeOlder) -> None:
    hashed = keys.secret_hash("a-key-of-the-first-schema")
    database = make_older("0001", [row.format(hash=hashed) for row in FIRST_SCHEMA_ROWS])
    principal = asyncio.run(database.read(keys.authenticate, hashed))
    assert principal is not None
    assert principal.permit.is_administrator
    (key,) = asyncio.run(database.read(keys.list_all))
    assert (key.key_type, key.created_by, key.user_id) == ("USER", key.user_id, key.created_by)


SECOND_SCHEMA_ROWS = [
    *FIRST_SCHEMA_ROWS[:2],
    "INSERT INTO users VALUES (1, 'suffix', 'Admin', 'admin@localhost', 1, 1)",
    "INSERT INTO datasets VALUES (7, 'suffix', 1, 'old', 'old', 10, 90, 3, 4, 40)",
    "INSERT INTO versions VALUES (7, 1, 'first', 'v1', NULL, 3, 10, 30)",
    "INSERT INTO versions VALUES (7, 2, 'second', 'v2', 1, 4, 35, 40)",
    "INSERT INTO versions VALUES (7, 3, 'third', 'v3', 1, 3, 90, 90)",
    *[
        f"INSERT INTO examples VALUES (7, {ordinal}, 'example-{ordinal}', {created_at})"
        for ordinal, created_at in enumerate((20, 25, 30, 40), 1)
    ],
    # The first is in all versions, the second was taken out of v1, the third is changed in v2,
    # the fourth was added to v2 alone.
    """INSERT INTO revisions VALUES (7, 1, 1, 2147483647, 20, '{"n":1}')""",
    """INSERT INTO revisions VALUES (7, 2, 2, 3, 25, '{"n":2}')""",
    """INSERT INTO revisions VALUES (7, 3, 1, 2, 30, '{"n":3}')""",
    """INSERT INTO revisions VALUES (7, 3, 2, 3, 36, '{"n":33}')""",
    """INSERT INTO revisions VALUES (7, 3, 3, 2147483647, 90, '{"n":3}')""",
    """INSERT INTO revisions VALUES (7, 4, 2, 3, 40, '{"n":4}')""",
]
OLD_DATASET = ResourceId("Dataset", 7, "suffix")


def test_the_data_of_the_second_schema_is_brought_up_to_date(make_older: MakeOlder) -> None:
    database = make_older("0002", SECOND_SCHEMA_ROWS)
    found = asyncio.run(
        database.read(versions.list_page, OPERATOR, OLD_DATASET, before=FIRST, limit=9)
    )
    assert [(v.version.name, v.version.example_count) for v in found] == [
        ("v3", 2),
        ("v2", 4),
        ("v1", 2),
    ]
    assert all(not v.version.locked and v.created_by is None for v in found)
    log = asyncio.run(database.read(history.log, OPERATOR, OLD_DATASET, before=FIRST, limit=9))
    assert [(w.kind, w.at, w.version_id and w.version_id.number, w.example_count) for w in log] == [
        ("branched", 90, 3, 0),
        ("inserted", 40, 2, 1),
        ("branched", 35, 2, 0),
        ("inserted", 30, 1, 1),
        ("inserted", 25, 2, 1),
        ("created", 20, 1, 1),
    ]
    for id, version in (("example-3", 1), ("example-4", 2)):
        events, _ = asyncio.run(
            database.read(
                history.page,
                OPERATOR,
                OLD_DATASET,
                id,
                before=FIRST,
                limit=9,
                until=time.monotonic() + 60,
            )
        )
        (created,) = [event for event in events if event.kind == "created"]
        assert created.by is None
        assert created.version_id
        assert created.version_id.number == version
    checked = asyncio.run(
        database.read(lambda tx: verify.check(tx, datasets.get(tx, OPERATOR, OLD_DATASET)))
    )
    assert [one.faults for one in checked] == [[], [], []]
    assert [v.parent_id and v.parent_id.number for v in found] == [1, 1, None]
    assert asyncio.run(database.read(schemas.get, OPERATOR, OLD_DATASET)).schema is None
    asyncio.run(database.write(schemas.put, OPERATOR, OLD_DATASET, {}))
    assert asyncio.run(database.read(schemas.get, OPERATOR, OLD_DATASET)).schema == "{}"
