"""The service in this process, on a database of its own: what a client cannot bring about."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pyarrow as pa
import pytest
from pyarrow import flight

from exempla.flight.server import serving
from exempla.flight.service import Service
from exempla.ids import ResourceId
from exempla.settings import Settings
from exempla.store import setup
from exempla.store.database import Database
from exempla.throttle import Throttle
from tests.flight.client import options, ticket
from tests.flight.streams import creating, flight_message, numbers, putting
from tests.serving import KEY


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened, _ = setup.open_database(setup.open_engine(Settings(data_dir=tmp_path)), KEY)
    yield opened
    opened.close()


@pytest.fixture
def port(database: Database) -> Iterator[int]:
    with serving(database, "127.0.0.1", 0, None) as url:
        yield int(url.rsplit(":", 1)[1])


@pytest.fixture
def space(database: Database) -> str:
    row = database.read_now(lambda tx: tx.exactly_one("SELECT id, suffix FROM spaces"))
    return str(ResourceId("Space", *row))


def test_a_fault_is_told_to_the_log_alone(
    database: Database, port: int, space: str, capfd: pytest.CaptureFixture[str]
) -> None:
    database.write_now(lambda tx: tx.run("ALTER TABLE revisions RENAME TO secret_place"))
    sent = iter([creating(space, "lakes"), numbers(1)])
    with putting(port, sent) as call, pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert caught.value.code() == grpc.StatusCode.INTERNAL
    assert caught.value.details() == "the server failed; its log has the cause"
    assert "no such table" in capfd.readouterr().out


def test_temporary_files_lie_beside_the_database(
    port: int, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "there is no such folder"))
    monkeypatch.setattr("exempla.scratch.IN_MEMORY_BYTES", 8_000)
    large = pa.record_batch({"n": pa.array([0] * 2_000, pa.int64())})
    with putting(port, iter([creating(space, "lakes"), numbers(1)])) as call:
        (small,) = list(call)
    parts = [large.slice(start, 500) for start in range(0, 2_000, 500)]
    messages = [flight_message(part.serialize()) for part in parts]
    with putting(port, iter([creating(space, "seas"), *messages])) as call:
        (answer,) = list(call)
    for made, rows in ((small, 1), (answer, 2_000)):
        assert read_rows(port, made[4:].decode()) == rows


def read_rows(port: int, dataset: str) -> int:
    """Read a dataset whole and return how many examples it has."""
    with flight.FlightClient(f"grpc://127.0.0.1:{port}") as client:
        return int(client.do_get(ticket(datasetId=dataset), options()).read_all().num_rows)


class Call:
    """Stands in for gRPC's context of a call that breaks, of which it tells a moment later."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], object]] = []

    def invocation_metadata(self) -> list[tuple[str, Any]]:
        return [("auth-token-bin", KEY.encode())]

    def add_callback(self, callback: Callable[[], object]) -> None:
        self._callbacks.append(callback)

    def is_active(self) -> bool:
        return True

    def break_soon(self) -> None:
        for callback in self._callbacks:
            threading.Timer(0.005, callback).start()

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise AssertionError(f"the client has left, and is told {details}")


def test_news_of_a_broken_stream_is_waited_for(
    database: Database, space: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Call()

    def messages() -> Iterator[bytes]:
        yield creating(space, "lakes")
        yield numbers(1)
        call.break_soon()

    monkeypatch.setattr("exempla.flight.service.A_MOMENT_S", 5)
    assert list(Service(database, Throttle()).do_put(messages(), call)) == []
    assert database.read_now(lambda tx: tx.all("SELECT id FROM datasets")) == []
