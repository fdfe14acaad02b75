"""The `ax` command, unmodified, against a real server: a journey through each of its areas.

Each command runs in a process of its own. `test_notes.py` runs the bare command as well.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.ax import Ax, open_ax
from tests.clients.environments import client_python
from tests.clients.sdk_support import SPACE, unique, unused_id
from tests.serving import Served

UNKNOWN_KEY = "exk_this_key_is_not_known_to_the_server"
QUESTIONS: list[dict[str, object]] = [
    {"question": "The capital of Perú?", "answer": "Lima", "points": 3},
    {"question": "The capital of Kenya?", "answer": "Nairobi", "points": 5},
    {"question": 'Say "hi", please', "answer": "hi", "points": 1},
]
CSV = """question,answer,points
The capital of Perú?,Lima,3
The capital of Kenya?,Nairobi,5
"Say ""hi"", please",hi,1
"""


@pytest.fixture(scope="session")
def ax(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ax]:
    """Give an `ax` with a profile of this server."""
    with open_ax(served, tmp_path_factory.mktemp("ax")) as made:
        yield made


def in_space(*command: str) -> tuple[str, ...]:
    """Add the space that names are looked up in."""
    return (*command, "--space", SPACE)


def make_dataset(ax: Ax, name: str, examples: list[dict[str, object]]) -> Any:
    """Make a dataset from a file of JSON and return what `ax` printed."""
    file = ax.write(f"{name}.json", examples)
    return ax(*in_space("datasets", "create", "--name", name, "--file", file)).answer


def export(ax: Ax, dataset: str, *options: str) -> list[dict[str, Any]]:
    """Return the examples that an export to the standard output shows."""
    rows: list[dict[str, Any]] = ax("datasets", "export", dataset, "--stdout", *options).answer
    return rows


def fields(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields of examples, which `ax` shows apart from what the system adds."""
    return [row["additional_properties"] for row in rows]


def column(rows: list[dict[str, Any]], name: str) -> list[Any]:
    """Return one field of examples."""
    return [row[name] for row in fields(rows)]


def test_environment_holds_the_release() -> None:
    program = "import importlib.metadata as m; print(m.version('arize-ax-cli'))"
    command = [str(client_python("ax")), "-I", "-c", program]
    assert subprocess.check_output(command, text=True).startswith("0.39.")


def test_create_datasets_from_every_kind_of_file(ax: Ax) -> None:
    many: list[dict[str, object]] = [{"n": n, "twice": str(2 * n)} for n in range(1000)]
    sources = {
        "json": ("--file", ax.write("q.json", QUESTIONS)),
        "csv": ("--file", ax.write("q.csv", CSV)),
        "inline": ("--json", json.dumps(QUESTIONS)),
        "parquet": ("--file", ax.write_parquet("q.parquet", many)),
    }
    names = {kind: unique(kind) for kind in sources}
    create = ("datasets", "create", "--name")
    made = ax.each(*(in_space(*create, names[kind], *sources[kind]) for kind in sources))
    for done, name in zip(made, names.values(), strict=True):
        done.succeeded("Dataset created successfully")
        assert done.answer["name"] == name
        assert [version["name"] for version in done.answer["versions"]] == ["v1"]
    *small, large = (done.answer["id"] for done in made)
    export = ("datasets", "export")
    *shown, page = ax.each(
        *((*export, id, "--stdout") for id in small),
        (*export, large, "--stdout", "--limit", "500"),
    )
    for done in shown:
        assert fields(done.answer) == QUESTIONS
    assert fields(page.answer) == many[:500]


def test_many_examples_over_flight(ax: Ax) -> None:
    many: list[dict[str, object]] = [{"n": n, "text": f"number {n}"} for n in range(1_500)]
    name = unique("many")
    file = ax.write("many.json", many)
    made = ax("datasets", "create", "--name", *in_space(name), "--file", file)
    made.succeeded("Dataset created successfully")
    whole = ax("datasets", "export", made.answer["id"], "--stdout", "--all").answer
    assert sorted(fields(whole), key=lambda one: one["n"]) == many
    again = ax("datasets", "create", "--name", *in_space(name), "--file", file)
    again.failed(f"there is a dataset named '{name}' in this space already")


