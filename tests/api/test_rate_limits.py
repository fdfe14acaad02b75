"""Rate limits over HTTP and Flight: of one key, and of wrong keys from one address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from pyarrow import flight

from exempla.throttle import WRONG_KEYS
from tests.api.conftest import connect
from tests.api.helpers import assert_problem, make_dataset, numbered, ok, send
from tests.api.key_support import KEYS
from tests.flight.client import connect as connect_flight
from tests.flight.client import create, options, ticket
from tests.serving import Served, exempla

WRONG = "exk_this_key_was_never_made_0123456789"


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Served]:
    """A server of its own, where a key may make 10 requests an hour."""
    served = Served.start("--data-dir", str(tmp_path), EXEMPLA_RATE_LIMIT="10/hour")
    yield served
    assert served.stop() == 0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Served]:
    """A server of its own without limits."""
    served = Served.start("--data-dir", str(tmp_path))
    yield served
    assert served.stop() == 0


def test_a_key_may_make_so_many_requests(limited: Served) -> None:
    with connect(limited, Authorization=f"Bearer {limited.key}") as http:
        other = ok(send(http, "POST", KEYS, {"key_type": "USER", "name": "other"}), 201)["key"]
        for left in range(8, -1, -1):
            path, status = ("/v2/spaces", 200) if left % 2 else ("/v2/experiments", 501)
            answer = http.request("HEAD" if left % 3 else "GET", path)
            assert answer.status_code == status
            assert answer.headers["RateLimit-Policy"] == '"key";q=10;w=3600'
            assert answer.headers["RateLimit"].startswith(f'"key";r={left};t=')
        refused = http.get("/v2/spaces")
        assert_problem(refused, 429, "rate-limited", "10 requests in 3600 s")
        assert 0 < int(refused.headers["Retry-After"]) <= 360
        assert refused.headers["RateLimit"].startswith('"key";r=0;t=')
        assert http.get("/healthz").status_code == 200
        spent = send(http, "POST", "/v2/spaces", {"name": "x"})
        assert spent.status_code == 429
    with connect(limited, Authorization=f"Bearer {other}") as http:
        assert [space["name"] for space in ok(http.get("/v2/spaces"))["spaces"]] == ["Default"]
    with pytest.raises(pa.ArrowException, match="10 requests"), connect_flight(limited) as client:
        client.do_get(ticket(datasetId="x"), options(limited.key)).read_all()


def test_without_a_limit_nothing_is_told(client: httpx.Client) -> None:
    assert not [name for name in client.get("/v2/spaces").headers if name.startswith("ratelimit")]


def test_a_call_of_flight_counts_once(limited: Served) -> None:
    with connect(limited, Authorization=f"Bearer {limited.key}") as http:
        space = ok(http.get("/v2/spaces"))["spaces"][0]["id"]
        create(limited, space, "numbers", pa.table({"n": list(range(5_000))}), limited.key)
        answer = http.get("/v2/spaces")
        assert answer.headers["RateLimit"].startswith('"key";r=7;')


def test_a_rate_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    done = exempla("serve", "--data-dir", str(tmp_path), "--rate-limit", "many")
    assert done.returncode == 1
    assert "write it as 100/second" in done.stderr
    assert not list(tmp_path.iterdir())


def test_wrong_keys_are_slowed_down_and_right_ones_are_not(own: Served) -> None:
    with connect(own, Authorization=f"Bearer {WRONG}") as http:
        statuses = [http.get("/v2/spaces").status_code for _ in range(WRONG_KEYS.number)]
        assert set(statuses) == {401}
        refused = http.get("/v2/spaces")
        assert_problem(refused, 429, "rate-limited", "wrong keys")
        assert 1 <= int(refused.headers["Retry-After"]) <= 60
        # One who sends no key guesses none.
        no_key = http.get("/v2/spaces", headers={"Authorization": ""})
        assert_problem(no_key, 401, "authentication-required")
    with connect(own, Authorization=f"Bearer {own.key}") as http:
        dataset = make_dataset(http, numbered(1))
    with connect_flight(own) as client:
        with pytest.raises(pa.ArrowException, match="wrong keys"):
            client.do_get(ticket(datasetId=dataset.id), options(WRONG)).read_all()
        reader = client.do_get(ticket(datasetId=dataset.id), options(own.key))
        assert reader.read_all().num_rows == 1
    assert own.output.count('"wrong key"') == WRONG_KEYS.number
    assert WRONG not in own.output


def test_wrong_keys_of_flight_count_too(own: Served) -> None:
    with connect_flight(own) as client:
        for number in range(WRONG_KEYS.number + 1):
            with pytest.raises((flight.FlightUnauthenticatedError, pa.ArrowException)) as caught:
                client.do_get(ticket(datasetId="x"), options(WRONG)).read_all()
            said = "wrong keys came" if number == WRONG_KEYS.number else "unknown, revoked"
            assert said in str(caught.value)
    with connect(own, Authorization=f"Bearer {WRONG}") as http:
        assert http.get("/v2/spaces").status_code == 429
    assert '"address": "127.0.0.1"' in own.output
