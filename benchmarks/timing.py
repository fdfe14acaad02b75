"""The clock: what is timed runs undisturbed, the floor and the server in turn."""

from __future__ import annotations

import fcntl
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.server import Client

LOCK = Path(os.environ.get("BENCH_LOCK", "/tmp/bench.lock"))
"""Held, as flock(1) does, while anything is timed: keeps out other benchmarks that take it."""

EMPTY_REQUESTS = 200

MINUTES = 1_000_000
"""Examples that take a minute to move: that is done once, not three times."""

T = TypeVar("T")


@contextmanager
def quiet() -> Iterator[None]:
    """Hold the machine's benchmark lock, and keep Python's garbage collector away."""
    with LOCK.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gc.collect()
        gc.disable()
        try:
            yield
        finally:
            gc.enable()


def times_moved(total: int) -> int:
    """Return how often a whole dataset of this size is loaded and read."""
    return 3 if total < MINUTES else 1


def timed(action: Callable[[], T]) -> tuple[float, T]:
    """Run the action and return the seconds it took, and its result."""
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


@dataclass
class Times:
    """Seconds, one entry for each time that the work was done."""

    raw: list[float] = field(default_factory=list)
    empty: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)

    def __add__(self, other: Times) -> Times:
        """Add the work of both, time by time."""
        return Times(
            [a + b for a, b in zip(self.raw, other.raw, strict=True)],
            self.empty + other.empty,
            [a + b for a, b in zip(self.server, other.server, strict=True)],
        )


@dataclass
class Lane:
    """The same work for the floor and for the server, done once for each pair of actions."""

    client: Client
    floor: Sequence[Callable[[], object]]
    server: Sequence[Callable[[], bytes | int]]
    times: Times = field(default_factory=Times)
    answers: list[bytes | int] = field(default_factory=list)


def run(*lanes: Lane, warm_up: int = 1) -> None:
    """Do the work of the lanes in turn: floor and server of each lane, then the next pairs.

    The first `warm_up` pairs of each are not counted.
    """
    with quiet():
        for lane in lanes:
            lane.client.wake()
            lane.times.empty = [timed(lane.client.empty)[0] for _ in range(EMPTY_REQUESTS)]
        for turn in range(len(lanes[0].floor)):
            for lane in lanes:
                _take_turn(lane, turn)
    for lane in lanes:
        del lane.times.raw[:warm_up], lane.times.server[:warm_up]


def _take_turn(lane: Lane, turn: int) -> None:
    lane.times.raw.append(timed(lane.floor[turn])[0])
    lane.client.wake()
    spent, answer = timed(lane.server[turn])
    lane.times.server.append(spent)
    lane.answers.append(answer)
