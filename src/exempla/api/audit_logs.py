"""`/v2/audit-logs`: who did what, for administrators to read; nothing here writes."""

from __future__ import annotations

from typing import Literal

import msgspec
from litestar import Controller, get
from litestar.params import FromQuery

from exempla import clock
from exempla.api import fields, pages
from exempla.api.dependencies import DatabaseDependency, PermitDependency
from exempla.errors import ValidationError
from exempla.store import audit
from exempla.store.audit import AuditLog

OPERATION_TYPES = ("QUERY", "MUTATION", "SUBSCRIPTION")
"""AX's words. Only what changes something is logged here: each entry is a `MUTATION`."""

DEFAULT_DAYS = 30
MAX_OPERATIONS = 20

_DAY = 86_400 * clock.MICROSECONDS


class AuditLogAnswer(msgspec.Struct):
    """An entry as clients see it."""

    id: str
    user_id: str
    ip: str
    operation_type: Literal["MUTATION"]
    operation_name: str
    operation_text: str | None
    variables: str
    created_at: str


class AuditLogsAnswer(msgspec.Struct):
    """A page of entries, newest first."""

    logs: list[AuditLogAnswer]
    pagination: pages.Pagination


class AuditLogsController(Controller):
    """Read the audit log."""

    path = "/v2/audit-logs"

    @get()
    async def list_audit_logs(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        start_time: FromQuery[str | None] = None,
        end_time: FromQuery[str | None] = None,
        user_id: FromQuery[str | None] = None,
        operation_type: FromQuery[str | None] = None,
        operation_name: FromQuery[list[str] | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> AuditLogsAnswer:
        """List what was done, newest first: in the last 30 days, unless times are given."""
        size = pages.limit(limit)
        end = fields.moment(end_time, "end_time", clock.now())
        names = [name for name in operation_name or [] if name]
        if len(names) > MAX_OPERATIONS:
            raise ValidationError(f"operation_name is given more than {MAX_OPERATIONS} times")
        kind = fields.one_of(operation_type, OPERATION_TYPES, "operation_type")
        found = await database.read(
            audit.list_page,
            permit,
            start=fields.moment(start_time, "start_time", end - DEFAULT_DAYS * _DAY),
            end=end,
            user=fields.optional_id(user_id, "User", "user_id"),
            operations=[fields.text(name, "operation_name", 255) for name in names],
            before=pages.before(cursor, "logs"),
            limit=size + 1 if kind in (None, "MUTATION") else 0,
        )
        page, pagination = pages.newest_first(found, size, "logs")
        return AuditLogsAnswer([_answer(one) for one in page], pagination)


def _answer(log: AuditLog) -> AuditLogAnswer:
    return AuditLogAnswer(
        id=str(log.id),
        user_id=str(log.user_id),
        ip=log.ip,
        operation_type="MUTATION",
        operation_name=log.operation_name,
        operation_text=log.operation_text,
        variables=log.variables,
        created_at=clock.rfc3339(log.created_at),
    )
