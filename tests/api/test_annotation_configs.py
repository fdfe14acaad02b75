"""`/v2/annotation-configs`: the rules that annotations follow."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.helpers import (
    assert_problem,
    default_space,
    guessed,
    id_parts,
    make_id,
    make_space,
    moment,
    ok,
    send,
    unique,
)
from tests.api.key_support import CONFIGS, Answer, make_config

COMMON = {"id", "name", "created_at", "space_id", "type"}
LABELS = [{"label": "good", "score": 1}, {"label": "bad", "score": 0.25}, {"label": "unsure"}]
CONTINUOUS: Answer = {
    "annotation_config_type": "CONTINUOUS",
    "minimum_score": 0,
    "maximum_score": 1,
}
CATEGORICAL: Answer = {"annotation_config_type": "CATEGORICAL", "values": LABELS}
FREEFORM: Answer = {"annotation_config_type": "FREEFORM"}
TYPES = [CONTINUOUS, CATEGORICAL, FREEFORM]
each_type = pytest.mark.parametrize(
    "settings", TYPES, ids=[settings["annotation_config_type"] for settings in TYPES]
)


def check_members(answer: Answer) -> None:
    """Check that the answer has the members of its type, as all releases of the SDK want it."""
    own = {
        "CONTINUOUS": {"minimum_score", "maximum_score", "optimization_direction"},
        "CATEGORICAL": {"values", "optimization_direction"},
        "FREEFORM": set(),
    }[answer["type"]]
    assert set(answer) - {"optimization_direction"} == (COMMON | own) - {"optimization_direction"}
    assert "optimization_direction" not in answer or own
    assert answer.get("optimization_direction") in (None, "MAXIMIZE", "MINIMIZE", "NONE")
    assert id_parts(answer["id"])[0] == "AnnotationConfig"
    moment(answer["created_at"])


def post(client: httpx.Client, **members: object) -> httpx.Response:
    """Ask for a config in the space `Default`."""
    body = {"name": unique("config"), "space_id": default_space(client), **members}
    return send(client, "POST", CONFIGS, body)


def make(client: httpx.Client, settings: Answer, **members: Any) -> Answer:
    """Make a config of these settings in the space `Default`."""
    space = members.pop("space_id", "") or default_space(client)
    return make_config(client, space, **(settings | members))


def patch(client: httpx.Client, config: Answer, **changes: object) -> httpx.Response:
    """Ask for a change of a config."""
    body = {"annotation_config_type": config["type"], **changes}
    return send(client, "PATCH", f"{CONFIGS}/{config['id']}", body)


def get(client: httpx.Client, config: Answer) -> Answer:
    """Return the config as the server tells it now."""
    return ok(client.get(f"{CONFIGS}/{config['id']}"))


def ids(client: httpx.Client, **query: str) -> list[str]:
    """Return the ids of one page of the list."""
    return [one["id"] for one in ok(client.get(CONFIGS, params=query))["annotation_configs"]]


@each_type
def test_create_answers_what_get_and_the_list_answer(
    client: httpx.Client, settings: Answer
) -> None:
    name, space = unique("Güte 😀"), default_space(client)
    made = make(client, settings, name=name)
    check_members(made)
    assert (made["name"], made["space_id"]) == (name, space)
    assert made["type"] == settings["annotation_config_type"]
    given = {k: v for k, v in settings.items() if k != "annotation_config_type"}
    assert {k: made[k] for k in given} == given
    assert get(client, made) == made
    assert ok(client.get(CONFIGS, params={"name": name}))["annotation_configs"] == [made]


@pytest.mark.parametrize("direction", ["MAXIMIZE", "MINIMIZE", "NONE", None])
@pytest.mark.parametrize("settings", [CONTINUOUS, CATEGORICAL], ids=["continuous", "categorical"])
def test_an_optimization_direction(
    client: httpx.Client, settings: Answer, direction: str | None
) -> None:
    made = make(client, settings, optimization_direction=direction)
    assert made.get("optimization_direction") in ((None, "NONE") if not direction else (direction,))
    for other in ("MINIMIZE", "MAXIMIZE"):
        changed = ok(patch(client, made, optimization_direction=other))
        assert changed == made | {"optimization_direction": other}
        assert get(client, made) == changed


@pytest.mark.parametrize(("low", "high"), [("0", "1"), ("-0.25", "1e3"), ("-5", "5.0"), ("1", "9")])
def test_a_range_keeps_its_numbers(client: httpx.Client, low: str, high: str) -> None:
    made = make(client, CONTINUOUS, minimum_score=float(low), maximum_score=float(high))
    assert (made["minimum_score"], made["maximum_score"]) == (float(low), float(high))


def test_whole_scores_stay_whole(client: httpx.Client) -> None:
    made = make(client, CONTINUOUS)
    text = client.get(f"{CONFIGS}/{made['id']}").text
    assert '"minimum_score":0,' in text
    assert '"maximum_score":1,' in text


@pytest.mark.parametrize(
    ("members", "status", "detail"),
    [
        ({}, 422, "annotation_config_type"),
        (
            {"annotation_config_type": "STARS"},
            422,
            "annotation_config_type must be one of CATEGORICAL, CONTINUOUS, FREEFORM, not 'STARS'",
        ),
        ({"annotation_config_type": "continuous"}, 422, "annotation_config_type"),
        ({"annotation_config_type": None}, 400, "annotation_config_type"),
        (FREEFORM | {"name": ""}, 422, "name"),
        (FREEFORM | {"name": " \t"}, 422, "name"),
        (FREEFORM | {"name": "n" * 256}, 422, "name"),
        (FREEFORM | {"name": "a\0b"}, 422, "name"),
        (FREEFORM | {"name": 5}, 400, "name"),
        (FREEFORM | {"space_id": "garbage"}, 400, "space_id"),
        (FREEFORM | {"space_id": make_id("Dataset", 1, "aBcDeFgHiJ")}, 400, "space_id"),
        (FREEFORM | {"owner": "me"}, 422, "owner"),
        (FREEFORM | {"values": LABELS}, 422, "values"),
        (FREEFORM | {"minimum_score": 1}, 422, "minimum_score"),
        (FREEFORM | {"optimization_direction": "NONE"}, 422, "optimization_direction"),
        ({"annotation_config_type": "CONTINUOUS"}, 422, "minimum_score"),
        ({"annotation_config_type": "CONTINUOUS", "minimum_score": 1}, 422, "maximum_score"),
        (CONTINUOUS | {"minimum_score": 1}, 422, "minimum_score"),
        (CONTINUOUS | {"minimum_score": 2}, 422, "minimum_score"),
        (CONTINUOUS | {"minimum_score": "0"}, 400, "minimum_score"),
        (CONTINUOUS | {"minimum_score": None}, 400, "minimum_score"),
        (CONTINUOUS | {"maximum_score": True}, 400, "maximum_score"),
        (CONTINUOUS | {"values": LABELS}, 422, "values"),
        (
            CONTINUOUS | {"optimization_direction": "UP"},
            422,
            "optimization_direction must be one of MAXIMIZE, MINIMIZE, NONE, not 'UP'",
        ),
        ({"annotation_config_type": "CATEGORICAL"}, 422, "values"),
        (CATEGORICAL | {"minimum_score": 0}, 422, "minimum_score"),
        (CATEGORICAL | {"values": []}, 422, "values"),
        (CATEGORICAL | {"values": None}, 400, "values"),
        (CATEGORICAL | {"values": ["good"]}, 400, "values[0]"),
        (CATEGORICAL | {"values": [{"score": 1}]}, 422, "values[0].label"),
        (CATEGORICAL | {"values": [{"label": ""}, {"label": "b"}]}, 422, "values[0].label"),
        (CATEGORICAL | {"values": [{"label": "a"}, {"label": "a"}]}, 422, "values[1].label"),
        (CATEGORICAL | {"values": [{"label": "a"}, {"label": 7}]}, 400, "values[1].label"),
        (CATEGORICAL | {"values": [{"label": "a", "score": "1"}]}, 400, "values[0].score"),
        (CATEGORICAL | {"values": [{"label": "a", "color": "red"}]}, 422, "values[0].color"),
        (CATEGORICAL | {"values": [{"label": str(n)} for n in range(501)]}, 422, "values"),
    ],
)
def test_a_bad_config_is_refused(
    client: httpx.Client, members: Answer, status: int, detail: str
) -> None:
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(post(client, **members), status, slug, detail)


@pytest.mark.parametrize(
    "body",
    [
        '"annotation_config_type":"CONTINUOUS","minimum_score":0,"maximum_score":1e400',
        '"annotation_config_type":"CONTINUOUS","minimum_score":-1e400,"maximum_score":0',
        '"annotation_config_type":"CONTINUOUS","minimum_score":0,"maximum_score":NaN',
        '"annotation_config_type":"CATEGORICAL","values":[{"label":"a","score":1e999}]',
    ],
)
def test_a_score_beyond_all_numbers_is_refused(client: httpx.Client, body: str) -> None:
    text = f'{{"name":"{unique()}","space_id":"{default_space(client)}",{body}}}'
    response = send(client, "POST", CONFIGS, text.encode())
    assert_problem(response, 400, "invalid-request")


@pytest.mark.parametrize("body", [b"", b"{", [], b'{"name":"\xff"}'])
def test_a_bad_body_is_refused(client: httpx.Client, body: object) -> None:
    made = make(client, FREEFORM)
    for method, url in (("POST", CONFIGS), ("PATCH", f"{CONFIGS}/{made['id']}")):
        assert_problem(send(client, method, url, body), 400, "invalid-request")


def test_500_labels_are_kept_in_order(client: httpx.Client) -> None:
    values = [{"label": f"{n:x} 😀"} for n in range(500, 0, -1)]
    assert make(client, CATEGORICAL, values=values)["values"] == values


def test_a_config_for_a_space_that_does_not_exist(client: httpx.Client) -> None:
    for space in (make_id("Space", 999_999_999, "aBcDeFgHiJ"), guessed(default_space(client))):
        assert_problem(post(client, **FREEFORM, space_id=space), 404, "not-found", space)


def test_a_name_is_taken_in_its_space_alone(client: httpx.Client) -> None:
    name, space = unique(), make_space(client)
    made, other = make(client, FREEFORM, name=name), make(client, FREEFORM)
    for settings in TYPES:
        assert_problem(post(client, **settings, name=name), 409, "conflict", name)
    assert_problem(patch(client, other, name=name), 409, "conflict", name)
    assert get(client, other) == other
    assert make(client, CONTINUOUS, name=name, space_id=space)["id"] != made["id"]
    assert ok(patch(client, made, name=name)) == made


@each_type
def test_update_of_the_name(client: httpx.Client, settings: Answer) -> None:
    made, name = make(client, settings), unique("renamed")
    changed = ok(patch(client, made, name=name))
    assert changed == made | {"name": name}
    assert get(client, made) == changed
    assert ok(patch(client, made)) == changed


def test_update_of_the_range(client: httpx.Client) -> None:
    made = make(client, CONTINUOUS, optimization_direction="MINIMIZE")
    assert ok(patch(client, made, maximum_score=2.5)) == made | {"maximum_score": 2.5}
    expected = made | {"minimum_score": 3, "maximum_score": 5}
    assert ok(patch(client, made, minimum_score=3, maximum_score=5)) == expected
    assert get(client, made) == expected


def test_update_replaces_all_labels(client: httpx.Client) -> None:
    made = make(client, CATEGORICAL)
    values = [{"label": "new"}, {"label": "good", "score": -1.5}]
    assert ok(patch(client, made, values=values)) == made | {"values": values}
    assert get(client, made)["values"] == values


@pytest.mark.parametrize(
    ("settings", "changes", "status", "detail"),
    [
        (FREEFORM, {"annotation_config_type": "CONTINUOUS"}, 422, "annotation_config_type"),
        (CONTINUOUS, {"annotation_config_type": "CATEGORICAL"}, 422, "annotation_config_type"),
        (FREEFORM, {"annotation_config_type": "STARS"}, 422, "annotation_config_type"),
        (FREEFORM, {"name": " "}, 422, "name"),
        (FREEFORM, {"name": None}, 400, "name"),
        (FREEFORM, {"name": "n" * 256}, 422, "name"),
        (FREEFORM, {"space_id": "x"}, 422, "space_id"),
        (FREEFORM, {"values": LABELS}, 422, "values"),
        (CONTINUOUS, {"minimum_score": 1}, 422, "minimum_score"),
        (CONTINUOUS, {"maximum_score": -1}, 422, "minimum_score"),
        (CONTINUOUS, {"maximum_score": "2"}, 400, "maximum_score"),
        (CATEGORICAL, {"values": []}, 422, "values"),
        (CATEGORICAL, {"values": [{"label": "a"}, {"label": "a"}]}, 422, "values[1].label"),
        (CATEGORICAL, {"maximum_score": 1}, 422, "maximum_score"),
    ],
)
def test_a_bad_update_changes_nothing(
    client: httpx.Client, settings: Answer, changes: Answer, status: int, detail: str
) -> None:
    made = make(client, settings)
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(patch(client, made, **changes), status, slug, detail)
    assert get(client, made) == made


def test_an_update_needs_the_type(client: httpx.Client) -> None:
    made = make(client, FREEFORM)
    response = send(client, "PATCH", f"{CONFIGS}/{made['id']}", {"name": unique()})
    assert_problem(response, 422, "validation-error", "annotation_config_type")


@each_type
def test_delete(client: httpx.Client, settings: Answer) -> None:
    made = make(client, settings)
    url = f"{CONFIGS}/{made['id']}"
    response = client.delete(url)
    assert (response.status_code, response.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        assert_problem(send(client, method, url, FREEFORM), 404, "not-found")
    assert ids(client, name=made["name"]) == []
    assert make(client, settings, name=made["name"])["id"] != made["id"]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_id_that_leads_nowhere(client: httpx.Client, method: str) -> None:
    made = make(client, FREEFORM)
    for id, status, slug in (
        ("garbage", 400, "invalid-request"),
        (make_id("Dataset", 1, "aBcDeFgHiJ"), 400, "invalid-request"),
        (make_id("AnnotationConfig", 999_999_999, "aBcDeFgHiJ"), 404, "not-found"),
        (guessed(made["id"]), 404, "not-found"),
    ):
        assert_problem(send(client, method, f"{CONFIGS}/{id}", FREEFORM), status, slug)
    assert get(client, made) == made


def test_a_list_by_space_and_name(client: httpx.Client) -> None:
    mark = unique("Straße")
    space, other = make_space(client, f"{mark} Eins"), make_space(client, f"{mark} Zwei")
    first, second = (make(client, FREEFORM, space_id=space)["id"] for _ in range(2))
    named = make(client, FREEFORM, space_id=other, name=f"50%_{mark}")["id"]
    assert ids(client, space_id=space) == [second, first]
    assert ids(client, space_name=mark.upper()) == [named, second, first]
    assert ids(client, space_name=f"{mark} zwei") == [named]
    assert ids(client, space_name=mark, name="0%_STRASSE") == [named]
    assert ids(client, space_id=space, space_name="zwei") == []
    assert ids(client, space_id=space, name=mark) == []
    assert ids(client, space_id=guessed(space)) == []


def test_pages_are_newest_first_and_stable(client: httpx.Client) -> None:
    space = make_space(client)
    made = [make(client, FREEFORM, space_id=space)["id"] for _ in range(5)][::-1]
    first = ok(client.get(CONFIGS, params={"space_id": space, "limit": "2"}))
    assert [one["id"] for one in first["annotation_configs"]] == made[:2]
    make(client, FREEFORM, space_id=space)
    for gone in (made[1], made[2]):
        assert client.delete(f"{CONFIGS}/{gone}").status_code == 204
    cursor = first["pagination"]["next_cursor"]
    rest = ok(client.get(CONFIGS, params={"space_id": space, "limit": "2", "cursor": cursor}))
    assert [one["id"] for one in rest["annotation_configs"]] == made[3:]
    assert rest["pagination"] == {"has_more": False}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"limit": "0"}, 422),
        ({"limit": "101"}, 422),
        ({"limit": "abc"}, 400),
        ({"cursor": "garbage"}, 400),
        ({"space_id": "garbage"}, 400),
        ({"space_id": make_id("User", 1, "aBcDeFgHiJ")}, 400),
    ],
)
def test_a_list_refuses_bad_parameters(
    client: httpx.Client, query: dict[str, str], status: int
) -> None:
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(client.get(CONFIGS, params=query), status, slug, next(iter(query)))


def test_empty_parameters_count_as_omitted(client: httpx.Client) -> None:
    make(client, FREEFORM)
    empty = {"space_id": "", "space_name": "", "name": "", "limit": "", "cursor": ""}
    assert ids(client, **empty) == ids(client)
