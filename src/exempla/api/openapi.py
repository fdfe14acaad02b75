"""`/openapi.json`, the API as OpenAPI 3.1, and `/docs`, the same to read; nothing from outside.

Litestar describes the handlers by their types. What holds for every route is added here: the key,
the problems, the header `X-Request-Id`, and examples of bodies.
"""

from __future__ import annotations

import asyncio
import copy
import html
import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, get_args

import msgspec
from litestar import Controller, Litestar, MediaType, Request, Response, get
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

from exempla import __version__
from exempla.api.access import NEEDS, OPEN
from exempla.api.api_keys import Status
from exempla.api.audit_logs import MAX_OPERATIONS, OPERATION_TYPES
from exempla.api.body import JsonBody
from exempla.api.openapi_examples import EXAMPLES
from exempla.api.pages import DEFAULT_LIMIT, MAX_EXAMPLES_LIMIT, MAX_LIMIT
from exempla.api.problems import CONTENT_TYPE, ProblemDetails
from exempla.errors import Problem
from exempla.files.formats import FORMATS, MEDIA_TYPES
from exempla.limits import MAX_IDEMPOTENCY_KEY_LENGTH
from exempla.store.keys import KeyType

Document = dict[str, Any]


def _limit(highest: int) -> Document:
    return {"type": "integer", "minimum": 1, "maximum": highest, "default": DEFAULT_LIMIT}


_PARAMETER_TYPES: dict[str, Document] = {
    "limit": _limit(MAX_LIMIT),
    "key_type": {"type": "string", "enum": get_args(KeyType)},
    "status": {"type": "string", "enum": get_args(Status)},
    "mode": {"type": "string", "enum": ["insert", "update"], "default": "insert"},
    "dry_run": {"type": "string", "enum": ["true", "false"], "default": "false"},
    "format": {"type": "string", "enum": FORMATS, "default": FORMATS[0]},
    "start_time": {"type": "string", "format": "date-time"},
    "end_time": {"type": "string", "format": "date-time"},
    "operation_type": {"type": "string", "enum": OPERATION_TYPES},
    "operation_name": {
        "type": "array",
        "items": {"type": "string", "maxLength": 255},
        "maxItems": MAX_OPERATIONS,
    },
}
_EXAMPLES_LIMIT = _limit(MAX_EXAMPLES_LIMIT)
_OF_EXAMPLES = ("list_examples", "diff_versions")
"""Operations whose pages are of examples."""

