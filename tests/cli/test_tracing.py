"""Traces: what OpenTelemetry's collector gets of requests, and what it never gets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.api.helpers import make_dataset, ok
from tests.cli.support import assert_one_line, client, running, status_of
from tests.serving import KEY, Served, exempla

SECRET = "sEcReT-9f3a"
ID = "my-own.id_1"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@dataclass
class Collector:
    """What was sent to an address that speaks OTLP."""

    url: str
    bodies: list[bytes] = field(default_factory=list)

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def services(self) -> set[str]:
        return {
            attribute.value.string_value
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }


@contextmanager
def collecting() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield collector
        server.shutdown()
        thread.join()


def attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes}


def use(served: Served) -> None:
    """Send some requests, two of which fail; the first has this id and is part of this trace."""
    with client(served) as http:
        parent = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01", "X-Request-Id": ID}
        query = {"name": SECRET}
        ok(http.get("/v2/spaces", params=query, headers=parent))
        dataset = make_dataset(http, [{"text": SECRET}])
        path = f"/v2/datasets/{dataset.id}/examples"
        ok(http.post(f"{path}/search", json={"filter": f"text = '{SECRET}'"}))
        assert http.get(f"{path}?limit={SECRET}").status_code == 400
        assert http.get("/nothing/here").status_code == 404
    assert status_of(served, "/healthz") == status_of(served, "/readyz") == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_span_for_each_request_and_no_secret(tmp_path: Path, workers: str) -> None:
    with collecting() as collector:
        flags = ["--data-dir", str(tmp_path), "--workers", workers]
        with running(*flags, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as served:
            use(served)
            assert served.stop() == 0, served.output
        assert "Traceback" not in served.output
    spans = {span.name: span for span in collector.spans}
    paths = {text for span in collector.spans for text in attributes(span).values()}
    assert "/nothing/here" in paths
    assert not {"/healthz", "/readyz"} & paths
    assert spans.keys() >= {
        "GET /v2/spaces",
        "POST /v2/datasets",
        "POST /v2/datasets/{dataset_id}/examples/search",
        "GET /v2/datasets/{dataset_id}/examples",
        "GET",  # no route
    }
    (first,) = [
        span for span in collector.spans if attributes(span).get("exempla.request_id") == ID
    ]
    assert first.trace_id.hex() == TRACE
    told = attributes(first)
    assert told["http.route"] == "/v2/spaces"
    assert told["http.status_code"] == "200"
    assert collector.services() == {"exempla"}
    for body in collector.bodies:
        assert SECRET.encode() not in body
        assert KEY.encode() not in body


def test_a_collector_that_is_not_there_hinders_no_one(tmp_path: Path) -> None:
    nowhere = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    with running("--data-dir", str(tmp_path), **nowhere) as served:
        use(served)
        assert served.stop() == 0


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['opentelemetry'] = None; from exempla.cli import main; main()"
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    flags = ["serve", "--data-dir", str(tmp_path / "data"), "--port", "0", "--no-flight"]
    told = exempla(*flags, program=("-c", hidden), **endpoint)
    assert_one_line(told, "OTEL_EXPORTER_OTLP_ENDPOINT", "exempla[otel]", "install it, or unset")
    assert not (tmp_path / "data").exists()
