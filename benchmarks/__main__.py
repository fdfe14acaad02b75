"""Measure Exempla beside its floor: `python -m benchmarks`; README.md says what is measured."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import curves
from benchmarks.bulk import measure_bulk
from benchmarks.contention import measure_contention
from benchmarks.data import BATCH
from benchmarks.files import measure_files
from benchmarks.filters import measure_filters
from benchmarks.growth import measure_growth
from benchmarks.many_versions import measure_many_versions
from benchmarks.pages import measure_pages
from benchmarks.report import (
    Bulk,
    Contention,
    Growth,
    Load,
    Result,
    print_bulk,
    print_contention,
    print_growth,
    print_loads,
    print_results,
    print_whole,
    write_json,
    write_wholes,
)
from benchmarks.rig import ENGINES, Loaded, Rig, open_rigs
from benchmarks.schemas import measure_schemas
from benchmarks.whole import measure_whole

RESULTS = Path(__file__).parent / "results"
GROWTH_SIZES = [10_000, 100_000, 1_000_000]
FLOORS = {"sqlite": "raw SQLite", "postgres": "raw PostgreSQL"}


def main() -> int:
    """Measure, print, write; fail if a bound was not held."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = _options()
    if options.sizes is not None:
        return _run_wholes(options.engines, options.sizes, options.output)
    results: list[Result] = []
    growths: list[Growth] = []
    bulks: list[Bulk] = []
    loads: list[Load] = []
    contentions: list[Contention] = []
    if options.growth is not None:
        loads, growths = _run_growth(options.engine, options.growth)
    elif options.load:
        loads, contentions = _run_load(options.engine, options.examples, options.workers)
    elif options.bulk:
        bulks = _run_bulk(options.engine, options.examples, measure_bulk)
    elif options.files:
        bulks = _run_bulk(options.engine, options.examples, measure_files)
    elif options.filters:
        loads, results = _run_works(options.engine, options.examples, measure_filters)
    elif options.schemas:
        loads, results = _run_works("sqlite", options.examples, measure_schemas)
    elif options.pages:
        api = "the API's answer"
        loads, results = _run_works(options.engine, options.examples, measure_pages, api)
    else:
        loads, results = _run_works(options.engine, options.examples, measure_many_versions)
    print_loads(loads)
    write_json(options.output, options.engine, loads, results, growths, bulks, contentions)
    print(f"written to {options.output}")
    held = [result.held for result in results] + [growth.held for growth in growths]
    held += [bulk.held for bulk in bulks] + [contention.held for contention in contentions]
    return int(False in held)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--examples",
        type=_size,
        default=100_000,
        metavar="N",
        help="the size of the dataset in what is measured alone, in thousands (default: 100000)",
    )
    parser.add_argument(
        "--growth",
        type=_size,
        nargs="*",
        metavar="N",
        help="W3 only, at growing sizes (default: 10000 100000 1000000)",
    )
    parser.add_argument(
        "--sizes",
        type=_size,
        nargs="+",
        metavar="N",
        help="the sizes at which W1 to W8 and the load test are done (default: the same three)",
    )
    parser.add_argument(
        "--versions", action="store_true", help="W5 after 1,000 versions of 1,000 changes only"
    )
    parser.add_argument("--load", action="store_true", help="the load test only")
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes of the server, for --load"
    )
    parser.add_argument("--filters", action="store_true", help="search by filters only")
    parser.add_argument("--schemas", action="store_true", help="schemas only, on SQLite")
    parser.add_argument("--pages", action="store_true", help="the pages for people only")
    parser.add_argument("--bulk", action="store_true", help="W2 and W7 only, over Arrow Flight")
    parser.add_argument("--files", action="store_true", help="W2 and W7 only, by files")
    parser.add_argument(
        "--engine", choices=ENGINES, help="the database (default: both; one of the works: sqlite)"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the JSON goes")
    options = parser.parse_args()
    if options.growth is not None:
        options.growth = sorted(options.growth) or GROWTH_SIZES
    names = ("growth", "filters", "schemas", "pages", "bulk", "files", "versions", "load")
    kind = next((name for name in names if getattr(options, name)), "")
    if not kind:
        options.sizes = options.sizes or GROWTH_SIZES
        options.engines = [options.engine] if options.engine else list(ENGINES)
    elif options.sizes:
        parser.error(f"--sizes is not for --{kind}")
    if options.workers > 1 and kind != "load":
        parser.error("--workers is for --load")
    options.engine = options.engine or "sqlite"
    started = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    options.output = options.output or RESULTS / f"{kind or 'whole'}-{started}.json"
    return options


def _size(text: str) -> int:
    size = int(text)
    if size < 2 * BATCH or size % BATCH:
        raise argparse.ArgumentTypeError(f"must be a multiple of {BATCH}, at least {2 * BATCH}")
    return size


def _load_of(loaded: Loaded) -> Load:
    return Load.of(len(loaded.ids), loaded.server_s, loaded.floor_s)


def _run_wholes(engines: list[str], sizes: list[int], output: Path) -> int:
    """Measure everything; what is done is written at once, since all of it takes long."""
    wholes = []
    for engine in engines:
        for size in sizes:
            wholes.append(measure_whole(engine, size))
            print_whole(wholes[-1])
            write_wholes(output, wholes)
    print(f"written to {output}")
    if len(sizes) > 1:
        curves.draw_results(output)
    return int(not all(whole.held for whole in wholes))


def _run_works(
    engine: str,
    examples: int,
    works: Callable[[Rig, Loaded], Iterator[Result]],
    floor: str = "",
) -> tuple[list[Load], list[Result]]:
    results = []
    with open_rigs(engine, 1) as (rig,):
        loaded = rig.load(1, examples)
        for result in works(rig, loaded):
            print(f"{result.work}: {result.exempla_ms} ms", file=sys.stderr, flush=True)
            results.append(result)
    title = (
        f"{examples:,} examples on {engine}, milliseconds; the floor is {floor or FLOORS[engine]}"
    )
    print_results(results, title)
    return [_load_of(loaded)], results


def _run_load(engine: str, examples: int, workers: int) -> tuple[list[Load], list[Contention]]:
    with open_rigs(engine, 1, workers) as (rig,):
        loaded = rig.load(1, examples)
        contention = measure_contention(rig, loaded, workers)
    print(f"{examples:,} examples on {engine}, {workers} processes")
    print_contention(contention)
    return [_load_of(loaded)], [contention]


def _run_bulk(
    engine: str, examples: int, works: Callable[[Rig, int], Iterator[Bulk]]
) -> list[Bulk]:
    bulks = []
    with open_rigs(engine, 1) as (rig,):
        for bulk in works(rig, examples):
            print(f"{bulk.work}: {bulk.exempla_rows_per_s} rows/s", file=sys.stderr, flush=True)
            bulks.append(bulk)
    print_bulk(bulks, f"{examples:,} examples on {engine}, rows a second; {FLOORS[engine]}")
    return bulks


def _run_growth(engine: str, sizes: list[int]) -> tuple[list[Load], list[Growth]]:
    with open_rigs(engine, len(sizes)) as rigs:
        pairs = [(rig, rig.load(1, size)) for rig, size in zip(rigs, sizes, strict=True)]
        growths = measure_growth(pairs)
    print_growth(growths, f"Exempla on {engine}, milliseconds by number of examples")
    return [_load_of(loaded) for _, loaded in pairs], growths


if __name__ == "__main__":
    sys.exit(main())
