"""What the answers of several resources have in common."""

from __future__ import annotations

import msgspec

from exempla.ids import ResourceId


class UserAnswer(msgspec.Struct):
    """A user, by its id and e-mail address."""

    id: str
    email: str

    @classmethod
    def of(cls, user: tuple[ResourceId, str] | None) -> UserAnswer | None:
        """Return the answer for this user, null if unknown."""
        return cls(str(user[0]), user[1]) if user else None
