"""A stream whose client neither sends nor reads on is cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from exempla.flight import patience
from exempla.flight.patience import patiently


class Call:
    """Stands in for gRPC's context of a call, which needs minutes to show it."""

    def __init__(self) -> None:
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        self.cancelled.set()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "IDLE_S", 0.3)
    monkeypatch.setattr(patience, "LOOK_EVERY_S", 0.02)


def test_messages_pass() -> None:
    call = Call()
    assert list(patiently(call, iter([b"1", b"2"]))) == [b"1", b"2"]
    time.sleep(0.5)
    assert not call.cancelled.is_set()


def test_a_message_that_does_not_come_ends_the_call() -> None:
    call = Call()

    def messages() -> Iterator[bytes]:
        yield b"1"
        assert call.cancelled.wait(10)
        yield b"2"

    assert list(patiently(call, messages())) == [b"1", b"2"]


def test_a_message_that_is_not_taken_ends_the_call() -> None:
    call = Call()
    stream = patiently(call, iter([b"1", b"2"]))
    assert next(stream) == b"1"
    assert call.cancelled.wait(10)


def test_a_long_stream_that_goes_on_is_left_alone() -> None:
    call = Call()
    for _ in patiently(call, iter([b""] * 10)):
        time.sleep(0.1)
    assert not call.cancelled.is_set()
