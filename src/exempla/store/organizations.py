"""Organizations: the containers of spaces."""

from __future__ import annotations

from typing import NamedTuple

from exempla import clock
from exempla.errors import Conflict, NotFound
from exempla.ids import ResourceId, new_suffix
from exempla.store import spaces
from exempla.store.access import READS_ORGANIZATION, Permit
from exempla.store.listing import like
from exempla.store.transaction import Row, Transaction


class Organization(NamedTuple):
    """An organization; times in microseconds."""

    id: ResourceId
    name: str
    description: str
    created_at: int


_COLUMNS = "id, suffix, name, description, created_at"

_CREATE = f"""
    INSERT INTO organizations (suffix, name, name_folded, description, created_at)
    VALUES (:suffix, :name, :name_folded, :description, :created_at)
    ON CONFLICT (name) DO NOTHING
    RETURNING {_COLUMNS}"""

_LIST = f"""
    SELECT {_COLUMNS} FROM organizations
    WHERE {READS_ORGANIZATION} AND id < :before AND name_folded LIKE :name ESCAPE '\\'
    ORDER BY id DESC
    LIMIT :limit"""

_GET = f"""
    SELECT {_COLUMNS} FROM organizations
    WHERE id = :id AND suffix = :suffix AND {READS_ORGANIZATION}"""

_UPDATE = """
    UPDATE organizations SET name = :name, name_folded = :name_folded, description = :description
    WHERE id = :id"""


def create(tx: Transaction, permit: Permit, name: str, description: str) -> Organization:
    """Make an organization, or raise `Conflict` when the name is taken."""
    permit.check(None)
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


def get(tx: Transaction, permit: Permit, id: ResourceId) -> Organization:
    """Return the organization, or raise `NotFound`."""
    return _found(id, tx.one(_GET, id=id.number, suffix=id.suffix, **permit.spaces))


def _lock(tx: Transaction, permit: Permit, id: ResourceId) -> Organization:
    """Return the organization for a write: who changes it, or adds to it, waits until this ends."""
    locked = _GET + " FOR UPDATE OF organizations"
    organization = _found(id, tx.one(locked, id=id.number, suffix=id.suffix, **permit.spaces))
    permit.check(None)
    return organization


def list_page(
    tx: Transaction, permit: Permit, *, name: str, before: int, limit: int
) -> list[Organization]:
    """Return organizations, newest first, whose number is below `before`.

    `name` is a part of their names, in any case.
    """
    return [
        _organization(r)
        for r in tx.all(_LIST, name=like(name), before=before, limit=limit, **permit.spaces)
    ]


def update(
    tx: Transaction, permit: Permit, id: ResourceId, name: str | None, description: str | None
) -> Organization:
    """Change what is not None."""
    organization = _lock(tx, permit, id)
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


def delete(tx: Transaction, permit: Permit, id: ResourceId) -> None:
    """Delete the organization with its spaces and all that is in them."""
    organization = _lock(tx, permit, id)
    for space in spaces.of_organization(tx, organization.id):
        spaces.delete(tx, permit, space.id)
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
