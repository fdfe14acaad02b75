"""Scenarios of the `arize` SDK in which the server refuses, and changes nothing."""

from __future__ import annotations

import base64
import importlib
import json
import math
from collections.abc import Callable

from tests.clients.sdk_support import (
    SPACE,
    Client,
    create,
    fields,
    holds,
    ids,
    new_client,
    numbered,
    refusal,
    same,
    scenario,
    scenario_only_in,
    snapshot,
    unique,
    unused_id,
    version_ids,
)


def _unchanged_by(client: Client, dataset: str, act: Callable[[], None]) -> None:
    """Run refused calls and fail if anything of the dataset differs after them."""
    before = (client.datasets.get(dataset=dataset), snapshot(client, dataset))
    act()
    same((client.datasets.get(dataset=dataset), snapshot(client, dataset)), before)


@scenario
def refused_400_for_an_id_of_another_kind(client: Client) -> None:
    dataset = create(client, numbered(1))
    version = dataset.versions[0].id
    datasets = client.datasets
    for wrong in (dataset.space_id, version, base64.b64encode(b"a:b").decode()):
        refusal(400, datasets.get, dataset=wrong)
        refusal(400, datasets.delete, dataset=wrong)
        refusal(400, datasets.list_examples, dataset=wrong)
        refusal(400, datasets.append_examples, dataset=wrong, examples=[{"n": 1}])
    for wrong in (dataset.id, dataset.space_id, "latest"):
        call = {"dataset": dataset.id, "dataset_version_id": wrong}
        known = ids(client, dataset.id)
        for detail in (
            refusal(400, datasets.list_examples, **call),
            refusal(400, datasets.append_examples, **call, examples=[{"n": 1}]),
            refusal(400, datasets.update_examples, **call, examples=[{"id": known[0], "n": 1}]),
            refusal(400, datasets.delete_examples, **call, examples=known),
        ):
            holds(detail, "dataset_version_id")
    holds(refusal(400, datasets.list, space=dataset.id), "space_id")
    call = {"name": unique("refused"), "space": dataset.id, "examples": numbered(1)}
    holds(refusal(400, datasets.create, **call), "space_id")


@scenario
def refused_400_for_a_cursor_that_is_none(client: Client) -> None:
    dataset = create(client, numbered(3))
    for wrong in ("garbage", "bm9uc2Vuc2U=", "☃"):
        call = {"dataset": dataset.id, "limit": 2, "cursor": wrong}
        holds(refusal(400, client.datasets.list_examples, **call), "cursor")
        holds(refusal(400, client.datasets.list, cursor=wrong), "cursor")


@scenario
def refused_400_for_half_a_character(client: Client) -> None:
    dataset = create(client, numbered(1))
    known = ids(client, dataset.id)[0]
    half = "\ud83e"

    def act() -> None:
        datasets = client.datasets
        call = {"name": unique("refused"), "space": SPACE, "examples": [{"text": half}]}
        refusal(400, datasets.create, **call)
        refusal(400, datasets.append_examples, dataset=dataset.id, examples=[{"text": [half]}])
        call = {"dataset": dataset.id, "examples": [{"id": known, "text": half}]}
        refusal(400, datasets.update_examples, **call)

    _unchanged_by(client, dataset.id, act)


@scenario_only_in("8.42", "later releases send null in place of NaN and of the infinities")
def refused_400_for_numbers_outside_json(client: Client) -> None:
    dataset = create(client, numbered(2))
    known = ids(client, dataset.id)[0]

    def act() -> None:
        for number in (math.nan, math.inf, -math.inf):
            examples = [{"id": known, "share": number}]
            refusal(400, client.datasets.update_examples, dataset=dataset.id, examples=examples)

    _unchanged_by(client, dataset.id, act)


@scenario
def refused_401_for_a_wrong_key(client: Client) -> None:
    dataset = create(client, numbered(1))
    known = ids(client, dataset.id)
    version = dataset.versions[0].id

    def act() -> None:
        stranger = new_client(api_key="exk_this_key_is_not_known_to_the_server").datasets
        call = {"dataset": dataset.id}
        refusal(401, stranger.list)
        refusal(401, stranger.get, **call)
        refusal(401, stranger.create, name="no", space=dataset.space_id, examples=[{"n": 1}])
        refusal(401, stranger.update, **call, name="no")
        refusal(401, stranger.delete, **call)
        refusal(401, stranger.list_examples, **call)
        refusal(401, stranger.append_examples, **call, examples=[{"n": 1}])
        refusal(401, stranger.update_examples, **call, examples=[{"id": known[0], "n": 1}])
        refusal(401, stranger.delete_examples, **call, dataset_version_id=version, examples=known)

    _unchanged_by(client, dataset.id, act)


