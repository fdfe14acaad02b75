"""What the tests of the command share: places for databases, servers on them, requests."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from exempla.settings import DATABASE_FILE, Settings
from exempla.store import setup
from tests.serving import KEY, Served, database_arguments

WAIT_LIMIT_S = 30
SPACES = "/v2/spaces"
ORGANIZATIONS = "/v2/organizations"

_SECRET = re.compile(r"exk_[A-Za-z0-9_-]{20,}")

Result = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Place:
    """Where a database is or will be: a folder for SQLite, or an empty PostgreSQL database."""

    folder: Path
    url: str = ""

    @property
    def file(self) -> Path:
        """The SQLite database."""
        return self.folder / DATABASE_FILE

    @property
    def flags(self) -> list[str]:
        """The flags that name this place."""
        return database_arguments("postgres" if self.url else "sqlite", self.folder, self.url)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variable that names this place."""
        if self.url:
            return {"EXEMPLA_DATABASE_URL": self.url}
        return {"EXEMPLA_DATA_DIR": str(self.folder)}

    @property
    def settings(self) -> Settings:
        """The settings that name this place."""
        return Settings(database_url=self.url) if self.url else Settings(data_dir=self.folder)

    def make(self) -> None:
        """Make the database as a first start does, with the key `KEY`; no server runs then."""
        database, _ = setup.open_database(setup.open_engine(self.settings), KEY)
        database.close()

    def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement on the database, beside a server or without one; return its rows."""
        if self.url:
            with psycopg.connect(self.url) as postgres:
                answer = postgres.execute(statement.encode())
                return answer.fetchall() if answer.description else []
        with closing(sqlite3.connect(self.file, timeout=WAIT_LIMIT_S)) as sqlite, sqlite:
            return sqlite.execute(statement).fetchall()

    def tables(self) -> set[str]:
        """Return the names of the tables; none where there is no database."""
        if self.url:
            rows = self.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        elif self.file.exists():
            rows = self.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        else:
            rows = []
        return {name for (name,) in rows}

    def content(self) -> str:
        """Return all that is stored: the files of the folder, or the rows of all tables."""
        if self.url:
            rows = [row for table in self.tables() for row in self.execute(f"TABLE {table}")]
            return repr(rows)
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return "".join(path.read_bytes().decode("latin-1") for path in files)


def secrets_in(text: str) -> set[str]:
    """Return the keys that a text shows."""
    return set(_SECRET.findall(text))


def assert_one_line(result: Result, *parts: str) -> None:
    """Check that the command ended with status 1 and one line that has these parts."""
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert all(part in result.stderr for part in parts), result.stderr
    assert result.stdout == ""
    assert result.returncode == 1


@contextmanager
def running(*arguments: str, command: str = "serve", **environment: str) -> Iterator[Served]:
    """Give a server that answers; end it afterwards, if the test has not."""
    served = Served.start(*arguments, command=command, **environment)
    try:
        assert status_of(served, "/healthz") == 200
        yield served
    finally:
        served.stop(signal.SIGKILL)


def client(served: Served, key: str = KEY) -> httpx.Client:
    """Return an HTTP client that sends this key."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=served.base_url, headers=headers, timeout=60, trust_env=False)


def anonymous(served: Served) -> httpx.Client:
    """Return an HTTP client that sends no key."""
    return httpx.Client(base_url=served.base_url, timeout=60, trust_env=False)


def status_of(served: Served, path: str) -> int:
    """Return the status of a GET without a key."""
    with anonymous(served) as http:
        return http.get(path).status_code


def status_with(served: Served, key: str) -> int:
    """Return the status of a request that needs a valid key."""
    with client(served, key) as http:
        return http.get(SPACES).status_code


def names(served: Served, path: str, key: str = KEY) -> list[str]:
    """Return the names of the spaces or organizations."""
    with client(served, key) as http:
        answer = http.get(path).raise_for_status().json()
    return [one["name"] for one in answer[path.rpartition("/")[2]]]


def create_dataset(http: httpx.Client, *examples: dict[str, Any]) -> str:
    """Make a dataset in the space Default and return its id."""
    space = http.get(SPACES).raise_for_status().json()["spaces"][0]["id"]
    body = {"name": "data", "space_id": space, "examples": examples}
    dataset: str = http.post("/v2/datasets", json=body).raise_for_status().json()["id"]
    return dataset


def all_examples(http: httpx.Client, dataset: str) -> list[dict[str, Any]]:
    """Read the latest version whole, by pages."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        query = {"limit": "500", "cursor": cursor}
        page = http.get(f"/v2/datasets/{dataset}/examples", params=query).raise_for_status().json()
        found += page["examples"]
        if not page["pagination"]["has_more"]:
            return found
        cursor = page["pagination"]["next_cursor"]


def run_shown_curl(output: str) -> Result:
    """Run the `curl` line that an output shows, as a shell would."""
    lines = [line.strip() for line in output.splitlines() if line.strip().startswith("curl ")]
    assert len(lines) == 1, output
    return subprocess.run(
        ["sh", "-c", lines[0]],
        env={**os.environ, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def in_terminal(columns: int, *arguments: str, **environment: str) -> str:
    """Run `exempla` in a terminal of this width and return what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"COLUMNS", "LINES", "NO_COLOR"} and not name.startswith("EXEMPLA_")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "exempla", *arguments],
        env={**kept, "TERM": "xterm", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # how Linux tells that the other side is closed
        while part := os.read(ours, 65_536):
            shown += part
    os.close(ours)
    assert process.wait() == 0, shown
    return shown.decode()


def wait_until(condition: Callable[[], bool]) -> bool:
    """Wait until the condition holds; tell whether it did within the limit."""
    end = time.monotonic() + WAIT_LIMIT_S
    while not (holds := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return holds
