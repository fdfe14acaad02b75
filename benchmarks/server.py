"""A served Exempla of this run's own, and one keep-alive connection to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.floor import PAGE

KEY = "exempla-benchmark-key-0123456789"
START_LIMIT_S = 60
STOP_LIMIT_S = 30
PIECE_BYTES = 1_048_576
IDLE_LIMIT_S = 2  # uvicorn closes a connection that was idle for 5
_LISTENING = re.compile(rb"listening on http://127\.0\.0\.1:(\d+) and grpc://127\.0\.0\.1:(\d+)")
_FREE_PORTS = ("--port", "0", "--flight-port", "0")
_NEXT = re.compile(rb'"next_cursor"\s*:\s*"([^"]+)"')
_PAGINATION_REACH = 2_048  # `pagination` stands before or behind the examples, within this


class Served:
    """A running `exempla serve`."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        """Start the server on free ports and wait until it listens."""
        self._arguments = arguments
        self._log = log
        kept = {k: v for k, v in os.environ.items() if not k.startswith("EXEMPLA_")}
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "exempla", "serve", *_FREE_PORTS, *arguments],
                env={**kept, "EXEMPLA_BOOTSTRAP_KEY": KEY, "NO_COLOR": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            self.port, self.flight_port = self._wait_for_ports()
        except BaseException:
            self.close()
            raise

    def _wait_for_ports(self) -> tuple[int, int]:
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            if match := _LISTENING.search(self._log.read_bytes()):
                return int(match[1]), int(match[2])
            if self._process.poll() is not None:
                break
            time.sleep(0.005)
        said = self._log.read_text(errors="replace")[-2_000:]
        raise RuntimeError(f"the server did not start; it said:\n{said}")

    def again(self) -> Served:
        """Start another server on the same database."""
        return Served(self._arguments, self._log)

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Client:
    """One keep-alive connection; `http.client` sets TCP_NODELAY on it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self._used = time.monotonic()
        self._headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: bytes | None = None, expect: int = 200) -> bytes:
        """Send one request and return the whole answer, which must have the status `expect`."""
        self._connection.request(method, path, body, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        self._used = time.monotonic()
        if response.status != expect:
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:1_000]!r}")
        return answer

    def get(self, path: str) -> bytes:
        """Send a GET request and return the whole answer."""
        return self.send("GET", path)

    def pieces(self, path: str) -> list[bytes]:
        """Send a GET request and return a long answer in the pieces in which it was read.

        To put a gigabyte together takes longer than to export it.
        """
        self._connection.request("GET", path, headers=self._headers)
        response = self._connection.getresponse()
        found = list(iter(lambda: response.read(PIECE_BYTES), b""))
        self._used = time.monotonic()
        if response.status != 200:
            raise RuntimeError(f"GET {path}: {response.status} {b''.join(found)[:1_000]!r}")
        return found

    def empty(self) -> bytes:
        """Send the request that asks the least of the server."""
        return self.send("GET", "/healthz")

    def wake(self) -> None:
        """Make sure, outside the clock, that the server has not closed an idle connection."""
        if time.monotonic() - self._used > IDLE_LIMIT_S:
            self._connection.close()
            self.empty()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def default_space(self) -> str:
        """Return the id of the space that a new server has."""
        return str(json.loads(self.get("/v2/spaces"))["spaces"][0]["id"])

    def create_dataset(self, request: bytes) -> str:
        """Create a dataset and return its id."""
        return str(json.loads(self.send("POST", "/v2/datasets", request, 201))["id"])

    def versions(self, dataset: str) -> list[str]:
        """Return the ids of a dataset's versions, newest first."""
        answer: dict[str, Any] = json.loads(self.get(f"/v2/datasets/{quote(dataset, safe='')}"))
        return [version["id"] for version in answer["versions"]]


def create_request(name: str, space: str, bodies: list[str]) -> bytes:
    """Write the body of a request that creates a dataset of these examples."""
    head = json.dumps({"name": name, "space_id": space})
    return f'{head[:-1]},"examples":[{",".join(bodies)}]}}'.encode()


def append_request(bodies: list[str]) -> bytes:
    """Write the body of a request that appends these examples."""
    return f'{{"examples":[{",".join(bodies)}]}}'.encode()


def examples_path(dataset: str) -> str:
    """Return the path of a dataset's examples."""
    return f"/v2/datasets/{quote(dataset, safe='')}/examples"


def page_path(dataset: str, version: str = "", cursor: str = "") -> str:
    """Return the path of a page of a version, or of the latest."""
    path = f"{examples_path(dataset)}?limit={PAGE}"
    if version:
        path += f"&dataset_version_id={quote(version, safe='')}"
    return f"{path}&cursor={quote(cursor, safe='')}" if cursor else path


def next_cursor(page: bytes) -> str:
    """Find the cursor in a page without parsing it; none on the last."""
    found = _NEXT.search(page[-_PAGINATION_REACH:]) or _NEXT.search(page[:_PAGINATION_REACH])
    return found[1].decode() if found else ""


def read_whole(client: Client, dataset: str, version: str) -> int:
    """Read all pages of a version and return how many there were."""
    pages, cursor = 0, ""
    while cursor or not pages:
        cursor = next_cursor(client.get(page_path(dataset, version, cursor)))
        pages += 1
    return pages