@scenario
def refused_401_says_how_to_authenticate(client: Client) -> None:
    exceptions = importlib.import_module("arize._generated.api_client.exceptions")
    try:
        new_client(api_key="wrong").spaces.list()
    except exceptions.UnauthorizedException as error:
        holds(error.headers["WWW-Authenticate"], "Bearer")
    else:
        raise AssertionError("a wrong key was accepted")


@scenario
def refused_404_for_a_deleted_dataset(client: Client) -> None:
    dataset = create(client, numbered(2))
    known = ids(client, dataset.id)
    client.datasets.delete(dataset=dataset.id)
    _nothing_there(client, dataset.id, dataset.versions[0].id, known)


@scenario
def refused_404_for_an_id_never_given(client: Client) -> None:
    unused = unused_id("Dataset")
    _nothing_there(client, unused, unused_id("DatasetVersion"), ["1"])
    call = {"space": unused_id("Space"), "name": unique("refused"), "examples": numbered(1)}
    refusal(404, client.datasets.create, **call)


def _nothing_there(client: Client, dataset: str, version: str, known: list[str]) -> None:
    datasets = client.datasets
    call = {"dataset": dataset}
    refusal(404, datasets.get, **call)
    refusal(404, datasets.update, **call, name=unique("refused"))
    refusal(404, datasets.delete, **call)
    for versioned in (call, {**call, "dataset_version_id": version}):
        refusal(404, datasets.list_examples, **versioned)
        refusal(404, datasets.append_examples, **versioned, examples=[{"n": 1}])
        refusal(404, datasets.update_examples, **versioned, examples=[{"id": known[0], "n": 1}])
    refusal(404, datasets.delete_examples, **call, dataset_version_id=version, examples=known)


@scenario
def refused_404_for_a_version_of_another_dataset(client: Client) -> None:
    dataset, other = create(client, numbered(1)), create(client, numbered(1))
    known = ids(client, dataset.id)
    for version in (other.versions[0].id, unused_id("DatasetVersion")):
        call = {"dataset": dataset.id, "dataset_version_id": version}

        def act(call: dict[str, object] = call) -> None:
            update = {"examples": [{"id": known[0], "n": 1}]}
            refusal(404, client.datasets.list_examples, **call)
            refusal(404, client.datasets.append_examples, **call, examples=[{"n": 1}])
            refusal(404, client.datasets.update_examples, **call, **update)
            refusal(404, client.datasets.update_examples, **call, **update, new_version="new")
            refusal(404, client.datasets.delete_examples, **call, examples=known)

        _unchanged_by(client, dataset.id, act)
        same(len(fields(client, other.id)), 1)


@scenario
def a_name_that_nothing_has_is_not_found(client: Client) -> None:
    """The SDK resolves names itself: it lists, and raises an exception of its own."""
    resolve = importlib.import_module("arize.utils.resolve")
    dataset = create(client, numbered(1))
    part = dataset.name[:-1]
    for name, space in ((part, SPACE), (part, dataset.space_id)):
        try:
            client.datasets.get(dataset=name, space=space)
        except resolve.NotFoundError as error:
            holds(str(error), name)
        else:
            raise AssertionError(f"found a dataset named {name!r}")


@scenario
def refused_409_for_the_name_of_another_dataset(client: Client) -> None:
    dataset, other = create(client, numbered(1)), create(client, numbered(1))

    def act() -> None:
        call = {"name": other.name, "space": SPACE, "examples": numbered(1)}
        refusal(409, client.datasets.create, **call)
        refusal(409, client.datasets.update, dataset=dataset.id, name=other.name)

    _unchanged_by(client, dataset.id, act)
    same([found.id for found in client.datasets.list(name=other.name).datasets], [other.id])


@scenario
def refused_409_for_the_name_of_another_version(client: Client) -> None:
    dataset = create(client, numbered(2))
    known = ids(client, dataset.id)
    update = {"dataset": dataset.id, "examples": [{"id": known[0], "n": "changed"}]}
    client.datasets.update_examples(**update, new_version="taken")
    versions = version_ids(client, dataset.id)

    def act() -> None:
        for name in ("taken", dataset.versions[0].name):
            for version in ("", *versions):
                call = {**update, "new_version": name, "dataset_version_id": version}
                refusal(409, client.datasets.update_examples, **call)

    _unchanged_by(client, dataset.id, act)
    same([row["n"] for row in fields(client, dataset.id, versions[-1])], [0, 1])
    other = create(client, numbered(1))
    call = {"dataset": other.id, "examples": [{"id": ids(client, other.id)[0], "n": 1}]}
    client.datasets.update_examples(**call, new_version="taken")


@scenario
def refused_422_for_a_bad_name_of_a_version(client: Client) -> None:
    dataset = create(client, numbered(1))
    update = {"dataset": dataset.id, "examples": [{"id": ids(client, dataset.id)[0], "n": 9}]}

    def act() -> None:
        for name in ("   ", "\t\n", "v" * 256):
            detail = refusal(422, client.datasets.update_examples, **update, new_version=name)
            holds(detail, "new_version")

    _unchanged_by(client, dataset.id, act)
    client.datasets.update_examples(**update, new_version="ü" * 255)
    same(client.datasets.get(dataset=dataset.id).versions[0].name, "ü" * 255)


