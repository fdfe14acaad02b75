"""End the waits for a PostgreSQL that hangs: one that neither answers nor closes a connection.

A machine that lost its network or its disk, or a process that was stopped, looks like one that
works for long. So when something takes long, another connection is tried. If that is answered in
no way, what has waited all the time is given up, and what comes is refused until one is.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import closing, suppress
from typing import Any

import psycopg
import structlog

from exempla.errors import Unavailable
from exempla.store.engines import UNAVAILABLE, Postgres

LONG_S = 5.0
"""A transaction that takes longer makes it worth a look."""

LOOK_EVERY_S = 1.0

_log = structlog.get_logger(__name__)


class Watch:
    """Knows which connections are used, and looks after those that are for long."""

    def __init__(self, engine: Postgres) -> None:
        self._engine = engine
        self._used: dict[Any, float] = {}
        """When each connection began to be used."""
        self._lock = threading.Lock()
        self._hangs = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="exempla-watch", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise `Unavailable` while PostgreSQL is known to hang."""
        if self._hangs:
            raise Unavailable(UNAVAILABLE)

    def begin(self, connection: Any) -> None:
        """Note that the connection is used from now on."""
        with self._lock:
            self._used.setdefault(connection, time.monotonic())

    def end(self, connection: Any) -> None:
        """Note that the connection is no longer used; it may be closed then."""
        with self._lock:
            self._used.pop(connection, None)

    def close(self) -> None:
        """Stop; nothing must be used any more."""
        self._closed.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._closed.wait(LOOK_EVERY_S):
            began = time.monotonic()
            with self._lock:
                worth = any(since < began - LONG_S for since in self._used.values())
            if worth or self._hangs:
                self._set_hangs(not self._answers())
                if self._hangs:
                    self._give_up(began)

    def _answers(self) -> bool:
        try:
            with closing(self._engine.connect()):
                return True
        except psycopg.errors.ConnectionTimeout:
            return False
        except psycopg.Error:  # which is an answer, and tells those who ask
            return True

    def _set_hangs(self, hangs: bool) -> None:
        if hangs != self._hangs:
            _log.warning("the database hangs" if hangs else "the database answers again")
        self._hangs = hangs

    def _give_up(self, before: float) -> None:
        """End the connections that have been used since then; who waits for them is told."""
        with self._lock:
            for connection, since in self._used.items():
                if since < before:
                    _shut_down(connection)


def _shut_down(connection: Any) -> None:
    with (
        suppress(psycopg.Error, OSError),  # it was closed meanwhile
        socket.socket(fileno=os.dup(connection.fileno())) as used,
    ):
        used.shutdown(socket.SHUT_RDWR)
