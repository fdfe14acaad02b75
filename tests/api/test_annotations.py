"""`POST /v2/datasets/{dataset_id}/examples/annotate`, and annotations as examples bring them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.api.helpers import (
    Dataset,
    Example,
    assert_problem,
    default_space,
    delete_examples,
    get_dataset,
    guessed,
    id_parts,
    list_datasets,
    make_dataset,
    make_id,
    make_space,
    moment,
    new_version,
    numbered,
    ok,
    patch,
    read_texts,
    read_version,
    send,
    three,
    unique,
    version_ids,
)
from tests.api.key_support import (
    CONFIGS,
    Answer,
    acting,
    make_config,
    make_tag,
    new_organization,
    new_space,
    service_key,
)
from tests.serving import Served

MEMBERS = {"name", "score", "label", "text", "updated_at", "annotator"}
LABELS = [{"label": "good", "score": 1}, {"label": "bad", "score": 0.25}, {"label": "unsure"}]


def continuous(client: httpx.Client, low: float = 0, high: float = 1, space: str = "") -> str:
    """Make a continuous config and return its name."""
    made = make_config(
        client,
        space or default_space(client),
        annotation_config_type="CONTINUOUS",
        minimum_score=low,
        maximum_score=high,
    )
    return str(made["name"])


def categorical(client: httpx.Client) -> str:
    """Make a categorical config and return its name."""
    made = make_config(
        client, default_space(client), annotation_config_type="CATEGORICAL", values=LABELS
    )
    return str(made["name"])


def freeform(client: httpx.Client, space: str = "") -> str:
    """Make a freeform config and return its name."""
    return str(make_config(client, space or default_space(client))["name"])


def post(client: httpx.Client, dataset: Dataset, body: object) -> httpx.Response:
    """Send a body to the route."""
    return send(client, "POST", f"{dataset.examples_url}/annotate", body)


def record(id: str, *values: Answer) -> Answer:
    """Return what to set of one example."""
    return {"record_id": id, "values": list(values)}


def annotate(client: httpx.Client, dataset: Dataset, *records: Answer) -> None:
    """Set annotations."""
    response = post(client, dataset, {"annotations": list(records)})
    assert response.status_code == 202, response.text
    assert response.content == b""
    assert response.headers["X-Request-Id"]


def set_one(client: httpx.Client, dataset: Dataset, name: str, **parts: object) -> None:
    """Set parts of an annotation of the first example."""
    annotate(client, dataset, record(dataset.example_ids[0], {"name": name, **parts}))


def annotations_of(example: Example) -> dict[str, Answer]:
    """Return an example's annotations by name, after a check of their members."""
    found: list[Answer] = example.get("annotations", [])
    for one in found:
        assert set(one) <= MEMBERS
        assert set(one["annotator"]) == {"id", "email"}
        assert id_parts(one["annotator"]["id"])[0] == "User"
        assert one["annotator"]["email"]
        moment(one["updated_at"])
    by_name = {one["name"]: one for one in found}
    assert len(by_name) == len(found)
    return by_name


def read(client: httpx.Client, dataset: Dataset, version: str | None = None) -> list[Answer]:
    """Return the annotations of all examples of a version."""
    return [annotations_of(one) for one in read_version(client, dataset.id, version)]


def parts(annotation: Answer) -> tuple[object, object, object]:
    """Return score, label and text."""
    return annotation.get("score"), annotation.get("label"), annotation.get("text")


def updated_at(client: httpx.Client, dataset: Dataset) -> str:
    """Return when the dataset was changed last."""
    return str(get_dataset(client, dataset)["updated_at"])


def test_each_type_is_read_back(client: httpx.Client) -> None:
    dataset = three(client)
    first, second, _ = dataset.example_ids
    score, label, text = continuous(client), categorical(client), freeform(client)
    annotate(
        client,
        dataset,
        record(
            first,
            {"name": score, "score": 0.5, "text": "half"},
            {"name": label, "label": "bad", "text": "no"},
        ),
        record(second, {"name": text, "text": "Größe\n😀"}),
    )
    found = read(client, dataset)
    assert parts(found[0][score]) == (0.5, None, "half")
    assert parts(found[0][label]) == (0.25, "bad", "no")
    assert parts(found[1][text]) == (None, None, "Größe\n😀")
    assert found[2] == {}


