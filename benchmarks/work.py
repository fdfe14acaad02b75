"""The work: W1, W3, W4, W5 and W6 of README.md, and W3 at growing sizes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from benchmarks.data import BATCH, Edit, bodies, make_edits
from benchmarks.floor import PAGE, Floor
from benchmarks.report import Result
from benchmarks.rig import Loaded, Rig
from benchmarks.server import (
    Client,
    create_request,
    examples_path,
    next_cursor,
    page_path,
    read_whole,
)
from benchmarks.timing import Lane, Times, run

FEW, MANY = 3, 1_000
"""Examples in an update of W3 and of W4."""

FEW_TIMES, MANY_TIMES, PAGE_TIMES = 100, 5, 100
WARM_UP = 3
"""Updates of W3 before the counted ones."""

IN_PLACE = "W3 update 3 in place"
AS_VERSION = "W3 update 3, version"
BOUNDS = {"W1": 2.0, "W3": 2.0, "W4": 2.0, "W5": 3.0, "W6": 2.5}


def _judged(work: str, times: Times, requests: int = 1) -> Result:
    return Result.of(work, times, BOUNDS[work[:2]], requests)


def measure(rig: Rig, loaded: Loaded) -> Iterator[Result]:
    """Do all the work; the order matters, since only W3 and W5 make versions."""
    yield _judged("W1 create with 1,000", _create(rig))
    yield _judged(IN_PLACE, _update(rig, loaded, FEW, FEW_TIMES, WARM_UP))
    yield _judged("W4 update 1,000", _update(rig, loaded, MANY, MANY_TIMES, 1))
    lane = few_as_versions(rig, loaded)
    run(lane, warm_up=0)
    check_matched(lane, FEW)
    yield _judged(AS_VERSION, lane.times)
    yield from _read_versions(rig, loaded)
    yield from _read_pages(rig, loaded)


def _create(rig: Rig) -> Times:
    """Time W1: create datasets of 1,000 examples each."""
    floor: list[Callable[[], object]] = []
    server: list[Callable[[], bytes]] = []
    for number in range(MANY_TIMES + 1):
        texts = bodies(0, BATCH, seed=100 + number)
        ids = [str(uuid.UUID(int=(number << 32) + place)) for place in range(BATCH)]
        request = create_request(f"created-{number}", rig.space, texts)
        floor.append(partial(rig.floor.load, 1_000 + number, 1, ids, texts))
        server.append(partial(rig.client.send, "POST", "/v2/datasets", request, 201))
    lane = Lane(rig.client, floor, server)
    run(lane)
    return lane.times


def _update(rig: Rig, loaded: Loaded, size: int, times: int, warm_up: int) -> Times:
    """Time W3 or W4 in place."""
    lane = edit_lane(rig, loaded, make_edits(loaded.ids, size, times + warm_up, f"edit-{size}"))
    run(lane, warm_up=warm_up)
    check_matched(lane, size)
    return lane.times


def edit_lane(rig: Rig, loaded: Loaded, edits: Sequence[Edit]) -> Lane:
    """Prepare these edits of a dataset, in place."""
    return _lane(rig, loaded, edits, rig.floor.update)


def few_as_versions(rig: Rig, loaded: Loaded) -> Lane:
    """Prepare W3 as new versions, which are also the 100 versions of W5."""
    edits = make_edits(loaded.ids, FEW, FEW_TIMES, "version", new_version=True)
    return _lane(rig, loaded, edits, rig.floor.update_as_version)


def _lane(
    rig: Rig,
    loaded: Loaded,
    edits: Sequence[Edit],
    floor_update: Callable[[int, Sequence[str], Sequence[str]], None],
) -> Lane:
    path = examples_path(loaded.dataset)
    return Lane(
        rig.client,
        [partial(floor_update, loaded.number, edit.ids, edit.bodies) for edit in edits],
        [partial(rig.client.send, "PATCH", path, edit.request) for edit in edits],
    )


def check_matched(lane: Lane, size: int) -> None:
    """Make sure that the server changed as many examples as it was asked to."""
    for answer in lane.answers:
        assert isinstance(answer, bytes)
        matched = len(json.loads(answer)["example_ids"])
        if matched != size:
            raise RuntimeError(f"an update of {size} examples changed {matched}")


def _read_versions(rig: Rig, loaded: Loaded) -> Iterator[Result]:
    """Time W5: read the latest and the first version whole, by pages."""
    total = len(loaded.ids)
    versions = rig.client.versions(loaded.dataset)
    both = {"the latest": (versions[0], None), "the first": (versions[-1], 1)}
    times, pages = [], total // PAGE
    for which, (version, number) in both.items():
        read_floor = partial(rig.floor.read_whole, loaded.number, total, version=number)
        read_server = partial(read_whole, rig.client, loaded.dataset, version)
        lane = Lane(rig.client, [read_floor] * (MANY_TIMES + 1), [read_server] * (MANY_TIMES + 1))
        run(lane)
        if set(lane.answers) != {pages}:
            raise RuntimeError(f"{which} version has {set(lane.answers)} pages, not {pages}")
        compare(rig, loaded, version, number)
        times.append(lane.times)
        yield Result.of(f"W5 read {which}", lane.times, None, pages)
    yield _judged("W5 read both", times[0] + times[1], 2 * pages)


def compare(rig: Rig, loaded: Loaded, version: str, number: int | None) -> None:
    """Make sure that both sides hold the same examples in a version, in the same order."""
    cursor = ""
    for after in range(0, len(loaded.ids), PAGE):
        answer = rig.client.get(page_path(loaded.dataset, version, cursor))
        cursor = next_cursor(answer)
        ours = json.loads(rig.floor.page(loaded.number, after, version=number))
        theirs = json.loads(answer)["examples"]
        if list(map(_without_times, ours)) != list(map(_without_times, theirs)):
            raise RuntimeError(f"the server's examples behind the {after}th are not the floor's")


def _without_times(example: dict[str, object]) -> list[tuple[str, object]]:
    return [item for item in example.items() if item[0] not in {"created_at", "updated_at"}]


def _read_pages(rig: Rig, loaded: Loaded) -> Iterator[Result]:
    """Time W6: read the first, the middle and the last page of the latest version."""
    total = len(loaded.ids)
    paths = _page_paths(rig.client, loaded.dataset)
    for which, number in {"first": 0, "middle": total // PAGE // 2, "last": -1}.items():
        after = number % (total // PAGE) * PAGE
        lane = _page_lane(rig.client, rig.floor, loaded.number, after, paths[number])
        run(lane, warm_up=WARM_UP)
        bound = None if which == "middle" else BOUNDS["W6"]
        yield Result.of(f"W6 page of {PAGE}, {which}", lane.times, bound)


def _page_lane(client: Client, floor: Floor, number: int, after: int, path: str) -> Lane:
    def read_floor() -> int:
        return len(floor.page(number, after))

    def read_server() -> int:  # keeping all answers would slow both sides down
        return len(client.get(path))

    turns = PAGE_TIMES + WARM_UP
    return Lane(client, [read_floor] * turns, [read_server] * turns)


def _page_paths(client: Client, dataset: str) -> list[str]:
    """Walk the latest version and return the paths of its pages."""
    paths = [page_path(dataset)]
    while cursor := next_cursor(client.get(paths[-1])):
        paths.append(page_path(dataset, cursor=cursor))
    return paths
