"""What a connection to PostgreSQL is set to."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from contextlib import closing

from sqlalchemy.engine import make_url

from exempla.store.engines import SILENT_S, Postgres


def _relay(from_: socket.socket, to: socket.socket) -> None:
    while data := from_.recv(65_536):
        to.sendall(data)
    to.shutdown(socket.SHUT_WR)


def test_a_path_that_went_silent_is_given_up(new_postgres_url: Callable[[], str]) -> None:
    url = make_url(new_postgres_url())
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as far:
        far.connect(f"{url.query['host']}/.s.PGSQL.5432")
        over_tcp = url.set(host="127.0.0.1", port=listener.getsockname()[1], query={})

        def serve() -> None:
            near, _ = listener.accept()
            with near:
                back = threading.Thread(target=_relay, args=(far, near))
                back.start()
                _relay(near, far)
                back.join()

        thread = threading.Thread(target=serve)
        thread.start()
        with (
            closing(Postgres(over_tcp).connect()) as connection,
            socket.socket(fileno=os.dup(connection.fileno())) as used,
        ):
            tcp = socket.IPPROTO_TCP
            assert used.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            idle, between, count = (
                used.getsockopt(tcp, each)
                for each in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            )
            assert idle + between * count == SILENT_S  # while it waits for an answer
            assert used.getsockopt(tcp, socket.TCP_USER_TIMEOUT) == SILENT_S * 1_000  # or sends
        thread.join()