def test_an_example_without_annotations_has_no_such_member(client: httpx.Client) -> None:
    dataset = three(client)
    set_one(client, dataset, freeform(client), text="x")
    assert ["annotations" in one for one in read_texts(client, dataset.id)] == [True, False, False]


def test_search_brings_annotations_too(client: httpx.Client) -> None:
    dataset = three(client)
    set_one(client, dataset, freeform(client), text="x")
    found = ok(send(client, "POST", f"{dataset.examples_url}/search", {}))
    assert found == ok(client.get(dataset.examples_url))
    assert len(found["examples"][0]["annotations"]) == 1


@pytest.mark.parametrize(
    "score", ["1", "0", "0.25", "1.0", "-7.5", "0.1", "1e-07", "123456789", "-0.0", "5E2"]
)
def test_a_score_is_read_back_as_the_same_number(client: httpx.Client, score: str) -> None:
    dataset, name = three(client), continuous(client, -1e9, 1e9)
    value = f'{{"name":{json.dumps(name)},"score":{score}}}'
    body = f'{{"annotations":[{{"record_id":"{dataset.example_ids[0]}","values":[{value}]}}]}}'
    assert post(client, dataset, body.encode()).status_code == 202
    text = read_texts(client, dataset.id)[0]["annotations"]
    read_back = json.loads(text, parse_int=str, parse_float=str)[0]["score"]
    assert float(read_back) == float(score)
    assert ("." in read_back or "e" in read_back) == (not score.lstrip("-").isdigit())
    if score in ("1", "0", "0.25", "1.0", "-7.5", "0.1", "123456789"):
        assert read_back == score


def test_the_score_of_a_label_is_read_back_exactly(client: httpx.Client) -> None:
    dataset, name = three(client), categorical(client)
    ids = dataset.example_ids
    values = [{"name": name, "label": label} for label in ("good", "bad", "unsure")]
    annotate(client, dataset, *(record(id, v) for id, v in zip(ids, values, strict=True)))
    texts = [one["annotations"] for one in read_texts(client, dataset.id)]
    assert '"score":1,' in texts[0]
    assert '"score":0.25,' in texts[1]
    assert json.loads(texts[2])[0].get("score") is None


def test_parts_that_are_left_out_or_null_stay(client: httpx.Client) -> None:
    dataset, name = three(client), continuous(client)
    set_one(client, dataset, name, score=0.5)
    set_one(client, dataset, name, text="why")
    assert parts(read(client, dataset)[0][name]) == (0.5, None, "why")
    set_one(client, dataset, name, score=0.75, text=None, label=None)
    assert parts(read(client, dataset)[0][name]) == (0.75, None, "why")
    set_one(client, dataset, name, score=0, text="")
    assert parts(read(client, dataset)[0][name]) == (0, None, "")


def test_a_label_is_replaced_with_its_score(client: httpx.Client) -> None:
    dataset, name = three(client), categorical(client)
    set_one(client, dataset, name, label="good", text="kept")
    set_one(client, dataset, name, label="bad")
    assert parts(read(client, dataset)[0][name]) == (0.25, "bad", "kept")
    set_one(client, dataset, name, text="new")
    assert parts(read(client, dataset)[0][name]) == (0.25, "bad", "new")
    set_one(client, dataset, name, label="good", score=1)
    assert parts(read(client, dataset)[0][name]) == (1, "good", "new")


def test_one_annotation_twice_in_a_request(client: httpx.Client) -> None:
    dataset, name = three(client), continuous(client)
    id = dataset.example_ids[0]
    annotate(
        client,
        dataset,
        record(id, {"name": name, "score": 0.1}, {"name": name, "score": 0.2}),
        record(id, {"name": name, "text": "twice"}),
    )
    assert parts(read(client, dataset)[0][name]) == (0.2, None, "twice")


