"""Start and stop Arrow Flight, in threads of its own beside the HTTP server."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import structlog

from exempla.errors import StartupError
from exempla.flight.places import STREAMS
from exempla.flight.service import Service
from exempla.limits import MAX_BATCH_BYTES
from exempla.store.database import Database
from exempla.throttle import Throttle
from exempla.tls import Tls

FINISH_WITHIN_S = 30
"""How long streams may take after the server was told to stop."""

REFUSING = 8
"""Threads beside those of all streams that there may be: they tell a client why it is refused."""

PATIENCE_S = 0.5
"""How long it may take before the log says what the server waits for."""

_log = structlog.get_logger(__name__)

_OPTIONS = [
    ("grpc.so_reuseport", 0),  # a port that is taken must not be shared
    ("grpc.max_receive_message_length", MAX_BATCH_BYTES),
    ("grpc.max_send_message_length", -1),
    # A client may send so much ahead of what is read from its stream, and no more.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 4 * 1024 * 1024),
    # Find out that a client is gone that never said so.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
]


@contextmanager
def serving(
    database: Database, host: str, port: int, tls: Tls | None, throttle: Throttle | None = None
) -> Iterator[str]:
    """Serve while the block runs; give the URL. Port 0 takes any free port.

    Raises `StartupError` when it cannot listen there.
    """
    calls = STREAMS + REFUSING
    threads = ThreadPoolExecutor(calls, thread_name_prefix="exempla-flight")
    server = grpc.server(threads, options=_OPTIONS, maximum_concurrent_rpcs=calls)
    server.add_generic_rpc_handlers([Service(database, throttle or Throttle()).handlers()])
    shown = f"[{host}]" if ":" in host else host
    try:
        if tls:
            credentials = grpc.ssl_server_credentials([(tls.key_pem(), tls.cert_pem())])
            bound = server.add_secure_port(f"{shown}:{port}", credentials)
        else:
            bound = server.add_insecure_port(f"{shown}:{port}")
    except RuntimeError as error:
        raise StartupError(
            f"cannot listen on {host}:{port} for Arrow Flight: {error}; "
            "choose another --flight-port, or --no-flight"
        ) from None
    server.start()
    try:
        yield f"{'grpc+tls' if tls else 'grpc'}://{shown}:{bound}"
    finally:
        stopped = server.stop(FINISH_WITHIN_S)
        if not stopped.wait(PATIENCE_S):
            _log.info("waiting for Arrow Flight streams", seconds=FINISH_WITHIN_S)
            stopped.wait()
        threads.shutdown(wait=False, cancel_futures=True)
