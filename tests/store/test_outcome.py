"""A commit that was not answered: the write may have been done, and that is what is said."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import psycopg
import pytest

from exempla.errors import Unavailable
from exempla.store import organizations
from exempla.store.access import OPERATOR
from exempla.store.engines import Sqlite
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction
from tests.store.conftest import Store

UNKNOWN = "may or may not have been done"


def add(tx: Transaction, name: str) -> None:
    organizations.create(tx, OPERATOR, name, "")


def names(tx: Transaction) -> set[str]:
    page = organizations.list_page(tx, OPERATOR, name="", before=FIRST, limit=1_000)
    return {organization.name for organization in page}


@contextmanager
def files_writable_again() -> Iterator[None]:
    """Put the limit on the size of files back at the end."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def end_the_connection(tx: Transaction, url: str) -> None:
    """Make the commit after this statement fail: the connection is lost, or no file can grow."""
    if isinstance(tx.engine, Sqlite):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
        return
    (pid,) = tx.exactly_one("SELECT pg_backend_pid()")
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def url_of(store: Store) -> str:
    url = store.database.engine.url
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_a_commit_that_was_not_answered(store: Store) -> None:
    def write(tx: Transaction) -> None:
        add(tx, "perhaps")
        end_the_connection(tx, url_of(store))

    with files_writable_again(), pytest.raises(Unavailable, match=UNKNOWN):
        store.write(write)
    store.write(add, "afterwards")
    assert "afterwards" in store.read(names)


def test_a_read_is_never_said_to_have_been_done(store: Store) -> None:
    def read(tx: Transaction) -> set[str]:
        found = names(tx)
        end_the_connection(tx, url_of(store))
        return found

    is_sqlite = isinstance(store.database.engine, Sqlite)  # it has nothing to write at the end
    refused = nullcontext() if is_sqlite else pytest.raises(Unavailable, match="cannot answer now")
    with files_writable_again(), refused:
        assert "Default" in store.read(read)
    assert "Default" in store.read(names)


def test_what_is_lost_before_the_commit_was_not_done(store: Store) -> None:
    def write(tx: Transaction) -> None:
        add(tx, "not done")
        if isinstance(tx.engine, Sqlite):
            tx.run("PRAGMA cache_spill = 1")  # so that what follows is written before the commit
            tx.run("PRAGMA cache_size = 10")
        end_the_connection(tx, url_of(store))
        for number in range(200):
            add(tx, f"not done {number} {'x' * 1_000}")

    with files_writable_again(), pytest.raises(Unavailable) as caught:
        store.write(write)
    assert UNKNOWN not in caught.value.detail
    store.write(lambda tx: tx.engine.name == "sqlite" and tx.run("PRAGMA cache_size = -16384"))
    store.write(add, "afterwards too")
    assert not [name for name in store.read(names) if name.startswith("not done")]
