"""What may happen while a stream comes in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import grpc
import httpx
import pytest

from exempla.flight.places import STREAMS, STREAMS_OF_A_KEY
from tests.api.helpers import default_space, make_dataset, numbered, ok, send, unique
from tests.api.key_support import KEYS, new_organization, new_space, service_key, user_key
from tests.flight.client import read
from tests.flight.streams import creating, metadata_only, numbers, putting
from tests.serving import Served


@pytest.fixture
def space(client: httpx.Client) -> str:
    return default_space(client)


class Held:
    """Messages of which the last ones wait until they are let go."""

    def __init__(self, first: list[bytes], then: list[bytes]) -> None:
        self.sent = threading.Event()
        """Set when the first ones were taken."""
        self.go_on = threading.Event()
        self._first, self._then = first, then

    def __iter__(self) -> Iterator[bytes]:
        yield from self._first
        self.sent.set()
        self.go_on.wait(60)
        yield from self._then


def names(client: httpx.Client, name: str) -> list[str]:
    """Return the names of the datasets that have this in theirs."""
    found = ok(client.get("/v2/datasets", params={"name": name}))["datasets"]
    return [dataset["name"] for dataset in found]


def test_messages_that_are_metadata_are_passed_over(served: Served, space: str) -> None:
    sent = [
        *(creating(space, unique()), metadata_only(b"one"), numbers(1), metadata_only(b"two")),
        *(metadata_only(b"three"), numbers(2, 3), metadata_only(b"four")),
    ]
    with putting(served.flight_port, iter(sent)) as call:
        (answer,) = list(call)
    dataset = answer[4:].decode()
    assert read(served, datasetId=dataset)["n"].to_pylist() == [1, 2, 3]


def test_a_taken_name_is_refused_before_the_rows_come(served: Served, client: httpx.Client) -> None:
    taken = make_dataset(client, numbered(1))
    sent = Held([creating(taken.space_id, taken.name)], [])
    with putting(served.flight_port, iter(sent)) as call, pytest.raises(grpc.RpcError) as caught:
        next(call)
    assert not sent.go_on.is_set()
    assert caught.value.code() == grpc.StatusCode.ALREADY_EXISTS
    sent.go_on.set()


def test_a_space_that_is_deleted_meanwhile_gets_no_dataset(
    served: Served, client: httpx.Client
) -> None:
    own, name = new_space(client, new_organization(client)), unique()
    sent = Held([creating(own, name), numbers(1)], [numbers(2)])
    with putting(served.flight_port, iter(sent)) as call:
        assert sent.sent.wait(60)
        time.sleep(0.3)  # for the server to look the space up
        assert client.delete(f"/v2/spaces/{own}").status_code == 204
        sent.go_on.set()
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
    assert names(client, name) == []


def test_a_client_that_leaves_at_the_end_makes_nothing(
    served: Served, client: httpx.Client, space: str
) -> None:
    made = []
    for _ in range(20):
        name = unique()
        sent = Held([creating(space, name), numbers(1)], [])
        with putting(served.flight_port, iter(sent)) as call:
            assert sent.sent.wait(60)
            time.sleep(0.05)
            call.cancel()
            sent.go_on.set()
        time.sleep(0.1)
        made += names(client, name)
    assert made == []


def test_a_key_has_a_few_streams_at_a_time(served: Served, client: httpx.Client) -> None:
    organization = new_organization(client)
    own = new_space(client, organization)
    keys = [
        str(service_key(client, organization, {own: "MEMBER"})["key"])
        for _ in range(STREAMS // STREAMS_OF_A_KEY)
    ]
    held, calls = [], []
    with ExitStack() as stack:

        def start(key: str) -> grpc.Call:
            """Begin a stream, which waits for the rest of its rows unless it is refused."""
            sent = Held([creating(own, unique())], [numbers(1)])
            call = stack.enter_context(putting(served.flight_port, iter(sent), key))
            calls.append(call)
            held.append(sent)
            until = time.monotonic() + 60
            while call.is_active() and not sent.sent.wait(0.05):
                assert time.monotonic() < until
            return call

        of_a_key = ended([start(keys[0]) for _ in range(STREAMS_OF_A_KEY + 1)])
        calls.remove(of_a_key)
        error = refused(of_a_key)
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert f"this key has {STREAMS_OF_A_KEY} streams" in str(error.details())
        for key in keys[1:]:
            for _ in range(STREAMS_OF_A_KEY):
                start(key)
        start(served.key)
        of_all = ended(calls)
        calls.remove(of_all)
        error = refused(of_all)
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert f"{STREAMS} streams are under way" in str(error.details())
        for sent in held:
            sent.go_on.set()
        assert sum(bool(list(call)) for call in calls) == STREAMS
    assert start_one(served, own, keys[0])


def ended(calls: Sequence[grpc.Call]) -> grpc.Call:
    """Wait until one of these calls has ended, and return it: the server may take any first."""
    until = time.monotonic() + 60
    while not (found := [call for call in calls if not call.is_active()]):
        assert time.monotonic() < until
        time.sleep(0.05)
    (one,) = found
    return one


def refused(call: grpc.RpcError) -> grpc.RpcError:
    """Return the error of a call that has ended."""
    with pytest.raises(grpc.RpcError) as caught:
        next(call)
    return caught.value


def start_one(served: Served, space: str, key: str) -> bytes:
    """Make a dataset and return the answer."""
    sent = iter([creating(space, unique()), numbers(1)])
    with putting(served.flight_port, sent, key) as call:
        (answer,) = list(call)
    return bytes(answer)


def test_a_key_that_is_revoked_meanwhile_makes_nothing(
    served: Served, client: httpx.Client, space: str
) -> None:
    name, key = unique(), user_key(client)
    sent = Held([creating(space, name), numbers(1)], [])
    with putting(served.flight_port, iter(sent), str(key["key"])) as call:
        assert sent.sent.wait(60)
        time.sleep(0.3)
        assert send(client, "PUT", f"{KEYS}/{key['id']}/revoke").status_code == 204
        sent.go_on.set()
        assert refused(call).code() == grpc.StatusCode.UNAUTHENTICATED
    assert names(client, name) == []
