"""Scenarios of the `arize` SDK about annotation configs and annotations."""

from __future__ import annotations

import importlib
from typing import Any

from tests.clients.sdk_support import (
    SPACE,
    Client,
    create,
    fields,
    holds,
    ids,
    numbered,
    refusal,
    rows,
    same,
    scenario,
    snapshot,
    unique,
    unused_id,
)

UNKNOWN_EXAMPLE = "01890000-0000-7000-8000-000000000000"


def _values(**scores: float | None) -> list[Any]:
    """Return the values of a categorical config, by label."""
    types = importlib.import_module("arize.annotation_configs.types")
    kind = getattr(types, "CategoricalAnnotationValueRequest", types.CategoricalAnnotationValue)
    return [kind(label=label, score=score) for label, score in scores.items()]


def _shown(values: list[Any]) -> list[tuple[str, float | None]]:
    return [(value.label, value.score) for value in values]


def _direction(name: str) -> Any:
    types = importlib.import_module("arize.annotation_configs.types")
    return types.OptimizationDirection(name)


def _annotations(record: str, *values: dict[str, object]) -> list[Any]:
    """Return the annotations of one example as `annotate_examples` takes them."""
    types = importlib.import_module("arize.datasets.types")
    given = [types.AnnotationInput(**value) for value in values]
    return [types.AnnotateRecordInput(record_id=record, values=given)]


def _annotated(client: Client, dataset: str, version: str | None = None) -> list[list[Any]]:
    """Return name, score, label and text of the annotations of each example, by name."""
    return [
        sorted((one.name, one.score, one.label, one.text) for one in row.annotations or [])
        for row in rows(client, dataset, version)
    ]


def _continuous(client: Client, low: float = 0, high: float = 1) -> str:
    made = client.annotation_configs.create_continuous(
        name=unique("closeness"), space=SPACE, minimum_score=low, maximum_score=high
    )
    name: str = made.name
    return name


def _categorical(client: Client) -> str:
    made = client.annotation_configs.create_categorical(
        name=unique("verdict"), space=SPACE, values=_values(right=1, wrong=0)
    )
    name: str = made.name
    return name


def _freeform(client: Client) -> str:
    name: str = client.annotation_configs.create_freeform(name=unique("remark"), space=SPACE).name
    return name


def _found(client: Client, made: Any) -> None:
    """Fail unless get and list show the config as it was made."""
    configs = client.annotation_configs
    space = client.spaces.get(space=SPACE).id
    same(made.space_id, space)
    assert made.created_at.tzinfo is not None
    same(configs.get(annotation_config=made.id), made)
    for place in (SPACE, space):
        same(configs.get(annotation_config=made.name, space=place), made)
        same(configs.list(name=made.name.upper(), space=place).annotation_configs, [made])


@scenario
def live_with_a_continuous_config(client: Client) -> None:
    configs = client.annotation_configs
    made = configs.create_continuous(
        name=unique("closeness"), space=SPACE, minimum_score=-1, maximum_score=2.5
    )
    same((made.type, made.minimum_score, made.maximum_score), ("CONTINUOUS", -1, 2.5))
    same(made.optimization_direction in (None, _direction("NONE")), True)
    _found(client, made)
    changed = configs.update_continuous(
        annotation_config=made.name,
        space=SPACE,
        maximum_score=10,
        optimization_direction=_direction("MINIMIZE"),
    )
    same((changed.id, changed.name, changed.minimum_score), (made.id, made.name, -1))
    same((changed.maximum_score, changed.optimization_direction), (10, _direction("MINIMIZE")))
    renamed = configs.update_continuous(annotation_config=made.id, name=unique("distance"))
    same((renamed.maximum_score, renamed.optimization_direction), (10, _direction("MINIMIZE")))
    _found(client, renamed)
    same(configs.delete(annotation_config=renamed.name, space=SPACE), None)
    refusal(404, configs.get, annotation_config=made.id)


