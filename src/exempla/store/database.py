"""One owner for the database: its connections, its threads, its transactions.

`await database.read(function, ...)` and `await database.write(function, ...)` run a store
function with a `Transaction` as its first argument, in a thread, all or nothing. A write is on
disk before its call returns.

SQLite has one writer (see `pools.py`). PostgreSQL has as many as it has connections; a write
first locks its dataset's row; those by `write_to_dataset` commit together (see `groups.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Concatenate, ParamSpec, TypeVar

from exempla.ids import ResourceId
from exempla.store import datasets
from exempla.store.access import Permit
from exempla.store.engines import Engine, Postgres, Sqlite
from exempla.store.groups import Groups
from exempla.store.pools import Pool, Writer
from exempla.store.transaction import Transaction
from exempla.store.watch import Watch

P = ParamSpec("P")
T = TypeVar("T")

READERS = 4
"""Threads (and connections) that read."""

SEARCHERS = 2
"""Threads (and connections) that search, which may take long: the readers stay free."""

BULK_READERS = 2
"""Threads (and connections) that read whole versions."""

DIGESTERS = 2
"""Threads (and connections) that compute digests, however long it takes."""

WRITERS = 8
"""Threads (and connections) that write, on PostgreSQL."""


class Database:
    """The database of a running server: opened once, closed once, used by all requests."""

    def __init__(self, engine: Engine, lock: BinaryIO | None = None) -> None:
        """Open the database; `lock` is what is held of its folder until it is closed."""
        self.engine = engine
        self._lock = lock
        self._watch = Watch(engine) if isinstance(engine, Postgres) else None
        self._readers = Pool(engine, self._watch, READERS, engine.begin_read, "reader")
        self._searchers = Pool(engine, self._watch, SEARCHERS, engine.begin_read, "searcher")
        self._bulk_readers = Pool(engine, self._watch, BULK_READERS, engine.begin_read, "bulk")
        self._digesters = Pool(engine, self._watch, DIGESTERS, engine.begin_read, "digester")
        self._writer: Writer | Pool = (
            Writer(engine)
            if isinstance(engine, Sqlite)
            else Pool(engine, self._watch, WRITERS, engine.begin_write, "writer")
        )
        self._groups = (
            Groups(self._writer, datasets.hold) if isinstance(self._writer, Pool) else None
        )
        self._here: Any = engine.connect_to_look() if isinstance(engine, Sqlite) else None
        self._closed = False

    async def look_up(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that finds a few rows by a key; no transaction is around it.

        On SQLite in this very thread, where it takes some 20 microseconds, less than the way to
        another one; if it would have to wait, and on PostgreSQL, in a reader's.
        """
        if self._here:
            with suppress(self.engine.Error):
                return function(Transaction(self._here, self.engine), *args, **kwargs)
        job = self._readers.submit(lambda tx: function(tx, *args, **kwargs), alone=True)
        return await self._result(job)

    async def read(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that reads; all it reads is of one moment."""
        return await self._result(self._readers.submit(lambda tx: function(tx, *args, **kwargs)))

    async def search(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that reads for long."""
        return await self._result(self._searchers.submit(lambda tx: function(tx, *args, **kwargs)))

    async def read_whole(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that reads very much."""
        return await self._result(
            self._bulk_readers.submit(lambda tx: function(tx, *args, **kwargs))
        )

    async def digest(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that computes a digest."""
        return await self._result(self._digesters.submit(lambda tx: function(tx, *args, **kwargs)))

    async def write(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that writes; what it wrote is durable when this returns.

        A write whose caller stops waiting is still done.
        """
        return await self._result(self._writer.submit(lambda tx: function(tx, *args, **kwargs)))

    async def write_to_dataset(
        self,
        function: Callable[Concatenate[Transaction, Permit, ResourceId, P], T],
        permit: Permit,
        dataset: ResourceId,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """As `write`, for a function that locks this dataset and nothing else.

        Those that wait for the same dataset are committed together.
        """

        def job(tx: Transaction) -> T:
            return function(tx, permit, dataset, *args, **kwargs)

        if self._groups is None:
            return await self._result(self._writer.submit(job))
        return await self._result(self._groups.submit(dataset.number, job))

    def read_bulk(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `read_whole`, for a thread of the caller's own, which waits."""
        return self._wait(self._bulk_readers.submit(lambda tx: function(tx, *args, **kwargs)))

    def read_now(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `read`, for a thread of the caller's own, which waits."""
        return self._wait(self._readers.submit(lambda tx: function(tx, *args, **kwargs)))

    def write_now(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `write`, for a thread of the caller's own, which waits."""
        return self._wait(self._writer.submit(lambda tx: function(tx, *args, **kwargs)))

    def write_unsynced(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `write_now`, but a crash may undo it until a later write of another kind is done.

        That one's sync of the log makes all durable that was written before.
        """
        if isinstance(self._writer, Writer):
            return self._wait(
                self._writer.submit(lambda tx: function(tx, *args, **kwargs), synced=False)
            )

        def unsynced(tx: Transaction) -> T:
            tx.run("SET LOCAL synchronous_commit = off")
            return function(tx, *args, **kwargs)

        return self._wait(self._writer.submit(unsynced))

    async def _result(self, future: Future[T]) -> T:
        with self._problems():
            return await asyncio.shield(asyncio.wrap_future(future))

    def _wait(self, future: Future[T]) -> T:
        with self._problems():
            return future.result()

    @contextmanager
    def _problems(self) -> Iterator[None]:
        """Raise what may pass of the database's errors as a problem."""
        try:
            yield
        except self.engine.Error as error:
            if problem := self.engine.problem(error):
                raise problem from error
            raise

    def waiting(self) -> dict[str, int]:
        """Return how much work waits for a connection, by what it is for."""
        pools: dict[str, Pool | Writer] = {
            "reader": self._readers,
            "searcher": self._searchers,
            "bulk": self._bulk_readers,
            "digester": self._digesters,
            "writer": self._writer,
        }
        counts = {name: pool.waiting() for name, pool in pools.items()}
        if self._groups:
            counts["writer"] += self._groups.waiting()
        return counts

    def close(self) -> None:
        """Finish the writes that wait, and close all connections."""
        if not self._closed:
            self._closed = True
            self._writer.close()
            self._bulk_readers.close()
            self._digesters.close()
            self._searchers.close()
            self._readers.close()
            if self._watch:
                self._watch.close()
            if self._here:
                self._here.close()
            if self._lock:
                self._lock.close()
