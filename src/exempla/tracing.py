"""Traces of HTTP requests for OpenTelemetry, if asked for: the extra `exempla[otel]`.

They are sent where `OTEL_EXPORTER_OTLP_ENDPOINT` says, over OTLP/HTTP; OpenTelemetry's other
variables (`OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER`, ...) hold too. A span has the route, the path
and the status, and neither the query nor a header.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from exempla import __version__
from exempla.api.auth import ROUTE
from exempla.errors import StartupError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

WANTED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""The variables of which one must be set."""

_UNTRACED = "healthz,readyz,metrics"

_QUERY = "exempla.query"


def is_wanted() -> bool:
    """Tell whether traces are to be sent."""
    return any(os.environ.get(name) for name in WANTED)


def check() -> None:
    """Raise `StartupError` if traces are wanted and what makes them is not installed."""
    if not is_wanted():
        return
    try:
        _provider_and_middleware()
    except ImportError as error:
        raise StartupError(
            f"{' or '.join(WANTED)} is set, but traces need the extra exempla[otel] ({error}); "
            "install it, or unset the variable"
        ) from None


def traced(app: ASGIApp) -> tuple[ASGIApp, TracerProvider | None]:
    """Return the application with a span around each request, if wanted, and what sends them.

    That has a thread, so this is called in the process that serves, and is to be shut down.
    """
    if not is_wanted():
        return app, None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    new_provider, around = _provider_and_middleware()
    name = os.environ.get("OTEL_SERVICE_NAME") or "exempla"
    about = Resource.create({"service.name": name, "service.version": __version__})
    provider = new_provider(resource=about, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    middleware = around(
        _named(app),
        excluded_urls=_UNTRACED,
        default_span_details=lambda scope: (scope.get("method", scope["type"]), {}),
        exclude_spans=["receive", "send"],
        tracer_provider=provider,
    )

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        shown: Any = {**scope, "query_string": b"", _QUERY: scope["query_string"]}
        await middleware(shown, receive, send)

    return answer, provider


def _provider_and_middleware() -> tuple[Any, Any]:
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.sdk.trace import TracerProvider

    return TracerProvider, OpenTelemetryMiddleware


def _named(app: ASGIApp) -> Any:
    """Give the application its query back, and the span the route and the request's id."""
    from opentelemetry import trace

    async def answer(scope: Any, receive: Receive, send: Send) -> None:
        whole: Any = {**scope, "query_string": scope[_QUERY], "state": scope.get("state", {})}
        span = trace.get_current_span()

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":  # the span ends with the body
                request_id = dict(message["headers"])[b"x-request-id"].decode()
                span.set_attribute("exempla.request_id", request_id)
                if route := whole["state"].get(ROUTE):
                    span.update_name(f"{scope['method']} {route}")
                    span.set_attribute("http.route", route)
            await send(message)

        await app(whole, receive, send_on)

    return answer
