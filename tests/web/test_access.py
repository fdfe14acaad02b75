"""Who may do what on the pages: every page and form, with every role, in the space and in another.

And what the audit log and the metrics tell of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import NamedTuple

import httpx
import pytest

from exempla.web.app import HANDLERS
from tests.api import test_access as api
from tests.api.helpers import Dataset, make_dataset, ok, send, unique
from tests.api.key_support import make_config, make_tag, new_space
from tests.api.test_access import (
    ADMINISTER,
    MANAGE,
    RANKS,
    READ,
    WRITE,
    World,
)
from tests.api.test_audit_logs import entries
from tests.serving import Served
from tests.web.test_sessions import connect, form_token, log_in

Fields = dict[str, str]


class Asked(NamedTuple):
    """What to ask for: the path, the fields of the form, and the file that goes with it."""

    path: str
    fields: Mapping[str, str] = {}
    file: str = ""


class Page(NamedTuple):
    """What a page or form needs, how to ask for it, and how it answers."""

    needs: str
    prepare: Callable[[World], Asked]
    status: int = 200
    foreign: int = 404
    """The answer to a key of another space."""
    logged: str = ""
    """The operation in the audit log."""


def at(path: str, **fields: str) -> Callable[[World], Asked]:
    return lambda world: Asked(path, fields)


def of_space(action: str = "", **fields: str) -> Callable[[World], Asked]:
    more = {"action": action} if action else {}
    return lambda world: Asked(f"/admin/spaces/{world.space}", more | fields)


def of_dataset(
    part: str, fields: Callable[[World, Dataset], Fields] = lambda *_: {}, file: str = ""
) -> Callable[[World], Asked]:
    """Ask for a part of a dataset's pages; {id} and {version} stand for its first example's."""

    def prepare(world: World) -> Asked:
        dataset = world.dataset()
        way = part.format(id=dataset.example_ids[0], version=dataset.version_id)
        return Asked(f"/datasets/{dataset.id}{way}", fields(world, dataset), file)

    return prepare


def these(**fields: str) -> Callable[[World, Dataset], Fields]:
    return lambda *_: fields


def an_example(world: World, dataset: Dataset) -> Fields:
    return {"id": dataset.example_ids[0], "version_seen": dataset.version_id}


def an_edit(world: World, dataset: Dataset) -> Fields:
    field = {"name.0": "new", "kind.0": "json", "value.0": "9"}
    return an_example(world, dataset) | field | {"seen": "e30=", "tag": "x"}


def an_annotation(world: World, dataset: Dataset) -> Fields:
    config = make_config(world.admin, world.space)["name"]
    return {"id": dataset.example_ids[0], "name": config, "text": "fine"}


def tags(name: str) -> Callable[[World, Dataset], Fields]:
    """Attach a tag, or detach one."""

    def fields(world: World, dataset: Dataset) -> Fields:
        tag = str(make_tag(world.admin, world.space)["id"])
        if name == "attached":
            ok(send(world.admin, "POST", f"{dataset.url}/tags", {"tag_ids": [tag]}))
        return {"action": "tags", name: tag}

    return fields


def tag_of(world: World, url: str) -> str:
    return str(world.admin.get(url).headers["ETag"]).strip('"')


def a_name(world: World, dataset: Dataset) -> Fields:
    return {
        "action": "rename",
        "name": unique(),
        "tag": tag_of(world, dataset.url),
    }


def its_name(world: World, dataset: Dataset) -> Fields:
    return {"action": "delete", "name": dataset.name}


def a_description(world: World, dataset: Dataset) -> Fields:
    url = f"/api/v1/datasets/{dataset.id}/versions/{dataset.version_id}"
    form = {"action": "describe", "name": "v", "description": "x"}
    return form | {"tag": tag_of(world, url)}


def a_thing(action: str, make: Callable[[World], str]) -> Callable[[World], Asked]:
    return lambda world: Asked(
        f"/admin/spaces/{world.space}", {"action": action, "id": make(world)}
    )


def a_dataset(path: str, file: str = "") -> Callable[[World], Asked]:
    text = {} if file else {"text": '{"a": 1}'}
    return lambda world: Asked(path, {"name": unique(), "space": world.space} | text, file)


def a_new_space(world: World) -> Asked:
    return Asked("/admin/spaces", {"name": unique("space"), "organization": world.organization})


def a_service_key(world: World) -> Asked:
    fields = {"action": "create", "name": unique("key"), "space": world.space, "role": READ}
    return Asked("/admin/keys", fields)


DATASET, KEYS, SPACE = "/datasets/{dataset:str}", "/admin/keys", "/admin/spaces/{space:str}"
SETTINGS, VERSION = f"POST {DATASET}/settings", f"POST {DATASET}/versions/{{version:str}}"
VERSION_ROUTE = "/api/v1/datasets/{dataset_id}/versions"
TAGS_ROUTE = "/v2/datasets/{dataset_id}/tags"
LINE = '{"q": 1}\n'

PAGES = {
    "GET /": Page(READ, at("/"), foreign=200),
    "GET /help": Page(READ, at("/help"), foreign=200),
    f"GET {KEYS}": Page(READ, at(KEYS), foreign=200),
    "GET /admin/spaces": Page(READ, at("/admin/spaces"), foreign=200),
    f"GET {SPACE}": Page(READ, of_space()),
    "GET /datasets/new": Page(READ, at("/datasets/new"), foreign=200),
    "GET /datasets/new-from-file": Page(READ, at("/datasets/new-from-file"), foreign=200),
    f"GET {DATASET}": Page(READ, of_dataset("")),
    f"GET {DATASET} by a filter": Page(READ, of_dataset("?filter=n+IS+NOT+NULL")),
    f"GET {DATASET}/example": Page(READ, of_dataset("/example?id={id}")),
    f"GET {DATASET}/example to edit": Page(READ, of_dataset("/example?id={id}&edit=1")),
    f"GET {DATASET}/versions": Page(READ, of_dataset("/versions")),
    f"GET {DATASET}/log": Page(READ, of_dataset("/log")),
    f"GET {DATASET}/diff": Page(READ, of_dataset("/diff")),
    f"GET {DATASET}/columns": Page(READ, of_dataset("/columns?read=1")),
    f"GET {DATASET}/settings": Page(READ, of_dataset("/settings")),
    f"GET {DATASET}/import": Page(READ, of_dataset("/import")),
    f"GET {DATASET}/export": Page(READ, of_dataset("/export")),
    f"GET {DATASET}/new-example": Page(READ, of_dataset("/new-example")),
    f"POST {KEYS} of one's own": Page(
        ADMINISTER,  # a service key cannot
        at(KEYS, action="create", name="mine", space=""),
        foreign=403,
        logged="POST /v2/api-keys",
    ),
    f"POST {KEYS} of the space": Page(MANAGE, a_service_key, 200, logged="POST /v2/api-keys"),
    f"POST {KEYS} revoke": Page(
        MANAGE,
        lambda w: Asked(KEYS, {"action": "revoke", "id": w.key()}),
        303,
        logged="PUT /v2/api-keys/{api_key_id}/revoke",
    ),
    "POST /admin/spaces": Page(ADMINISTER, a_new_space, 303, logged="POST /v2/spaces"),
    f"POST {SPACE} describe": Page(
        MANAGE,
        lambda w: Asked(
            f"/admin/spaces/{w.space}", {"action": "describe", "name": unique(), "description": ""}
        ),
        303,
        logged="PATCH /v2/spaces/{space_id}",
    ),
    f"POST {SPACE} create a tag": Page(
        WRITE,
        lambda w: Asked(f"/admin/spaces/{w.space}", {"action": "create-tag", "name": unique()}),
        303,
        logged="POST /v2/tags",
    ),
    f"POST {SPACE} delete a tag": Page(
        WRITE,
        a_thing("delete-tag", lambda w: str(make_tag(w.admin, w.space)["id"])),
        303,
        logged="DELETE /v2/tags/{tag_id}",
    ),
    f"POST {SPACE} create a config": Page(
        WRITE,
        lambda w: Asked(
            f"/admin/spaces/{w.space}",
            {"action": "create-config", "name": unique(), "type": "FREEFORM"},
        ),
        303,
        logged="POST /v2/annotation-configs",
    ),
    f"POST {SPACE} delete a config": Page(
        WRITE,
        a_thing("delete-config", lambda w: str(make_config(w.admin, w.space)["id"])),
        303,
        logged="DELETE /v2/annotation-configs/{annotation_config_id}",
    ),
    "POST /datasets/new": Page(WRITE, a_dataset("/datasets/new"), 303, logged="POST /v2/datasets"),
    "POST /datasets/new-from-file": Page(
        WRITE, a_dataset("/datasets/new-from-file", LINE), 303, logged="POST /v2/datasets"
    ),
    f"POST {DATASET}/import": Page(WRITE, of_dataset("/import", file=LINE), 303),
    f"POST {DATASET}/import as a trial": Page(
        WRITE, of_dataset("/import", these(trial="1"), LINE), 200
    ),
    f"POST {DATASET}/example": Page(WRITE, of_dataset("/example", an_edit), 303),
    f"POST {DATASET}/annotate": Page(WRITE, of_dataset("/annotate", an_annotation), 303),
    f"POST {DATASET}/take-out": Page(WRITE, of_dataset("/take-out", an_example), 303),
    f"POST {DATASET}/new-example": Page(
        WRITE, of_dataset("/new-example", these(**{"name.0": "q", "value.0": "1"})), 303
    ),
    f"{SETTINGS} rename": Page(
        WRITE, of_dataset("/settings", a_name), 303, logged="PATCH /v2/datasets/{dataset_id}"
    ),
    f"{SETTINGS} attach": Page(
        WRITE, of_dataset("/settings", tags("wanted")), 303, logged=f"POST {TAGS_ROUTE}"
    ),
    f"{SETTINGS} detach": Page(
        WRITE, of_dataset("/settings", tags("attached")), 303, logged=f"DELETE {TAGS_ROUTE}"
    ),
    f"{SETTINGS} schema": Page(
        WRITE,
        of_dataset("/settings", these(action="schema", schema="{}")),
        303,
        logged="PUT /api/v1/datasets/{dataset_id}/schema",
    ),
    f"{SETTINGS} delete": Page(
        WRITE, of_dataset("/settings", its_name), 303, logged="DELETE /v2/datasets/{dataset_id}"
    ),
    f"{VERSION} describe": Page(
        WRITE,
        of_dataset("/versions/{version}", a_description),
        303,
        logged=f"PATCH {VERSION_ROUTE}/{{version_id}}",
    ),
    f"{VERSION} lock": Page(
        WRITE,
        of_dataset("/versions/{version}", these(action="lock")),
        303,
        logged=f"PATCH {VERSION_ROUTE}/{{version_id}}",
    ),
    f"{VERSION} restore": Page(
        WRITE,
        of_dataset("/versions/{version}", these(action="restore", name="again")),
        303,
        logged=f"POST {VERSION_ROUTE}",
    ),
}
"""By the route of the page, and what of it is done."""

world = api.world  # the fixture
Sessions = Callable[[httpx.Client], httpx.Client]


@pytest.fixture(scope="module")
def session(served: Served) -> Iterator[Sessions]:
    """What logs in with the key that a client of the API sends, once."""
    found: dict[str, httpx.Client] = {}
    with ExitStack() as stack:

        def of(client: httpx.Client) -> httpx.Client:
            key = client.headers["Authorization"].removeprefix("Bearer ")
            if key not in found:
                found[key] = stack.enter_context(connect(served))
                assert log_in(found[key], key).status_code == 303
                found[key].headers["X-Token"] = form_token(found[key])
            return found[key]

        yield of


def ask(http: httpx.Client, name: str, asked: Asked) -> httpx.Response:
    """Get the page, or send the form."""
    if name.startswith("GET"):
        return http.get(asked.path)
    data = {"form_token": http.headers["X-Token"], **asked.fields}
    files = {"file": ("some.jsonl", asked.file)} if asked.file else None
    return http.post(asked.path, data=data, files=files)


def test_every_page_is_in_the_table() -> None:
    routes = {
        f"{method} {path}"
        for handler in HANDLERS
        for path in handler.paths
        for method in handler.http_methods - {"OPTIONS", "HEAD"}
    }
    listed = {" ".join(name.split()[:2]) for name in PAGES}
    apart = {"GET /login", "POST /login", "POST /logout", "GET /static/{content:str}/{name:str}"}
    assert routes - listed == apart


@pytest.mark.parametrize("name", PAGES)
def test_a_role_of_the_space_opens_what_it_should(
    world: World,
    session: Sessions,
    name: str,
) -> None:
    page = PAGES[name]
    for rank, client in {**world.own, ADMINISTER: world.admin}.items():
        answer = ask(session(client), name, page.prepare(world))
        may = RANKS.index(rank) >= RANKS.index(page.needs)
        assert answer.status_code == (page.status if may else 403), (rank, answer.text)


@pytest.mark.parametrize("name", PAGES)
def test_a_role_of_another_space_opens_nothing(
    world: World,
    session: Sessions,
    name: str,
) -> None:
    page = PAGES[name]
    hidden = make_dataset(world.admin, [{"q": 1}], space_id=world.space).name
    space = ok(world.admin.get(f"/v2/spaces/{world.space}"))["name"]
    for rank, client in world.foreign.items():
        answer = ask(session(client), name, page.prepare(world))
        # Who may write nowhere is told so before a file is taken.
        writes_nowhere = name == "POST /datasets/new-from-file" and rank == READ
        assert answer.status_code == (403 if writes_nowhere else page.foreign), answer.text
        assert hidden not in answer.text
        assert space not in answer.text


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("POST")])
def test_what_a_form_does_is_logged_as_the_api_does_it(
    world: World,
    session: Sessions,
    name: str,
) -> None:
    page, asked = PAGES[name], PAGES[name].prepare(world)
    http = session(world.admin)
    before = entries(world.admin)
    answer = ask(http, name, asked)
    assert answer.status_code == page.status, answer.text
    new = entries(world.admin)
    if not page.logged:
        assert new == before
        return
    assert new[1:] == before
    assert new[0]["operation_name"] == page.logged
    assert new[0]["ip"] == "127.0.0.1"
    assert new[0]["variables"]["page"] == asked.path
    told = str(new[0])
    assert http.headers["X-Token"] not in told
    for secret in re.findall(r"exk_[A-Za-z0-9_-]{20,}", answer.text):
        assert secret not in told


def test_a_new_key_is_on_its_page_alone(world: World, session: Sessions) -> None:
    name = f"POST {KEYS} of one's own"
    answer = ask(session(world.admin), name, PAGES[name].prepare(world))
    (secret,) = set(re.findall(r"exk_[A-Za-z0-9_-]{20,}", answer.text))
    assert secret not in str(entries(world.admin)[0])
    assert secret not in session(world.admin).get(KEYS).text


def test_who_logs_in_is_logged_and_the_key_is_not(
    served: Served,
    world: World,
    session: Sessions,
) -> None:
    before = entries(world.admin)
    with connect(served) as http:
        assert log_in(http, "exk_this_key_was_never_made_0123456789").status_code == 401
        assert entries(world.admin) == before
        assert log_in(http, served.key).status_code == 303
    new = entries(world.admin)
    assert new[1:] == before
    assert (new[0]["operation_name"], new[0]["ip"]) == ("POST /login", "127.0.0.1")
    assert served.key not in str(new[0])


@pytest.mark.parametrize("name", [f"{SETTINGS} rename", f"{VERSION} describe"])
def test_who_changes_what_was_changed_meanwhile_is_told(
    world: World, session: Sessions, name: str
) -> None:
    path, fields, _ = PAGES[name].prepare(world)
    answer = ask(session(world.admin), name, Asked(path, {**fields, "tag": "x"}))
    assert answer.status_code == 412
    assert "Someone else changed it meanwhile" in answer.text
    assert "ETag" not in answer.text


def test_a_space_is_deleted_by_who_manages_it(
    served: Served,
    world: World,
    session: Sessions,
) -> None:
    space = new_space(world.admin, world.organization)
    name = ok(world.admin.get(f"/v2/spaces/{space}"))["name"]
    asked = Asked(f"/admin/spaces/{space}", {"action": "delete", "name": name})
    for client in (*world.own.values(), *world.foreign.values()):
        assert ask(session(client), "POST", asked).status_code == 404
    wrong = Asked(asked.path, {"action": "delete", "name": "another"})
    assert ask(session(world.admin), "POST", wrong).status_code == 422
    assert ask(session(world.admin), "POST", asked).status_code == 303
    assert world.admin.get(f"/v2/spaces/{space}").status_code == 404


def test_metrics_name_the_routes_of_pages_and_no_ids(
    served: Served,
    world: World,
    session: Sessions,
) -> None:
    dataset = world.dataset()
    http = session(world.admin)
    assert http.get(f"/datasets/{dataset.id}").status_code == 200
    assert http.get(f"/nothing/{dataset.id}").status_code == 404
    told = httpx.get(f"{served.base_url}/metrics").text
    assert re.search(r'route="/datasets/\{dataset(:str)?\}"', told)
    assert dataset.id not in told
