"""All of it at one size on one database: W1 to W8 and the load test."""

from __future__ import annotations

import sys
from itertools import chain

from benchmarks.bulk import measure_bulk
from benchmarks.contention import measure_contention
from benchmarks.data import BATCH
from benchmarks.files import measure_files
from benchmarks.footprint import measure_footprint
from benchmarks.report import Load, Whole
from benchmarks.rig import open_rigs
from benchmarks.work import MANY_TIMES, measure


def measure_whole(engine: str, examples: int) -> Whole:
    """Do all the work, W2 and W7 on a server of their own: they look at its memory."""
    with open_rigs(engine, 1) as (rig,):
        loaded = rig.load(1, examples)
        results = []
        for result in measure(rig, loaded):
            _tell(f"{result.work}: {result.exempla_ms} ms")
            results.append(result)
        footprint = measure_footprint(rig, loaded, (MANY_TIMES + 1) * BATCH)
        _tell(f"W8 start: {footprint.start_s} s")
    with open_rigs(engine, 1) as (rig,):
        bulks = []
        for bulk in chain(measure_bulk(rig, examples), measure_files(rig, examples)):
            _tell(f"{bulk.work}: {bulk.exempla_rows_per_s} rows/s")
            bulks.append(bulk)
    with open_rigs(engine, 1) as (rig,):
        contention = measure_contention(rig, rig.load(1, examples))
        _tell(f"load test: {contention.updates_per_s} updates/s")
    load = Load.of(examples, loaded.server_s, loaded.floor_s)
    return Whole(engine, examples, load, results, bulks, contention, footprint)


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