def test_live_with_a_dataset(ax: Ax, tmp_path: Path) -> None:
    name, renamed = unique("capitals"), unique("cities")
    made = make_dataset(ax, name, QUESTIONS)
    named = in_space(name)
    get, listed = ax.each(("datasets", "get", *named), ("datasets", "list", "--name", name.upper()))
    assert get.answer == made
    assert [one["id"] for one in listed.answer["datasets"]] == [made["id"]]
    assert listed.answer["pagination"] == {"has_more": False}

    more = json.dumps([{"question": "The capital of Chad?", "answer": "Ndjamena"}])
    appended = ax("datasets", "append", *named, "--json", more).answer
    rows = export(ax, made["id"])
    assert column(rows, "answer") == ["Lima", "Nairobi", "hi", "Ndjamena"]
    assert appended["example_ids"] == [rows[3]["id"]]

    edits = ax.write("edits.json", [{"id": rows[3]["id"], "answer": "N’Djamena"}])
    command = ("datasets", "update-examples", *named, "--file", edits, "--new-version", "checked")
    updated = ax(*command)
    updated.succeeded("Updated 1 example(s)")
    assert updated.answer["example_ids"] == [rows[3]["id"]]
    old, new = made["versions"][0]["id"], updated.answer["dataset_version_id"]
    edits = json.dumps([{"id": rows[0]["id"], "points": 4}])
    options = ("--json", edits, "--version-id", old)
    assert ax("datasets", "update-examples", made["id"], *options).answer["dataset_version_id"] == (
        old
    )
    delete = ("datasets", "delete-examples", made["id"], "--version-id", new, "--force")
    gone = ax(*delete, "--example-ids", json.dumps([rows[1]["id"]])).answer
    assert (gone["deleted_example_ids"], gone["completed"]) == ([rows[1]["id"]], True)

    latest, first, saved, moved = ax.each(
        ("datasets", "export", made["id"], "--stdout"),
        ("datasets", "export", made["id"], "--stdout", "--version-id", old),
        ("datasets", "export", made["id"], "--output-dir", str(tmp_path)),
        ("datasets", "update", made["id"], "--name", renamed),
    )
    assert column(latest.answer, "answer") == ["Lima", "hi", "N’Djamena"]
    assert column(first.answer, "answer") == ["Lima", "Nairobi", "hi", "Ndjamena"]
    assert column(first.answer[:3], "points") == [4, 5, 1]
    saved.succeeded("Exported 3 examples")
    (file,) = tmp_path.glob("*/examples.json")
    assert json.loads(file.read_text()) == latest.answer
    assert moved.answer["name"] == renamed

    ax("datasets", "delete", *in_space(renamed), "--force").succeeded("deleted successfully")
    ax("datasets", "get", made["id"]).failed("404 Not Found", "Resource not found")


def test_refusals_come_out_readable(ax: Ax) -> None:
    name = unique("taken")
    made = make_dataset(ax, name, QUESTIONS)
    bad = json.dumps([{"id": "x", "created_at": "now"}])
    taken, foreign, missing, unnamed, field, verbose = ax.each(
        in_space("datasets", "create", "--name", name, "--json", json.dumps(QUESTIONS)),
        ("datasets", "get", unused_id("Space")),
        ("datasets", "export", unused_id("Dataset"), "--stdout"),
        ("datasets", "get", *in_space("a name that nothing has")),
        ("datasets", "update-examples", made["id"], "--json", bad),
        ("datasets", "update-examples", made["id"], "--json", bad, "--verbose"),
    )
    taken.failed("409 Conflict", name)
    foreign.failed("400 Bad Request", "dataset_id")
    missing.failed("404 Not Found")
    unnamed.failed("a name that nothing has")
    field.failed("422 Unprocessable", "examples[0].created_at", "Validation failed")
    verbose.failed("/errors#validation-error", "x-request-id")
    ax("datasets", "list", key=UNKNOWN_KEY).failed("401 Unauthorized", "Authentication failed")
    assert fields(export(ax, made["id"])) == QUESTIONS