def test_an_unknown_record_is_ignored(client: httpx.Client) -> None:
    dataset, other, name = three(client), three(client), freeform(client)
    value = {"name": name, "text": "x"}
    unknown = ["no such id", other.example_ids[0], "nul \0", "😀"]
    before = updated_at(client, dataset)
    annotate(client, dataset, *(record(id, value) for id in unknown))
    assert updated_at(client, dataset) == before
    annotate(client, dataset, *(record(id, value) for id in [*unknown, dataset.example_ids[2]]))
    assert [set(found) for found in read(client, dataset)] == [set(), set(), {name}]
    assert read(client, other) == [{}, {}, {}]


def test_an_unknown_name_changes_nothing(client: httpx.Client) -> None:
    dataset, name = three(client), freeform(client)
    elsewhere = freeform(client, make_space(client))
    before = updated_at(client, dataset)
    for bad in (elsewhere, name.upper(), "", "a\0b", unique()):
        values = [{"name": name, "text": "x"}, {"name": bad, "text": "x"}]
        body = {"annotations": [record(dataset.example_ids[0], *values)]}
        response = post(client, dataset, body)
        assert_problem(response, 422, "validation-error", "annotations[0].values[1].name")
    assert read(client, dataset) == [{}, {}, {}]
    assert updated_at(client, dataset) == before


@pytest.mark.parametrize("score", [-0.01, 1.01, -5, 2, 10**30, 10**400])
def test_a_score_outside_of_the_range(client: httpx.Client, score: float) -> None:
    dataset, name = three(client), continuous(client)
    value = {"name": name, "score": score}
    response = post(client, dataset, {"annotations": [record(dataset.example_ids[1], value)]})
    assert_problem(response, 422, "validation-error", "score")
    assert read(client, dataset) == [{}, {}, {}]


@pytest.mark.parametrize("score", ["1e400", "-1e400", "NaN", "Infinity"])
def test_a_score_beyond_all_numbers(client: httpx.Client, score: str) -> None:
    dataset, name = three(client), continuous(client)
    value = f'{{"name":{json.dumps(name)},"score":{score}}}'
    body = f'{{"annotations":[{{"record_id":"{dataset.example_ids[0]}","values":[{value}]}}]}}'
    assert_problem(post(client, dataset, body.encode()), 400, "invalid-request")


def test_the_ends_of_the_range_are_in_it(client: httpx.Client) -> None:
    dataset, name = three(client), continuous(client)
    for score in (0, 1, 0.0, 1.0):
        set_one(client, dataset, name, score=score)
        assert read(client, dataset)[0][name]["score"] == score


@pytest.mark.parametrize(
    ("config", "value", "detail"),
    [
        ("continuous", {"label": "good"}, "label"),
        ("continuous", {}, "values[0]"),
        ("continuous", {"score": None, "label": None, "text": None}, "values[0]"),
        ("freeform", {"score": 1}, "score"),
        ("freeform", {"label": "good"}, "label"),
        ("freeform", {"text": "a\0b"}, "text"),
        ("freeform", {}, "values[0]"),
        ("categorical", {"label": "great"}, "label"),
        ("categorical", {"label": "Good"}, "label"),
        ("categorical", {"label": ""}, "label"),
        ("categorical", {"label": "good", "score": 0.25}, "score"),
        ("categorical", {}, "values[0]"),
    ],
)
def test_a_value_against_its_config(
    client: httpx.Client, config: str, value: Answer, detail: str
) -> None:
    makers = {"continuous": continuous, "categorical": categorical, "freeform": freeform}
    dataset, name = three(client), makers[config](client)
    before = updated_at(client, dataset)
    body = {"annotations": [record(dataset.example_ids[0], {"name": name, **value})]}
    assert_problem(post(client, dataset, body), 422, "validation-error", detail)
    assert read(client, dataset) == [{}, {}, {}]
    assert updated_at(client, dataset) == before


