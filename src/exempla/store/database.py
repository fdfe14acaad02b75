"""One owner for the database: its connections, its threads, its transactions.

`await database.read(function, ...)` and `await database.write(function, ...)` run a store
function with a `Transaction` as its first argument, in a thread, all or nothing. A write is on
disk before its call returns.

SQLite has one writer, a thread that commits the writes that wait for it together, each in a
savepoint of its own, so that one sync of the disk serves them all. PostgreSQL has as many
writers as it has connections; a write first locks its dataset's row.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from typing import Any, BinaryIO, Concatenate, ParamSpec, TypeVar

from prometheus_client import Histogram

from exempla import metrics
from exempla.errors import Unavailable
from exempla.store.engines import OUTCOME_UNKNOWN, Engine, Postgres, Sqlite
from exempla.store.watch import Watch

P = ParamSpec("P")
T = TypeVar("T")
Row = tuple[Any, ...]

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

STOPPING = "the server is stopping; try again later"

COMMIT_TOGETHER = 64
"""At most so many waiting writes share one commit on SQLite."""


class Transaction:
    """A running transaction. Statements have `:name` placeholders (see `engines.py`)."""

    def __init__(
        self, connection: Any, engine: Engine, stopping: threading.Event | None = None
    ) -> None:
        self.engine = engine
        self._connection = connection
        self._stopping = stopping
        self._cursor = connection.cursor()
        self._translate = engine.translate

    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """Stop a statement that takes longer; its error is `Unavailable` for the caller."""
        return self.engine.time_limit(self._connection, seconds)

    def check_running(self) -> None:
        """Raise `Unavailable` if the server is stopping: for work that may take long."""
        if self._stopping and self._stopping.is_set():
            raise Unavailable(STOPPING)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done in this block, and no more, if it raises."""
        self._cursor.execute("SAVEPOINT a_part")
        try:
            yield
        except BaseException:
            with suppress(self.engine.Error):  # it may be gone with the whole transaction
                self._cursor.execute("ROLLBACK TO SAVEPOINT a_part")
                self._cursor.execute("RELEASE SAVEPOINT a_part")
            raise
        self._cursor.execute("RELEASE SAVEPOINT a_part")

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Undo what is done in this block, and no more, whatever comes of it."""
        self._cursor.execute("SAVEPOINT a_trial")
        try:
            yield
        finally:
            with suppress(self.engine.Error):  # it may be gone with the whole transaction
                self._cursor.execute("ROLLBACK TO SAVEPOINT a_trial")
                self._cursor.execute("RELEASE SAVEPOINT a_trial")

    def all(self, statement: str, **values: object) -> list[Row]:
        """Return all rows of a query."""
        rows: list[Row] = self._cursor.execute(self._translate(statement), values).fetchall()
        return rows

    def each(self, statement: str, **values: object) -> Iterator[Row]:
        """Yield the rows of a query as they are found; some hundred are in memory at once."""
        with closing(self.engine.stream(self._connection)) as cursor:
            cursor.execute(self._translate(statement), values)
            yield from cursor

    def one(self, statement: str, **values: object) -> Row | None:
        """Return the first row of a query (or of a `RETURNING`), or None."""
        row: Row | None = self._cursor.execute(self._translate(statement), values).fetchone()
        return row

    def exactly_one(self, statement: str, **values: object) -> Row:
        """Return the row of a statement that always gives one."""
        row = self.one(statement, **values)
        if row is None:
            raise RuntimeError("the statement gave no row")
        return row

    def run(self, statement: str, **values: object) -> int:
        """Execute a statement and return the number of rows that it changed."""
        count: int = self._cursor.execute(self._translate(statement), values).rowcount
        return count

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add rows, each with the values of these columns, to a table."""
        self.engine.insert(self._cursor, table, columns, rows)

    def insert_texts(
        self,
        table: str,
        columns: Sequence[str],
        rows: Iterable[Row],
        sizes: Sequence[int],
        texts: bytes,
    ) -> None:
        """Add rows whose last column is a text.

        The texts are given apart, one behind the other in UTF-8, with the bytes that each has.
        """
        self.engine.insert_texts(self._cursor, table, columns, rows, sizes, texts)

    def run_many(self, statement: str, rows: Sequence[dict[str, object]]) -> None:
        """Execute a statement once for each row of values."""
        if rows:
            self._cursor.executemany(self._translate(statement), rows)


