"""What the scenarios of the `arize` SDK share: their registry, and helpers to act and to compare.

The scenario modules run inside an environment that holds the SDK and no test tools, and pytest
reads their names in one that holds no SDK. So the SDK is imported only when a scenario runs.
"""

from __future__ import annotations

import base64
import importlib
import json
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

Client = Any
"""An `arize.ArizeClient`."""

Scenario = Callable[[Client], None]

RELEASES = ("8.42", "8.61")
"""The first and the last release of the SDK that must work."""

SPACE = "Default"
"""The space, and the organization, that every new server has."""

SCENARIOS: dict[str, Scenario] = {}


class Only(NamedTuple):
    """Why a scenario exists in one release of the SDK alone."""

    release: str
    reason: str


ONLY: dict[str, Only] = {}

_PROBLEMS = {
    400: ("BadRequestException", "invalid-request"),
    401: ("UnauthorizedException", "authentication-required"),
    403: ("ForbiddenException", "access-forbidden"),
    404: ("NotFoundException", "not-found"),
    409: ("ConflictException", "conflict"),
    422: ("UnprocessableEntityException", "validation-error"),
    501: ("ServiceException", "internal-error"),
}


def scenario(function: Scenario) -> Scenario:
    """Register a scenario under its name."""
    SCENARIOS[function.__name__] = function
    return function


def scenario_only_in(release: str, reason: str) -> Callable[[Scenario], Scenario]:
    """Register a scenario that the other release of the SDK cannot play."""

    def register(function: Scenario) -> Scenario:
        ONLY[function.__name__] = Only(release, reason)
        return scenario(function)

    return register


def scenarios_of(release: str) -> list[str]:
    """Return the names of the scenarios that this release of the SDK can play."""
    return [name for name in SCENARIOS if name not in ONLY or ONLY[name].release == release]


def new_client(**settings: object) -> Client:
    """Make a client as a user does; what is not given here comes from the environment."""
    return importlib.import_module("arize").ArizeClient(**settings)


def unique(stem: str) -> str:
    """Return a name that no other scenario uses."""
    return f"{stem} {uuid.uuid4().hex[:12]}"


def unused_id(kind: str) -> str:
    """Return a well-formed id that the server has given to nothing."""
    return base64.b64encode(f"{kind}:987654321:aBcDeFgHiJ".encode()).decode()


def create(client: Client, examples: list[dict[str, object]], stem: str = "questions") -> Any:
    """Create a dataset under a name of its own and return it as `get` shows it."""
    made = client.datasets.create(name=unique(stem), space=SPACE, examples=examples)
    return client.datasets.get(dataset=made.id)


def numbered(count: int, start: int = 0) -> list[dict[str, object]]:
    """Return examples that can be told apart by their number `n`."""
    return [{"n": n, "question": f"What is {n} + {n}?"} for n in range(start, start + count)]


def pages(client: Client, limit: int, **address: object) -> list[list[Any]]:
    """List examples page by page as a user does, following `next_cursor` until there is none."""
    found: list[list[Any]] = []
    cursor = None
    while True:
        page = client.datasets.list_examples(limit=limit, cursor=cursor, **address)
        found.append(page.examples)
        cursor = page.pagination.next_cursor
        same(page.pagination.has_more, cursor is not None)
        if cursor is None:
            return found


def rows(client: Client, dataset: str, version: str | None = None) -> list[Any]:
    """Return all examples of a version, or of the latest."""
    found = pages(client, 500, dataset=dataset, dataset_version_id=version)
    return [example for page in found for example in page]


def ids(client: Client, dataset: str, version: str | None = None) -> list[str]:
    """Return the ids of all examples of a version, in its order."""
    return [example.id for example in rows(client, dataset, version)]


def fields(client: Client, dataset: str, version: str | None = None) -> list[dict[str, Any]]:
    """Return the fields of all examples of a version, in its order."""
    return [example.additional_properties for example in rows(client, dataset, version)]


def snapshot(client: Client, dataset: str, version: str | None = None) -> list[str]:
    """Return everything that the server tells about a version's examples, as text."""
    return [
        json.dumps(
            [
                example.id,
                example.created_at.isoformat(),
                example.updated_at.isoformat(),
                example.additional_properties,
            ]
        )
        for example in rows(client, dataset, version)
    ]


def version_ids(client: Client, dataset: str) -> list[str]:
    """Return the ids of a dataset's versions, newest first."""
    return [version.id for version in client.datasets.get(dataset=dataset).versions]


def same(actual: object, expected: object) -> None:
    """Fail and show both values when they differ."""
    if actual != expected:
        raise AssertionError(f"got      {actual!r}\nexpected {expected!r}")


def same_json(actual: object, expected: object) -> None:
    """Fail when values differ as JSON: in a type, such as 1 and 1.0, or in the order of keys."""
    same(json.dumps(actual), json.dumps(expected))


def refusal(status: int, call: Callable[..., object], **arguments: object) -> str:
    """Make a call that the server must refuse with this status; return the problem's detail."""
    exceptions = importlib.import_module("arize._generated.api_client.exceptions")
    name, kind = _PROBLEMS[status]
    try:
        answer = call(**arguments)
    except exceptions.ApiException as error:
        same(type(error).__name__, name)
        return _detail(error, status, f"/errors#{kind}")
    raise AssertionError(f"expected status {status}, but got the answer {answer!r}")


def _detail(error: Any, status: int, kind: str) -> str:
    assert error.headers["X-Request-Id"], "an answer without a request id"
    same(error.headers["Content-Type"].partition(";")[0], "application/problem+json")
    problem = json.loads(error.body)
    same(sorted(problem), ["detail", "instance", "status", "title", "type"])
    same(problem["status"], status)
    same(problem["type"], kind)
    for member in ("detail", "instance", "title"):
        assert isinstance(problem[member], str), f"{member} is not text: {problem}"
        assert problem[member], f"{member} is empty: {problem}"
    if status != 501:  # the SDK reads no body of a status that its description of AX lacks
        same(error.data.detail, problem["detail"])
    detail: str = problem["detail"]
    return detail


def holds(detail: str, *parts: str) -> None:
    """Fail unless the text names each of the parts."""
    for part in parts:
        assert part in detail, f"{part!r} is not in {detail!r}"
