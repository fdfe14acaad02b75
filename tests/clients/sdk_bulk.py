"""Scenarios of the `arize` SDK that use Arrow Flight: many examples, files, whole versions."""

from __future__ import annotations

import importlib
import json
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clients.sdk_support import (
    SPACE,
    Client,
    create,
    fields,
    holds,
    ids,
    new_client,
    numbered,
    rows,
    same,
    scenario,
    scenario_only_in,
    unique,
    version_ids,
)

MANY = 100_000


def _pandas() -> Any:
    return importlib.import_module("pandas")


def _bulk_client() -> Client:
    """Return a client that sends everything over Flight, however little it is."""
    return new_client(max_http_payload_size_mb=-1)


def _frame(count: int) -> Any:
    """Return a frame of ordinary columns."""
    pandas = _pandas()
    return pandas.DataFrame(
        {
            "question": [f"What is {n} + {n}?" for n in range(count)],
            "answer": [str(2 * n) for n in range(count)],
            "n": range(count),
            "share": [n / 7 for n in range(count)],
            "words": [["What", "is", str(n)] for n in range(count)],
        }
    )


def _all(client: Client, dataset: str, version: str | None = None) -> list[Any]:
    """Read a version whole, over Flight."""
    call: dict[str, object] = {"dataset_version_id": version} if version else {}
    answer = client.datasets.list_examples(dataset=dataset, all=True, **call)
    same(answer.pagination.has_more, False)
    return list(answer.examples)


def _present(example: Any) -> dict[str, Any]:
    """Return the fields that are not null: in a table, a missing one and null look alike."""
    return {
        name: value
        for name, value in example.additional_properties.items()
        if not (value is None or (isinstance(value, float) and math.isnan(value)))
    }


def _same_over_flight(client: Client, dataset: str, version: str | None = None) -> None:
    """Fail unless Flight gives the examples of a version that REST shows."""
    shown = rows(client, dataset, version)
    given = _all(client, dataset, version)
    same([_system(example) for example in given], [_system(example) for example in shown])
    for ours, theirs in zip(given, shown, strict=True):
        same(_parsed(_present(ours), theirs.additional_properties), _present(theirs))


def _system(example: Any) -> tuple[object, ...]:
    return example.id, example.created_at, example.updated_at


