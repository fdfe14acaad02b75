"""The same as on the page for a script: lines for curl, the SDK and `ax` that work as they are.

They take the key from the environment, and never hold it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from exempla.ids import ResourceId


class Snippet(NamedTuple):
    """Lines to copy."""

    title: str
    needs: str
    """What must be set before."""
    code: str


NEW_VERSION = "my change"
"""The name of the version that the lines which change something make."""

_AX = "a profile of ax for this server, as docs/clients.md tells"
_SDK = "ARIZE_API_KEY and the settings of docs/clients.md"


def examples(
    base_url: str,
    dataset: ResourceId,
    version: ResourceId,
    filter: str,
    limit: int,
    cursor: str = "",
) -> list[Snippet]:
    """Return how to read the same page: `limit` examples of a version that match the filter.

    The first ones, or those after the cursor.
    """
    url = f"{base_url}/v2/datasets/{dataset}/examples"
    named: dict[str, object] = {"dataset_version_id": str(version), "limit": limit}
    named |= {"cursor": cursor} if cursor else {}
    if filter:
        body = json.dumps({"filter": filter, **named}, ensure_ascii=False)
        curl = _curl("POST", f"{url}/search", body)
    else:
        curl = _curl("GET", f"{url}?{urlencode(named)}")
    given = {"dataset": str(dataset), **named} | ({"filter": filter} if filter else {})
    sdk = f"examples = client.datasets.list_examples(\n{_arguments(given)})\nprint(examples)"
    ax = ["ax", "datasets", "export", str(dataset), "--version-id", str(version), "--stdout"]
    ax += ["--limit", str(limit), *(["--cursor", cursor] if cursor else [])]
    return _all(curl, sdk, [*ax, *(["--filter", filter] if filter else [])])


def update(
    base_url: str, dataset: ResourceId, version: ResourceId, example: str, field: str
) -> list[Snippet]:
    """Return how to change a field of an example, in a new version: this one stays as it is."""
    changes = [{"id": example, field: "new value"}]
    url = f"{base_url}/v2/datasets/{dataset}/examples?dataset_version_id={version}"
    body = json.dumps({"examples": changes, "new_version": NEW_VERSION}, ensure_ascii=False)
    given: dict[str, object] = {
        "dataset": str(dataset),
        "dataset_version_id": str(version),
        "examples": changes,
        "new_version": NEW_VERSION,
    }
    ax = ["ax", "datasets", "update-examples", str(dataset), "--version-id", str(version)]
    return _all(
        _curl("PATCH", url, body),
        f"client.datasets.update_examples(\n{_arguments(given)})",
        [*ax, "--new-version", NEW_VERSION, "--json", json.dumps(changes, ensure_ascii=False)],
    )


def diff(
    base_url: str,
    dataset: ResourceId,
    base: ResourceId,
    head: ResourceId,
    limit: int,
    cursor: str = "",
) -> list[Snippet]:
    """Return how to compare two versions, which the SDK and ax cannot; curl gets the same page."""
    asked = {"base": str(base), "head": str(head), "limit": limit}
    asked |= {"cursor": cursor} if cursor else {}
    url = f"{base_url}/api/v1/datasets/{dataset}/diff?{urlencode(asked)}"
    command = ["exempla", "diff", str(dataset), str(base), str(head)]
    return [
        Snippet("curl", "KEY", _curl("GET", url)),
        Snippet(
            "exempla, all of it",
            "a shell on the machine of the server, with the server's settings",
            shlex.join(command),
        ),
    ]


def _all(curl: str, sdk: str, ax: list[str]) -> list[Snippet]:
    return [
        Snippet("curl", "KEY", curl),
        Snippet("Python", _SDK, f"from arize import ArizeClient\n\nclient = ArizeClient()\n{sdk}"),
        Snippet("ax", _AX, shlex.join(ax)),
    ]


def _curl(method: str, url: str, body: str = "") -> str:
    parts = ['curl -sS -H "Authorization: Bearer $KEY"']
    if method not in ("GET", "POST"):
        parts[0] += f" -X {method}"
    parts.append(shlex.quote(url))
    if body:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    return " \\\n  ".join(parts)


def _arguments(given: Mapping[str, object]) -> str:
    return "".join(f"    {name}={value!r},\n" for name, value in given.items())
