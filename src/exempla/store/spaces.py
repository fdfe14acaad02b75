"""Spaces: the containers of datasets within an organization."""

from __future__ import annotations

from typing import NamedTuple

from exempla import clock
from exempla.errors import Conflict, NotFound
from exempla.ids import ResourceId, new_suffix
from exempla.store.access import READS, READS_ORGANIZATION, Permit
from exempla.store.listing import like
from exempla.store.transaction import Row, Transaction


class Space(NamedTuple):
    """A space; times in microseconds."""

    id: ResourceId
    name: str
    description: str
    created_at: int


_COLUMNS = "id, suffix, name, description, created_at"

_GET = f"SELECT {_COLUMNS} FROM spaces WHERE id = :id AND suffix = :suffix"

_CREATE = f"""
    INSERT INTO spaces (suffix, organization_id, name, name_folded, description, created_at)
    VALUES (:suffix, :organization, :name, :name_folded, :description, :created_at)
    ON CONFLICT (organization_id, name) DO NOTHING
    RETURNING {_COLUMNS}"""

_ORGANIZATION_OF = """
    SELECT o.id, o.suffix FROM spaces AS s JOIN organizations AS o ON o.id = s.organization_id
    WHERE s.id = :id"""

_READS_ORGANIZATION = f"""
    SELECT 1 FROM organizations
    WHERE id = :organization AND suffix = :organization_suffix AND {READS_ORGANIZATION}
    FOR UPDATE OF organizations"""

_LIST = f"""
    SELECT s.id, s.suffix, s.name, s.description, s.created_at
    FROM spaces AS s JOIN organizations AS o ON o.id = s.organization_id
    WHERE s.id < :before AND s.name_folded LIKE :name ESCAPE '\\'
      AND {READS}
      AND (:any_organization = 1 OR (o.id = :organization AND o.suffix = :organization_suffix))
    ORDER BY s.id DESC
    LIMIT :limit"""

_UPDATE = """
    UPDATE spaces SET name = :name, name_folded = :name_folded, description = :description
    WHERE id = :id"""

_DETACH_TAGS = """
    DELETE FROM dataset_tags WHERE tag_id IN (SELECT id FROM tags WHERE space_id = :id)"""

_NAME_TAKEN = """
    SELECT 1 FROM spaces AS s JOIN spaces AS this ON this.organization_id = s.organization_id
    WHERE this.id = :id AND s.name = :name"""


def create(
    tx: Transaction, permit: Permit, organization: ResourceId, name: str, description: str
) -> Space:
    """Make a space; the name must be free in the organization, else `Conflict`."""
    if not tx.one(
        _READS_ORGANIZATION,
        organization=organization.number,
        organization_suffix=organization.suffix,
        **permit.spaces,
    ):
        raise NotFound(f"there is no organization with the id {organization}")
    permit.check(None)
    row = tx.one(
        _CREATE,
        suffix=new_suffix(),
        organization=organization.number,
        name=name,
        name_folded=name.casefold(),
        description=description,
        created_at=clock.now(),
    )
    if not row:
        raise _taken(name)
    return _space(row)


def get(tx: Transaction, permit: Permit, id: ResourceId) -> Space:
    """Return the space, or raise `NotFound`."""
    return _found(permit, id, tx.one(_GET, id=id.number, suffix=id.suffix))


def _lock(tx: Transaction, permit: Permit, id: ResourceId) -> Space:
    """Return the space for a write: who changes it, or adds to it, waits until this ends."""
    return _found(
        permit, id, tx.one(_GET + " FOR UPDATE OF spaces", id=id.number, suffix=id.suffix)
    )


def list_page(
    tx: Transaction,
    permit: Permit,
    *,
    organization: ResourceId | None,
    name: str,
    before: int,
    limit: int,
) -> list[Space]:
    """Return spaces, newest first, whose number is below `before`.

    `name` is a part of their names, in any case.
    """
    rows = tx.all(
        _LIST,
        **permit.spaces,
        any_organization=int(organization is None),
        organization=organization.number if organization else 0,
        organization_suffix=organization.suffix if organization else "",
        name=like(name),
        before=before,
        limit=limit,
    )
    return [_space(row) for row in rows]


def organization_of(tx: Transaction, space: ResourceId) -> ResourceId:
    """Return the organization of a space that exists."""
    return ResourceId("Organization", *tx.exactly_one(_ORGANIZATION_OF, id=space.number))


def of_organization(tx: Transaction, organization: ResourceId) -> list[Space]:
    """Return all spaces of the organization."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM spaces WHERE organization_id = :id", id=organization.number
    )
    return [_space(row) for row in rows]


def update(
    tx: Transaction, permit: Permit, id: ResourceId, name: str | None, description: str | None
) -> Space:
    """Change what is not None."""
    space = _lock(tx, permit, id)
    changed = space._replace(
        name=space.name if name is None else name,
        description=space.description if description is None else description,
    )
    if changed.name != space.name and tx.one(_NAME_TAKEN, id=id.number, name=changed.name):
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
    """Delete the space with its datasets, whose rows `purge.py` removes afterwards."""
    _lock(tx, permit, id)
    tx.all("SELECT id FROM tags WHERE space_id = :id ORDER BY id FOR UPDATE OF tags", id=id.number)
    tx.run("UPDATE datasets SET space_id = NULL WHERE space_id = :id", id=id.number)
    tx.run(_DETACH_TAGS, id=id.number)
    for table in ("memberships", "tags", "annotation_configs"):
        tx.run(f"DELETE FROM {table} WHERE space_id = :id", id=id.number)
    tx.run("DELETE FROM spaces WHERE id = :id", id=id.number)


def _found(permit: Permit, id: ResourceId, row: Row | None) -> Space:
    if row and permit.admits(id.number):
        return _space(row)
    raise NotFound(f"there is no space with the id {id}")


def _space(row: Row) -> Space:
    number, suffix, name, description, created_at = row
    return Space(ResourceId("Space", number, suffix), name, description, created_at)


def _taken(name: str) -> Conflict:
    return Conflict(
        f"there is a space named {name!r} in this organization already; choose another name"
    )
