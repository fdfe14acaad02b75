"""The pages for people, each beside the API's answer with the same data."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from urllib.parse import quote, urlencode

from benchmarks.data import make_edits
from benchmarks.report import Result
from benchmarks.rig import Loaded, Rig
from benchmarks.server import KEY, Client, examples_path
from benchmarks.timing import Lane, run

BOUND_MS = 100
TIMES = 40
VERSIONS = 20
"""New versions, each of 3 changes, before the pages are read."""

_SESSION = re.compile(r"exempla_session=([^;]+)")


class Visitor(Client):
    """A connection that is logged in to the pages."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        form = urlencode({"key": KEY, "next": "/"})
        self._connection.request(
            "POST", "/login", form, {"Content-Type": "application/x-www-form-urlencoded"}
        )
        response = self._connection.getresponse()
        response.read()
        match = _SESSION.search(response.headers["Set-Cookie"])
        if not match:
            raise RuntimeError(f"the log-in failed: {response.status}")
        self._headers = {"Cookie": match[0], "Accept": "text/html"}


def measure_pages(rig: Rig, loaded: Loaded) -> Iterator[Result]:
    """Read every page in turn with what the API tells of the same."""
    _change(rig, loaded)
    visitor = Visitor(rig.served.port)
    path = f"/datasets/{quote(loaded.dataset, safe='')}"
    api = f"/api/v1{path}"
    last = loaded.ids[-1]
    matching = {"filter": "topic = 'topic-07' AND difficulty > 2"}
    search = json.dumps(matching | {"limit": 51}).encode()
    middle = _cursor(rig, loaded)
    get = rig.client.get
    table, history = examples_path(loaded.dataset), f"{api}/examples/{last}/history?limit=11"
    pages: list[tuple[str, str, Callable[[], bytes]]] = [
        ("datasets", "/", partial(get, "/v2/datasets")),
        ("table, first page", path, partial(get, f"{table}?limit=51")),
        (
            "table, a middle page",
            f"{path}?cursor={middle}",
            partial(get, f"{table}?limit=51&cursor={middle}"),
        ),
        (
            "table, by a filter",
            f"{path}?{urlencode(matching)}",
            partial(rig.client.send, "POST", f"{table}/search", search),
        ),
        (
            "example",
            f"{path}/example?id={last}",
            partial(get, history),
        ),
        (
            "example, by a filter",
            f"{path}/example?id={_first_match(rig, loaded, search)}&{urlencode(matching)}",
            partial(rig.client.send, "POST", f"{table}/search", search),
        ),
        (
            "example, to edit",
            f"{path}/example?id={last}&edit=1",
            partial(get, history),
        ),
        ("versions", f"{path}/versions", partial(get, f"{api}/versions?limit=21")),
        ("diff", f"{path}/diff", partial(get, f"{api}/diff?limit=26")),
        ("log", f"{path}/log", partial(get, f"{api}/log?limit=51")),
        ("columns, before they are read", f"{path}/columns", partial(get, f"{api}/versions")),
        ("settings", f"{path}/settings", partial(get, f"/v2{path}")),
        ("import", f"{path}/import", partial(get, f"/v2{path}")),
        ("new dataset", "/datasets/new", partial(get, "/v2/spaces")),
        ("spaces", "/admin/spaces", partial(get, "/v2/spaces")),
        ("keys", "/admin/keys", partial(get, "/v2/api-keys")),
    ]
    for name, page, floor in pages:
        yield _result(visitor, name, page, floor)
    nothing = {"filter": "difficulty > 5"}  # so that every example is looked at
    search = json.dumps(nothing).encode()
    floor = partial(rig.client.send, "POST", f"{table}/search", search)
    yield _result(visitor, "table, by a filter of nothing", f"{path}?{urlencode(nothing)}", floor)
    try:
        visitor.get(f"{path}/columns?read=1")
    except RuntimeError:  # it is given up after the query time
        print("the columns were not read in time: their page is left out", file=sys.stderr)
    else:
        yield _result(visitor, "columns, once they are read", f"{path}/columns", pages[-6][2])
    visitor.close()


def _result(visitor: Visitor, name: str, page: str, floor: Callable[[], bytes]) -> Result:
    turns = TIMES + 1
    lane = Lane(visitor, [floor] * turns, [partial(visitor.get, page)] * turns)
    run(lane)
    result = Result.of(f"P {name}", lane.times, None, requests=0)
    within = result.exempla_ms <= BOUND_MS
    return replace(result, bound=round(BOUND_MS / result.floor_ms, 1), held=within)


def _change(rig: Rig, loaded: Loaded) -> None:
    for edit in make_edits(loaded.ids, 3, VERSIONS, "pages", new_version=True):
        rig.client.send("PATCH", examples_path(loaded.dataset), edit.request)


def _cursor(rig: Rig, loaded: Loaded) -> str:
    """Return the cursor of a page in the middle."""
    cursor = ""
    for _ in range(len(loaded.ids) // 1_000):
        more = f"&cursor={cursor}" if cursor else ""
        answer = rig.client.get(f"{examples_path(loaded.dataset)}?limit=500{more}")
        cursor = json.loads(answer)["pagination"]["next_cursor"]
    return cursor


def _first_match(rig: Rig, loaded: Loaded, search: bytes) -> str:
    path = examples_path(loaded.dataset) + "/search"
    return str(json.loads(rig.client.send("POST", path, search))["examples"][20]["id"])
