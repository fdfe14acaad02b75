"""Keys as a person sees them in a list: what each may do, and whether the person may end it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from exempla.store import keys
from exempla.store.access import Permit, Role
from exempla.store.keys import ApiKey
from exempla.store.transaction import Transaction


class Overview(NamedTuple):
    """A key, and the role that its user has in each space by name, of those that are seen."""

    key: ApiKey
    roles: list[tuple[str, Role]]
    may_revoke: bool


_ROLES = """
    SELECT m.user_id, s.id, s.name, m.role
    FROM EACH(:ids) AS given (value)
    CROSS JOIN memberships AS m
    JOIN spaces AS s ON s.id = m.space_id
    WHERE m.user_id = CAST(given.value AS BIGINT)
    ORDER BY s.name, s.id"""


def of(tx: Transaction, permit: Permit, listed: Sequence[ApiKey]) -> list[Overview]:
    """Return these keys with what the caller may know of them."""
    ids = msgspec.json.encode([str(one) for one in {key.user_id.number for key in listed}])
    roles: dict[int, dict[int, Role]] = {}
    shown: dict[int, list[tuple[str, Role]]] = {}
    for user, space, name, role in tx.all(_ROLES, ids=ids.decode()):
        roles.setdefault(user, {})[space] = Role(role)
        if permit.reads(space):
            shown.setdefault(user, []).append((name, Role(role)))
    return [
        Overview(
            key,
            shown.get(key.user_id.number, []),
            keys.may_end(permit, key, roles.get(key.user_id.number, {})),
        )
        for key in listed
    ]
