"""W5 after 1,000 versions of 1,000 changes: old versions must not become slower to read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.data import make_edits
from benchmarks.floor import PAGE
from benchmarks.report import Result
from benchmarks.rig import Loaded, Rig
from benchmarks.server import examples_path, page_path, read_whole
from benchmarks.timing import Lane, run
from benchmarks.work import BOUNDS, MANY_TIMES, PAGE_TIMES, WARM_UP, check_matched, compare

VERSIONS, CHANGES = 1_000, 1_000
CHUNK = 20
"""Versions that are prepared at the same time."""


def measure_many_versions(rig: Rig, loaded: Loaded) -> Iterator[Result]:
    """Make the versions on both sides, then read pages and the whole of three of them."""
    for start in range(0, VERSIONS, CHUNK):
        edits = make_edits(loaded.ids, CHANGES, CHUNK, f"many-{start}", new_version=True)
        path = examples_path(loaded.dataset)
        update = rig.floor.update_as_version
        lane = Lane(
            rig.client,
            [partial(update, loaded.number, edit.ids, edit.bodies) for edit in edits],
            [partial(rig.client.send, "PATCH", path, edit.request) for edit in edits],
        )
        run(lane, warm_up=0)
        check_matched(lane, CHANGES)
    yield Result.of(f"W5 make version {VERSIONS + 1:,}", lane.times, None)
    rig.floor.settle()
    ids = rig.client.versions(loaded.dataset)
    read = {"latest": (ids[0], None), "first": (ids[-1], 1), "500th": (ids[-500], 500)}
    for which, (id, version) in read.items():
        floor_page = partial(_page, rig, loaded, version)
        server_page = partial(_size, rig, page_path(loaded.dataset, id))
        turns = PAGE_TIMES + WARM_UP
        lane = Lane(rig.client, [floor_page] * turns, [server_page] * turns)
        run(lane, warm_up=WARM_UP)
        yield Result.of(f"W5 page of {PAGE}, {which} of 1,001", lane.times, BOUNDS["W6"])
    for which, (id, version) in read.items():
        total = len(loaded.ids)
        floor_whole = partial(rig.floor.read_whole, loaded.number, total, version=version)
        server_whole = partial(read_whole, rig.client, loaded.dataset, id)
        lane = Lane(rig.client, [floor_whole] * MANY_TIMES, [server_whole] * MANY_TIMES)
        run(lane)
        compare(rig, loaded, id, version)
        yield Result.of(f"W5 read the {which} of 1,001", lane.times, BOUNDS["W5"], total // PAGE)


def _page(rig: Rig, loaded: Loaded, version: int | None) -> int:
    return len(rig.floor.page(loaded.number, 0, version=version))


def _size(rig: Rig, path: str) -> int:
    return len(rig.client.get(path))