def _timed(waits: Histogram, job: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    """Return the job, which tells how long it waited for its turn, if anyone can see that."""
    if not metrics.shown:
        return job
    asked = time.perf_counter()

    def run(tx: Transaction) -> T:
        waits.observe(time.perf_counter() - asked)
        return job(tx)

    return run


class _Pool:
    """Threads with a connection each, which run one transaction at a time."""

    def __init__(
        self, engine: Engine, watch: Watch | None, threads: int, begin: str, name: str
    ) -> None:
        self._engine = engine
        self._watch = watch
        self._begin = begin
        self._local = threading.local()
        self._connections: set[Any] = set()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"exempla-{name}")
        self._waits = metrics.waits(name)
        self._stopping = threading.Event()

    def submit(self, job: Callable[[Transaction], T], *, alone: bool = False) -> Future[T]:
        """Run the job in a transaction; or, `alone`, in none: each of its statements by itself."""
        try:
            run = self._run_alone if alone else self._run
            return self._executor.submit(run, _timed(self._waits, job))
        except RuntimeError:  # it is shut down
            raise Unavailable(STOPPING) from None

    def waiting(self) -> int:
        return self._executor._work_queue.qsize()

    def close(self) -> None:
        self._stopping.set()
        self._executor.shutdown()
        for connection in self._connections:
            connection.close()

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Let no one wait in this block for a PostgreSQL that hangs."""
        try:
            yield
        finally:
            if self._watch and (connection := getattr(self._local, "connection", None)):
                self._watch.end(connection)

    def _connection(self) -> Any:
        """Return this thread's connection, which may be used while `_using`."""
        if self._watch:
            self._watch.check()
        connection = getattr(self._local, "connection", None)
        if connection is not None and self._engine.is_lost(connection):
            self._forget(connection)
            connection = None
        if connection is None:
            connection = self._local.connection = self._engine.connect()
            self._connections.add(connection)
        if self._watch:
            self._watch.begin(connection)
        return connection

    def _forget(self, connection: Any) -> None:
        self._local.connection = None
        self._connections.discard(connection)
        if self._watch:
            self._watch.end(connection)

    def _begun(self) -> Any:
        """Return this thread's connection with a transaction begun on it.

        A server that was restarted has ended the connections: nothing was done on this one, so
        another is as good.
        """
        connection = self._connection()
        try:
            connection.execute(self._begin)
        except self._engine.Error:
            if not self._engine.is_lost(connection):
                raise
            connection = self._connection()
            connection.execute(self._begin)
        return connection

    def _run(self, job: Callable[[Transaction], T]) -> T:
        with self._using():
            return self._run_whole(job)

    def _run_whole(self, job: Callable[[Transaction], T]) -> T:
        connection = self._begun()
        try:
            result = job(Transaction(connection, self._engine, self._stopping))
            if self._begin == self._engine.begin_read:
                connection.execute("COMMIT")
            else:
                _commit(connection, self._engine)
        except BaseException:
            self._undo(connection)
            raise
        return result

    def _run_alone(self, job: Callable[[Transaction], T]) -> T:
        with self._using():
            connection = self._connection()
            try:
                return job(Transaction(connection, self._engine))
            except self._engine.Error:
                if not self._engine.is_lost(connection):
                    raise
                return job(Transaction(self._connection(), self._engine))

    def _undo(self, connection: Any) -> None:
        """Roll back; a connection that cannot is of no more use."""
        if self._engine.is_lost(connection):
            return
        try:
            connection.rollback()
        except self._engine.Error:
            self._forget(connection)
            with suppress(self._engine.Error):
                connection.close()


def _commit(connection: Any, engine: Engine) -> None:
    """Commit a write, or raise `Unavailable` if no one can tell whether that was done."""
    try:
        connection.execute("COMMIT")
    except engine.Error as error:
        if engine.may_be_done(connection, error):
            raise Unavailable(OUTCOME_UNKNOWN) from error
        raise


