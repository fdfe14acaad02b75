"""Several processes that serve together, and the one that starts, watches and ends them.

They are forked, so the process that calls `run` must have no threads: it opens no database.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import NamedTuple

import structlog

from exempla import server
from exempla.errors import StartupError
from exempla.settings import Settings
from exempla.store.database import Database
from exempla.store.engines import Engine
from exempla.throttle import Throttle
from exempla.tls import Tls

Job = Callable[[Callable[[str], None]], None]
"""What a process does until SIGTERM. It calls its argument when it serves, with its URL or ""."""

TOO_SOON_S = 5
"""A process that replaced another and ends after less is not replaced: the next would end, too."""

_STOP = {signal.SIGTERM, signal.SIGINT}
_HEARD = {*_STOP, signal.SIGCHLD}

_log = structlog.get_logger(__name__)


class _Process(NamedTuple):
    job: Job
    pid: int
    started: float
    replaces_another: bool


def serve(
    settings: Settings,
    engine: Engine,
    listener: socket.socket,
    tls: Tls | None,
    announce: Callable[..., None],
) -> None:
    """Answer HTTP in several processes, and Arrow Flight in one more, until SIGTERM or SIGINT.

    `announce` is called with Arrow Flight's URL, if it is served, when all of them serve.
    """
    answer = partial(_answer_http, settings, engine, listener, tls)
    jobs: list[Job] = [answer] * settings.workers
    if settings.flight_port is not None:
        port = settings.flight_port or _free_port(settings.host)
        jobs.append(partial(_serve_flight, settings, port, engine, tls))
    with listener:
        run(jobs, lambda urls: announce(*urls), listener.close)


def _answer_http(
    settings: Settings,
    engine: Engine,
    listener: socket.socket,
    tls: Tls | None,
    ready: Callable[[str], None],
) -> None:
    with closing(Database(engine)) as database:
        http = server.make(database, settings, tls, Throttle(settings.rate_limit))
        server.run(http, listener, lambda: ready(""))


def _serve_flight(
    settings: Settings, port: int, engine: Engine, tls: Tls | None, ready: Callable[[str], None]
) -> None:
    from exempla.flight.server import serving

    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    throttle = Throttle(settings.rate_limit)
    with (
        closing(Database(engine)) as database,
        serving(database, settings.host, port, tls, throttle) as url,
    ):
        ready(url)
        told.wait()


def _free_port(host: str) -> int:
    """Return a port for the process that serves Arrow Flight, and for one that replaces it."""
    with server.bind(host, 0) as probe:
        port: int = probe.getsockname()[1]
    return port


def run(
    jobs: Sequence[Job], announce: Callable[[list[str]], None], stop: Callable[[], None]
) -> None:
    """Do each job in a process of its own, until SIGTERM or SIGINT; then end them cleanly.

    `announce` is called with the URLs when all serve, and `stop` when they are told to end. One
    that ends by itself is replaced. Raises `StartupError` when one ends before it serves, or
    soon after it replaced another.
    """
    signal.signal(signal.SIGCHLD, lambda *_: None)  # so that it is not dropped while it is blocked
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    # Only this process holds the writing end: when it is gone, the others read the end.
    alive = os.pipe()
    begun = [_start(job, alive) for job in jobs]
    processes = {process.pid: process for process, _ in begun}
    try:
        urls = [_wait_for(ready) for _, ready in begun]
        announce([url for url in urls if url])
        while signal.sigwait(_HEARD) == signal.SIGCHLD:
            for pid, status in _ended():
                process = processes.pop(pid)
                _log.error("a worker ended", pid=pid, status=status)
                lived = time.monotonic() - process.started
                if process.replaces_another and lived < TOO_SOON_S:
                    raise StartupError("a worker that replaced another ended at once, too")
                again, ready = _start(process.job, alive, replaces_another=True)
                os.close(ready)
                processes[again.pid] = again
    finally:
        stop()
        _end(set(processes))


def _start(
    job: Job, alive: tuple[int, int], *, replaces_another: bool = False
) -> tuple[_Process, int]:
    """Start a process; return it, and the end of a pipe that tells when it serves."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return _Process(job, pid, time.monotonic(), replaces_another), reading
    status = 1
    try:
        os.close(reading)
        os.close(alive[1])
        # Ctrl-C reaches all processes of a terminal; this one waits for what its parent says.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD - {signal.SIGINT})
        threading.Thread(target=_end_with_parent, args=(alive[0],), daemon=True).start()
        job(lambda url: _tell(writing, url))
        status = 0
    except StartupError as error:
        print(f"exempla: {error}", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _tell(pipe: int, url: str) -> None:
    with suppress(BrokenPipeError):  # of one that replaces another no one waits to hear
        os.write(pipe, b"%s\n" % url.encode())
    os.close(pipe)


def _wait_for(ready: int) -> str:
    """Wait until a process serves, and return its URL."""
    with os.fdopen(ready) as pipe:
        line = pipe.readline()
    if not line:
        raise StartupError("a worker did not start; the lines above say why")
    return line.strip()


def _end_with_parent(alive: int) -> None:
    """End this process cleanly when its parent is gone, whatever ended that."""
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGTERM)


def _ended() -> list[tuple[int, int]]:
    """Return the number and exit status of each process that has ended."""
    ended: list[tuple[int, int]] = []
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append((found[0], os.waitstatus_to_exitcode(found[1])))
    return ended


def _end(pids: set[int]) -> None:
    """Tell the processes to end, and wait until they have; a second signal ends them at once."""
    with_signal = signal.SIGTERM
    while True:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, with_signal)
        while True:
            pids -= {pid for pid, _ in _ended()}
            if not pids:
                return
            if signal.sigwait(_HEARD) in _STOP:
                with_signal = signal.SIGKILL
                break
