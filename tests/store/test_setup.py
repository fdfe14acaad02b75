"""The schema and its migrations, on each engine."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import StaticPool, create_engine

from exempla.store import migrations, setup
from exempla.store.tables import metadata
from tests.store.conftest import Store


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
