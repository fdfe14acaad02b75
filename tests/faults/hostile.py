"""What the tests of hostile input share: raw connections, another client, the server's memory."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

from tests.cli.support import client, running
from tests.serving import KEY, Served

LIMIT_S = 120
MIB = 2**20
MEMORY_MARGIN = 50 * MIB


def head(method: str, path: str, *headers: str) -> bytes:
    """Write the first line and the headers of a request that sends the admin key."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {KEY}",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def connect(served: Served) -> socket.socket:
    """Open a connection to the server."""
    return socket.create_connection(("127.0.0.1", served.port), timeout=LIMIT_S)


def answer(connection: socket.socket) -> str:
    """Return what the server sends until it closes, or until an answer is there whole."""
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65_536)):
            break
        received += part
    headers, _, body = received.partition(b"\r\n\r\n")
    for line in headers.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]) and (part := connection.recv(65_536)):
                body += part
    return (headers + b"\r\n\r\n" + body).decode()


def status(connection: socket.socket) -> int:
    """Return the status of the answer; 0 if the server closed without one."""
    text = answer(connection).strip()
    return int(text.split()[1]) if text else 0


def is_closed(connection: socket.socket) -> bool:
    """Wait until the server ends the connection."""
    try:
        while connection.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def memory(served: Served) -> int:
    """Return the bytes of memory that the server has."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def open_files(served: Served) -> int:
    """Return how many files and connections the server has open."""
    return len(list(Path(f"/proc/{served.process.pid}/fd").iterdir()))


def send_slowly(connection: socket.socket, data: bytes, pause: float) -> None:
    """Send byte after byte with a pause of so many seconds, until the server ends it."""
    with suppress(ConnectionError):
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(pause)


@contextmanager
def warm_server(folder: Path) -> Iterator[Served]:
    """Run a server on this folder that has worked before; it must still end well."""
    with running("--data-dir", str(folder)) as served:
        _warm_up(served)
        yield served
        assert served.stop() == 0


def _warm_up(served: Served) -> None:
    """Have the server do once what it does in idle times, so that its memory is what it needs."""
    with client(served) as http:
        space = http.get("/v2/spaces").json()["spaces"][0]["id"]
        examples = [{"text": "x" * 1_000, "n": n} for n in range(1_000)]
        body = {"name": "warm", "space_id": space, "examples": examples}
        made = http.post("/v2/datasets", json=body).raise_for_status().json()
        for _ in range(20):
            http.get(f"/v2/datasets/{made['id']}/examples", params={"limit": "500"})
        http.get("/docs").raise_for_status()


@contextmanager
def others_served(served: Served) -> Iterator[list[float]]:
    """Let another client read while the block runs; each of its requests must be answered.

    Give the seconds that each took.
    """
    took: list[float] = []
    failures: list[object] = []
    over = threading.Event()

    def read() -> None:
        with closing(HTTPConnection("127.0.0.1", served.port, timeout=LIMIT_S)) as http:
            while not (took and over.wait(0.02)):
                began = time.monotonic()
                try:
                    http.request("GET", "/v2/spaces", headers={"Authorization": KEY})
                    found = http.getresponse()
                    found.read()
                except OSError as error:
                    failures.append(error)
                    return
                took.append(time.monotonic() - began)
                if found.status != 200:
                    failures.append(found.status)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join()
    assert not failures
    assert took


def assert_memory_returns(served: Served, idle: int) -> None:
    """Wait until the server's memory is near what it was when idle."""
    end = time.monotonic() + 20
    while (now := memory(served)) > idle + MEMORY_MARGIN and time.monotonic() < end:
        time.sleep(0.1)
    assert now <= idle + MEMORY_MARGIN, f"{(now - idle) // MIB} MiB over idle"
