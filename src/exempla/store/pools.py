"""Threads that run transactions: pools of connections, and the one writer of SQLite.

SQLite's writer commits the writes that wait for it together, each in a savepoint of its own, so
that one sync of the disk serves them all. `groups.py` does so on PostgreSQL.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from prometheus_client import Histogram

from exempla import metrics
from exempla.errors import Unavailable
from exempla.store.engines import OUTCOME_UNKNOWN, UNAVAILABLE, Engine, Sqlite
from exempla.store.transaction import STOPPING, Transaction
from exempla.store.watch import Watch

A = TypeVar("A")
T = TypeVar("T")

COMMIT_TOGETHER = 64
"""At most so many waiting writes share one commit."""


def timed(waits: Histogram, job: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
    """Return the job, which tells how long it waited for its turn, if anyone can see that."""
    if not metrics.shown:
        return job
    asked = time.perf_counter()

    def run(tx: Transaction) -> T:
        waits.observe(time.perf_counter() - asked)
        return job(tx)

    return run


class Pool:
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
        self.waits = metrics.waits(name)
        self._stopping = threading.Event()

    def submit(self, job: Callable[[Transaction], T], *, alone: bool = False) -> Future[T]:
        """Run the job in a transaction; or, `alone`, in none: each of its statements by itself."""
        return self.start(self._run_alone if alone else self.run, timed(self.waits, job))

    def start(self, function: Callable[[A], T], argument: A) -> Future[T]:
        """Call the function in one of the threads, where it may `run` jobs."""
        try:
            return self._executor.submit(function, argument)
        except RuntimeError:  # it is shut down, or the system gives no more threads
            raise Unavailable(STOPPING if self._stopping.is_set() else UNAVAILABLE) from None

    def run(self, job: Callable[[Transaction], T]) -> T:
        """Run the job in a transaction, in this thread, which is one of the pool's."""
        with self._using():
            return self._run_whole(job)

    def waiting(self) -> int:
        """Return how many jobs wait for a thread."""
        return self._executor._work_queue.qsize()

    def close(self) -> None:
        """Finish the jobs that wait, and close the connections."""
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


class Writer:
    """The one thread that writes to SQLite; it commits waiting writes together."""

    def __init__(self, engine: Sqlite) -> None:
        self._engine = engine
        self._connection: Any = engine.connect_to_write()
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._waits = metrics.waits("writer")
        self._closing = threading.Lock()
        self._closed = False
        self._synced = True
        self._thread = threading.Thread(target=self._loop, name="exempla-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Transaction], T], *, synced: bool = True) -> Future[T]:
        """Run the job in a savepoint of a transaction, which is synced if any of its jobs is."""
        write = Write(timed(self._waits, job), synced)
        with self._closing:
            if self._closed:
                write.future.set_exception(Unavailable(STOPPING))
            else:
                self._queue.put(write)
        return write.future

    def waiting(self) -> int:
        """Return how many jobs wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Finish the jobs that wait, and close the connection."""
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
                answer(writes, partial(self._commit_together, writes))
            del waiting, writes  # they hold requests, which may be large, until the next ones come
        if self._connection is not None:
            self._connection.close()

    def _commit_together(self, writes: list[Write]) -> None:
        try:
            if self._connection is None:
                self._connection, self._synced = self._engine.connect_to_write(), True
            if (synced := any(write.synced for write in writes)) != self._synced:
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
                self._synced = synced
            self._engine.begin(self._connection)
            run_together(Transaction(self._connection, self._engine), writes)
            _commit(self._connection, self._engine)
        except BaseException:
            self._start_anew()
            raise

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


def answer(writes: Sequence[Write], commit: Callable[[], object]) -> None:
    """Commit the writes, and tell who waits for each what came of it."""
    failure: BaseException | None = None
    try:
        if metrics.shown:
            metrics.COMMITS.observe(len(writes))
        commit()
    except BaseException as error:
        failure = error
    for write in writes:
        write.answer(failure)


def run_together(tx: Transaction, writes: Sequence[Write]) -> None:
    """Do the writes in one transaction, each in a savepoint of its own; it is to be committed."""
    for number, write in enumerate(writes):
        with tx.unanswered():
            if number:
                tx.run("RELEASE SAVEPOINT this_write")
            tx.run("SAVEPOINT this_write")
        write.run(tx)


class Write:
    """A write that waits for others to commit with, and what came of it."""

    def __init__(self, job: Callable[[Transaction], Any], synced: bool = True) -> None:
        self.future: Future[Any] = Future()
        self.synced = synced
        self._job = job
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self, tx: Transaction) -> None:
        """Do the work after a savepoint; a failure of its own undoes no more than that.

        Raises when the whole transaction is lost with it, as on a full disk.
        """
        try:
            self._result = self._job(tx)
        except BaseException as error:
            self._error = error
            try:
                tx.run("ROLLBACK TO SAVEPOINT this_write")
            except tx.engine.Error as lost:
                raise (error if isinstance(error, tx.engine.Error) else lost) from None

    def run_alone(self, tx: Transaction) -> None:
        """Do the work in a transaction of its own; raises what the work does."""
        self._result = self._job(tx)

    def answer(self, failure: BaseException | None) -> None:
        """Tell who waits for it; `failure` is that of the whole transaction.

        Then a failure of the write's own does not count, since it may be due to a write before it
        that was undone.
        """
        if not self.future.set_running_or_notify_cancel():
            return  # no one waits any more
        if error := failure or self._error:
            self.future.set_exception(error)
        else:
            self.future.set_result(self._result)
