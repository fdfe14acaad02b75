"""A server as the tests of the pages use it: data is made through its API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
import pyarrow as pa

from tests.api.helpers import Dataset, make_dataset, make_space, ok, send, unique
from tests.flight.client import create
from tests.serving import Served

LARGE = 100_000


@dataclass
class Site:
    """A running server, and a client of its API with the administrator's key."""

    served: Served
    api: httpx.Client
    _large: list[str] = field(default_factory=list)
    _sessions: dict[str, str] = field(default_factory=dict)

    def session(self, key: str) -> str:
        """Log in with this key and return what the cookie holds."""
        if key not in self._sessions:
            answer = httpx.post(f"{self.served.base_url}/login", data={"key": key, "next": "/"})
            assert answer.status_code == 303, answer.text
            self._sessions[key] = answer.cookies["exempla_session"]
        return self._sessions[key]

    def cookie(self, key: str) -> Any:
        """Return the cookie of a session with this key, for a browser."""
        return {
            "name": "exempla_session",
            "value": self.session(key),
            "url": self.served.base_url,
            "sameSite": "Strict",
            "httpOnly": True,
        }

    def service_key(self, space: str, role: str) -> str:
        """Make a service key with this role in the space."""
        organization = ok(self.api.get("/v2/organizations"))["organizations"][-1]["id"]
        spaces = [{"space_id": space, "role": {"type": "PREDEFINED", "name": role}}]
        body = {
            "key_type": "SERVICE",
            "name": unique("key"),
            "organizations": [{"org_id": organization, "spaces": spaces}],
        }
        return str(ok(send(self.api, "POST", "/v2/api-keys", body), 201)["key"])

    def space(self, name: str = "") -> str:
        """Make a space."""
        return make_space(self.api, name)

    def dataset(self, *examples: Any, name: str = "", space: str = "") -> Dataset:
        """Make a dataset of these examples, each a dict or JSON text."""
        return make_dataset(self.api, examples, name, space)

    def patch(self, dataset: Dataset, *examples: dict[str, Any], **members: object) -> str:
        """Update examples of the latest version, and return the id of the version written to."""
        body = {"examples": list(examples), **members}
        answer = ok(send(self.api, "PATCH", dataset.examples_url, body))
        return str(answer["dataset_version_id"])

    def example(self, dataset: Dataset, id: str, version: str = "") -> dict[str, Any]:
        """Return an example as the API tells it."""
        query = {"dataset_version_id": version} if version else {}
        body = {"filter": f"id = '{id}'"} | query
        (found,) = ok(send(self.api, "POST", f"{dataset.examples_url}/search", body))["examples"]
        return dict(found)

    def config(self, space: str, kind: str, **settings: object) -> str:
        """Make an annotation config and return its name."""
        name = unique("config")
        body = {"name": name, "space_id": space, "annotation_config_type": kind, **settings}
        ok(send(self.api, "POST", "/v2/annotation-configs", body), 201)
        return name

    @property
    def large(self) -> str:
        """The id of a dataset of 100,000 examples, made once."""
        if not self._large:
            name = unique("large")
            space = ok(self.api.get("/v2/spaces", params={"name": "Default"}))["spaces"][0]["id"]
            table = pa.table(
                {
                    "question": [f"What is {n} + {n}?" for n in range(LARGE)],
                    "answer": [str(2 * n) for n in range(LARGE)],
                    "topic": [f"topic-{n % 20:02d}" for n in range(LARGE)],
                    "n": list(range(LARGE)),
                }
            )
            self._large.append(create(self.served, space, name, table))
        return self._large[0]
