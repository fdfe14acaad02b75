"""`exempla verify`: every version is what its digest says, or status 1 and which is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.cli.support import Place, Result, assert_one_line, client, create_dataset, running
from tests.serving import exempla_here


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Iterator[Place]:
    """Give a database with the dataset `data` of two versions, the digest of v1 asked for."""
    place = new_place()
    with running(*place.flags) as served, client(served) as http:
        dataset = create_dataset(http, {"n": 1}, {"n": 2})
        url = f"/api/v1/datasets/{dataset}/versions"
        (v1,) = http.get(url).raise_for_status().json()["versions"]
        assert http.get(f"{url}/{v1['id']}").raise_for_status().json()["digest"]
        http.post(url, json={"name": "v2"}).raise_for_status()
        yield place


def verify(place: Place, *arguments: str) -> Result:
    return exempla_here("verify", *arguments, *place.flags)


def test_a_sound_database_is_verified(place: Place) -> None:
    first = verify(place)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout == "data: 2 versions verified, 1 for the first time\n"
    assert verify(place, "data").stdout == "data: 2 versions verified\n"


def test_damage_is_told_with_status_1(place: Place) -> None:
    assert verify(place).returncode == 0
    place.execute("UPDATE revisions SET body = '{\"n\":3}' WHERE ordinal = 1")
    found = verify(place, "data")
    assert found.returncode == 1
    (line,) = found.stdout.splitlines()
    assert line.startswith("data, versions v1, v2: its digest should be")
    assert verify(place).returncode == 1


def test_what_cannot_be_read_is_told_and_the_others_are_checked(place: Place) -> None:
    with running(*place.flags) as served, client(served) as http:
        space = http.get("/v2/spaces").raise_for_status().json()["spaces"][0]["id"]
        body = {"name": "other", "space_id": space, "examples": [{"n": 1}]}
        http.post("/v2/datasets", json=body).raise_for_status()
    place.execute("UPDATE revisions SET body = '{bad' WHERE dataset_id = 1 AND ordinal = 1")
    found = verify(place)
    assert (found.returncode, found.stderr) == (1, "")
    assert re.search("data, versions v1, v2: the example '.*' cannot be read: ", found.stdout)
    assert "other: 1 versions verified" in found.stdout


def test_a_dataset_that_is_not_there(place: Place) -> None:
    assert_one_line(verify(place, "no"), "'no'")
