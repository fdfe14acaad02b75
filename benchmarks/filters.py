"""Search by a filter, beside the same condition in SQL on the server's own database."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.data import BATCH
from benchmarks.floor import END, as_page
from benchmarks.report import Result
from benchmarks.rig import Loaded, Rig
from benchmarks.server import examples_path
from benchmarks.timing import Lane, run

BOUND = 2.0
TIMES = 10
PAGE = 100
"""Examples on the page that is asked for."""

SCORED = 10_000
"""Examples with an annotation."""


@dataclass(frozen=True)
class Shape:
    """A filter, and the same in SQL.

    In the SQL `{topic}` stands for the field as text, `{meta.seq:n}` as a number.
    """

    name: str
    filter: str
    sql: str


SHAPES = [
    Shape("equal, on 1 of 20", "topic = 'topic-07'", "{topic} = 'topic-07'"),
    Shape("number", "difficulty > 5", "{difficulty:n} > 5"),
    Shape("nested number", "meta.seq = -1", "{meta.seq:n} = -1"),
    Shape("LIKE", "question LIKE '%zzzzzz%'", "{question} LIKE '%zzzzzz%'"),
    Shape("NOT LIKE", "question NOT LIKE '%#%'", "{question} NOT LIKE '%#%'"),
    Shape("IS NOT NULL", "reviewer IS NOT NULL", "{reviewer} IS NOT NULL"),
    Shape(
        "AND",
        "topic = 'topic-07' AND meta.source = 'other'",
        "{topic} = 'topic-07' AND {meta.source} = 'other'",
    ),
    Shape(
        "OR",
        "difficulty > 5 OR meta.seq < 0 OR topic NOT LIKE 'topic%'",
        "{difficulty:n} > 5 OR {meta.seq:n} < 0 OR {topic} NOT LIKE 'topic%'",
    ),
    Shape(
        "annotation",
        "annotation.quality.score > 1",
        "EXISTS (SELECT 1 FROM annotations a WHERE a.dataset_id = r.dataset_id "
        "AND a.ordinal = r.ordinal AND a.name = 'quality' AND CAST(a.score AS numeric) > 1)",
    ),
]
"""All but the first match nothing, so that every example has to be looked at."""

_SELECT = """
SELECT e.id, e.created_at, r.updated_at, r.body
FROM revisions r JOIN examples e ON e.dataset_id = r.dataset_id AND e.ordinal = r.ordinal
WHERE r.dataset_id = {number} AND r.valid_to = {end} AND ({condition})
ORDER BY r.ordinal LIMIT {page}"""


_FIELD = re.compile(r"\{([a-z.]+)(:n)?\}")


def measure_filters(rig: Rig, loaded: Loaded) -> Iterator[Result]:
    """Search the latest version by each filter in turn with the SQL."""
    _annotate(rig, loaded)
    rig.floor.settle()
    path = examples_path(loaded.dataset) + "/search"
    number = int(base64.b64decode(loaded.dataset).split(b":")[1])
    is_file = Path(rig.database).is_file()
    with closing(sqlite3.connect(rig.database) if is_file else _postgres(rig.database)) as raw:
        if is_file:
            raw.execute("PRAGMA cache_size = -16384")
        for shape in SHAPES:
            condition = _FIELD.sub(_in_sqlite if is_file else _in_postgres, shape.sql)
            query = _SELECT.format(number=number, end=END, condition=condition, page=PAGE)
            request = json.dumps({"filter": shape.filter, "limit": PAGE}).encode()
            turns = TIMES + 1
            lane = Lane(
                rig.client,
                [partial(_read, raw, query)] * turns,
                [partial(rig.client.send, "POST", path, request)] * turns,
            )
            run(lane)
            _check(lane.answers[-1], _read(raw, query))
            yield Result.of(f"F {shape.name}", lane.times, BOUND)


def _in_sqlite(field: re.Match[str]) -> str:
    return f"json_extract(r.body, '$.{field[1]}')"


def _in_postgres(field: re.Match[str]) -> str:
    text = f"r.body::jsonb #>> '{{{field[1].replace('.', ',')}}}'"
    return f"({text})::numeric" if field[2] else f"({text})"


def _postgres(url: str) -> Any:
    import psycopg

    return psycopg.connect(url, autocommit=True)


def _read(raw: Any, query: str) -> bytes:
    return as_page(raw.execute(query).fetchall())


def _annotate(rig: Rig, loaded: Loaded) -> None:
    """Give every few examples a score from 0 to 1."""
    config = {
        "name": "quality",
        "space_id": rig.space,
        "annotation_config_type": "CONTINUOUS",
        "minimum_score": 0,
        "maximum_score": 1,
    }
    rig.client.send("POST", "/v2/annotation-configs", json.dumps(config).encode(), 201)
    ids = loaded.ids[:: max(1, len(loaded.ids) // SCORED)]
    for start in range(0, len(ids), BATCH):
        annotations = [
            {"record_id": id_, "values": [{"name": "quality", "score": place / BATCH}]}
            for place, id_ in enumerate(ids[start : start + BATCH])
        ]
        request = json.dumps({"annotations": annotations}).encode()
        rig.client.send("POST", examples_path(loaded.dataset) + "/annotate", request, 202)


def _check(answer: bytes | int, page: bytes) -> None:
    """Make sure, off the clock, that both sides found the same."""
    assert isinstance(answer, bytes)
    ours = [example["id"] for example in json.loads(page)]
    theirs = [example["id"] for example in json.loads(answer)["examples"]]
    if ours != theirs:
        raise RuntimeError(f"the server found {theirs}, the SQL {ours}")
