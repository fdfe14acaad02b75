"""Requests at the same time: none is lost, none is seen half done, of two equal names one wins."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import TypeVar

import httpx
import msgspec

from tests.api.helpers import (
    Dataset,
    Page,
    assert_problem,
    default_space,
    delete_examples,
    get_dataset,
    list_datasets,
    make_dataset,
    moment,
    new_version,
    numbered,
    ok,
    patch,
    read_fields,
    read_version,
    send,
    unique,
    version_ids,
)

T = TypeVar("T")


def at_once(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run jobs in a thread each, all started together, and return their results."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        start.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


def one_wins(responses: Sequence[httpx.Response], status: int) -> httpx.Response:
    """Check that one request got this status and each other a conflict; return the winner."""
    won = [response for response in responses if response.status_code == status]
    lost = [response for response in responses if response.status_code != status]
    for response in lost:
        assert_problem(response, 409, "conflict")
    (winner,) = won
    return winner


def set_all(
    client: httpx.Client, dataset: Dataset, value: object, ids: Sequence[str] = (), **query: str
) -> None:
    """Give every example this value of the field `same`, in one request."""
    items = [{"id": id, "same": value} for id in ids or dataset.example_ids]
    ok(send(client, "PATCH", dataset.examples_url, {"examples": items}, **query))


def test_updates_of_different_fields_of_one_example_are_all_kept(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))
    (id,) = dataset.example_ids

    def update(stem: str) -> None:
        for index in range(40):
            ok(patch(client, dataset, [{"id": id, stem: index, f"{stem}{index}": index}]))

    at_once([partial(update, stem) for stem in ("left", "right")])
    expected = numbered(1)[0] | {
        f"{stem}{index}": index for stem in ("left", "right") for index in range(40)
    }
    assert read_fields(client, dataset) == [expected | {"left": 39, "right": 39}]


def test_updates_of_many_examples_in_opposite_orders_all_succeed(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(100))
    ids = list(dataset.example_ids)

    def update(value: str, order: Sequence[str]) -> None:
        for _ in range(10):
            set_all(client, dataset, value, order)

    at_once([partial(update, "up", ids), partial(update, "down", ids[::-1])])
    assert len({fields["same"] for fields in read_fields(client, dataset)}) == 1


def test_a_reader_never_sees_half_a_request(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(100))
    set_all(client, dataset, -1)
    done = threading.Event()

    def write() -> int:
        for value in range(20):
            set_all(client, dataset, value)
        done.set()
        return 0

    def read() -> int:
        seen = 0
        while not done.is_set() or not seen:
            response = client.get(dataset.examples_url, params={"limit": "500"})
            page = msgspec.json.decode(response.content, type=Page)
            assert len(page.ids) == 100
            assert len({text["same"] for text in page.texts}) == 1
            seen += 1
        return seen

    assert sum(at_once([write, read, read])) >= 2


def test_a_version_made_while_its_base_changes_holds_whole_requests(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(30))
    set_all(client, dataset, -1)
    base = dataset.version_id

    def write() -> None:
        for value in range(15):
            set_all(client, dataset, value, dataset_version_id=base)

    def branch() -> None:
        for _ in range(8):
            new_version(client, dataset, version=base)

    at_once([write, branch, branch])
    versions = version_ids(client, dataset)
    assert len(set(versions)) == 17
    for version in versions:
        assert len({fields["same"] for fields in read_fields(client, dataset, version)}) == 1
    assert read_fields(client, dataset, base)[0]["same"] == 14


def test_of_creates_with_one_name_one_wins(client: httpx.Client) -> None:
    name = unique()
    body = {"name": name, "space_id": default_space(client), "examples": numbered(5)}
    responses = at_once([partial(send, client, "POST", "/v2/datasets", body)] * 8)
    winner = one_wins(responses, 201)
    assert [one["id"] for one in list_datasets(client, name=name)] == [winner.json()["id"]]


def test_of_new_versions_with_one_name_one_wins(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(5))

    def update(value: int) -> httpx.Response:
        items = [{"id": id, "same": value} for id in dataset.example_ids]
        return patch(client, dataset, items, new_version="next")

    responses = at_once([partial(update, value) for value in range(8)])
    winner = one_wins(responses, 200)
    assert version_ids(client, dataset) == [
        winner.json()["dataset_version_id"],
        dataset.version_id,
    ]
    assert read_fields(client, dataset, dataset.version_id) == numbered(5)
    found = {fields["same"] for fields in read_fields(client, dataset)}
    assert found == {responses.index(winner)}


def test_of_renames_to_one_name_one_wins(client: httpx.Client) -> None:
    made = [make_dataset(client, numbered(1)) for _ in range(6)]
    name = unique("renamed")
    responses = at_once([partial(send, client, "PATCH", one.url, {"name": name}) for one in made])
    winner = one_wins(responses, 200)
    assert [one["id"] for one in list_datasets(client, name=name)] == [winner.json()["id"]]
    assert sum(get_dataset(client, one)["name"] == one.name for one in made) == 5


def test_of_organizations_and_spaces_with_one_name_one_wins(client: httpx.Client) -> None:
    name = unique("raced")
    responses = at_once([partial(send, client, "POST", "/v2/organizations", {"name": name})] * 6)
    organization = one_wins(responses, 201).json()["id"]
    body = {"name": name, "organization_id": organization}
    responses = at_once([partial(send, client, "POST", "/v2/spaces", body)] * 6)
    space = one_wins(responses, 201).json()["id"]
    found = ok(client.get("/v2/spaces", params={"name": name}))["spaces"]
    assert [one["id"] for one in found] == [space]


def test_inserts_are_all_kept_each_in_one_piece(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(1))

    def insert(writer: int) -> list[list[str]]:
        answers = []
        for turn in range(10):
            body = {"examples": [{"writer": writer, "turn": turn, "n": n} for n in range(5)]}
            answer = ok(send(client, "POST", dataset.examples_url, body), 201)
            answers.append(answer["example_ids"])
        return answers

    written = at_once([partial(insert, writer) for writer in range(4)])
    found = read_version(client, dataset.id)
    ids = [example["id"] for example in found]
    assert len(ids) == 201
    for one_request in (one for answers in written for one in answers):
        begin = ids.index(one_request[0])
        assert ids[begin : begin + 5] == one_request
        assert [example["n"] for example in found[begin : begin + 5]] == list(range(5))
    times = [moment(example["created_at"]) for example in found]
    assert all(earlier < later for earlier, later in pairwise(times))


def test_an_example_is_deleted_once(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(50))
    ids = list(dataset.example_ids)
    version = dataset.version_id
    orders = (ids, ids[::-1], ids[10:], ids[:40])
    answers = at_once(
        [partial(delete_examples, client, dataset, version, order) for order in orders]
    )
    deleted = Counter(id for answer in answers for id in ok(answer)["deleted_example_ids"])
    assert deleted == Counter(ids)
    assert read_fields(client, dataset) == []


def test_the_time_of_update_never_repeats(client: httpx.Client) -> None:
    dataset = make_dataset(client, numbered(2))

    def update(id: str) -> list[str]:
        return [
            ok(patch(client, dataset, [{"id": id, "turn": turn}]))["updated_at"]
            for turn in range(25)
        ]

    answers = at_once([partial(update, id) for id in dataset.example_ids])
    for times in answers:
        assert times == sorted(times)
    assert len({moment(time) for times in answers for time in times}) == 50
