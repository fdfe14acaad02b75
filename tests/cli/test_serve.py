"""`exempla serve`: the first start, the settings, starts at once, and the health routes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from exempla.settings import DATABASE_FILE
from exempla.store.migrations import HEAD
from tests.cli.support import (
    ORGANIZATIONS,
    SPACES,
    Place,
    anonymous,
    names,
    run_shown_curl,
    running,
    secrets_in,
    status_of,
    status_with,
    wait_until,
)
from tests.serving import KEY, Served, exempla

OTHER_KEY = "another_key_of_the_suite_0123456789"
UNREACHABLE = "postgresql://127.0.0.1:1/x"
FOREIGN_ADDRESS = "192.0.2.1"  # reserved for documentation (RFC 5737): no machine has it

OTHER_SCHEMA = (
    "UPDATE alembic_version SET version_num = '9999'",
    f"UPDATE alembic_version SET version_num = '{HEAD}'",
)
NO_SCHEMA = (
    "ALTER TABLE alembic_version RENAME TO moved",
    "ALTER TABLE moved RENAME TO alembic_version",
)


@contextmanager
def held_port(address: str = "127.0.0.1") -> Iterator[int]:
    """Listen on a port, so that no one else can."""
    with closing(socket.create_server((address, 0))) as listener:
        yield listener.getsockname()[1]


# The first start


def test_first_start_prints_a_key_with_a_curl_line_that_works(place: Place) -> None:
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as served:
        (secret,) = secrets_in(served.output)
        assert names(served, ORGANIZATIONS, secret) == ["Default"]
        assert names(served, SPACES, secret) == ["Default"]
        answer = run_shown_curl(served.output)
    assert answer.returncode == 0, answer.stderr
    assert [space["name"] for space in json.loads(answer.stdout)["spaces"]] == ["Default"]


def test_second_start_prints_no_key_and_makes_nothing(place: Place) -> None:
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as first:
        (secret,) = secrets_in(first.output)
        assert first.stop() == 0
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as second:
        assert not secrets_in(second.output)
        assert "curl" not in second.output
        assert names(second, ORGANIZATIONS, secret) == ["Default"]
        assert names(second, SPACES, secret) == ["Default"]


def test_key_from_the_environment_counts_at_the_first_start_only(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY=KEY) as first:
        assert first.stop() == 0
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY=OTHER_KEY) as second:
        assert status_with(second, KEY) == 200
        assert status_with(second, OTHER_KEY) == 401
        assert OTHER_KEY not in second.output


def test_key_of_20_characters_is_long_enough_and_shown_nowhere(tmp_path: Path) -> None:
    key = "exk_abcdefghijklmnop"
    with running("--data-dir", str(tmp_path), EXEMPLA_BOOTSTRAP_KEY=key) as served:
        assert status_with(served, key) == 200
        assert key not in Place(tmp_path).content()
        assert served.stop() == 0
    assert key not in served.output
    assert not secrets_in(served.output)


def test_first_key_is_kept_nowhere_in_clear(place: Place) -> None:
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as served:
        (secret,) = secrets_in(served.output)
        assert status_with(served, secret) == 200
        while_running = place.content()
        assert served.stop() == 0
    assert "Default" in while_running
    assert secret not in while_running
    assert secret not in place.content()


def test_first_start_that_fails_halfway_leaves_nothing_behind(place: Place) -> None:
    place.folder.mkdir(exist_ok=True)
    place.execute("CREATE TABLE revisions (of_another_program INTEGER)")
    assert exempla("serve", "--port", "0", "--flight-port", "0", *place.flags).returncode == 1
    assert place.tables() == {"revisions"}
    place.execute("DROP TABLE revisions")
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as served:
        assert len(secrets_in(served.output)) == 1


# Where it listens, and where the data is


def test_environment_gives_the_address_and_the_folder(tmp_path: Path) -> None:
    with held_port("127.0.0.2") as port:
        pass  # free again; nothing else on this machine listens on this address
    environment = {
        "EXEMPLA_HOST": "127.0.0.2",
        "EXEMPLA_PORT": str(port),
        "EXEMPLA_DATA_DIR": str(tmp_path),
        "EXEMPLA_DATABASE_URL": "",
        "EXEMPLA_BOOTSTRAP_KEY": KEY,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "exempla", "serve"],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
    )
    try:
        assert wait_until(lambda: process.poll() is not None or answers("127.0.0.2", port))
        assert Place(tmp_path).tables()
    finally:
        process.kill()
        process.wait()


def answers(host: str, port: int) -> bool:
    """Tell whether a server answers here."""
    try:
        return httpx.get(f"http://{host}:{port}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_environment_gives_the_database(place: Place) -> None:
    with running(**place.environment) as served:
        assert names(served, SPACES) == ["Default"]
        assert place.tables()


def test_flags_win_over_the_environment(tmp_path: Path) -> None:
    unused, used = tmp_path / "unused", tmp_path / "with space" / "ü"
    with (
        held_port() as port,
        running(  # it starts with the flag `--port 0`
            *["--host", "127.0.0.1", "--data-dir", str(used)],
            EXEMPLA_HOST=FOREIGN_ADDRESS,
            EXEMPLA_PORT=str(port),
            EXEMPLA_DATA_DIR=str(unused),
        ) as served,
    ):
        assert served.port != port
        assert Place(used).tables()
        assert not unused.exists()


def test_flag_of_the_database_wins_over_the_environment(postgres_place: Place) -> None:
    with running(*postgres_place.flags, EXEMPLA_DATABASE_URL=UNREACHABLE) as served:
        assert names(served, SPACES) == ["Default"]


def test_data_is_in_the_users_data_folder_if_no_folder_is_given(tmp_path: Path) -> None:
    folders = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    with running(**folders) as served:
        assert status_with(served, KEY) == 200
        (database,) = tmp_path.rglob(DATABASE_FILE)
    assert "exempla" in database.parent.name


# Several at once


@pytest.mark.parametrize("count", [2, 4])
def test_processes_that_start_at_once_share_a_new_database(place: Place, count: int) -> None:
    with ExitStack() as stack:
        all_served = start_at_once(stack, place, count)
        secrets = [secrets_in(served.output) for served in all_served]
        (secret,) = set.union(*secrets)
        assert sum(map(bool, secrets)) == 1
        for served in all_served:
            assert status_of(served, "/readyz") == 200
            assert names(served, SPACES, secret) == ["Default"]
            assert names(served, ORGANIZATIONS, secret) == ["Default"]


def test_migrations_wait_for_each_other(postgres_place: Place) -> None:
    """Hold up the first process amid its migration, until the second has come to it, too."""
    with ExitStack() as stack:
        blocker = stack.enter_context(psycopg.connect(postgres_place.url))
        blocker.execute("CREATE TABLE organizations ()")
        with ThreadPoolExecutor(1) as thread:
            started = thread.submit(start_at_once, stack, postgres_place, 2)
            wait_until(lambda: started.done() or waiting_for_locks(postgres_place) == 2)
            blocker.rollback()
        shown = [secrets_in(served.output) for served in started.result()]
    assert sum(map(bool, shown)) == 1


def waiting_for_locks(place: Place) -> int:
    """Return how many sessions of this database wait for another one."""
    waiting = "datname = current_database() AND wait_event_type = 'Lock'"
    count: int = place.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}")[0][0]
    return count


def start_at_once(stack: ExitStack, place: Place, count: int) -> list[Served]:
    """Start several servers at once; the stack ends them."""

    def start(_: int) -> Served:
        return stack.enter_context(running(*place.flags, EXEMPLA_BOOTSTRAP_KEY=""))

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(start, range(count)))


# Health, without a key


def test_not_ready_while_the_schema_is_not_current(place: Place) -> None:
    with running(*place.flags) as served, anonymous(served) as http:
        assert http.get("/readyz").status_code == 200
        for change, restoration in [OTHER_SCHEMA, NO_SCHEMA]:
            place.execute(change)
            assert_unavailable(http.get("/readyz"))
            assert http.get("/healthz").status_code == 200
            place.execute(restoration)
            assert http.get("/readyz").status_code == 200


def test_not_ready_while_the_database_is_gone(postgres_place: Place, postgres_server: str) -> None:
    with running(*postgres_place.flags) as served, anonymous(served) as http:
        assert http.get("/readyz").status_code == 200
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            name = psycopg.conninfo.conninfo_to_dict(postgres_place.url)["dbname"]
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        for _ in range(3):
            assert_unavailable(http.get("/readyz"))
        assert http.get("/healthz").status_code == 200
        assert served.stop() == 0


def assert_unavailable(answer: httpx.Response) -> None:
    """Check for the problem `503`."""
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    problem = answer.json()
    assert problem.keys() == {"status", "title", "type", "detail", "instance"}
    assert (problem["status"], problem["instance"]) == (503, "/readyz")


def test_a_start_loads_nothing_that_waits_for_its_first_use() -> None:
    loaded = "import exempla.server, exempla.flight.server, sys; print(*sys.modules)"
    names = subprocess.run(
        [sys.executable, "-c", loaded], stdout=subprocess.PIPE, text=True, check=True
    ).stdout.split()
    assert "litestar" in names
    assert not {"pyarrow", "sqlglot", "opentelemetry"}.intersection(names)
