"""W2 and W7: whole datasets in and whole versions out, over Arrow Flight, beside the floor.

How much memory the server needed for it, too: its peak over what it had before the first stream.
"""

from __future__ import annotations

import json
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
from pyarrow import flight

from benchmarks.data import bodies
from benchmarks.report import Bulk
from benchmarks.rig import Rig
from benchmarks.server import KEY
from benchmarks.timing import quiet, timed, times_moved

BATCH_ROWS = 100_000
"""Rows of a record batch, as the SDK sends them."""

LOAD_BOUND = 0.5
"""W2 must reach this part of the floor's speed."""

READ_BOUND = 100_000
"""Rows that W7 must read in a second."""


def measure_bulk(rig: Rig, total: int) -> Iterator[Bulk]:
    """Time W2 and W7 with `total` examples, a few times in turn with the floor."""
    texts = bodies(0, total)
    ids = [f"{number:036d}" for number in range(total)]
    table = _table(ids, texts)
    options = flight.FlightCallOptions(headers=[(b"auth-token-bin", KEY.encode())])
    memory = Memory(rig.served.pid)
    loads, floor_loads, reads, floor_reads = [], [], [], []
    loading = reading = 0.0
    with flight.FlightClient(f"grpc://127.0.0.1:{rig.served.flight_port}") as client, quiet():
        for number in range(times_moved(total)):
            name = f"bulk-{number}"
            place = 10_000 + number
            floor_loads.append(timed(partial(rig.floor.load, place, 1, ids, texts))[0])
            with memory.peak() as peak:
                seconds, dataset = timed(partial(_create, client, options, rig, name, table))
            loads.append(seconds)
            loading = max(loading, peak.mebibytes)
            floor_reads.append(timed(partial(read_floor, rig, place, total))[0])
            with memory.peak() as peak:
                seconds, rows = timed(partial(_read, client, options, dataset))
            if rows != total:
                raise RuntimeError(f"{rows} of {total} rows were read")
            reads.append(seconds)
            reading = max(reading, peak.mebibytes)
    load, floor = (round(total / statistics.median(spent)) for spent in (loads, floor_loads))
    held = load >= LOAD_BOUND * floor
    yield Bulk("W2 create over Flight", total, floor, load, "half the floor", held, round(loading))
    read, floor = (round(total / statistics.median(spent)) for spent in (reads, floor_reads))
    held = read >= READ_BOUND
    yield Bulk("W7 read over Flight", total, floor, read, f"{READ_BOUND:,}", held, round(reading))


def _table(ids: list[str], texts: list[str]) -> pa.Table:
    """Return the examples as the SDK would send them, nested values as Arrow has them."""
    fields = pa.Table.from_pylist([json.loads(text) for text in texts])
    table = fields.append_column("id", pa.array(ids))
    for name in ("created_at", "updated_at"):
        table = table.append_column(name, pa.array([1_700_000_000_000] * len(ids), pa.int64()))
    return table.combine_chunks()


def _create(
    client: flight.FlightClient,
    options: flight.FlightCallOptions,
    rig: Rig,
    name: str,
    table: pa.Table,
) -> str:
    command = {"createDataset": {"spaceId": rig.space, "datasetName": name}}
    descriptor = flight.FlightDescriptor.for_command(json.dumps(command))
    writer, answers = client.do_put(descriptor, table.schema, options)
    with writer:
        writer.write_table(table, BATCH_ROWS)
        writer.done_writing()
        return str(answers.read().to_pybytes()[2:].decode())


def _read(client: flight.FlightClient, options: flight.FlightCallOptions, dataset: str) -> int:
    ticket = flight.Ticket(json.dumps({"getDataset": {"datasetId": dataset}}))
    return sum(chunk.data.num_rows for chunk in client.do_get(ticket, options))


def read_floor(rig: Rig, dataset: int, total: int) -> int:
    """Read all rows of the bare database, by pages."""
    return sum(
        len(list(rig.floor.rows(dataset, after, version=None))) for after in range(0, total, 500)
    )


@dataclass
class Peak:
    """The most memory that was seen, over the idle server's."""

    mebibytes: float = 0.0


@dataclass
class Memory:
    """Watches the memory of a process (on Linux; elsewhere it sees none)."""

    pid: int
    idle: float = field(init=False)

    def __post_init__(self) -> None:
        self.idle = self._resident()

    @contextmanager
    def peak(self) -> Iterator[Peak]:
        """Give the peak of what happens in the block."""
        peak, over = Peak(), threading.Event()

        def watch() -> None:
            while not over.wait(0.01):
                peak.mebibytes = max(peak.mebibytes, self._resident() - self.idle)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield peak
        finally:
            over.set()
            watcher.join()

    def _resident(self) -> float:
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return 0.0
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024
