"""The audit log: who did what to everything but examples, whose history has it (`writes.py`).

An entry is written in the transaction that does what it tells of. The database itself refuses to
change or delete one (migration 0009).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import msgspec

from exempla import clock
from exempla.ids import ResourceId, new_suffix
from exempla.limits import MAX_AUDIT_TEXT
from exempla.store.access import OPERATOR, Permit
from exempla.store.transaction import Row, Transaction

P = ParamSpec("P")
T = TypeVar("T")


class Act(NamedTuple):
    """What someone does: by which operation, from which address, with what."""

    user_id: ResourceId
    key_id: ResourceId
    ip: str
    """"" for the operator, who works on the database itself."""
    operation: str
    """A route, such as `POST /v2/tags`, a command of Flight, or one of `exempla`."""
    text: str | None
    """The body of the request, unless it has examples."""
    variables: Mapping[str, object]
    """What else was given; no examples and no secrets."""


class AuditLog(NamedTuple):
    """An entry; its time in microseconds."""

    id: ResourceId
    user_id: ResourceId
    ip: str
    operation_name: str
    operation_text: str | None
    variables: str
    """A JSON object, with the `key_id` and the `ids` of what was made or changed."""
    created_at: int


_RECORD = """
    INSERT INTO audit_logs
        (suffix, user_id, ip, operation_name, operation_text, variables, created_at)
    VALUES (:suffix, :user_id, :ip, :operation, :text, :variables, :now)"""

_LIST = """
    SELECT a.id, a.suffix, a.user_id, COALESCE(u.suffix, 'none'), a.ip, a.operation_name,
        a.operation_text, a.variables, a.created_at
    FROM audit_logs AS a LEFT JOIN users AS u ON u.id = a.user_id
    WHERE a.id < :before AND a.created_at BETWEEN :start AND :end
      AND (:any_user = 1 OR (a.user_id = :user AND u.suffix = :user_suffix))
      AND (:any_name = 1 OR a.operation_name IN (
        SELECT given.value FROM EACH(:names) AS given (value)))
    ORDER BY a.id DESC
    LIMIT :limit"""


def by_operator(operation: str, **variables: object) -> Act:
    """Return what is done on the database itself, with a command of `exempla`."""
    return Act(OPERATOR.user_id, OPERATOR.key_id, "", operation, None, variables)


def record(tx: Transaction, act: Act, *things: ResourceId) -> None:
    """Store that this is done, and the ids of what was made or changed by it."""
    ids = [str(id) for id in things]
    variables = {**act.variables, "key_id": str(act.key_id), "ids": ids}
    tx.run(
        _RECORD,
        suffix=new_suffix(),
        user_id=act.user_id.number,
        ip=act.ip,
        operation=act.operation,
        text=None if act.text is None else act.text[:MAX_AUDIT_TEXT],
        variables=msgspec.json.encode(variables).decode(),
        now=clock.now(),
    )


def recorded(
    function: Callable[Concatenate[Transaction, P], T], act: Act | None
) -> Callable[Concatenate[Transaction, P], T]:
    """Return a function that also stores that this is done, and the ids of what it returns.

    Without an act, the function as it is.
    """
    if act is None:
        return function

    def write(tx: Transaction, /, *args: P.args, **kwargs: P.kwargs) -> T:
        done = function(tx, *args, **kwargs)
        things: Any = done if type(done) is tuple else (done,)
        record(tx, act, *[one.id for one in things if hasattr(one, "id")])
        return done

    return write


def list_page(
    tx: Transaction,
    permit: Permit,
    *,
    start: int,
    end: int,
    user: ResourceId | None,
    operations: Sequence[str],
    before: int,
    limit: int,
) -> list[AuditLog]:
    """Return entries of this time, newest first, whose number is below `before`.

    For administrators alone. With a user, or names of operations: of these.
    """
    permit.check(None)
    rows = tx.all(
        _LIST,
        before=before,
        start=start,
        end=end,
        any_user=int(user is None),
        user=user.number if user else 0,
        user_suffix=user.suffix if user else "",
        any_name=int(not operations),
        names=msgspec.json.encode(operations).decode(),
        limit=limit,
    )
    return [_entry(row) for row in rows]


def _entry(row: Row) -> AuditLog:
    number, suffix, user, user_suffix, *rest = row
    id = ResourceId("AuditLog", number, suffix)
    return AuditLog(id, ResourceId("User", user, user_suffix), *rest)