def test_live_with_a_space(ax: Ax) -> None:
    name, renamed = unique("laboratory"), unique("hall")
    (organization,) = [
        one["id"]
        for one in ax("organizations", "list", "--name", SPACE).answer["organizations"]
        if one["name"] == SPACE
    ]
    create = ("spaces", "create", "--organization-id", organization)
    made = ax(*create, "--name", name, "--description", "For tests.").answer
    assert (made["name"], made["description"]) == (name, "For tests.")
    get, listed, taken = ax.each(
        ("spaces", "get", name),
        ("spaces", "list", "--organization-id", organization, "--limit", "100"),
        (*create, "--name", name),
    )
    assert get.answer == made
    assert made in listed.answer["spaces"]
    taken.failed("409 Conflict", name)
    updated = ax("spaces", "update", name, "--name", renamed, "--description", "Used.").answer
    assert updated == {**made, "name": renamed, "description": "Used."}
    ax("spaces", "delete", renamed, "--force").succeeded("deleted successfully")
    ax("spaces", "get", made["id"]).failed("404 Not Found")
    role = ("--role", "MEMBER")
    add, remove = ax.each(
        ("spaces", "add-user", SPACE, "--user-id", unused_id("User"), *role, "--verbose"),
        ("spaces", "remove-user", SPACE, "--user-id", unused_id("User"), "--force"),
    )
    add.failed("501 Not Implemented", "Exempla")
    remove.failed("501 Not Implemented")


def test_annotate_examples(ax: Ax) -> None:
    score = unique("closeness").replace(" ", "_")
    verdict, remark = unique("verdict"), unique("remark")
    create = ("annotation-configs", "create")
    limits = ("--min-score", "0", "--max-score", "1")
    labels = ("--value", "right", "--value", "wrong")
    made = ax.each(
        in_space(*create, "continuous", "--name", score, *limits),
        in_space(*create, "categorical", "--name", verdict, *labels),
        in_space(*create, "freeform", "--name", remark),
    )
    assert [one.answer["name"] for one in made] == [score, verdict, remark]
    assert [value["label"] for value in made[1].answer["values"]] == ["right", "wrong"]

    dataset = make_dataset(ax, unique("annotated"), QUESTIONS)["id"]
    first, second, _ = (row["id"] for row in export(ax, dataset))
    values = [{"name": score, "score": 0.5}, {"name": verdict, "label": "right", "text": "Sí."}]
    annotations = [
        {"record_id": first, "values": values},
        {"record_id": second, "values": [{"name": remark, "text": "größer"}]},
    ]
    annotate = ("datasets", "annotate-examples", dataset, "--file")
    ax(*annotate, ax.write("annotations.json", annotations)).succeeded("Annotated 2 example(s)")
    found = [row.get("annotations", []) for row in export(ax, dataset)]
    assert sorted(one["name"] for one in found[0]) == sorted([score, verdict])
    by_name = {one["name"]: one for row in found for one in row}
    assert by_name[score]["score"] == 0.5
    assert (by_name[verdict]["label"], by_name[verdict]["text"]) == ("right", "Sí.")
    assert by_name[remark]["text"] == "größer"
    assert by_name[remark]["annotator"]["email"]
    chosen = export(ax, dataset, "--filter", f"annotation.{score}.score >= 0.5 AND points < 4")
    assert column(chosen, "answer") == ["Lima"]

    values = [{"name": verdict, "label": "maybe"}]
    wrong = ax.write("wrong.json", [{"record_id": first, "values": values}])
    refused, bad = ax.each(
        (*annotate, wrong),
        ("datasets", "export", dataset, "--stdout", "--filter", "points ="),
    )
    refused.failed("422 Unprocessable", "label")
    bad.failed("400 Bad Request", "character 9")


