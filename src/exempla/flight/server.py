"""Start and stop Arrow Flight, in threads of its own beside the HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from exempla.errors import StartupError
from exempla.flight.service import Service
from exempla.store.database import Database
from exempla.tls import Tls

FINISH_WITHIN_S = 30
"""How long streams may take after the server was told to stop."""


@contextmanager
def serving(database: Database, host: str, port: int, tls: Tls | None) -> Iterator[str]:
    """Serve while the block runs; give the URL. Port 0 takes any free port.

    Raises `StartupError` when it cannot listen there.
    """
    scheme = "grpc+tls" if tls else "grpc"
    shown = f"[{host}]" if ":" in host else host
    try:
        service = Service(database, f"{scheme}://{shown}:{port}", [tls.read()] if tls else [])
    except Exception as error:  # pyarrow has no type of its own for it
        raise StartupError(
            f"cannot listen on {host}:{port} for Arrow Flight: {_reason(error)}; "
            "choose another --flight-port, or --no-flight"
        ) from None
    try:
        yield f"{scheme}://{shown}:{service.port}"
    finally:
        _stop(service)


def _stop(service: Service) -> None:
    """Wait for the streams under way; not for ever, for a client may never read on."""
    stopping = threading.Thread(target=service.shutdown, daemon=True)
    stopping.start()
    stopping.join(FINISH_WITHIN_S)


def _reason(error: Exception) -> str:
    return str(error).partition(". Detail")[0]
