"""Users: people, and the bots that service keys act as; and their roles in spaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from exempla import clock
from exempla.ids import ResourceId, new_suffix
from exempla.store.access import Role
from exempla.store.transaction import Transaction


class User(NamedTuple):
    """A user, as far as keys and annotators need it."""

    id: ResourceId
    name: str
    email: str


_BOTS = "@bots.invalid"
"""What the addresses of bots end with, which are made at random."""

_CREATE = """
    INSERT INTO users (suffix, name, email, is_administrator, created_at)
    VALUES (:suffix, :name, :email, :is_administrator, :now)
    RETURNING id"""


def create(tx: Transaction, name: str, email: str, *, is_administrator: bool) -> User:
    """Make a user; the e-mail address must be free."""
    suffix = new_suffix()
    row = tx.exactly_one(
        _CREATE,
        suffix=suffix,
        name=name,
        email=email,
        is_administrator=int(is_administrator),
        now=clock.now(),
    )
    return User(ResourceId("User", row[0], suffix), name, email)


def create_bot(tx: Transaction, name: str, roles: Mapping[int, Role]) -> User:
    """Make the user that a service key acts as, with these roles by number of space."""
    bot = create(tx, name, f"{new_suffix()}{_BOTS}", is_administrator=False)
    tx.run_many(
        "INSERT INTO memberships (user_id, space_id, role) VALUES (:user_id, :space_id, :role)",
        [
            {"user_id": bot.id.number, "space_id": space, "role": int(role)}
            for space, role in roles.items()
        ],
    )
    return bot


def called(name: str, email: str) -> str:
    """Return what people call this user: a person by address, a bot by name.

    A bot is told from the person whose address it may have as a name.
    """
    return f"{name} (bot)" if email.endswith(_BOTS) else email


def roles_of(tx: Transaction, user: int) -> dict[int, Role]:
    """Return the roles of the user with this number, by number of space."""
    rows = tx.all("SELECT space_id, role FROM memberships WHERE user_id = :user", user=user)
    return {space: Role(role) for space, role in rows}


def first(tx: Transaction) -> ResourceId | None:
    """Return the user that the first start made."""
    row = tx.one("SELECT id, suffix FROM users ORDER BY id LIMIT 1")
    return ResourceId("User", *row) if row else None