_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "Write only if what is addressed still has one of these ETags.",
    "schema": {"type": "string"},
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "For 24 hours the same request with the same key gets the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH},
}
_ETAG = {
    "ETag": {
        "description": "Of the dataset or version that is shown or was written to, for If-Match.",
        "schema": {"type": "string"},
    }
}
_WITHOUT_ETAG = ("/tags", "/versions", "/diff", "/log", "/history", "/columns", "/report")
"""Ends of paths that are read without one."""
_NO_BODY = {"type": "null"}
_JSONL = '{"question": "Capital of Peru?", "answer": "Lima"}'
_FILE = {"schema": {"type": "string", "format": "binary"}}
_HEADERS = {
    "X-Request-Id": {
        "description": "The request's own id, or a new one; the log has it too.",
        "schema": {"type": "string"},
        "required": True,
    }
}
_HEADER_TYPES: dict[str, Document] = {
    "Accept-Encoding": {"description": "Always `identity`.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "How to send a key.", "schema": {"type": "string"}},
}


class DocumentsController(Controller):
    """The description of the API, made when it is first asked for."""

    @get("/openapi.json", media_type=MediaType.JSON)
    async def openapi_json(self, request: Request[Any, Any, Any]) -> Response[bytes]:
        """Return the API as OpenAPI 3.1."""
        document = await asyncio.to_thread(request.app.state.describe)
        return Response(msgspec.json.encode(document), media_type=MediaType.JSON)

    @get("/docs", media_type=MediaType.HTML)
    async def docs(self, request: Request[Any, Any, Any]) -> str:
        """Return the API as a page to read."""
        return _page(await asyncio.to_thread(request.app.state.describe))


def describer(handlers: Sequence[Any], dependencies: dict[str, Provide]) -> Callable[[], Document]:
    """Return a function that describes these handlers, once."""

    @cache
    def describe() -> Document:
        config = OpenAPIConfig(
            title="Exempla",
            version=__version__,
            description="Versioned example datasets, as Arize AX v2 serves them.",
            use_handler_docstrings=True,
            operation_id_creator=lambda handler, method, path: handler.handler_name,
        )
        # Not of the application that serves: Litestar's own pages load scripts from elsewhere.
        described = Litestar(
            handlers,
            dependencies=dependencies,
            dto=JsonBody,
            return_dto=None,
            openapi_config=config,
        )
        return complete(described.openapi_schema.to_schema())

    return describe


def complete(described: Document) -> Document:
    """Add to what Litestar describes what holds for every route."""
    document = copy.deepcopy(described)
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    schemas = components["schemas"]
    schemas["ProblemDetails"] = _problem_schema()
    if search := schemas.get("SearchExamples"):
        search["properties"]["limit"]["oneOf"][0] = _EXAMPLES_LIMIT
    components["responses"] = {
        str(problem.status): _problem_response(problem) for problem in _problems()
    }
    for path, item in document["paths"].items():
        for method, operation in item.items():
            _complete_operation(f"{method.upper()} {path}", operation)
    return document


def _complete_operation(route: str, operation: Document) -> None:
    operation["summary"] = operation.get("description", "").split("\n")[0].rstrip(".")
    responses = {status: r for status, r in operation["responses"].items() if status < "400"}
    if operation["operationId"] == "export_version":
        responses["200"]["content"] = {type.split(";")[0]: _FILE for type in MEDIA_TYPES.values()}
    if operation["operationId"] == "import_examples":
        content = {"application/octet-stream": _FILE | {"example": _JSONL}}
        operation["requestBody"] = {"content": content, "required": True}
    for response in responses.values():
        response["headers"] = _HEADERS | (_ETAG if _has_etag(route) else {})
        if response.get("content", {}).get("application/json", {}).get("schema") == _NO_BODY:
            del response["content"]
    statuses = _statuses(route, operation)
    operation["responses"] = responses | {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses
    }
    if route not in OPEN:
        operation["security"] = [{"key": []}]
        operation["x-needs-role"] = NEEDS[route].name
    for parameter in operation.get("parameters", []):
        _complete_parameter(parameter)
        if operation["operationId"] in _OF_EXAMPLES and parameter["name"] == "limit":
            parameter["schema"] = _EXAMPLES_LIMIT
    operation.setdefault("parameters", []).extend(_headers_of_writes(route))
    if operation["operationId"] in EXAMPLES:
        content = operation["requestBody"]["content"]["application/json"]
        content["example"] = EXAMPLES[operation["operationId"]]


def _has_etag(route: str) -> bool:
    """Tell whether the answer shows, or wrote to, a dataset, a version or a page of examples."""
    method, _, path = route.partition(" ")
    if method == "GET":
        return "{dataset_id}" in path and not path.endswith(_WITHOUT_ETAG)
    return "/datasets" in path


def _headers_of_writes(route: str) -> list[Document]:
    """Return the headers of a request that writes."""
    method, _, path = route.partition(" ")
    if method not in {"POST", "PUT", "PATCH", "DELETE"} or path.endswith("/search"):
        return []
    found = [_IF_MATCH] if "/{dataset_id}" in path else []
    return found if "/api-keys" in path else [*found, _IDEMPOTENCY_KEY]


def _complete_parameter(parameter: Document) -> None:
    if parameter["in"] == "query":
        known = _PARAMETER_TYPES.get(parameter["name"], {"type": "string"})
        parameter["schema"] = known
        parameter["allowEmptyValue"] = True
        parameter["description"] = "An empty value counts as left out."


def _statuses(route: str, operation: Document) -> list[int]:
    """Return the errors that a route may answer with."""
    found = {421, 500, 503}
    if route == "GET /metrics":
        found |= {404}
    if route not in OPEN:
        found |= {400, 401, 403, 404, 422, 429}
    if "requestBody" in operation:
        found |= {409, 412, 413, 415}
    if _IF_MATCH in _headers_of_writes(route):
        found |= {412}
    return sorted(found)


def _problems() -> list[type[Problem]]:
    return sorted(Problem.__subclasses__(), key=lambda problem: problem.status)


def _problem_response(problem: type[Problem]) -> Document:
    return {
        "description": (problem.__doc__ or "").split("\n")[0],
        "headers": _HEADERS | {name: _HEADER_TYPES[name] for name in problem.headers},
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }


def _problem_schema() -> Document:
    _, schemas = msgspec.json.schema_components([ProblemDetails])
    schema: Document = schemas["ProblemDetails"]
    return schema | {"additionalProperties": False}


def _page(document: Document) -> str:
    """Render the document as one plain page, without scripts."""
    operations = "".join(
        _operation(method, path, operation)
        for path, item in sorted(document["paths"].items())
        for method, operation in item.items()
    )
    schemas = "".join(
        f'<h3 id="{html.escape(name)}">{html.escape(name)}</h3>{_json(schema)}'
        for name, schema in sorted(document["components"]["schemas"].items())
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Exempla: the API</title>'
        '<h1>The API</h1><p>Also as <a href="/openapi.json">OpenAPI</a>. Send your key as '
        "<code>Authorization: Bearer KEY</code>. Errors are explained at "
        f'<a href="/errors">/errors</a>.</p>{operations}<h2>Types</h2>{schemas}</html>'
    )


def _operation(method: str, path: str, operation: Document) -> str:
    parameters = ", ".join(p["name"] for p in operation.get("parameters", []))
    needs = operation.get("x-needs-role", "no key")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    example = f"<p>Body, for example:</p>{_json(body['example'])}" if "example" in body else ""
    answers = ", ".join(sorted(operation["responses"]))
    return (
        f"<section><h2><code>{method.upper()} {html.escape(path)}</code></h2>"
        f"<p>{html.escape(operation.get('description', ''))}</p>"
        f"<p>Parameters: {html.escape(parameters) or 'none'}. Needs: {html.escape(needs)}. "
        f"Answers: {answers}.</p>{example}</section>"
    )


def _json(value: Any) -> str:
    return f"<pre>{html.escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
