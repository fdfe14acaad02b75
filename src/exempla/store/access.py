"""Who may do what: roles in spaces, and the permit that a request carries.

A user has a role in a space, or is an administrator of everything. A permit is the user's roles
together with the role that the route needs (`api/access.py`). The store checks it in the
transaction that does the work. What a user cannot read does not exist for it (contract: `403`
and `404`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

import msgspec

from exempla.errors import AccessForbidden, PreconditionFailed
from exempla.ids import ResourceId


class Role(IntEnum):
    """What a user may do in a space. Each role includes those before it."""

    READ_ONLY = 1
    MEMBER = 2
    """Reads and writes."""
    ADMIN = 3
    """Also changes the space itself, and gives keys to it."""
    ADMINISTRATOR = 4
    """Everything, everywhere; not a role in a space."""


class Permit(NamedTuple):
    """What a request may do: the roles of its user, and the role that its route needs."""

    key_id: ResourceId
    user_id: ResourceId
    is_administrator: bool
    roles: Mapping[int, Role]
    """By the number of the space."""
    needs: Role = Role.READ_ONLY
    if_match: frozenset[str] | None = None
    """The tags of what the caller saw, one of which must be there still; None for any."""

    def reads(self, space: int) -> bool:
        """Tell whether the space with this number exists for the user."""
        return self.is_administrator or space in self.roles

    def check(self, space: int | None) -> None:
        """Raise `AccessForbidden` unless the user has the role needed in a space it can read.

        With None: unless it is an administrator, where the route needs one.
        """
        role = Role.ADMINISTRATOR if self.is_administrator else self.roles.get(space or 0)
        if role is None or role < self.needs:
            raise AccessForbidden(
                f"this needs the role {self.needs.name}; "
                + (f"yours is {role.name} here" if role else "you have none here")
            )

    def admits(self, space: int) -> bool:
        """Tell whether the space exists for the user; raise `AccessForbidden` as `check` does."""
        if not self.reads(space):
            return False
        self.check(space)
        return True

    def check_unchanged(self, what: str, tag: str) -> None:
        """Raise `PreconditionFailed` unless what is written to is still what the caller saw."""
        if self.if_match is not None and tag not in self.if_match:
            raise PreconditionFailed(
                f'{what} is not what If-Match names: its ETag is now "{tag}"; read it again'
            )

    @property
    def spaces(self) -> dict[str, object]:
        """The spaces it reads, as the values of the condition `READS`."""
        numbers = [str(space) for space in self.roles]
        return {
            "any_space": int(self.is_administrator),
            "readable": msgspec.json.encode(numbers).decode(),
        }


READS = """(:any_space = 1 OR s.id IN (
    SELECT CAST(given.value AS BIGINT) FROM EACH(:readable) AS given (value)))"""
"""The condition that the space `s` exists for the user; its values are `Permit.spaces`."""

READS_ORGANIZATION = f"""(:any_space = 1 OR organizations.id IN (
    SELECT s.organization_id FROM spaces AS s WHERE {READS}))"""
"""The condition that an organization exists for the user: it can read a space in it."""

OPERATOR = Permit(
    ResourceId("ApiKey", 0, "none"), ResourceId("User", 0, "none"), True, {}, Role.ADMINISTRATOR
)
"""Who works on the database itself, with the commands of `exempla`."""
