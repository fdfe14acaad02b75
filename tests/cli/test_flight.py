"""`exempla serve` with Arrow Flight beside it: its port, without it, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import flight

from exempla.errors import Unavailable
from exempla.flight import server as flight_server
from exempla.flight.server import serving
from exempla.ids import ResourceId
from exempla.settings import Settings
from exempla.store import setup
from tests.cli.support import Place, assert_one_line, client, create_dataset, running, secrets_in
from tests.flight.client import connect, create, create_command, options, read, ticket
from tests.serving import KEY, Served, exempla

ROWS = pa.table({"n": range(30_000), "text": ["x" * 1_000] * 30_000})


def space(served: Served) -> str:
    """Return the id of the one space."""
    with client(served) as http:
        return str(http.get("/v2/spaces").json()["spaces"][0]["id"])


def free_port() -> str:
    """Return a port that no one listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return str(listener.getsockname()[1])


def test_the_port_can_be_chosen(tmp_path: Path) -> None:
    port = free_port()
    with running("--data-dir", str(tmp_path), "--flight-port", port) as served:
        assert served.flight_port == int(port)
        with client(served) as http:
            dataset = create_dataset(http, {"n": 1})
        assert read(served, datasetId=dataset).num_rows == 1


def test_the_environment_names_the_port(tmp_path: Path) -> None:
    port = free_port()
    program = [sys.executable, "-m", "exempla", "serve", "--port", "0"]
    environment = {
        **os.environ,
        "EXEMPLA_FLIGHT_PORT": port,
        "EXEMPLA_DATA_DIR": str(tmp_path),
    }
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(f"grpc://127.0.0.1:{port}" in line for line in lines)
        process.terminate()


def test_without_flight(tmp_path: Path) -> None:
    for flags, environment in ((["--no-flight"], {}), ([], {"EXEMPLA_NO_FLIGHT": "1"})):
        with running("--data-dir", str(tmp_path), *flags, **environment) as served:
            assert served.flight_port == 0
            assert "grpc" not in served.output


def test_a_taken_port_makes_no_database(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = str(listener.getsockname()[1])
        result = exempla("serve", "--port", "0", "--flight-port", port, *place.flags)
        assert_one_line(result, f"127.0.0.1:{port}", "in use", "--flight-port")
    with running(*place.flags, EXEMPLA_BOOTSTRAP_KEY="") as served:
        assert len(secrets_in(served.output)) == 1, "the failed start must not use up the first key"


def test_two_servers_do_not_share_a_port(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path / "one")) as served:
        port = str(served.flight_port)
        place = Place(tmp_path / "two")
        result = exempla("serve", "--port", "0", "--flight-port", port, *place.flags)
        assert_one_line(result, f"127.0.0.1:{port}", "in use")


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stream_under_way_is_finished(tmp_path: Path, stop: signal.Signals) -> None:
    with running("--data-dir", str(tmp_path)) as served:
        dataset = create(served, space(served), "rows", ROWS)
        with connect(served) as connection:
            reading = connection.do_get(ticket(datasetId=dataset), options())
            writer, answers = connection.do_put(
                create_command(space(served), "more"), ROWS.schema, options()
            )
            writer.write_table(ROWS)
            rows = reading.read_chunk().data.num_rows
            ending = threading.Thread(target=served.stop, args=(stop,))
            ending.start()
            rows += reading.read_all().num_rows
            with writer:
                writer.done_writing()
                assert answers.read() is not None
        ending.join()
        assert served.process.returncode == 0
        assert rows == ROWS.num_rows
        assert "Traceback" not in served.output
    with running("--data-dir", str(tmp_path)) as again, client(again) as http:
        assert len(http.get("/v2/datasets").json()["datasets"]) == 2


READER = """
import sys, time
from pyarrow import flight
from tests.flight.client import options, ticket

port, dataset = sys.argv[1:]
client = flight.FlightClient(f"grpc://127.0.0.1:{port}")
stream = client.do_get(ticket(datasetId=dataset), options())
stream.read_chunk()
print("reading", flush=True)
time.sleep(60)
"""


def test_a_reader_that_died_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served:
        dataset = create(served, space(served), "rows", ROWS)
        with subprocess.Popen(
            [sys.executable, "-c", READER, str(served.flight_port), dataset],
            stdout=subprocess.PIPE,
            text=True,
        ) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reading\n"
            reader.kill()
        assert served.stop() == 0
    assert "Traceback" not in served.output


def test_a_crash_amid_a_stream_leaves_nothing(place: Place) -> None:
    with running(*place.flags) as served, connect(served) as connection:
        writer, _ = connection.do_put(create_command(space(served), "rows"), ROWS.schema, options())
        writer.write_table(ROWS)
        served.stop(signal.SIGKILL)
        with pytest.raises((flight.FlightError, pa.ArrowException)):
            writer.close()
    with running(*place.flags) as again, client(again) as http:
        assert http.get("/v2/datasets").json()["datasets"] == []
    assert place.execute("SELECT count(*) FROM revisions") == [(0,)]


def test_a_create_that_outlasts_the_stop_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends soon, and has made all of the dataset or nothing."""
    database, _ = setup.open_database(setup.open_engine(Settings(data_dir=tmp_path)), KEY)
    monkeypatch.setattr(flight_server, "FINISH_WITHIN_S", 0.2)
    with serving(database, "127.0.0.1", 0, None) as url:
        place = Served(process=None, flight_port=int(url.rpartition(":")[2]))  # type: ignore[arg-type]
        found = database.read_now(lambda tx: tx.exactly_one("SELECT id, suffix FROM spaces"))
        with connect(place) as connection:
            writer, _ = connection.do_put(
                create_command(str(ResourceId("Space", *found)), "late"), ROWS.schema, options()
            )
            for _ in range(5):
                writer.write_table(ROWS)
            writer.done_writing()
            closing_thread = threading.Thread(target=suppressed, args=(writer.close,))
            closing_thread.start()
            time.sleep(0.3)  # it is being stored
    database.close()
    with pytest.raises(Unavailable, match="stopping"):
        database.write_now(lambda tx: None)
    closing_thread.join(30)
    assert not closing_thread.is_alive()
    again, _ = setup.open_database(setup.open_engine(Settings(data_dir=tmp_path)))
    count = again.read_now(
        lambda tx: tx.exactly_one("SELECT count(*) FROM datasets WHERE space_id IS NOT NULL")
    )
    again.close()
    assert count in [(0,), (1,)]


def suppressed(call: Callable[[], object]) -> None:
    """Make a call that may fail."""
    with suppress(Exception):
        call()
