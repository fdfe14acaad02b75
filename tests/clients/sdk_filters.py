"""Scenarios of the `arize` SDK about examples that a filter chooses."""

from __future__ import annotations

import importlib
from typing import Any

from tests.clients.sdk_support import (
    SPACE,
    Client,
    create,
    holds,
    ids,
    pages,
    refusal,
    same,
    scenario_only_in,
    unique,
)

EXAMPLES: list[dict[str, object]] = [
    {"n": 0, "city": "Lima", "by sea": True, "meta": {"level": 1, "tags": ["a"]}},
    {"n": 1, "city": "Nairobi", "by sea": False, "meta": {"level": 2}},
    {"n": 2, "city": "Saint John's", "meta": {"level": 2}},
    {"n": 3, "city": None, "extra": "größer"},
    {"n": "4", "city": "La Paz"},
]

FILTERS: dict[str, list[int]] = {
    "city = 'Lima'": [0],
    "city = 'Saint John''s'": [2],
    "city != 'Lima' AND n < 3": [1, 2],
    "n >= 1": [1, 2, 3],
    "n <> 1 AND n <= 2": [0, 2],
    "n > 2.5 OR city = 'Lima'": [0, 3],
    "n = '4'": [4],
    "n IN (0, 2, 4)": [0, 2],
    "city LIKE 'La%'": [4],
    "city LIKE '_ima'": [0],
    "city IS NULL": [3],
    "extra IS NOT NULL": [3],
    "extra = 'größer'": [3],
    "NOT (n = 0 OR n = 1) AND meta.level = 2": [2],
    "meta.level > 1": [1, 2],
    '"by sea" = true': [0],
    "`by sea` = false": [1],
    "city = 'nowhere'": [],
    "  ": [0, 1, 2, 3, 4],  # the SDK leaves a blank filter out
}


def _chosen(client: Client, dataset: str, filter: str, **address: object) -> list[int]:
    found = pages(client, 2, dataset=dataset, filter=filter, **address)
    return [int(example.additional_properties["n"]) for page in found for example in page]


later = scenario_only_in("8.61", "earlier releases cannot filter examples")


@later
def filter_examples_by_their_fields(client: Client) -> None:
    dataset = create(client, EXAMPLES).id
    for text, expected in FILTERS.items():
        same((text, _chosen(client, dataset, text)), (text, expected))
    known = ids(client, dataset)
    same(_chosen(client, dataset, f"id = '{known[2]}'"), [2])
    same(_chosen(client, dataset, f"id IN ('{known[1]}', '{known[0]}')"), [0, 1])


@later
def filter_examples_of_a_version(client: Client) -> None:
    dataset = create(client, EXAMPLES)
    first = ids(client, dataset.id)[0]
    changed = [{"id": first, "city": "Cusco"}]
    client.datasets.update_examples(dataset=dataset.id, examples=changed, new_version="moved")
    old = dataset.versions[0].id
    same(_chosen(client, dataset.id, "city = 'Lima'"), [])
    same(_chosen(client, dataset.id, "city = 'Lima'", dataset_version_id=old), [0])
    same(_chosen(client, dataset.id, "city = 'Cusco'"), [0])
    same(_chosen(client, dataset.id, "city = 'Cusco'", dataset_version_id=old), [])


@later
def filter_examples_by_their_annotations(client: Client) -> None:
    types: Any = importlib.import_module("arize.datasets.types")
    dataset = create(client, EXAMPLES)
    name = unique("closeness").replace(" ", "_")
    client.annotation_configs.create_continuous(
        name=name, space=SPACE, minimum_score=0, maximum_score=1
    )
    given = [
        types.AnnotateRecordInput(
            record_id=record, values=[types.AnnotationInput(name=name, score=score, text=text)]
        )
        for record, score, text in zip(
            ids(client, dataset.id), (0.25, 0.5, 1), ("low", "half", "full"), strict=False
        )
    ]
    client.datasets.annotate_examples(dataset=dataset.id, annotations=given)
    for text, expected in {
        f"annotation.{name}.score >= 0.5": [1, 2],
        f"annotation.{name}.text = 'low'": [0],
        f"annotation.{name}.score IS NULL": [3, 4],
        f"annotation.{name}.score < 1 AND city LIKE 'N%'": [1],
    }.items():
        same((text, _chosen(client, dataset.id, text)), (text, expected))


@later
def refused_filters(client: Client) -> None:
    call: dict[str, Any] = {"dataset": create(client, EXAMPLES).id}
    listed = client.datasets.list_examples
    for bad in ("city =", "city = 'open", "(n = 1", "n = 1; DROP TABLE examples", "lower(n) = 1"):
        holds(refusal(400, listed, **call, filter=bad), "filter, character ")
