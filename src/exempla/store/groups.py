"""Writes to one dataset that commit together, on PostgreSQL.

A write holds its dataset's row until its commit is on the disk, so one after the other each would
wait for the syncs of all before it. Those that wait for one dataset in this process therefore
share a transaction, each in a savepoint of its own, as all do in SQLite's writer. They lock
nothing but their dataset, so that no two groups, of whatever process, wait for each other.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import TypeVar

from exempla.errors import Unavailable
from exempla.store.pools import COMMIT_TOGETHER, Pool, Write, answer, run_together, timed
from exempla.store.transaction import Transaction

T = TypeVar("T")


class Groups:
    """Runs what waits for a dataset in one of the pool's threads, together."""

    def __init__(self, pool: Pool, lock: Callable[[Transaction, int], object]) -> None:
        """`lock` is what locks the dataset with a number, if there is one."""
        self._pool = pool
        self._lock_dataset = lock
        self._waiting: dict[int, deque[Write]] = {}
        """By dataset, of those that a thread works on."""
        self._lock = threading.Lock()

    def submit(self, dataset: int, job: Callable[[Transaction], T]) -> Future[T]:
        """Run the job, which locks this dataset and nothing else, in a transaction."""
        write = Write(timed(self._pool.waits, job))
        with self._lock:
            if dataset not in self._waiting:
                self._pool.start(self._work, dataset)
                self._waiting[dataset] = deque()
            self._waiting[dataset].append(write)
        return write.future

    def waiting(self) -> int:
        """Return how many jobs wait."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def _work(self, dataset: int) -> None:
        """Run what waits for the dataset, until nothing does, or others wait for the thread."""
        while writes := self._take(dataset):
            answer(writes, partial(self._pool.run, partial(self._run, dataset, writes)))
            del writes  # they hold requests, which may be large
            if self._pool.waiting():
                with suppress(Unavailable):  # the server stops: what waits is finished here
                    self._pool.start(self._work, dataset)
                    return

    def _take(self, dataset: int) -> list[Write]:
        with self._lock:
            waiting = self._waiting.get(dataset)
            if not waiting:
                self._waiting.pop(dataset, None)
                return []
            return [waiting.popleft() for _ in range(min(len(waiting), COMMIT_TOGETHER))]

    def _run(self, dataset: int, writes: list[Write], tx: Transaction) -> None:
        if len(writes) == 1:
            writes[0].run_alone(tx)  # which spares a savepoint: its failure is the transaction's
            return
        self._lock_dataset(tx, dataset)  # a write that is undone does not give it to others then
        run_together(tx, writes)
