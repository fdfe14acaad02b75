"""`exempla check` as a command: beside a server, of a backup, and what it says of damage."""

from __future__ import annotations

from tests.cli.support import Place, assert_one_line, client, create_dataset, running
from tests.serving import exempla_here


def test_a_sound_database_beside_its_server(place: Place) -> None:
    with running(*place.flags) as served, client(served) as http:
        create_dataset(http, {"n": 1}, {"n": 2})
        found = exempla_here("check", *place.flags)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == "data: sound\n1 dataset is sound\n"


def test_broken_rules_are_told_with_their_place(place: Place) -> None:
    with running(*place.flags) as served, client(served) as http:
        dataset = create_dataset(http, {"n": 1}, {"n": 2})
        page = http.get(f"/v2/datasets/{dataset}/examples").raise_for_status().json()
        second = page["examples"][1]["id"]
        place.execute("UPDATE revisions SET body = '[]' WHERE ordinal = 2")
        found = exempla_here("check", *place.flags)
    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        f"data, example {second}: its fields are no JSON object, in the versions from 1",
        "data, version v1: it should have 2 examples but has 1",
        "2 faults found",
    ]


def test_what_is_damaged_in_a_file(new_sqlite_place: Place) -> None:
    place = new_sqlite_place
    with running(*place.flags) as served, client(served) as http:
        create_dataset(http, *[{"n": n, "text": "x" * 500} for n in range(300)])
        assert served.stop() == 0
    content = bytearray(place.file.read_bytes())
    pages = [
        start for start in range(0, len(content), 4096) if b"x" * 500 in content[start:][:4096]
    ]
    content[pages[5] : pages[5] + 64] = b"\xff" * 64
    place.file.write_bytes(content)
    found = exempla_here("check", *place.flags)
    assert found.returncode == 1
    assert "the file is damaged" in found.stdout
    assert "Traceback" not in found.stderr


def test_an_older_database_is_not_changed(place: Place) -> None:
    place.make()
    place.execute("UPDATE alembic_version SET version_num = '0007'")
    assert_one_line(exempla_here("check", *place.flags), "older", "0007", "serve")
    assert place.execute("SELECT version_num FROM alembic_version") == [("0007",)]