@scenario
def live_with_a_categorical_config(client: Client) -> None:
    configs = client.annotation_configs
    made = configs.create_categorical(
        name=unique("Größe"),
        space=client.spaces.get(space=SPACE).id,
        values=_values(good=1, middling=0.5, bad=None),
        optimization_direction=_direction("MAXIMIZE"),
    )
    same((made.type, made.optimization_direction), ("CATEGORICAL", _direction("MAXIMIZE")))
    same(_shown(made.values), [("good", 1), ("middling", 0.5), ("bad", None)])
    _found(client, made)
    changed = configs.update_categorical(
        annotation_config=made.name, space=SPACE, values=_values(bad=0, fine=1)
    )
    same(_shown(changed.values), [("bad", 0), ("fine", 1)])
    same((changed.id, changed.name), (made.id, made.name))
    same(changed.optimization_direction, _direction("MAXIMIZE"))
    renamed = configs.update_categorical(annotation_config=made.id, name=unique("verdict"))
    same(_shown(renamed.values), [("bad", 0), ("fine", 1)])
    _found(client, renamed)
    configs.delete(annotation_config=made.id)
    refusal(404, configs.get, annotation_config=made.id)


@scenario
def live_with_a_freeform_config(client: Client) -> None:
    configs = client.annotation_configs
    made = configs.create_freeform(name=unique("remark"), space=SPACE)
    same(made.type, "FREEFORM")
    _found(client, made)
    renamed = configs.update_freeform(
        annotation_config=made.name, space=SPACE, name=unique("comment")
    )
    same((renamed.id, renamed.created_at), (made.id, made.created_at))
    _found(client, renamed)
    configs.delete(annotation_config=made.id)
    refusal(404, configs.delete, annotation_config=made.id)
    again = configs.create_freeform(name=renamed.name, space=SPACE)
    assert again.id != made.id


@scenario
def list_annotation_configs_page_by_page(client: Client) -> None:
    organization = client.organizations.get(organization=SPACE).id
    space = client.spaces.create(name=unique("lab"), organization_id=organization)
    configs = client.annotation_configs
    made = [
        configs.create_freeform(name="Remark", space=space.id),
        configs.create_categorical(name="verdict", space=space.id, values=_values(a=1, b=0)),
        configs.create_continuous(
            name="remarkable", space=space.id, minimum_score=0, maximum_score=1
        ),
    ]
    found: list[Any] = []
    cursor = None
    while not found or cursor:
        page = configs.list(space=space.id, limit=2, cursor=cursor)
        found += page.annotation_configs
        cursor = page.pagination.next_cursor
        same(page.pagination.has_more, cursor is not None)
    same(sorted(one.id for one in found), sorted(one.id for one in made))
    part = configs.list(space=space.name.upper(), name="REMARK").annotation_configs
    same(sorted(one.name for one in part), ["Remark", "remarkable"])
    client.spaces.delete(space=space.id)
    refusal(404, configs.get, annotation_config=made[0].id)


@scenario
def refused_annotation_configs(client: Client) -> None:
    configs = client.annotation_configs
    kept = configs.create_continuous(
        name=unique("kept"), space=SPACE, minimum_score=0, maximum_score=1
    )
    other = _freeform(client)
    call: dict[str, Any] = {"space": SPACE, "minimum_score": 0, "maximum_score": 1}
    holds(refusal(409, configs.create_continuous, **{**call, "name": other}), other)
    holds(
        refusal(409, configs.update_continuous, annotation_config=kept.id, name=other),
        other,
    )
    holds(refusal(422, configs.create_continuous, **{**call, "name": " "}), "name")
    call["minimum_score"] = 2
    refusal(422, configs.create_continuous, **{**call, "name": unique("upside down")})
    refusal(422, configs.update_continuous, annotation_config=kept.id, minimum_score=2)
    refusal(
        422,
        configs.update_freeform,
        annotation_config=kept.id,
        name=unique("other kind"),
    )
    holds(
        refusal(422, configs.create_categorical, name="x", space=SPACE, values=[]),
        "values",
    )
    for act in (configs.get, configs.delete):
        refusal(404, act, annotation_config=unused_id("AnnotationConfig"))
        refusal(400, act, annotation_config=unused_id("Dataset"))
    same(configs.get(annotation_config=kept.id), kept)


@scenario
def annotate_examples_and_read_it_back(client: Client) -> None:
    dataset = create(client, numbered(3))
    first, second, _ = ids(client, dataset.id)
    score, verdict, remark = _continuous(client), _categorical(client), _freeform(client)
    values: list[dict[str, object]] = [
        {"name": score, "score": 0.25},
        {"name": verdict, "label": "right", "text": "as in the book"},
        {"name": remark, "text": "größer ☃"},
    ]
    both = _annotations(first, *values) + _annotations(second, {"name": score, "score": 1})
    same(client.datasets.annotate_examples(dataset=dataset.id, annotations=both), None)
    found = _annotated(client, dataset.id)
    same([one[0] for one in found[0]], sorted([score, verdict, remark]))
    by_name = {one[0]: one[1:] for one in found[0]}
    same(by_name[score], (0.25, None, None))
    same(by_name[verdict][1:], ("right", "as in the book"))
    same(by_name[remark], (None, None, "größer ☃"))
    same(found[1:], [[(score, 1, None, None)], []])
    one = rows(client, dataset.id)[1].annotations[0]
    assert one.updated_at.tzinfo is not None
    assert one.annotator.id, one.annotator
    assert one.annotator.email, one.annotator
    same(fields(client, dataset.id), numbered(3))


