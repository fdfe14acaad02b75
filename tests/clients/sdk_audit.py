"""Scenarios of the `arize` SDK about the audit log."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime, timedelta

from tests.clients.sdk_support import Client, refusal, same, scenario, scenario_only_in, unique


def _made(client: Client, count: int) -> list[str]:
    """Make so many organizations and return their ids."""
    return [client.organizations.create(name=unique("org")).id for _ in range(count)]


@scenario
def audit_logs_are_read_by_pages(client: Client) -> None:
    made = _made(client, 3)
    types = importlib.import_module("arize.audit_logs.types")
    first = client.audit_logs.list(limit=2, operation_type=types.AuditLogOperationType.MUTATION)
    assert first.pagination.has_more
    second = client.audit_logs.list(limit=2, cursor=first.pagination.next_cursor)
    logs = [*first.logs, second.logs[0]]
    same([json.loads(log.variables)["ids"] for log in logs], [[id] for id in reversed(made)])
    for log in logs:
        same(log.operation_name, "POST /v2/organizations")
        same(log.operation_type.value, "MUTATION")
        same(log.ip, "127.0.0.1")
        assert log.created_at.tzinfo is not None
    (mine,) = client.audit_logs.list(user_id=logs[0].user_id, limit=1).logs
    same(mine.id, logs[0].id)
    same(client.audit_logs.list(operation_type=types.AuditLogOperationType.QUERY).logs, [])


@scenario
def audit_logs_of_a_time(client: Client) -> None:
    _made(client, 1)
    (newest,) = client.audit_logs.list(limit=1).logs
    at = newest.created_at
    same([log.id for log in client.audit_logs.list(start_time=at, end_time=at).logs], [newest.id])
    same(client.audit_logs.list(end_time=datetime.now(UTC) - timedelta(days=400)).logs, [])
    refusal(400, client.audit_logs.list, user_id="nobody")


@scenario_only_in("8.61", "the first release has no names of operations")
def audit_logs_of_some_operations(client: Client) -> None:
    _made(client, 2)
    names = ["POST /v2/organizations", "POST /v2/nothing"]
    logs = client.audit_logs.list(operation_names=names).logs
    same({log.operation_name for log in logs}, {names[0]})
    same(client.audit_logs.list(operation_names=names[1:]).logs, [])
