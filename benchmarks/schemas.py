"""Updates with a schema beside the same without one; report and columns beside a bare reading."""

from __future__ import annotations

import base64
import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from benchmarks.data import make_edits
from benchmarks.floor import END
from benchmarks.report import Result
from benchmarks.rig import Loaded, Rig
from benchmarks.server import examples_path
from benchmarks.timing import Lane, Times, quiet, run, timed
from exempla.schemas import compiled

BOUND = 1.2
FEW, FEW_TIMES = 3, 100
MANY, MANY_TIMES = 1_000, 40
WHOLE_TIMES = 5

SCHEMA = {
    "type": "object",
    "properties": {
        "question": {"type": "string", "minLength": 1},
        "answer": {"type": "string"},
        "topic": {"type": "string", "pattern": "^topic-[0-9]{2}$"},
        "difficulty": {"type": "integer", "minimum": 1, "maximum": 5},
        "meta": {
            "type": "object",
            "properties": {
                "source": {"enum": ["synthetic", "human"]},
                "seq": {"type": "integer"},
                "score": {"type": "number", "minimum": 0, "maximum": 1},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
            "required": ["source"],
        },
    },
    "required": ["question", "answer"],
}
"""What every example of `data.py` satisfies."""

_BODIES = "SELECT body FROM revisions WHERE dataset_id = ? AND valid_to = ? ORDER BY ordinal"


def measure_schemas(rig: Rig, loaded: Loaded) -> Iterator[Result]:
    """Update with and without a schema in turn; then look at all examples. On SQLite."""
    yield Result.of("S update 3", _updates(rig, loaded, FEW, FEW_TIMES), BOUND)
    yield Result.of("S update 1,000", _updates(rig, loaded, MANY, MANY_TIMES), BOUND)
    _put(rig, loaded, SCHEMA)
    with closing(sqlite3.connect(rig.database)) as raw:
        for work in ("schema/report", "columns"):
            yield Result.of(f"S {work}", _look_at_all(rig, loaded, raw, work), None)
    yield Result.of("S dearest check", _dearest(), None)


def _dearest() -> Times:
    """Check what is just below the bound and among the dearest for it, beside reading its text."""
    schema = compiled(json.dumps({"properties": {"x": {"pattern": "[ab]*a[ab]{300}c"}}}))
    text = "".join(random.Random(0).choices("ab", k=21_000))
    body = json.dumps({"x": text})
    times = Times(empty=[0.0])
    with quiet():
        for _ in range(WHOLE_TIMES):
            times.raw.append(timed(partial(json.loads, body))[0])
            times.server.append(timed(partial(schema.fault, body))[0])
    return times


def _updates(rig: Rig, loaded: Loaded, size: int, count: int) -> Times:
    """Time the same updates of one dataset, half of them while it has the schema."""
    edits = iter(make_edits(loaded.ids, size, 2 * (count + 1), f"schema {size}"))
    times = Times(empty=[0.0])
    shuffler = random.Random(size)
    with quiet():
        for turn in range(count + 1):
            pair = [(None, times.raw), (SCHEMA, times.server)]
            shuffler.shuffle(pair)  # every so many updates the database writes back its log
            for schema, spent in pair:
                _put(rig, loaded, schema)
                request = next(edits).request
                update = partial(rig.client.send, "PATCH", examples_path(loaded.dataset), request)
                spent += [timed(update)[0]] if turn else []  # the first warms up
    return times


def _put(rig: Rig, loaded: Loaded, schema: object) -> None:
    rig.client.send("PUT", _path(loaded, "schema"), json.dumps({"schema": schema}).encode())


def _look_at_all(rig: Rig, loaded: Loaded, raw: sqlite3.Connection, work: str) -> Times:
    number = int(base64.b64decode(loaded.dataset).split(b":")[1])
    lane = Lane(
        rig.client,
        [partial(_read, raw, number)] * (WHOLE_TIMES + 1),
        [partial(rig.client.get, _path(loaded, work))] * (WHOLE_TIMES + 1),
    )
    run(lane)
    return lane.times


def _read(raw: sqlite3.Connection, number: int) -> int:
    return sum(len(body) for (body,) in raw.execute(_BODIES, (number, END)))


def _path(loaded: Loaded, work: str) -> str:
    return f"/api/v1/datasets/{loaded.dataset}/{work}"
