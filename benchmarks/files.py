"""W2 and W7 by files: all examples imported and exported over HTTP, beside the floor."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

from benchmarks.bulk import Memory, read_floor
from benchmarks.data import bodies
from benchmarks.report import Bulk
from benchmarks.rig import Rig
from benchmarks.server import create_request
from benchmarks.timing import quiet, timed, times_moved

FORMATS = ["jsonl", "csv", "parquet"]

IMPORT_BOUND = 0.5
"""An import of JSONL must reach this part of the floor's speed."""

EXPORT_BOUND = 150_000
"""Rows of JSONL that must be exported in a second."""


def measure_files(rig: Rig, total: int) -> Iterator[Bulk]:
    """Time imports and exports of `total` examples, a few times in turn with the floor.

    Of what takes minutes, JSONL alone.
    """
    formats = FORMATS if (times := times_moved(total)) > 1 else FORMATS[:1]
    texts = bodies(0, total)
    ids = [f"{number:036d}" for number in range(total)]
    rows = zip(ids, texts, strict=True)
    files = {"jsonl": "\n".join(f'{{"id":"{id}",{text[1:]}' for id, text in rows).encode()}
    memory = Memory(rig.served.pid)
    spent: dict[str, list[float]] = defaultdict(list)
    peaks: dict[str, float] = defaultdict(float)
    with quiet():
        for number in range(times):
            for format in formats:
                place = 20_000 + 10 * number + FORMATS.index(format)
                if format in files:
                    seconds, _ = timed(partial(rig.floor.load, place, 1, ids, texts))
                    spent["import floor"].append(seconds)
                    dataset = _empty(rig, f"{format}-{number}")
                    with memory.peak() as peak:
                        path = f"{_path(dataset)}/import?format={format}"
                        seconds, answer = timed(
                            partial(rig.client.send, "POST", path, files[format])
                        )
                    if json.loads(answer)["inserted"] != total:
                        raise RuntimeError("not all examples were imported")
                    spent[f"import {format}"].append(seconds)
                    peaks[f"import {format}"] = max(peaks[f"import {format}"], peak.mebibytes)
                    seconds, _ = timed(partial(read_floor, rig, place, total))
                    spent["export floor"].append(seconds)
                rig.client.wake()
                with memory.peak() as peak:
                    path = f"{_path(dataset)}/export?format={format}"
                    seconds, pieces = timed(partial(rig.client.pieces, path))
                files[format] = b"".join(pieces)
                spent[f"export {format}"].append(seconds)
                peaks[f"export {format}"] = max(peaks[f"export {format}"], peak.mebibytes)
    speeds = {work: round(total / statistics.median(all)) for work, all in spent.items()}
    for work in (f"{way} {format}" for format in formats for way in ("import", "export")):
        way, speed = work.split()[0], speeds[work]
        floor = speeds[f"{way} floor"]
        bound, held = "", True
        if work == "import jsonl":
            bound, held = "half the floor", speed >= IMPORT_BOUND * floor
        elif work == "export jsonl":
            bound, held = f"{EXPORT_BOUND:,}", speed >= EXPORT_BOUND
        yield Bulk(work, total, floor, speed, bound, held, round(peaks[work]))


def _empty(rig: Rig, name: str) -> str:
    """Make a dataset whose version holds nothing, and return its id."""
    rig.client.wake()
    dataset = rig.client.create_dataset(create_request(name, rig.space, ['{"n":0}']))
    path = f"/v2/datasets/{quote(dataset, safe='')}/examples"
    (one,) = json.loads(rig.client.get(path))["examples"]
    (version,) = rig.client.versions(dataset)
    body = {"dataset_version_id": version, "example_ids": [one["id"]]}
    rig.client.send("DELETE", path, json.dumps(body).encode())
    return dataset


def _path(dataset: str) -> str:
    return f"/api/v1/datasets/{quote(dataset, safe='')}"
