"""`/v2/tags` and `/v2/datasets/{dataset_id}/tags`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.helpers import (
    Dataset,
    assert_problem,
    default_space,
    get_dataset,
    guessed,
    id_parts,
    make_dataset,
    make_id,
    make_space,
    moment,
    numbered,
    ok,
    read_bytes,
    send,
    unique,
)
from tests.api.key_support import Answer, make_tag

MEMBERS = {"id", "name", "description", "color", "space_id", "created_at", "updated_at"}
COLORS = [
    "GRAY",
    "INDIGO",
    "BLUE",
    "CYAN",
    "TEAL",
    "PINE",
    "GREEN",
    "LIME",
    "OLIVE",
    "LEMON",
    "YELLOW",
    "ORANGE",
    "RED",
    "CORAL",
    "PINK",
    "PLUM",
    "PURPLE",
    "BROWN",
    "AUBURN",
]


def make(client: httpx.Client, name: str = "", **members: object) -> Answer:
    """Make a tag in the space `Default`."""
    return make_tag(client, default_space(client), name, **members)


def patch(client: httpx.Client, tag: Answer, body: object) -> httpx.Response:
    """Ask for a change of a tag."""
    return send(client, "PATCH", f"/v2/tags/{tag['id']}", body)


def tags_of(client: httpx.Client, dataset: Dataset) -> list[Answer]:
    """Return the tags of a dataset."""
    answer = ok(client.get(f"{dataset.url}/tags"))
    assert set(answer) == {"tags", "pagination"}
    assert answer["pagination"] == {"has_more": False}
    found: list[Answer] = answer["tags"]
    return found


def attach(client: httpx.Client, dataset: Dataset, *ids: str) -> httpx.Response:
    """Ask for tags to be attached."""
    return send(client, "POST", f"{dataset.url}/tags", {"tag_ids": list(ids)})


def detach(client: httpx.Client, dataset: Dataset, *ids: str) -> httpx.Response:
    """Ask for tags to be detached."""
    return send(client, "DELETE", f"{dataset.url}/tags", {"tag_ids": list(ids)})


def a_dataset(client: httpx.Client, space: str = "") -> Dataset:
    """Make a dataset of one example."""
    return make_dataset(client, numbered(1), space_id=space)


def updated_at(client: httpx.Client, dataset: Dataset) -> str:
    """Return when the dataset was changed last."""
    return str(get_dataset(client, dataset)["updated_at"])


def by_name(tags: list[Answer]) -> list[Answer]:
    """Sort tags for a comparison."""
    return sorted(tags, key=lambda tag: str(tag["name"]))


def test_create(client: httpx.Client) -> None:
    name, space = unique("Prüfung 😀"), default_space(client)
    made = make(client, name, description="For tests.", color="TEAL")
    assert set(made) == MEMBERS
    assert id_parts(made["id"])[0] == "Tag"
    assert (made["name"], made["description"], made["color"]) == (name, "For tests.", "TEAL")
    assert made["space_id"] == space
    assert moment(made["created_at"]) == moment(made["updated_at"])


def test_description_and_color_are_optional(client: httpx.Client) -> None:
    for made in (make(client), make(client, description=None, color=None)):
        assert set(made) <= MEMBERS
        assert made.get("description") is None
        assert made.get("color") is None


def test_every_color(client: httpx.Client) -> None:
    made = make(client)
    for color in COLORS:
        made = ok(patch(client, made, {"color": color}))
        assert made["color"] == color


@pytest.mark.parametrize("other", ["straße {}", "STRASSE {}", "Straße {}"])
def test_a_name_is_taken_in_every_case(client: httpx.Client, other: str) -> None:
    mark = unique()
    made, second = make(client, f"Straße {mark}"), make(client)
    taken = other.format(mark)
    body = {"name": taken, "space_id": made["space_id"]}
    assert_problem(send(client, "POST", "/v2/tags", body), 409, "conflict", taken)
    assert_problem(patch(client, second, {"name": taken}), 409, "conflict", taken)
    elsewhere = make_tag(client, make_space(client), taken)
    assert elsewhere["name"] == taken


def test_a_tag_may_change_the_case_of_its_own_name(client: httpx.Client) -> None:
    made = make(client, unique("urgent"))
    name = made["name"].upper()
    assert ok(patch(client, made, {"name": name}))["name"] == name


@pytest.mark.parametrize(
    ("members", "status", "detail"),
    [
        ({"name": ""}, 422, "name"),
        ({"name": " \t"}, 422, "name"),
        ({"name": "n" * 101}, 422, "name"),
        ({"name": "a\0b"}, 422, "name"),
        ({"name": None}, 400, "name"),
        ({"name": 3}, 400, "name"),
        ({"description": 3}, 400, "description"),
        ({"description": "d" * 1_001}, 422, "description"),
        ({"color": "MAUVE"}, 422, "color must be one of AUBURN, BLUE, BROWN, CORAL, CYAN, GRAY"),
        ({"color": "red"}, 422, "color"),
        ({"color": 7}, 400, "color"),
        ({"owner": "me"}, 422, "owner"),
    ],
)
def test_bad_members_are_refused(
    client: httpx.Client, members: Answer, status: int, detail: str
) -> None:
    made = make(client, color="RED")
    slug = "validation-error" if status == 422 else "invalid-request"
    body = {"name": unique(), "space_id": made["space_id"], **members}
    assert_problem(send(client, "POST", "/v2/tags", body), status, slug, detail)
    assert_problem(patch(client, made, members), status, slug, detail)
    dataset = a_dataset(client)
    assert ok(attach(client, dataset, made["id"]))["tags"] == [made]


@pytest.mark.parametrize(
    ("members", "status", "slug"),
    [
        ({}, 422, "validation-error"),
        ({"space_id": None}, 400, "invalid-request"),
        ({"space_id": "garbage"}, 400, "invalid-request"),
        ({"space_id": make_id("Tag", 1, "aBcDeFgHiJ")}, 400, "invalid-request"),
        ({"space_id": make_id("Space", 999_999_999, "aBcDeFgHiJ")}, 404, "not-found"),
    ],
)
def test_a_tag_needs_a_space(client: httpx.Client, members: Answer, status: int, slug: str) -> None:
    response = send(client, "POST", "/v2/tags", {"name": unique(), **members})
    assert_problem(response, status, slug, "space")


def test_a_name_of_100_characters_is_kept(client: httpx.Client) -> None:
    name = ("😀" * 100 + unique())[-100:]
    assert make(client, name)["name"] == name


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "new"},
        {"color": "PLUM"},
        {"description": None},
        {"color": None},
        {"description": None, "color": "PINK"},
    ],
)
def test_update_changes_what_is_given(client: httpx.Client, changes: Answer) -> None:
    made = make(client, description="old", color="BLUE")
    changed = ok(patch(client, made, changes))
    assert changed == made | changes | {"updated_at": changed["updated_at"]}
    assert moment(changed["updated_at"]) > moment(made["updated_at"])


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), (b"", 400), (b"{", 400), ([], 400), ({"space_id": "x"}, 422)],
)
def test_a_bad_update_is_refused(client: httpx.Client, body: object, status: int) -> None:
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(patch(client, make(client), body), status, slug)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_id_that_leads_nowhere(client: httpx.Client, method: str) -> None:
    made = make(client)
    for id, status, slug in (
        ("garbage", 400, "invalid-request"),
        (make_id("Space", 1, "aBcDeFgHiJ"), 400, "invalid-request"),
        (make_id("Tag", 999_999_999, "aBcDeFgHiJ"), 404, "not-found"),
        (guessed(made["id"]), 404, "not-found"),
    ):
        response = send(client, method, f"/v2/tags/{id}", {"color": "RED"})
        assert_problem(response, status, slug)


def test_delete_detaches_everywhere(client: httpx.Client) -> None:
    gone, kept = make(client), make(client)
    datasets = [a_dataset(client), a_dataset(client)]
    for dataset in datasets:
        ok(attach(client, dataset, gone["id"], kept["id"]))
    before = [updated_at(client, dataset) for dataset in datasets]
    response = client.delete(f"/v2/tags/{gone['id']}")
    assert (response.status_code, response.content) == (204, b"")
    for dataset in datasets:
        assert tags_of(client, dataset) == [kept]
    assert all(updated_at(client, d) > at for d, at in zip(datasets, before, strict=True))
    assert_problem(client.delete(f"/v2/tags/{gone['id']}"), 404, "not-found")
    assert make(client, gone["name"])["id"] != gone["id"]


def test_attach_answers_the_whole_list(client: httpx.Client) -> None:
    dataset, tags = a_dataset(client), by_name([make(client) for _ in range(3)])
    assert tags_of(client, dataset) == []
    first = ok(attach(client, dataset, tags[0]["id"]))
    assert first == {"tags": tags[:1], "pagination": {"has_more": False}}
    everything = ok(attach(client, dataset, *(tag["id"] for tag in tags)))["tags"]
    assert by_name(everything) == tags
    assert tags_of(client, dataset) == everything


def test_attach_and_detach_are_idempotent(client: httpx.Client) -> None:
    dataset, tag = a_dataset(client), make(client)
    start, content = updated_at(client, dataset), read_bytes(client, dataset)
    assert ok(attach(client, dataset, tag["id"], tag["id"]))["tags"] == [tag]
    attached = updated_at(client, dataset)
    assert attached > start
    assert ok(attach(client, dataset, tag["id"]))["tags"] == [tag]
    assert updated_at(client, dataset) == attached
    expected = {"completed": True, "deleted": [tag["id"]], "not_deleted": []}
    assert ok(detach(client, dataset, tag["id"], tag["id"])) == expected
    detached = updated_at(client, dataset)
    assert detached > attached
    expected = {"completed": True, "deleted": [], "not_deleted": [tag["id"]]}
    assert ok(detach(client, dataset, tag["id"])) == expected
    assert updated_at(client, dataset) == detached
    assert tags_of(client, dataset) == []
    assert read_bytes(client, dataset) == content


def test_detach_tells_what_was_attached(client: httpx.Client) -> None:
    dataset, one, two, three = a_dataset(client), make(client), make(client), make(client)
    ok(attach(client, dataset, one["id"], two["id"]))
    unknown = make_id("Tag", 999_999_999, "aBcDeFgHiJ")
    answer = ok(detach(client, dataset, three["id"], two["id"], unknown, guessed(one["id"])))
    assert answer == {
        "completed": True,
        "deleted": [two["id"]],
        "not_deleted": [three["id"], unknown, guessed(one["id"])],
    }
    assert tags_of(client, dataset) == [one]


def test_a_tag_of_another_space_is_refused(client: httpx.Client) -> None:
    dataset, own = a_dataset(client), make(client)
    other = make_tag(client, make_space(client))
    before = updated_at(client, dataset)
    for bad in (other["id"], guessed(own["id"]), make_id("Tag", 999_999_999, "aBcDeFgHiJ")):
        response = attach(client, dataset, own["id"], bad)
        assert_problem(response, 422, "validation-error", "tag_ids[1]")
    assert tags_of(client, dataset) == []
    assert updated_at(client, dataset) == before


@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "body"),
        ({}, 422, "tag_ids"),
        ({"tag_ids": []}, 422, "tag_ids"),
        ({"tag_ids": None}, 400, "tag_ids"),
        ({"tag_ids": [7]}, 400, "tag_ids[0]"),
        ({"tag_ids": ["garbage"]}, 400, "tag_ids[0]"),
        ({"tag_ids": [make_id("Space", 1, "aBcDeFgHiJ")]}, 400, "tag_ids[0]"),
        ({"tag_ids": [make_id("Tag", n, "aBcDeFgHiJ") for n in range(1, 102)]}, 422, "tag_ids"),
        ({"tag_ids": [make_id("Tag", 1, "aBcDeFgHiJ")], "more": 1}, 422, "more"),
    ],
)
def test_a_bad_list_of_tags_is_refused(
    client: httpx.Client, method: str, body: object, status: int, detail: str
) -> None:
    slug = "validation-error" if status == 422 else "invalid-request"
    dataset = a_dataset(client)
    assert_problem(send(client, method, f"{dataset.url}/tags", body), status, slug, detail)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_dataset_that_does_not_exist(client: httpx.Client, method: str) -> None:
    body = {"tag_ids": [make(client)["id"]]} if method != "GET" else b""
    for id, status, slug in (
        ("garbage", 400, "invalid-request"),
        (make_id("Dataset", 999_999_999, "aBcDeFgHiJ"), 404, "not-found"),
        (guessed(a_dataset(client).id), 404, "not-found"),
    ):
        assert_problem(send(client, method, f"/v2/datasets/{id}/tags", body), status, slug)


def test_a_hundred_tags(client: httpx.Client) -> None:
    space = make_space(client)
    dataset = a_dataset(client, space)
    tags = [make_tag(client, space) for _ in range(100)]
    ids = [tag["id"] for tag in tags]
    assert by_name(ok(attach(client, dataset, *ids))["tags"]) == by_name(tags)
    assert ok(detach(client, dataset, *ids))["deleted"] == ids


@pytest.mark.parametrize("of_space", [False, True])
def test_a_delete_while_others_attach(client: httpx.Client, of_space: bool) -> None:
    for _ in range(5):
        space = make_space(client)
        datasets = [a_dataset(client, space) for _ in range(3)]
        tags = [make_tag(client, space)["id"] for _ in range(3)]
        gone = f"/v2/spaces/{space}" if of_space else f"/v2/tags/{tags[1]}"
        with ThreadPoolExecutor(7) as pool:
            calls = [
                pool.submit(attach, client, dataset, *order)
                for dataset in datasets
                for order in (tags, tags[::-1])
            ]
            deleted = pool.submit(client.delete, gone)
        assert deleted.result().status_code == 204
        refused = 404 if of_space else 422
        assert {call.result().status_code for call in calls} <= {200, refused}


def test_a_deleted_dataset_frees_its_tags(client: httpx.Client) -> None:
    space, tag = default_space(client), make(client)
    dataset, kept = a_dataset(client, space), a_dataset(client, space)
    for one in (dataset, kept):
        ok(attach(client, one, tag["id"]))
    assert client.delete(dataset.url).status_code == 204
    assert_problem(client.get(f"{dataset.url}/tags"), 404, "not-found")
    assert tags_of(client, kept) == [tag]


@pytest.mark.parametrize(("method", "url"), [("GET", "/v2/tags"), ("GET", "/v2/tags/{id}")])
def test_tags_have_no_list_of_their_own(client: httpx.Client, method: str, url: str) -> None:
    response = client.request(method, url.format(id=make(client)["id"]))
    assert_problem(response, 405, "invalid-request")