@scenario
def annotate_an_example_again(client: Client) -> None:
    dataset = create(client, numbered(1))
    known = ids(client, dataset.id)[0]
    name = _continuous(client)
    address = {"dataset": dataset.name, "space": SPACE}
    times = [client.datasets.get(dataset=dataset.id).updated_at]
    steps: list[tuple[dict[str, object], tuple[object, ...]]] = [
        ({"score": 0.5}, (name, 0.5, None, None)),
        ({"text": "half"}, (name, 0.5, None, "half")),
        ({"score": 1, "text": "all"}, (name, 1, None, "all")),
    ]
    for value, expected in steps:
        given = _annotations(known, {"name": name, **value})
        client.datasets.annotate_examples(**address, annotations=given)
        same(_annotated(client, dataset.id), [[expected]])
        times.append(client.datasets.get(dataset=dataset.id).updated_at)
    same(times, sorted(set(times)))


@scenario
def an_annotation_belongs_to_the_example_in_all_versions(client: Client) -> None:
    dataset = create(client, numbered(2))
    first, second = ids(client, dataset.id)
    old = dataset.versions[0].id
    new = client.datasets.update_examples(
        dataset=dataset.id, examples=[{"id": first, "n": "new"}], new_version="second"
    ).dataset_version_id
    name = _freeform(client)
    given = _annotations(first, {"name": name, "text": "seen"})
    client.datasets.annotate_examples(dataset=dataset.id, annotations=given)
    for version in (old, new):
        same(_annotated(client, dataset.id, version), [[(name, None, None, "seen")], []])
    client.datasets.update_examples(dataset=dataset.id, examples=[{"id": first, "n": "newer"}])
    same(_annotated(client, dataset.id)[0], [(name, None, None, "seen")])
    client.datasets.delete_examples(dataset=dataset.id, dataset_version_id=new, examples=[first])
    same(_annotated(client, dataset.id), [[]])
    same(_annotated(client, dataset.id, old)[0], [(name, None, None, "seen")])
    same(ids(client, dataset.id), [second])


@scenario
def annotations_of_examples_that_do_not_exist_are_ignored(client: Client) -> None:
    dataset, other = create(client, numbered(1)), create(client, numbered(1))
    known, stranger = ids(client, dataset.id)[0], ids(client, other.id)[0]
    value: dict[str, object] = {"name": _freeform(client), "text": "seen"}
    given = [
        *_annotations(UNKNOWN_EXAMPLE, value),
        *_annotations(stranger, value),
        *_annotations(known, value),
    ]
    client.datasets.annotate_examples(dataset=dataset.id, annotations=given)
    same([one[3] for one in _annotated(client, dataset.id)[0]], ["seen"])
    same(_annotated(client, other.id), [[]])


@scenario
def refused_annotations(client: Client) -> None:
    dataset = create(client, numbered(2))
    known, other = ids(client, dataset.id)
    score, verdict = _continuous(client, 0, 1), _categorical(client)
    fine: dict[str, object] = {"name": score, "score": 0.5}
    absent = unique("no config")
    cases: list[tuple[dict[str, object], str]] = [
        ({"name": absent, "text": "x"}, absent),
        ({"name": score, "score": 1.5}, "score"),
        ({"name": score, "score": -0.1}, "score"),
        ({"name": verdict, "label": "maybe"}, "label"),
    ]
    before = (client.datasets.get(dataset=dataset.id), snapshot(client, dataset.id))
    for value, part in cases:
        given = _annotations(other, fine) + _annotations(known, fine, value)
        call = {"dataset": dataset.id, "annotations": given}
        holds(refusal(422, client.datasets.annotate_examples, **call), part)
    call = {"dataset": unused_id("Dataset"), "annotations": _annotations(known, fine)}
    refusal(404, client.datasets.annotate_examples, **call)
    same((client.datasets.get(dataset=dataset.id), snapshot(client, dataset.id)), before)
    same(_annotated(client, dataset.id), [[], []])
