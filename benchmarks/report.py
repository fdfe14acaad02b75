"""The results: their ratios and bounds, the tables, the JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.timing import Times

GROWTH_BOUND = 1.5
"""How much longer W3 may take at the largest size than at the smallest."""


@dataclass(frozen=True)
class Result:
    """One kind of work, in milliseconds, beside its floor."""

    work: str
    times: int
    """How often it was done."""
    floor_ms: float
    """The raw database's median, plus the empty request's median for each request."""
    empty_ms: float
    requests: int
    exempla_ms: float
    p95_ms: float
    ratio: float
    bound: float | None
    held: bool | None

    @classmethod
    def of(cls, work: str, times: Times, bound: float | None, requests: int = 1) -> Result:
        """Judge the times of a work that takes so many requests."""
        empty = statistics.median(times.empty)
        floor = statistics.median(times.raw) + requests * empty
        server = statistics.median(times.server)
        ratio = server / floor
        return cls(
            work=work,
            times=len(times.server),
            floor_ms=_ms(floor),
            empty_ms=_ms(empty),
            requests=requests,
            exempla_ms=_ms(server),
            p95_ms=_ms(_p95(times.server)),
            ratio=round(ratio, 2),
            bound=bound,
            held=None if bound is None else ratio <= bound,
        )


@dataclass(frozen=True)
class Growth:
    """One kind of work at growing sizes, each beside its floor."""

    work: str
    sizes: list[int]
    exempla_ms: list[float]
    floor_ms: list[float]
    ratio: float
    """The time at the largest size over the time at the smallest."""
    floor_ratio: float
    bound: float
    held: bool

    @classmethod
    def of(cls, work: str, sizes: Sequence[int], results: Sequence[Result]) -> Growth:
        """Judge the results of the same work at growing sizes."""
        server = [result.exempla_ms for result in results]
        floor = [result.floor_ms for result in results]
        ratio = server[-1] / server[0]
        return cls(
            work=work,
            sizes=list(sizes),
            exempla_ms=server,
            floor_ms=floor,
            ratio=round(ratio, 2),
            floor_ratio=round(floor[-1] / floor[0], 2),
            bound=GROWTH_BOUND,
            held=ratio <= GROWTH_BOUND,
        )


@dataclass(frozen=True)
class Load:
    """How fast one load went; not judged."""

    examples: int
    exempla_rows_per_s: int
    floor_rows_per_s: int

    @classmethod
    def of(cls, examples: int, server_s: float, floor_s: float) -> Load:
        """Return the speed of a load that took so many seconds."""
        return cls(examples, round(examples / server_s), round(examples / floor_s))


@dataclass(frozen=True)
class Contention:
    """What came of the load test; times are in milliseconds."""

    clients: int
    workers: int
    """Processes of the server."""
    seconds: int
    updates_per_s: int
    floor_updates_per_s: int
    """Of the bare database, by one client without HTTP."""
    p50_ms: float
    p99_ms: float
    errors: int
    idle_read_ms: float
    """The median of a page of 500 while nothing else happens."""
    busy_read_ms: float
    """The same under the load."""
    held: bool


@dataclass(frozen=True)
class Footprint:
    """W8: seconds, mebibytes, and the database's size over that of its examples as JSON."""

    start_s: float
    """From the start of the process to the first answer of 200, on the loaded database."""
    floor_start_s: float
    """A Python that starts and ends."""
    idle_mib: int
    """Resident memory, Flight on, after a request."""
    disk_mib: int
    """SQLite: all files in the folder, the log included; PostgreSQL: the database alone."""
    disk_over_raw: float
    held: bool


@dataclass(frozen=True)
class Bulk:
    """A whole dataset written or read, in rows per second, beside the floor."""

    work: str
    rows: int
    floor_rows_per_s: int
    exempla_rows_per_s: int
    bound: str
    held: bool
    peak_mib: int
    """The server's memory over that of the idle one."""


@dataclass(frozen=True)
class Whole:
    """What was measured at one size on one database."""

    engine: str
    examples: int
    load: Load
    results: list[Result]
    bulks: list[Bulk]
    contention: Contention
    footprint: Footprint

    @property
    def held(self) -> bool:
        """Tell whether every bound was held."""
        alone = [self.contention.held, self.footprint.held]
        held = [one.held for one in self.results] + [one.held for one in self.bulks] + alone
        return False not in held


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 3)


def _p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[round(0.95 * (len(seconds) - 1))]