class _Writer:
    """The one thread that writes to SQLite; it commits waiting writes together."""

    def __init__(self, engine: Sqlite) -> None:
        self._engine = engine
        self._connection: Any = engine.connect_to_write()
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._waits = metrics.waits("writer")
        self._closing = threading.Lock()
        self._closed = False
        self._synced = True
        self._thread = threading.Thread(target=self._loop, name="exempla-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Transaction], T], *, synced: bool = True) -> Future[T]:
        write = _Write(_timed(self._waits, job), synced)
        with self._closing:
            if self._closed:
                write.future.set_exception(Unavailable(STOPPING))
            else:
                self._queue.put(write)
        return write.future

    def waiting(self) -> int:
        return self._queue.qsize()

    def close(self) -> None:
        with self._closing:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        running = True
        while running:
            waiting = [self._queue.get()]
            while len(waiting) < COMMIT_TOGETHER and not self._queue.empty():
                waiting.append(self._queue.get())
            running = None not in waiting
            if writes := [write for write in waiting if write]:
                if metrics.shown:
                    metrics.COMMITS.observe(len(writes))
                self._commit_together(writes)
            del waiting, writes  # they hold requests, which may be large, until the next ones come
        if self._connection is not None:
            self._connection.close()

    def _commit_together(self, writes: list[_Write]) -> None:
        try:
            if self._connection is None:
                self._connection, self._synced = self._engine.connect_to_write(), True
            if (synced := any(write.synced for write in writes)) != self._synced:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
                self._synced = synced
            self._engine.begin(self._connection)
            for write in writes:
                write.run(self._connection, self._engine)
            _commit(self._connection, self._engine)
        except BaseException as error:
            for write in writes:
                write.error = write.error or error
            self._start_anew()
        for write in writes:
            write.answer()

    def _start_anew(self) -> None:
        """Undo what was begun; leave a connection that cannot, for another."""
        if self._connection is None:
            return
        try:
            if self._connection.in_transaction:
                self._connection.rollback()
        except self._engine.Error:
            with suppress(self._engine.Error):
                self._connection.close()
            self._connection = None


class _Write:
    """A write that waits for the writer, and what came of it."""

    def __init__(self, job: Callable[[Transaction], Any], synced: bool) -> None:
        self.future: Future[Any] = Future()
        self.synced = synced
        self.error: BaseException | None = None
        self._job = job
        self._result: Any = None

    def run(self, connection: Any, engine: Engine) -> None:
        """Do the work in a savepoint; a failure of its own undoes no other write.

        Raises when the database gave up the whole transaction, as it does on a full disk.
        """
        connection.execute("SAVEPOINT this_write")
        try:
            self._result = self._job(Transaction(connection, engine))
        except BaseException as error:
            self.error = error
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO this_write")
        connection.execute("RELEASE this_write")

    def answer(self) -> None:
        if self.error:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self._result)


class Database:
    """The database of a running server: opened once, closed once, used by all requests."""

    def __init__(self, engine: Engine, lock: BinaryIO | None = None) -> None:
        """Open the database; `lock` is what is held of its folder until it is closed."""
        self.engine = engine
        self._lock = lock
        self._watch = Watch(engine) if isinstance(engine, Postgres) else None
        self._readers = _Pool(engine, self._watch, READERS, engine.begin_read, "reader")
        self._searchers = _Pool(engine, self._watch, SEARCHERS, engine.begin_read, "searcher")
        self._bulk_readers = _Pool(engine, self._watch, BULK_READERS, engine.begin_read, "bulk")
        self._digesters = _Pool(engine, self._watch, DIGESTERS, engine.begin_read, "digester")
        self._writer: _Writer | _Pool = (
            _Writer(engine)
            if isinstance(engine, Sqlite)
            else _Pool(engine, self._watch, WRITERS, engine.begin_write, "writer")
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
        if isinstance(self._writer, _Writer):
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
        pools: dict[str, _Pool | _Writer] = {
            "reader": self._readers,
            "searcher": self._searchers,
            "bulk": self._bulk_readers,
            "digester": self._digesters,
            "writer": self._writer,
        }
        return {name: pool.waiting() for name, pool in pools.items()}

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