VALUE = {"name": "x", "text": "y"}


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "body"),
        (b"{", 400, "JSON"),
        ([], 400, "body"),
        ({}, 422, "annotations"),
        ({"annotations": None}, 400, "annotations"),
        ({"annotations": []}, 422, "annotations"),
        ({"annotations": [record("x", VALUE)] * 1_001}, 422, "annotations"),
        ({"annotations": ["x"]}, 400, "annotations[0]"),
        ({"annotations": [{"values": [VALUE]}]}, 422, "annotations[0].record_id"),
        ({"annotations": [{"record_id": "x"}]}, 422, "annotations[0].values"),
        ({"annotations": [record("", VALUE)]}, 422, "annotations[0].record_id"),
        ({"annotations": [{"record_id": 7, "values": [VALUE]}]}, 400, "annotations[0].record_id"),
        ({"annotations": [record("x")]}, 422, "annotations[0].values"),
        ({"annotations": [record("x", {"text": "y"})]}, 422, "annotations[0].values[0].name"),
        (
            {"annotations": [record("x", VALUE | {"score": "1"})]},
            400,
            "values[0].score must be a number or null, not a string",
        ),
        ({"annotations": [record("x", VALUE | {"score": True})]}, 400, "values[0].score"),
        ({"annotations": [record("x", VALUE | {"label": 1})]}, 400, "values[0].label"),
        ({"annotations": [record("x", VALUE | {"text": []})]}, 400, "values[0].text"),
        ({"annotations": [record("x", VALUE | {"by": "me"})]}, 422, "values[0].by"),
        (
            {"annotations": [record("x", VALUE, VALUE | {"text": "a\0b"})]},
            422,
            "annotations[0].values[1].text contains the character U+0000",
        ),
        ({"annotations": [record("x", VALUE)], "more": 1}, 422, "more"),
    ],
)
def test_a_bad_body_is_refused(
    client: httpx.Client, body: object, status: int, detail: str
) -> None:
    slug = "validation-error" if status == 422 else "invalid-request"
    assert_problem(post(client, three(client), body), status, slug, detail)


def test_a_dataset_that_does_not_exist(client: httpx.Client) -> None:
    dataset = three(client)
    body = {"annotations": [record("x", VALUE)]}
    for id, status, slug in (
        ("garbage", 400, "invalid-request"),
        (make_id("Dataset", 999_999_999, "aBcDeFgHiJ"), 404, "not-found"),
        (guessed(dataset.id), 404, "not-found"),
    ):
        url = f"/v2/datasets/{id}/examples/annotate"
        assert_problem(send(client, "POST", url, body), status, slug)


def test_an_annotation_is_in_all_versions(client: httpx.Client) -> None:
    dataset, name = three(client), freeform(client)
    older = new_version(client, dataset, [{"id": dataset.example_ids[0], "n": 1}])
    set_one(client, dataset, name, text="seen")
    newer = new_version(client, dataset, [{"id": dataset.example_ids[0], "n": 2}])
    for version in (dataset.version_id, older, newer, None):
        found = read(client, dataset, version)
        assert [set(one) for one in found] == [{name}, set(), set()]
        assert parts(found[0][name]) == (None, None, "seen")
    assert len(version_ids(client, dataset)) == 3


def test_an_update_of_the_example_keeps_its_annotations(client: httpx.Client) -> None:
    dataset, name = three(client), freeform(client)
    set_one(client, dataset, name, text="kept")
    before = read(client, dataset)
    ok(patch(client, dataset, [{"id": dataset.example_ids[0], "question": "New?"}]))
    assert read(client, dataset) == before
    assert read_version(client, dataset.id)[0]["question"] == "New?"


def test_an_annotation_changes_no_field(client: httpx.Client) -> None:
    dataset = make_dataset(client, ['{"a":1.0,"b":1e400,"c":"\\u00e9","score":5}', '{"a":2}'])
    before = read_texts(client, dataset.id)
    set_one(client, dataset, freeform(client), text="x")
    after = read_texts(client, dataset.id)
    assert after[1] == before[1]
    assert {k: v for k, v in after[0].items() if k != "annotations"} == before[0]
    assert len(version_ids(client, dataset)) == 1


def test_an_example_out_of_a_version_keeps_its_annotations_in_others(
    client: httpx.Client,
) -> None:
    dataset, name = three(client), freeform(client)
    newer = new_version(client, dataset)
    id = dataset.example_ids[0]
    ok(delete_examples(client, dataset, newer, [id]))
    set_one(client, dataset, name, text="x")
    assert [set(one) for one in read(client, dataset, newer)] == [set(), set()]
    assert set(read(client, dataset, dataset.version_id)[0]) == {name}


