"""`exempla keys`: create, list and revoke, beside a running server and without one."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.support import (
    Place,
    Result,
    assert_one_line,
    client,
    in_terminal,
    running,
    secrets_in,
    status_with,
)
from tests.serving import KEY, Served, exempla_here

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
NOT_THERE = base64.b64encode(b"ApiKey:999999:abcdefghij").decode()


@pytest.fixture(scope="module")
def server(new_place: Callable[[], Place]) -> Iterator[tuple[Place, Served]]:
    """Serve one database for the tests of this module."""
    place = new_place()
    with running(*place.flags) as served:
        yield place, served


def keys(place: Place, *arguments: str) -> Result:
    """Run `exempla keys`."""
    return exempla_here("keys", *arguments, *place.flags)


def create(place: Place, *arguments: str) -> str:
    """Make a key and return its secret."""
    result = keys(place, "create", *arguments)
    assert result.returncode == 0, result.stderr
    (secret,) = secrets_in(result.stdout)
    return secret


def listed(place: Place) -> list[str]:
    """Return the lines of `exempla keys list` that show a key."""
    result = keys(place, "list")
    assert result.returncode == 0, result.stderr
    return [line for line in result.stdout.splitlines() if ids_in(line)]


def line_of(place: Place, name: str) -> str:
    """Return the one line of the list with this name."""
    (line,) = [line for line in listed(place) if name in line]
    return line


def id_of(place: Place, name: str) -> str:
    """Return the id that the list shows for this name."""
    (id,) = ids_in(line_of(place, name))
    return id


def ids_in(text: str) -> list[str]:
    """Return the whole ids of keys in a text."""
    return [word for word in text.split() if _is_id(word)]


def _is_id(word: str) -> bool:
    try:
        decoded = base64.b64decode(word, validate=True)
    except ValueError:
        return False
    return re.fullmatch(rb"ApiKey:\d+:\w+", decoded) is not None


@pytest.fixture
def stopped(tmp_path: Path) -> Place:
    """Give a SQLite database that no server has open."""
    place = Place(tmp_path)
    place.make()
    return place


# create


def test_new_key_works_at_once_and_is_shown_once(server: tuple[Place, Served]) -> None:
    place, served = server
    result = keys(place, "create", "--name", "at once")
    secret = result.stdout.strip()
    assert secrets_in(result.stdout) == {secret}
    assert not secrets_in(result.stderr)
    assert status_with(served, secret) == 200
    assert secret not in place.content()
    assert id_of(place, "at once") in result.stderr


def test_key_made_while_no_server_runs(stopped: Place) -> None:
    secret = create(stopped)
    with running(*stopped.flags) as served:
        assert status_with(served, secret) == 200
        assert status_with(served, KEY) == 200


def test_environment_names_the_database(server: tuple[Place, Served]) -> None:
    place, served = server
    result = exempla_here("keys", "create", **place.environment)
    assert result.returncode == 0, result.stderr
    assert status_with(served, result.stdout.strip()) == 200


def test_key_works_for_so_many_days(server: tuple[Place, Served]) -> None:
    place, served = server
    before = datetime.now(UTC)
    secret = create(place, "--name", "ten days", "--expires-in-days", "10")
    after = datetime.now(UTC)
    expiry = datetime.fromisoformat(TIME.findall(line_of(place, "ten days"))[-1])
    assert before <= expiry - timedelta(days=10) <= after
    assert status_with(served, secret) == 200
    place.execute("UPDATE api_keys SET expires_at = created_at + 1 WHERE name = 'ten days'")
    assert status_with(served, secret) == 401
    assert "expired" in line_of(place, "ten days")


@pytest.mark.parametrize("days", ["0", "999999999999"])
def test_expiry_that_makes_no_sense(tmp_path: Path, days: str) -> None:
    result = keys(Place(tmp_path), "create", "--expires-in-days", days)
    assert result.returncode != 0
    assert "--expires-in-days" in result.stderr
    assert "Traceback" not in result.stderr


def test_name_that_is_not_text(stopped: Place) -> None:
    result = keys(stopped, "create", "--name", os.fsdecode(b"\xff"))
    assert result.returncode != 0
    assert not secrets_in(result.stdout)
    assert "Traceback" not in result.stderr


# list


def test_list_shows_whole_ids_and_names_but_no_secrets(server: tuple[Place, Served]) -> None:
    place, _ = server
    secret = create(place, "--name", "name of the key")
    output = keys(place, "list").stdout
    assert len(ids_in(output)) == place.execute("SELECT count(*) FROM api_keys")[0][0]
    assert "name of the key" in output
    assert "active" in output
    assert secret not in output
    assert KEY not in output


def test_list_shows_whole_ids_in_a_narrow_terminal(stopped: Place) -> None:
    create(stopped, "--name", "a name that is long enough to leave little room for the others")
    in_pipe = ids_in(keys(stopped, "list").stdout)
    assert len(in_pipe) == 2
    assert ids_in(in_terminal(80, "keys", "list", *stopped.flags, NO_COLOR="1")) == in_pipe


def test_list_shows_names_as_they_are(stopped: Place) -> None:
    for name in ["[red]", "[/b]", "ключ 🔑"]:
        create(stopped, "--name", name)
        assert line_of(stopped, name)


# revoke


def test_revoked_key_is_refused_from_the_next_request_on(server: tuple[Place, Served]) -> None:
    place, served = server
    secret = create(place, "--name", "to be revoked")
    with client(served, secret) as http:
        assert http.get("/v2/spaces").status_code == 200
        result = keys(place, "revoke", id_of(place, "to be revoked"))
        answer = http.get("/v2/spaces")
    assert result.returncode == 0, result.stderr
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert status_with(served, KEY) == 200


def test_key_that_is_not_there_cannot_be_revoked(server: tuple[Place, Served]) -> None:
    place, served = server
    wrong_suffix = base64.b64encode(b"ApiKey:1:aaaaaaaaaa").decode()
    for id in [NOT_THERE, wrong_suffix]:
        assert_one_line(keys(place, "revoke", id), id)
    assert status_with(served, KEY) == 200


def test_malformed_id_cannot_be_revoked(server: tuple[Place, Served]) -> None:
    place, served = server
    with client(served) as http:
        id_of_space = http.get("/v2/spaces").json()["spaces"][0]["id"]
    for id in ["nonsense", id_of_space]:
        assert_one_line(keys(place, "revoke", id), "id")
    assert status_with(served, KEY) == 200


# Without a database


def test_no_database_is_made(place: Place) -> None:
    for command in ["create", "list"]:
        assert_one_line(keys(place, command), "exempla serve")
    assert not place.tables()
    assert not list(place.folder.iterdir())
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as served:
        assert len(secrets_in(served.output)) == 1


def test_no_folder_is_made(tmp_path: Path) -> None:
    place = Place(tmp_path / "missing")
    assert_one_line(keys(place, "create"), str(place.folder))
    assert not place.folder.exists()


def test_empty_file_is_no_database(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.file.touch()
    assert_one_line(keys(place, "list"), "exempla serve")
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as served:
        assert len(secrets_in(served.output)) == 1
