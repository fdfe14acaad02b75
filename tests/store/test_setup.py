"""The schema and its migrations, on each engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import StaticPool, create_engine

from exempla.store import keys, migrations, setup
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


@pytest.mark.parametrize("engine_name", ENGINES)
def test_a_database_of_the_first_schema_is_brought_up_to_date(
    engine_name: str,
    tmp_path: Path,
    new_postgres_url: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = setup.open_engine(settings_for(engine_name, tmp_path, new_postgres_url))
    secret = "a-key-of-the-first-schema"

    def begin(connection: Any) -> None:
        connection.execute(engine.begin_write)

    with monkeypatch.context() as patched:
        patched.setattr(migrations, "HEAD", "0001")
        migrations.upgrade(engine, begin)
    connection: Any = engine.connect()
    for row in FIRST_SCHEMA_ROWS:
        connection.execute(row.format(hash=keys.secret_hash(secret)))
    connection.close()

    database, made = setup.open_database(engine)
    assert made is None
    principal = asyncio.run(database.read(keys.authenticate, keys.secret_hash(secret)))
    assert principal is not None
    assert principal.permit.is_administrator
    (key,) = asyncio.run(database.read(keys.list_all))
    assert (key.key_type, key.created_by, key.user_id) == ("USER", key.user_id, key.created_by)
    database.close()
