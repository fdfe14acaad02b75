"""The load test: many clients at once, each updating 3 examples in a loop, and reads beside it."""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle

from benchmarks.data import Edit, make_edits
from benchmarks.report import Contention
from benchmarks.rig import Loaded, Rig
from benchmarks.server import KEY, examples_path, page_path
from benchmarks.timing import quiet, timed

CLIENTS = 32
FEW = 3
SECONDS = 10
WARM_UP_S = 2
EDITS = 40
"""Different updates of each client; it begins anew after the last."""

FLOOR_TIMES = 200
"""Updates of the floor, one after the other."""

IDLE_READS = 100

UPDATES_BOUND, P99_BOUND_MS, READS_BOUND = 1_000, 100.0, 3.0
"""Updates a second; milliseconds; what a read may take over its time on an idle server."""


@dataclass
class _Tally:
    """What one client saw."""

    spent: list[float] = field(default_factory=list)
    errors: int = 0


def measure_contention(rig: Rig, loaded: Loaded, workers: int = 1) -> Contention:
    """Let the clients update for some seconds, and read a page again and again meanwhile."""
    path = examples_path(loaded.dataset)
    edits = [make_edits(loaded.ids, FEW, EDITS, f"client-{n}") for n in range(CLIENTS)]
    port = rig.served.port
    page = _request("GET", page_path(loaded.dataset))
    with quiet():
        floor = _floor(rig, loaded, [edit for some in edits for edit in some][:FLOOR_TIMES])
        with closing(_Connection(port)) as connection:
            idle = [timed(partial(connection.send, page))[0] for _ in range(IDLE_READS)]
        updates = [
            cycle([_request("PATCH", path, edit.request) for edit in some]) for some in edits
        ]
        *updating, reading = _run(port, [*updates, cycle([page])])
    spent = sorted(second for tally in updating for second in tally.spent)
    errors = sum(tally.errors for tally in [*updating, reading])
    rate = round(len(spent) / SECONDS)
    p50, p99 = (_ms(spent[int(part * (len(spent) - 1))]) for part in (0.5, 0.99))
    idle_read, busy_read = _ms(statistics.median(idle)), _ms(statistics.median(reading.spent))
    held = rate >= UPDATES_BOUND and p99 < P99_BOUND_MS and not errors
    return Contention(
        clients=CLIENTS,
        workers=workers,
        seconds=SECONDS,
        updates_per_s=rate,
        floor_updates_per_s=floor,
        p50_ms=p50,
        p99_ms=p99,
        errors=errors,
        idle_read_ms=idle_read,
        busy_read_ms=busy_read,
        held=held and busy_read < READS_BOUND * idle_read,
    )


def _floor(rig: Rig, loaded: Loaded, edits: list[Edit]) -> int:
    """Return how many updates the bare database does in a second, as new versions."""

    def update() -> None:
        for edit in edits:
            rig.floor.update_as_version(loaded.number, edit.ids, edit.bodies)

    return round(len(edits) / timed(update)[0])


def _run(port: int, works: list[Iterator[bytes]]) -> list[_Tally]:
    """Send the requests of each work over a connection of its own, all at the same time."""
    tallies = [_Tally() for _ in works]
    start = time.perf_counter() + 0.5
    counted = (start + WARM_UP_S, start + WARM_UP_S + SECONDS)
    threads = [
        threading.Thread(target=_send_all, args=(port, work, tally, counted))
        for work, tally in zip(works, tallies, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tallies


def _send_all(
    port: int, requests: Iterator[bytes], tally: _Tally, counted: tuple[float, float]
) -> None:
    clock: Callable[[], float] = time.perf_counter
    with closing(_Connection(port)) as connection:
        for request in requests:
            begun = clock()
            if begun >= counted[1]:
                return
            status = connection.send(request)
            ended = clock()
            if counted[0] <= ended < counted[1]:
                tally.spent.append(ended - begun)
                tally.errors += status != 200


class _Connection:
    """A keep-alive connection with as little work of the client's own as can be."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes) -> int:
        """Send a request, receive the answer whole, and return its status."""
        self._socket.sendall(request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._receive()
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        left = length - len(body)
        while left > 0:
            left -= len(self._receive())
        return int(lines[0].split()[1])

    def _receive(self) -> bytes:
        received = self._socket.recv(1 << 20)
        if not received:
            raise RuntimeError("the server closed a connection under load")
        return received

    def close(self) -> None:
        self._socket.close()


def _request(method: str, path: str, body: bytes = b"") -> bytes:
    """Write a whole request."""
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _ms(seconds: float) -> float:
    return round(seconds * 1_000, 2)
