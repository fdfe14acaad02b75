"""Requests that are done once: the first answer, stored with what the request wrote.

A client that did not get an answer sends the request again with the same key of its choice, and
gets the first answer. It is stored in the transaction of the write: both are there or neither,
whatever ends the server. A request that comes while the first is running waits for it, on SQLite
because there is one writer, on PostgreSQL because the row of the first is not committed yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple
from weakref import WeakValueDictionary

from exempla import clock
from exempla.errors import Problem, Unavailable, ValidationError
from exempla.limits import IDEMPOTENCY_S, MAX_KEPT_ANSWER_BYTES
from exempla.store.database import Database
from exempla.store.transaction import Transaction

ROWS_AT_ONCE = 1_000


class Asked(NamedTuple):
    """A request with a key."""

    user: int
    """The number of the user; each has keys of its own."""
    key: str
    request: str
    """A hash of the request, to tell another one with the same key."""


class Answer(NamedTuple):
    """An answer as it was sent."""

    status: int
    tag: str
    """Of what was written to; "" for none."""
    body: bytes


_FORGET = "DELETE FROM answers WHERE user_id = :user AND key = :key AND created_at < :before"

_CLAIM = """
    INSERT INTO answers (user_id, key, request, created_at, status, tag, body)
    VALUES (:user, :key, :request, :now, 0, '', '')
    ON CONFLICT (user_id, key) DO NOTHING"""

_FIND = "SELECT request, status, tag, body FROM answers WHERE user_id = :user AND key = :key"

_KEEP = """
    UPDATE answers SET status = :status, tag = :tag, body = :body
    WHERE user_id = :user AND key = :key"""

_BOUND = """
    SELECT created_at FROM answers WHERE created_at < :before
    ORDER BY created_at LIMIT 1 OFFSET :rows"""


_locks: WeakValueDictionary[tuple[Database, int, str], asyncio.Lock] = WeakValueDictionary()


async def run(
    database: Database,
    asked: Asked,
    write: Callable[[Transaction], Answer],
    refused: Callable[[Problem], Answer],
) -> Answer:
    """Do `once` in a transaction; those that wait for a request of the same key hold no writer."""
    async with _locks.setdefault((database, asked.user, asked.key), asyncio.Lock()):
        return await database.write(once, asked, write, refused)


def once(
    tx: Transaction,
    asked: Asked,
    write: Callable[[Transaction], Answer],
    refused: Callable[[Problem], Answer],
) -> Answer:
    """Write and return the answer, or return the one that this request got before.

    A refusal (a problem of status 4xx) is an answer too; `refused` renders it. Any other failure
    leaves nothing, so that the request can be tried again. Raises `ValidationError` when the key
    was used for another request.
    """
    if before := _claim(tx, asked):
        return before
    try:
        with tx.savepoint():
            answer = write(tx)
            _check_size(answer)
    except Problem as problem:
        if problem.status >= 500:
            raise
        answer = refused(problem)
    tx.run(
        _KEEP,
        user=asked.user,
        key=asked.key,
        status=answer.status,
        tag=answer.tag,
        body=answer.body.decode(),
    )
    return answer


def purge_some(tx: Transaction) -> bool:
    """Remove about `ROWS_AT_ONCE` answers that are too old; False when none is left."""
    before = _too_old()
    row = tx.one(_BOUND, before=before, rows=ROWS_AT_ONCE)
    last = row[0] if row else before - 1
    tx.run("DELETE FROM answers WHERE created_at <= :last", last=last)
    return row is not None


def _claim(tx: Transaction, asked: Asked) -> Answer | None:
    """Take the key for this request; return the answer if it has one."""
    user, key, request = asked
    tx.run(_FORGET, user=user, key=key, before=_too_old())
    if tx.run(_CLAIM, user=user, key=key, request=request, now=clock.now()):
        return None
    row = tx.one(_FIND, user=user, key=key)
    if not row:  # it grew too old in between
        raise Unavailable("the answer to this Idempotency-Key has just been removed; try again")
    if row[0] != request:
        raise ValidationError(
            "Idempotency-Key was sent before with another request (method, path, query, If-Match "
            "or body); make a new one for each"
        )
    return Answer(row[1], row[2], row[3].encode())


def _check_size(answer: Answer) -> None:
    if len(answer.body) > MAX_KEPT_ANSWER_BYTES:
        raise ValidationError(
            "Idempotency-Key cannot be used here: the answer is too large to be kept "
            f"(more than {MAX_KEPT_ANSWER_BYTES} bytes); leave it out, or send less"
        )


def _too_old() -> int:
    return clock.now() - IDEMPOTENCY_S * clock.MICROSECONDS
