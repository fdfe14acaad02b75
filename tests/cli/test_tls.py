"""`exempla serve --tls-cert --tls-key`: both servers speak TLS, and nothing else."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pyarrow as pa
import pytest
import trustme
from pyarrow import flight

from tests.cli.support import Place, assert_one_line
from tests.clients.environments import client_python, outside
from tests.clients.sdk_support import RELEASES
from tests.flight.client import options, ticket
from tests.serving import KEY, Served, exempla


class Files(NamedTuple):
    """PEM files: the authority that clients trust, a certificate by it, and its key."""

    authority: Path
    cert: Path
    key: Path

    @property
    def flags(self) -> list[str]:
        return ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    made = Files(folder / "authority.pem", folder / "cert.pem", folder / "key.pem")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(made.authority))
    issued.private_key_pem.write_to_path(str(made.key))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(made.cert), append=True)
    return made


@pytest.fixture(scope="module", params=["1", "2"], ids="{} workers".format)
def served(
    request: pytest.FixtureRequest, files: Files, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    place = Place(tmp_path_factory.mktemp("data"))
    server = Served.start(*place.flags, *files.flags, "--workers", request.param)
    yield server
    assert server.stop() == 0, server.output


def test_rest(served: Served, files: Files) -> None:
    assert served.base_url.startswith("https://")
    trusting = ssl.create_default_context(cafile=files.authority)
    headers = {"Authorization": f"Bearer {KEY}"}
    answer = httpx.get(f"{served.base_url}/v2/spaces", headers=headers, verify=trusting)
    assert answer.json()["spaces"][0]["name"] == "Default"
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(f"{served.base_url}/v2/spaces", headers=headers)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"http://127.0.0.1:{served.port}/v2/spaces", headers=headers)


def test_flight(served: Served, files: Files) -> None:
    url = f"grpc+tls://127.0.0.1:{served.flight_port}"
    asked = ticket(datasetId="RGF0YXNldDo5ODc2NTQzMjE6YUJjRA==")
    trusted = files.authority.read_bytes()
    with (
        flight.FlightClient(url, tls_root_certs=trusted) as client,
        pytest.raises(pa.ArrowKeyError, match="no dataset"),
    ):
        client.do_get(asked, options())
    for wrong in (
        flight.FlightClient(url),
        flight.FlightClient(f"grpc://127.0.0.1:{served.flight_port}"),
    ):
        with wrong, pytest.raises(flight.FlightUnavailableError):
            wrong.do_get(asked, options())


PROGRAM = """
import pandas
from arize import ArizeClient

client = ArizeClient(max_http_payload_size_mb=-1)
frame = pandas.DataFrame({"n": range(1_500)})
made = client.datasets.create(name="over TLS", space="Default", examples=frame)
assert len(client.datasets.list_examples(dataset=made.id, all=True).examples) == 1_500
client.datasets.delete(dataset=made.id)
print("done")
"""


@pytest.mark.parametrize("release", RELEASES)
def test_the_sdk(served: Served, files: Files, tmp_path: Path, release: str) -> None:
    done = subprocess.run(
        [str(client_python(f"sdk-{release}")), "-c", PROGRAM],
        env=outside()
        | {
            "ARIZE_API_KEY": KEY,
            "ARIZE_API_HOST": "127.0.0.1",
            "ARIZE_API_PORT": str(served.port),
            "ARIZE_API_SCHEME": "https",
            "ARIZE_FLIGHT_HOST": "127.0.0.1",
            "ARIZE_FLIGHT_PORT": str(served.flight_port),
            "ARIZE_FLIGHT_SCHEME": "grpc+tls",
            "ARIZE_SSL_CA_CERT": str(files.authority),
            "ARIZE_ENABLE_CACHING": "false",
            "ARIZE_DIRECTORY": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.endswith("done\n"), done.stderr


@pytest.mark.parametrize("flag", ["--tls-cert", "--tls-key"])
def test_one_file_alone_is_refused(tmp_path: Path, files: Files, flag: str) -> None:
    place = Place(tmp_path)
    result = exempla("serve", *place.flags, flag, str(files.cert))
    assert_one_line(result, "--tls-cert", "--tls-key")
    assert not place.file.exists()


def test_files_that_do_not_serve_are_refused(tmp_path: Path, files: Files) -> None:
    place = Place(tmp_path)
    other = trustme.CA().issue_cert("127.0.0.1")
    strange = tmp_path / "strange.pem"
    other.private_key_pem.write_to_path(str(strange))
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("nonsense")
    for cert, key in (
        (files.cert, strange),
        (files.cert, tmp_path / "missing.pem"),
        (nonsense, files.key),
        (files.key, files.cert),
    ):
        result = exempla("serve", *place.flags, "--tls-cert", str(cert), "--tls-key", str(key))
        assert_one_line(result, "cannot use the certificate", str(cert), str(key))
        assert not place.file.exists()
