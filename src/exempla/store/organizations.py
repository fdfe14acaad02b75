"""Organizations: the containers of spaces."""

from __future__ import annotations

from typing import NamedTuple

from exempla import clock
from exempla.errors import Conflict, NotFound
from exempla.ids import ResourceId, new_suffix
from exempla.store import spaces
from exempla.store.database import Row, Transaction
from exempla.store.listing import like


class Organization(NamedTuple):
    """An organization; times in microseconds."""

    id: ResourceId
    name: str
    description: str
    created_at: int


_COLUMNS = "id, suffix, name, description, created_at"

_GET = f"SELECT {_COLUMNS} FROM organizations WHERE id = :id AND suffix = :suffix"

_CREATE = f"""
    INSERT INTO organizations (suffix, name, name_folded, description, created_at)
    VALUES (:suffix, :name, :name_folded, :description, :created_at)
    ON CONFLICT (name) DO NOTHING
    RETURNING {_COLUMNS}"""

_LIST = f"""
    SELECT {_COLUMNS} FROM organizations
    WHERE id < :before AND name_folded LIKE :name ESCAPE '\\'
    ORDER BY id DESC
    LIMIT :limit"""

_UPDATE = """
    UPDATE organizations SET name = :name, name_folded = :name_folded, description = :description
    WHERE id = :id"""


def create(tx: Transaction, name: str, description: str) -> Organization:
    """Make an organization, or raise `Conflict` when the name is taken."""
    row = tx.one(
        _CREATE,
        suffix=new_suffix(),
        name=name,
        name_folded=name.casefold(),
        description=description,
        created_at=clock.now(),
    )
    if not row:
        raise _taken(name)
    return _organization(row)


def get(tx: Transaction, id: ResourceId) -> Organization:
    """Return the organization, or raise `NotFound`."""
    return _found(id, tx.one(_GET, id=id.number, suffix=id.suffix))


def _lock(tx: Transaction, id: ResourceId) -> Organization:
    """Return the organization for a write: who changes it, or adds to it, waits until this ends."""
    return _found(id, tx.one(_GET + " FOR UPDATE OF organizations", id=id.number, suffix=id.suffix))


def list_page(tx: Transaction, *, name: str, before: int, limit: int) -> list[Organization]:
    """Return organizations, newest first, whose number is below `before`.

    `name` is a part of their names, in any case.
    """
    return [_organization(r) for r in tx.all(_LIST, name=like(name), before=before, limit=limit)]


def update(
    tx: Transaction, id: ResourceId, name: str | None, description: str | None
) -> Organization:
    """Change what is not None."""
    organization = _lock(tx, id)
    changed = organization._replace(
        name=organization.name if name is None else name,
        description=organization.description if description is None else description,
    )
    if changed.name != organization.name and tx.one(
        "SELECT 1 FROM organizations WHERE name = :name", name=changed.name
    ):
        raise _taken(changed.name)
    tx.run(
        _UPDATE,
        id=id.number,
        name=changed.name,
        name_folded=changed.name.casefold(),
        description=changed.description,
    )
    return changed


def delete(tx: Transaction, id: ResourceId) -> None:
    """Delete the organization with its spaces and all that is in them."""
    organization = _lock(tx, id)
    for space in spaces.of_organization(tx, organization.id):
        spaces.delete(tx, space.id)
    tx.run("DELETE FROM organizations WHERE id = :id", id=id.number)


def _found(id: ResourceId, row: Row | None) -> Organization:
    if not row:
        raise NotFound(f"there is no organization with the id {id}")
    return _organization(row)


def _organization(row: Row) -> Organization:
    number, suffix, name, description, created_at = row
    return Organization(ResourceId("Organization", number, suffix), name, description, created_at)


def _taken(name: str) -> Conflict:
    return Conflict(f"there is an organization named {name!r} already; choose another name")