def test_the_times_move(client: httpx.Client) -> None:
    dataset, one, two = three(client), freeform(client), freeform(client)
    start = updated_at(client, dataset)
    set_one(client, dataset, one, text="a")
    first = updated_at(client, dataset)
    set_one(client, dataset, two, text="b")
    second = updated_at(client, dataset)
    assert moment(start) < moment(first) < moment(second)
    found = read(client, dataset)[0]
    assert (found[one]["updated_at"], found[two]["updated_at"]) == (first, second)
    set_one(client, dataset, one, text="a")
    assert read(client, dataset)[0][one]["updated_at"] > second


def test_who_annotated_last_is_the_annotator(served: Served, client: httpx.Client) -> None:
    organization = new_organization(client)
    space = new_space(client, organization)
    dataset = make_dataset(client, numbered(1), space_id=space)
    name = continuous(client, space=space)
    set_one(client, dataset, name, score=1)
    before = read(client, dataset)[0][name]["annotator"]
    bot = service_key(client, organization, {space: "MEMBER"})
    with acting(served, bot["key"]) as one:
        set_one(one, dataset, name, text="mine")
    after = read(client, dataset)[0][name]
    assert after["annotator"]["id"] == bot["bot_user"]["id"] != before["id"]
    assert parts(after) == (1, None, "mine")


def test_a_thousand_records_at_once(client: httpx.Client) -> None:
    dataset, name = make_dataset(client, numbered(1_000)), continuous(client, 0, 1_000)
    annotate(
        client,
        dataset,
        *(record(id, {"name": name, "score": n}) for n, id in enumerate(dataset.example_ids)),
    )
    assert [one[name]["score"] for one in read(client, dataset)] == list(range(1_000))


def test_writers_at_once_keep_each_other_s_parts(client: httpx.Client) -> None:
    dataset, name = three(client), continuous(client)
    values: list[Answer] = [{"score": 0.5}, {"text": "why"}] * 5
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda value: set_one(client, dataset, name, **value), values))
    assert parts(read(client, dataset)[0][name]) == (0.5, None, "why")


def test_the_annotations_outlive_their_config(client: httpx.Client) -> None:
    dataset, space = three(client), default_space(client)
    config = make_config(client, space)
    set_one(client, dataset, config["name"], text="kept")
    assert client.delete(f"{CONFIGS}/{config['id']}").status_code == 204
    assert parts(read(client, dataset)[0][config["name"]]) == (None, None, "kept")
    value = {"name": config["name"], "text": "x"}
    body = {"annotations": [record(dataset.example_ids[0], value)]}
    assert_problem(post(client, dataset, body), 422, "validation-error", "name")


@pytest.mark.parametrize("of_organization", [False, True])
def test_a_delete_takes_everything_along(client: httpx.Client, of_organization: bool) -> None:
    organization = new_organization(client)
    space = new_space(client, organization)
    dataset = make_dataset(client, numbered(2), space_id=space)
    config, tag = make_config(client, space), make_tag(client, space)
    set_one(client, dataset, config["name"], text="x")
    ok(send(client, "POST", f"{dataset.url}/tags", {"tag_ids": [tag["id"]]}))
    service_key(client, organization, {space: "ADMIN"})
    gone = f"/v2/organizations/{organization}" if of_organization else f"/v2/spaces/{space}"
    assert client.delete(gone).status_code == 204
    for url in (dataset.url, dataset.examples_url, f"{dataset.url}/tags", f"/v2/spaces/{space}"):
        assert_problem(client.get(url), 404, "not-found")
    assert_problem(client.get(f"{CONFIGS}/{config['id']}"), 404, "not-found")
    assert_problem(client.delete(f"/v2/tags/{tag['id']}"), 404, "not-found")
    assert list_datasets(client, name=dataset.name) == []
    assert ok(client.get(CONFIGS, params={"name": config["name"]}))["annotation_configs"] == []


def test_a_deleted_dataset_takes_its_annotations_along(client: httpx.Client) -> None:
    dataset, name = three(client), freeform(client)
    set_one(client, dataset, name, text="x")
    assert client.delete(dataset.url).status_code == 204
    assert_problem(client.get(dataset.examples_url), 404, "not-found")
    again = make_dataset(client, numbered(1), dataset.name)
    assert read(client, again) == [{}]
