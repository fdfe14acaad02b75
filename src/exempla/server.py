"""Run the HTTP server: bind, serve, and finish what is in flight when told to stop."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from exempla import tracing
from exempla.api.app import create_app
from exempla.connections import Connection, end_those_over
from exempla.errors import StartupError
from exempla.settings import Settings
from exempla.store.database import Database
from exempla.throttle import Throttle
from exempla.tls import Tls

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

FINISH_WITHIN_S = 30
"""How long requests in flight may take after the server was told to stop."""


KEEP_ALIVE_S = 75
"""How long an idle connection is kept: longer than clients' pools and proxies keep theirs."""


MAX_OPEN_FILES = 65_536
"""How many open files, most of them connections, are asked for, if the system allows it."""


class _Server(uvicorn.Server):
    """Also ends, once a second, the connections whose clients have taken too long.

    And sends the last traces, if there are any, when all is answered.
    """

    def __init__(self, config: uvicorn.Config, traces: TracerProvider | None) -> None:
        super().__init__(config)
        self._traces = traces

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._traces:
            await asyncio.to_thread(self._traces.shutdown)

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            now = asyncio.get_running_loop().time()
            end_those_over(self.server_state.connections, now)
        return await super().on_tick(counter)


def bind(host: str, port: int, flag: str = "--port") -> socket.socket:
    """Listen on an address, or raise `StartupError`. Port 0 takes any free port."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2_048)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StartupError(
            f"cannot listen on {host}:{port}: {reason}; choose another --host or {flag}"
        ) from None
    return listener


def url_of(listener: socket.socket, tls: Tls | None = None) -> str:
    """Return the base URL of a listener."""
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{shown}:{port}"


def make(
    database: Database,
    settings: Settings,
    tls: Tls | None = None,
    throttle: Throttle | None = None,
) -> uvicorn.Server:
    """Return the server of this database; `run` or a thread runs it."""
    hosts = (settings.host, *settings.allowed_hosts)
    app, traces = tracing.traced(create_app(database, settings.query_timeout, hosts, throttle))
    config = uvicorn.Config(
        app,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_WITHIN_S,
        ssl_certfile=tls.cert if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    return _Server(config, traces)


def run(server: uvicorn.Server, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; return when all requests in flight are done.

    `announce` is called when signals are heard and connections taken.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    # uvicorn sets handlers of its own while it runs, and then raises the signal once more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    _allow_open_files()
    # What is here now stays; and what a request makes has few cycles to look for.
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    announce()
    server.run(sockets=[listener])
    for number in (signal.SIGTERM, signal.SIGINT):  # a second one ends what is left at once
        signal.signal(number, signal.SIG_DFL)


def _allow_open_files() -> None:
    """Raise the soft limit, which is often 1,024, as far as the hard one allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