def test_live_with_annotation_configs(ax: Ax) -> None:
    old = {kind: unique(kind) for kind in ("continuous", "categorical", "freeform")}
    new = {kind: unique(f"new {kind}") for kind in old}
    options = {
        "continuous": ("--min-score", "0", "--max-score", "1"),
        "categorical": ("--value", "right", "--value", "wrong"),
        "freeform": (),
    }
    changes = {
        "continuous": ("--max-score", "5", "--optimization-direction", "MAXIMIZE"),
        "categorical": ("--value", "fine", "--value", "bad"),
        "freeform": (),
    }
    create, update = ("annotation-configs", "create"), ("annotation-configs", "update")
    made = {
        kind: ax(*in_space(*create, kind, "--name", old[kind], *options[kind])).answer
        for kind in old
    }
    shown = [ax("annotation-configs", "get", *in_space(old[kind])).answer for kind in old]
    assert shown == list(made.values())
    updated = {
        kind: ax(
            *in_space(*update, kind, old[kind], "--new-name", new[kind], *changes[kind])
        ).answer
        for kind in old
    }
    assert {kind: one["name"] for kind, one in updated.items()} == new
    assert updated["continuous"]["maximum_score"] == 5
    assert updated["continuous"]["optimization_direction"] == "MAXIMIZE"
    assert [value["label"] for value in updated["categorical"]["values"]] == ["fine", "bad"]
    tag = new["freeform"].rsplit(" ", 1)[1]
    listed, taken = ax.each(
        in_space("annotation-configs", "list", "--name", tag),
        in_space(*create, "freeform", "--name", new["categorical"]),
    )
    assert [one["id"] for one in listed.answer["annotation_configs"]] == [made["freeform"]["id"]]
    taken.failed("409 Conflict", new["categorical"])
    ids = [one["id"] for one in made.values()]
    for done in ax.each(*(("annotation-configs", "delete", id, "--force") for id in ids)):
        done.succeeded("deleted successfully")
    ax("annotation-configs", "get", ids[0]).failed("404 Not Found")


def test_live_with_api_keys(ax: Ax) -> None:
    name = unique("laptop")
    made = ax("api-keys", "create", "--name", name, "--description", "For the train")
    made.succeeded("API key created successfully")
    key = made.answer
    assert (key["name"], key["key_type"], key["status"]) == (name, "USER", "ACTIVE")
    ax("datasets", "list", key=key["key"]).succeeded()
    fresh = ax("api-keys", "refresh", key["id"]).answer
    assert fresh["name"] == name
    ax("datasets", "list", key=key["key"]).failed("401 Unauthorized")
    ax("datasets", "list", key=fresh["key"]).succeeded()
    assert name in ax("api-keys", "list", "--limit", "100").output
    ax("api-keys", "revoke", fresh["id"], "--force").succeeded("revoked successfully")
    ax("datasets", "list", key=fresh["key"]).failed("401 Unauthorized")
    listed = ax("api-keys", "list", "--limit", "100")
    assert name not in listed.output
    assert key["key"] not in listed.output
    ax("api-keys", "revoke", unused_id("ApiKey"), "--force").failed("404 Not Found")


def test_a_service_key_reads_its_space_alone(ax: Ax) -> None:
    (organization,) = [
        one["id"]
        for one in ax("organizations", "list", "--name", SPACE).answer["organizations"]
        if one["name"] == SPACE
    ]
    space = unique("vault")
    ax("spaces", "create", "--organization-id", organization, "--name", space).succeeded()
    spaces = [{"space": space, "role": "READ_ONLY"}]
    assignments = json.dumps([{"org_id": organization, "spaces": spaces}])
    create = ("api-keys", "create-service-key", "--name", unique("robot"))
    made = ax(*create, "--assignments", assignments).answer
    assert made["key_type"] == "SERVICE"
    data = ("--json", json.dumps(QUESTIONS))
    own = ax("datasets", "create", "--name", "own", "--space", space, *data).answer["id"]
    foreign = make_dataset(ax, unique("foreign"), QUESTIONS)["id"]
    robot = made["key"]
    shown = ax("datasets", "export", own, "--stdout", key=robot)
    assert fields(shown.answer) == QUESTIONS
    ax("datasets", "delete", own, "--force", key=robot).failed("403 Forbidden", "permission")
    ax("datasets", "get", foreign, key=robot).failed("404 Not Found")
    assert made["id"] in ax("api-keys", "list", "--key-type", "SERVICE", "--limit", "100").output