def _parsed(given: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    """Return the values of Flight with objects and lists read from their JSON."""
    return {
        name: json.loads(value) if isinstance(shown.get(name), list | dict) else value
        for name, value in given.items()
    }


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@scenario
def bulk_create_from_a_frame(client: Client) -> None:
    made = _bulk_client().datasets.create(name=unique("bulk"), space=SPACE, examples=_frame(2_500))
    same([version.name for version in made.versions], ["v1"])
    shown = fields(client, made.id)
    shown.sort(key=lambda row: row["n"])
    same(len(shown), 2_500)
    question = {"question": "What is 3 + 3?", "answer": "6", "n": 3, "share": 3 / 7}
    same(shown[3], {**question, "words": ["What", "is", "3"]})
    _same_over_flight(client, made.id)


@scenario
def bulk_create_from_a_list(client: Client) -> None:
    made = _bulk_client().datasets.create(
        name=unique("bulk"), space=SPACE, examples=numbered(1_200)
    )
    same(sorted(row["n"] for row in fields(client, made.id)), list(range(1_200)))


@scenario
def bulk_create_keeps_ids_and_order(client: Client) -> None:
    pandas = _pandas()
    times = pandas.to_datetime(["2026-01-03", "2026-01-01", "2026-01-02", "2026-01-01"], utc=True)
    frame = pandas.DataFrame(
        {
            "id": ["a", "d", "c", "b"],
            "created_at": times.astype("datetime64[ns, UTC]"),
            "n": range(4),
        }
    )
    made = _bulk_client().datasets.create(name=unique("bulk"), space=SPACE, examples=frame)
    same(ids(client, made.id), ["b", "d", "c", "a"])
    same([example.id for example in _all(client, made.id)], ["b", "d", "c", "a"])
    same(rows(client, made.id)[0].created_at.isoformat(), "2026-01-01T00:00:00+00:00")


@scenario
def bulk_reading_after_each_kind_of_change(client: Client) -> None:
    dataset = create(client, [{"n": n, "meta": {"seq": n}} for n in range(5)])
    datasets, first = client.datasets, dataset.versions[0].id
    known = ids(client, dataset.id)
    _same_over_flight(client, dataset.id)
    datasets.append_examples(dataset=dataset.id, examples=[{"n": 5, "new": "column"}])
    _same_over_flight(client, dataset.id)
    update = {"dataset": dataset.id, "examples": [{"id": known[1], "n": None, "more": [1, {}]}]}
    datasets.update_examples(**update)
    _same_over_flight(client, dataset.id)
    datasets.update_examples(**update | {"examples": [{"id": known[2], "n": 7}]}, new_version="two")
    datasets.delete_examples(
        dataset=dataset.id, dataset_version_id=first, examples=[known[0], known[4]]
    )
    datasets.update_examples(
        dataset=dataset.id, dataset_version_id=first, examples=[{"id": known[3], "old": True}]
    )
    datasets.append_examples(
        dataset=dataset.id, dataset_version_id=first, examples=[{"label": "only here"}]
    )
    for version in version_ids(client, dataset.id):
        _same_over_flight(client, dataset.id, version)
    same([row.get("n") for row in map(_present, _all(client, dataset.id))], [0, None, 7, 3, 4, 5])


@scenario
def bulk_reading_of_a_field_of_several_types(client: Client) -> None:
    values: list[object] = ["text", 1, 1.5, True, None, [1, {"a": 2}]]
    dataset = create(client, [{"mixed": value, "n": 1} for value in values])
    given = [_present(example).get("mixed") for example in _all(client, dataset.id)]
    same(given[:5], ["text", "1", "1.5", "true", None])
    same(json.loads(str(given[5])), values[5])


@scenario
def bulk_reading_by_name(client: Client) -> None:
    dataset = create(client, numbered(3))
    found = client.datasets.list_examples(dataset=dataset.name, space=SPACE, all=True)
    same([example.id for example in found.examples], ids(client, dataset.id))


@scenario
def bulk_reading_of_a_version_without_examples(client: Client) -> None:
    dataset = create(client, numbered(2))
    client.datasets.delete_examples(
        dataset=dataset.id,
        dataset_version_id=dataset.versions[0].id,
        examples=ids(client, dataset.id),
    )
    same(_all(client, dataset.id), [])


def _refused(name: str, examples: object, *said: str) -> None:
    """Try to create a dataset over Flight; fail unless the error says this and nothing is left."""
    client = _bulk_client()
    try:
        client.datasets.create(name=name, space=SPACE, examples=examples)
    except RuntimeError as error:
        message = str(error)
    else:
        raise AssertionError("the examples were accepted")
    holds(message, *said)
    assert "Traceback" not in message, message


@scenario
def bulk_refused_for_bad_rows(client: Client) -> None:
    name = unique("refused")
    pandas = _pandas()
    _refused(name, pandas.DataFrame({"id": ["a", "", "c"], "n": range(3)}), "row 1", "id is empty")
    _refused(name, pandas.DataFrame({"n": [1.0, math.inf]}), "row 1", "'n'", "infinity")
    _refused(name, pandas.DataFrame({"id": ["a", "b"]}), "no columns")
    _refused(name, pandas.DataFrame({"n": [1], "annotations": ["x"]}), "'annotations'")
    same(client.datasets.list(name=name).datasets, [])


@scenario
def bulk_refused_for_a_taken_name(client: Client) -> None:
    dataset = create(client, numbered(1))
    _refused(dataset.name, _frame(10), repr(dataset.name), "choose another name")
    same(len(client.datasets.list(name=dataset.name).datasets), 1)


@scenario
def bulk_refused_for_a_wrong_key(client: Client) -> None:
    dataset = create(client, numbered(1))
    stranger = new_client(api_key="exk_not_known_to_the_server", max_http_payload_size_mb=-1)
    flight = importlib.import_module("arize._flight.client")
    with flight.ArizeFlightClient(sdk_config=stranger.datasets._sdk_config) as connection:
        try:
            connection.get_dataset_examples(space_id=dataset.space_id, dataset_id=dataset.id)
        except RuntimeError as error:
            holds(str(error.__cause__), "unknown, revoked or expired")
        else:
            raise AssertionError("a wrong key was accepted")


@scenario_only_in("8.61", "earlier releases read no files")
def bulk_create_from_files(client: Client) -> None:
    arrow = importlib.import_module("pyarrow")
    feather = importlib.import_module("pyarrow.feather")
    frame = _frame(300)
    with _folder() as folder:
        frame[:100].to_parquet(folder / "one.parquet", index=False)
        nested = folder / "more"
        nested.mkdir()
        table = arrow.Table.from_pandas(frame[100:200], preserve_index=False)
        with arrow.ipc.new_file(nested / "two.arrow", table.schema) as writer:
            writer.write_table(table)
        feather.write_feather(frame[200:].reset_index(drop=True), nested / "three.feather")
        for source, count in {
            folder / "one.parquet": 100,
            nested / "two.arrow": 100,
            nested / "three.feather": 100,
            folder: 300,
        }.items():
            made = client.datasets.create(name=unique("files"), space=SPACE, examples=str(source))
            shown = sorted(fields(client, made.id), key=lambda row: row["n"])
            same(len(shown), count)
            start = shown[0]["n"]
            expected = json.loads(frame[start : start + count].to_json(orient="records"))
            same([row | {"share": 0} for row in shown], [row | {"share": 0} for row in expected])


@scenario_only_in("8.61", "earlier releases cannot export")
def bulk_export_to_parquet(client: Client) -> None:
    dataset = create(client, [{"n": n, "meta": {"seq": n}} for n in range(4)])
    known = ids(client, dataset.id)
    client.datasets.update_examples(
        dataset=dataset.id, examples=[{"id": known[0], "n": 9}], new_version="two"
    )
    with _folder() as folder:
        path = str(folder / "out.parquet")
        for version, first in zip(version_ids(client, dataset.id), (9, 0), strict=True):
            client.datasets.export_to_parquet(
                dataset=dataset.name, space=SPACE, dataset_version_id=version, path=path
            )
            frame = _pandas().read_parquet(path)
            same(list(frame["id"]), known)
            same(list(frame["n"]), [first, 1, 2, 3])
            same([json.loads(text) for text in frame["meta"]], [{"seq": n} for n in range(4)])
        again = client.datasets.create(name=unique("again"), space=SPACE, examples=path)
        same(ids(client, again.id), known)


@scenario_only_in("8.61", "once is enough for what takes long")
def bulk_100_000(client: Client) -> None:
    name = unique("many")
    made = client.datasets.create(name=name, space=SPACE, examples=_frame(MANY))
    found = client.datasets.list_examples(dataset=name, space=SPACE, all=True).examples
    same(sorted(example.additional_properties["n"] for example in found), list(range(MANY)))
    same([example.id for example in found], sorted(example.id for example in found))
    client.datasets.delete(dataset=made.id)
