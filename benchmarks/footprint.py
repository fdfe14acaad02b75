"""W8: how soon a server answers, how much memory it takes idle, how much disk the data takes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks.bulk import Memory
from benchmarks.data import BATCH, bodies
from benchmarks.report import Footprint
from benchmarks.rig import Loaded, Rig
from benchmarks.server import Client, Served
from benchmarks.timing import quiet, timed

STARTS = 3
START_BOUND_S, MEMORY_BOUND_MIB, DISK_BOUND = 1.5, 120, 1.5
REST_S = 2
"""How long an idle server is left alone before its memory is looked at."""


def measure_footprint(rig: Rig, loaded: Loaded, created: int) -> Footprint:
    """End the rig's server and start it anew, a few times.

    Beside those of `loaded` the database holds so many examples.
    """
    sample = bodies(0, BATCH)
    raw = sum(map(len, sample)) / BATCH * (len(loaded.ids) + created)
    disk = _database_size(rig.database)
    rig.served.close()
    starts, floors, idle = [], [], 0.0
    with quiet():
        for _ in range(STARTS):
            floors.append(timed(lambda: subprocess.run([sys.executable, "-c", ""], check=True))[0])
            seconds, served = timed(lambda: _answering(rig.served.again))
            starts.append(seconds)
            with closing(served):
                time.sleep(REST_S)
                idle = max(idle, Memory(served.pid).idle)
    start = statistics.median(starts)
    held = start <= START_BOUND_S and idle <= MEMORY_BOUND_MIB and disk / raw <= DISK_BOUND
    return Footprint(
        start_s=round(start, 2),
        floor_start_s=round(statistics.median(floors), 2),
        idle_mib=round(idle),
        disk_mib=round(disk / 2**20),
        disk_over_raw=round(disk / raw, 2),
        held=held,
    )


def _answering(start: Callable[[], Served]) -> Served:
    """Start a server and wait for its first answer."""
    served = start()
    with closing(Client(served.port)) as client:
        client.default_space()
    return served


def _database_size(database: str) -> int:
    """Return the bytes of a database: the path of its SQLite file, or its URL."""
    if "://" not in database:
        folder = Path(database).parent
        return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return int(row[0])
