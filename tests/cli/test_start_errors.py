"""What hinders a start: one clear line and exit status 1."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.cli.support import Place, Result, assert_one_line, running, secrets_in
from tests.serving import exempla, exempla_here

FOREIGN_ADDRESS = "192.0.2.1"  # reserved for documentation (RFC 5737): no machine has it
UNREACHABLE = "postgresql://127.0.0.1:1/x"
PASSWORD = "correct-horse-battery"


@pytest.fixture
def taken_port() -> Iterator[str]:
    """Listen on a port, so that no one else can."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield str(listener.getsockname()[1])


def serve(*arguments: str, **environment: str) -> Result:
    """Run `exempla serve`, which is expected to end by itself."""
    return exempla("serve", "--port", "0", "--flight-port", "0", *arguments, **environment)


# The address


def test_taken_port(tmp_path: Path, taken_port: str) -> None:
    place = Place(tmp_path)
    assert_one_line(serve(*place.flags, "--port", taken_port), f"127.0.0.1:{taken_port}", "in use")
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as served:
        assert len(secrets_in(served.output)) == 1, "the failed start must not use up the first key"


def test_address_of_another_machine(tmp_path: Path) -> None:
    assert_one_line(serve("--data-dir", str(tmp_path), "--host", FOREIGN_ADDRESS), FOREIGN_ADDRESS)


# The folder


def test_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    assert_one_line(serve("--data-dir", str(folder)), "write", str(folder))


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert_one_line(serve("--data-dir", str(tmp_path / "file")), str(tmp_path / "file"))


def test_folder_that_takes_no_files() -> None:
    assert_one_line(serve(EXEMPLA_DATA_DIR="/proc/exempla"), "write", "/proc/exempla")


def test_file_that_is_not_a_database(tmp_path: Path) -> None:
    place = Place(tmp_path)
    content = b"not a database" * 1_000
    place.file.write_bytes(content)
    assert_one_line(serve(*place.flags), str(place.file), "not a database")
    assert place.file.read_bytes() == content


def test_folder_in_the_place_of_the_database(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.file.mkdir()
    assert_one_line(serve(*place.flags), str(place.file))


# The database


def test_unreachable_database() -> None:
    assert_one_line(serve("--database-url", UNREACHABLE), "127.0.0.1", "refused")


def test_database_that_is_not_there(postgres_place: Place) -> None:
    name = psycopg.conninfo.conninfo_to_dict(postgres_place.url)["dbname"]
    url = postgres_place.url.replace(f"/{name}", "/no_such_database")
    assert_one_line(serve("--database-url", url), "no_such_database")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{PASSWORD}@127.0.0.1:1/x",
        f"postgresql://127.0.0.1:1/x?user=user&password={PASSWORD}",
    ],
)
def test_password_is_not_shown(url: str) -> None:
    result = serve("--database-url", url)
    assert_one_line(result, "127.0.0.1")
    assert PASSWORD not in result.stderr


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://127.0.0.1:port/x",
        "mysql://127.0.0.1/x",
    ],
)
def test_malformed_url(url: str) -> None:
    assert_one_line(serve("--database-url", url), "database")


def test_newer_database(place: Place) -> None:
    place.make()
    place.execute("UPDATE alembic_version SET version_num = '9999'")
    assert_one_line(serve(*place.flags), "newer", "9999")
    assert_one_line(exempla_here("keys", "create", *place.flags), "newer", "9999")
    assert place.execute("SELECT version_num FROM alembic_version") == [("9999",)]
    assert place.execute("SELECT count(*) FROM api_keys") == [(1,)]


def test_commands_leave_an_older_database_to_the_server(place: Place) -> None:
    place.make()
    place.execute("UPDATE alembic_version SET version_num = '0007'")
    for command in (["keys", "list"], ["verify"], ["diff", "data", "v1", "v1"]):
        assert_one_line(exempla_here(*command, *place.flags), "older", "0007", "exempla serve")


# Settings that contradict each other or break a rule


def test_folder_and_database_by_flags(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    result = serve("--data-dir", str(folder), "--database-url", UNREACHABLE)
    assert_one_line(result, "--data-dir", "--database-url")
    assert not folder.exists()


def test_folder_and_database_by_the_environment(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    result = serve(EXEMPLA_DATA_DIR=str(folder), EXEMPLA_DATABASE_URL=UNREACHABLE)
    assert_one_line(result)
    assert not folder.exists()


def test_key_that_is_too_short(tmp_path: Path) -> None:
    result = serve("--data-dir", str(tmp_path), EXEMPLA_BOOTSTRAP_KEY="k" * 19)
    assert_one_line(result, "EXEMPLA_BOOTSTRAP_KEY", "20")
    assert "kkk" not in result.stderr
    assert not Place(tmp_path).tables()


def test_key_that_no_header_can_carry(tmp_path: Path) -> None:
    result = serve("--data-dir", str(tmp_path), EXEMPLA_BOOTSTRAP_KEY="clé " * 10)
    assert_one_line(result, "EXEMPLA_BOOTSTRAP_KEY")
    assert not Place(tmp_path).tables()
