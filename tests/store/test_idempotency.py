"""The storage contract for requests that are done once."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

import pytest

from exempla import clock
from exempla.errors import Conflict, Problem, Unavailable, ValidationError
from exempla.limits import IDEMPOTENCY_S
from exempla.store import idempotency, organizations, purge
from exempla.store.access import OPERATOR
from exempla.store.idempotency import Answer, Asked
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction
from tests.store.conftest import Store


def asked(request: str = "request", user: int = 1) -> Asked:
    return Asked(user, uuid.uuid4().hex, request)


class Making:
    """Makes an organization of a name of its own; counts how often it was asked to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.name = uuid.uuid4().hex
        self.runs = 0
        self.error = error

    def __call__(self, tx: Transaction) -> Answer:
        self.runs += 1
        organizations.create(tx, OPERATOR, f"{self.name} {self.runs}", "")
        if self.error:
            raise self.error
        return Answer(201, f"tag {self.runs}", f"made {self.runs} é\\u0000".encode())

    def made(self, store: Store) -> int:
        """Return how many there are."""
        found = store.read(
            organizations.list_page, OPERATOR, name=self.name, before=FIRST, limit=100
        )
        return len(found)


def refused(problem: Problem) -> Answer:
    return Answer(problem.status, "", problem.detail.encode())


def test_the_second_gets_the_first_answer_and_writes_nothing(store: Store) -> None:
    making, one = Making(), asked()
    answers = [store.write(idempotency.once, one, making, refused) for _ in range(3)]
    assert answers == [Answer(201, "tag 1", "made 1 é\\u0000".encode())] * 3
    assert (making.runs, making.made(store)) == (1, 1)


def test_requests_at_once_are_one(store: Store) -> None:
    making, one = Making(), asked()

    async def all_at_once() -> list[Answer]:
        once = store.database.write
        waiting = [once(idempotency.once, one, making, refused) for _ in range(12)]
        return await asyncio.gather(*waiting)

    answers = asyncio.run(all_at_once())
    assert len(set(answers)) == 1
    assert (making.runs, making.made(store)) == (1, 1)


def test_requests_that_wait_hold_no_writer(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    making, one = Making(), asked()
    at_once: list[int] = []
    running, once = 0, idempotency.once

    def counting(*arguments: Any) -> Answer:
        nonlocal running
        running += 1
        at_once.append(running)
        time.sleep(0.05)
        answer = once(*arguments)
        running -= 1
        return answer

    monkeypatch.setattr(idempotency, "once", counting)

    async def all_at_once() -> list[Answer]:
        waiting = [idempotency.run(store.database, one, making, refused) for _ in range(8)]
        return await asyncio.gather(*waiting)

    assert len(set(asyncio.run(all_at_once()))) == 1
    assert at_once == [1] * 8


def test_an_answer_that_is_too_large_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "MAX_KEPT_ANSWER_BYTES", 10)
    making, one = Making(), asked()
    for _ in range(2):
        answer = store.write(idempotency.once, one, making, refused)
        assert answer.status == 422
        assert b"Idempotency-Key" in answer.body
    assert (making.runs, making.made(store)) == (1, 0)


def test_a_refusal_is_an_answer_and_undoes_what_was_written(store: Store) -> None:
    making, one = Making(Conflict("taken")), asked()
    for _ in range(2):
        answer = store.write(idempotency.once, one, making, refused)
        assert answer == Answer(409, "", b"taken")
    assert (making.runs, making.made(store)) == (1, 0)


@pytest.mark.parametrize("error", [Unavailable("later"), RuntimeError("a fault")])
def test_a_failure_can_be_tried_again(store: Store, error: Exception) -> None:
    making, one = Making(error), asked()
    with pytest.raises(type(error)):
        store.write(idempotency.once, one, making, refused)
    making.error = None
    assert store.write(idempotency.once, one, making, refused).status == 201
    assert (making.runs, making.made(store)) == (2, 1)


def test_another_request_with_the_key_is_refused(store: Store) -> None:
    making, one = Making(), asked()
    store.write(idempotency.once, one, making, refused)
    with pytest.raises(ValidationError, match="Idempotency-Key"):
        store.write(idempotency.once, one._replace(request="other"), making, refused)
    assert making.made(store) == 1
    assert store.write(idempotency.once, one._replace(user=2), making, refused).tag == "tag 2"


def test_an_answer_is_kept_for_a_day(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "ROWS_AT_ONCE", 1)
    making, one, other = Making(), asked(), asked()
    for key in (one, other):
        store.write(idempotency.once, key, making, refused)
    start = clock.now()
    day = IDEMPOTENCY_S * clock.MICROSECONDS

    def after(microseconds: int) -> None:
        monkeypatch.setattr(clock, "now", lambda: start + microseconds)

    def kept() -> int:
        statement = "SELECT COUNT(*) FROM answers WHERE key IN (:one, :other)"
        found = store.read(lambda tx: tx.exactly_one(statement, one=one.key, other=other.key))
        return int(found[0])

    after(day - 60 * clock.MICROSECONDS)
    while store.write(purge.purge_some):
        pass
    assert kept() == 2
    assert store.write(idempotency.once, one, making, refused).tag == "tag 1"
    after(day + clock.MICROSECONDS)
    assert store.write(idempotency.once, one, making, refused).tag == "tag 3"
    while store.write(purge.purge_some):
        pass
    assert kept() == 1


def test_an_answer_that_is_removed_as_it_is_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    making, one = Making(), asked()
    store.write(idempotency.once, one, making, refused)
    with monkeypatch.context() as removed:
        removed.setattr(idempotency, "_FIND", idempotency._FIND + " AND 1 = 0")
        with pytest.raises(Unavailable, match="try again"):
            store.write(idempotency.once, one, making, refused)
    assert store.write(idempotency.once, one, making, refused).tag == "tag 1"
    assert making.runs == 1