def print_results(results: Sequence[Result], title: str) -> None:
    """Print the table of the works."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("work", no_wrap=True)
    for name in ("floor", "Exempla", "p95", "ratio", "bound", "held"):
        table.add_column(name, justify="right", no_wrap=True)
    for result in sorted(results, key=lambda result: result.work[:2]):
        table.add_row(
            result.work,
            _number(result.floor_ms),
            _number(result.exempla_ms),
            _number(result.p95_ms),
            f"{result.ratio:.2f}",
            "" if result.bound is None else f"{result.bound:.1f}",
            _verdict(result.held),
        )
    Console().print(table)


def print_growth(growths: Sequence[Growth], title: str) -> None:
    """Print the table of W3 at growing sizes."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("work", no_wrap=True)
    for size in growths[0].sizes:
        table.add_column(f"{size:,}", justify="right", no_wrap=True)
    for name in ("ratio", "bound", "held"):
        table.add_column(name, justify="right", no_wrap=True)
    for growth in growths:
        verdict = (f"{growth.ratio:.2f}", f"{growth.bound:.1f}", _verdict(growth.held))
        table.add_row(growth.work, *map(_number, growth.exempla_ms), *verdict)
        table.add_row("  its floor", *map(_number, growth.floor_ms), f"{growth.floor_ratio:.2f}")
    Console().print(table)


def print_loads(loads: Sequence[Load]) -> None:
    """Print how fast the loads went."""
    for load in loads:
        print(
            f"loaded {load.examples:,} examples by 1,000: "
            f"{load.exempla_rows_per_s:,} a second, the raw database {load.floor_rows_per_s:,}"
        )


def print_bulk(bulks: Sequence[Bulk], title: str) -> None:
    """Print the table of whole datasets."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("work", no_wrap=True)
    for name in ("floor", "Exempla", "ratio", "bound", "held", "peak MiB"):
        table.add_column(name, justify="right", no_wrap=True)
    for bulk in bulks:
        ratio = bulk.exempla_rows_per_s / bulk.floor_rows_per_s
        table.add_row(
            bulk.work,
            f"{bulk.floor_rows_per_s:,}",
            f"{bulk.exempla_rows_per_s:,}",
            f"{ratio:.2f}",
            bulk.bound,
            _verdict(bulk.held),
            str(bulk.peak_mib),
        )
    Console().print(table)


def print_contention(load: Contention) -> None:
    """Print what came of the load test."""
    print(
        f"load test: {load.updates_per_s:,} updates/s by {load.clients} clients (the raw database, "
        f"one client: {load.floor_updates_per_s:,}), p50 {load.p50_ms} ms, p99 {load.p99_ms} ms, "
        f"{load.errors} errors; a page {load.busy_read_ms} ms beside it, {load.idle_read_ms} idle"
    )


def print_whole(whole: Whole) -> None:
    """Print all tables of one size on one database."""
    title = f"{whole.examples:,} examples on {whole.engine}"
    print_results(whole.results, f"{title}, milliseconds")
    print_bulk(whole.bulks, f"{title}, rows a second")
    foot = whole.footprint
    print(
        f"W8: {foot.start_s} s to the first answer (a bare Python: {foot.floor_start_s}), "
        f"{foot.idle_mib} MiB idle, {foot.disk_mib} MiB on disk, {foot.disk_over_raw} x raw"
    )
    print_contention(whole.contention)
    print_loads([whole.load])


def _number(milliseconds: float) -> str:
    return f"{milliseconds:,.2f}" if milliseconds < 100 else f"{milliseconds:,.0f}"


def _verdict(held: bool | None) -> str:
    return "" if held is None else "[green]yes[/]" if held else "[red]NO[/]"


def write_json(
    path: Path,
    engine: str,
    loads: Sequence[Load],
    results: Sequence[Result],
    growths: Sequence[Growth],
    bulks: Sequence[Bulk],
    contentions: Sequence[Contention],
) -> None:
    """Write everything to a file."""
    measured = {
        "engine": engine,
        "loads": [asdict(load) for load in loads],
        "results": [asdict(result) for result in results],
        "growth": [asdict(growth) for growth in growths],
        "bulk": [asdict(bulk) for bulk in bulks],
        "contention": [asdict(contention) for contention in contentions],
    }
    _write(path, measured)


def write_wholes(path: Path, wholes: Sequence[Whole]) -> None:
    """Write what was measured at several sizes and on several databases to a file."""
    _write(path, {"wholes": [asdict(whole) for whole in wholes]})


def _write(path: Path, measured: Mapping[str, object]) -> None:
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"platform": platform.platform(), "cpus": os.cpu_count()},
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **measured,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n")