@scenario
def refused_422_for_a_bad_name_of_a_dataset(client: Client) -> None:
    dataset = create(client, numbered(1))

    def act() -> None:
        for name in ("", "   ", "n" * 256):
            call = {"name": name, "space": SPACE, "examples": numbered(1)}
            holds(refusal(422, client.datasets.create, **call), "name")
            holds(refusal(422, client.datasets.update, dataset=dataset.id, name=name), "name")

    _unchanged_by(client, dataset.id, act)


@scenario
def refused_422_for_fields_of_the_system_in_an_update(client: Client) -> None:
    dataset = create(client, numbered(3))
    known = ids(client, dataset.id)
    values: list[tuple[str, object]] = [
        ("created_at", "2020-01-01T00:00:00Z"),
        ("updated_at", None),
        ("annotations", []),
    ]

    def act() -> None:
        for field, value in values:
            examples = [{"id": known[0], "n": 9}, {"id": known[1], "n": 9, field: value}]
            call = {"dataset": dataset.id, "examples": examples}
            for new_version in (None, "new"):
                detail = refusal(
                    422, client.datasets.update_examples, **call, new_version=new_version
                )
                holds(detail, "examples[1]", field)

    _unchanged_by(client, dataset.id, act)


@scenario
def refused_422_for_fields_of_the_system_in_new_examples(client: Client) -> None:
    dataset = create(client, numbered(1))

    def act() -> None:
        for field in ("id", "created_at", "updated_at", "annotations"):
            examples = [*numbered(2), {"n": 2, field: "2020-01-01T00:00:00Z"}]
            _new_examples_are_refused(client, dataset.id, examples, "examples[2]", field)

    _unchanged_by(client, dataset.id, act)


@scenario
def refused_422_for_a_new_example_without_fields(client: Client) -> None:
    dataset = create(client, numbered(1))
    examples: list[dict[str, object]] = [*numbered(1), {}]
    _unchanged_by(
        client,
        dataset.id,
        lambda: _new_examples_are_refused(client, dataset.id, examples, "examples[1]"),
    )


def _new_examples_are_refused(
    client: Client, dataset: str, examples: list[dict[str, object]], *named: str
) -> None:
    """Try to create a dataset with the examples, and to append them to one."""
    call = {"name": unique("refused"), "space": SPACE, "examples": examples}
    holds(refusal(422, client.datasets.create, **call), *named)
    same(client.datasets.list(name=str(call["name"])).datasets, [])
    detail = refusal(422, client.datasets.append_examples, dataset=dataset, examples=examples)
    holds(detail, *named)


@scenario
def refused_422_for_an_example_given_twice(client: Client) -> None:
    dataset = create(client, numbered(3))
    known = ids(client, dataset.id)
    version = dataset.versions[0].id

    def act() -> None:
        call = {"dataset": dataset.id}
        examples = [{"id": known[n], "n": 9} for n in (0, 1, 0)]
        holds(refusal(422, client.datasets.update_examples, **call, examples=examples), "examples[")
        call["dataset_version_id"] = version
        twice = [known[2], known[1], known[2]]
        holds(refusal(422, client.datasets.delete_examples, **call, examples=twice), "example_ids[")

    _unchanged_by(client, dataset.id, act)


@scenario
def refused_422_for_an_empty_id(client: Client) -> None:
    dataset = create(client, numbered(2))
    known = ids(client, dataset.id)
    version = dataset.versions[0].id

    def act() -> None:
        call = {"dataset": dataset.id}
        examples = [{"id": known[0], "n": 9}, {"id": "", "n": 9}]
        detail = refusal(422, client.datasets.update_examples, **call, examples=examples)
        holds(detail, "examples[1]", "id")
        call["dataset_version_id"] = version
        detail = refusal(422, client.datasets.delete_examples, **call, examples=[known[0], ""])
        holds(detail, "example_ids[1]")

    _unchanged_by(client, dataset.id, act)


@scenario
def refused_422_for_nesting_that_is_too_deep(client: Client) -> None:
    dataset = create(client, numbered(1))
    value = json.loads("[" * 101 + "]" * 101)
    examples: list[dict[str, object]] = [{"n": 1}, {"n": value}]

    def act() -> None:
        _new_examples_are_refused(client, dataset.id, examples, "examples[1]")
        known = ids(client, dataset.id)[0]
        call = {"dataset": dataset.id, "examples": [{"id": known, "n": value}]}
        holds(refusal(422, client.datasets.update_examples, **call), "examples[0]")

    _unchanged_by(client, dataset.id, act)
