"""The client of the REST API's tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.serving import Served


def connect(served: Served, **headers: str) -> httpx.Client:
    """Return a client of this server; without certificates, which take 17 ms to read."""
    return httpx.Client(base_url=served.base_url, headers=headers, timeout=60, verify=False)


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    """An HTTP client that sends the admin key."""
    with connect(served, Authorization=f"Bearer {served.key}") as http:
        yield http


@pytest.fixture
def stranger(served: Served) -> Iterator[httpx.Client]:
    """An HTTP client that sends no key."""
    with connect(served) as http:
        yield http
