"""`/v2/spaces`."""

from __future__ import annotations

import msgspec
from litestar import Controller, Response, delete, get, patch, post
from litestar.params import FromPath, FromQuery, JSONBody

from exempla import clock
from exempla.api import fields, pages
from exempla.api.dependencies import (
    DatabaseDependency,
    PermitDependency,
    PurgerDependency,
    WritingDependency,
)
from exempla.api.writing import nothing, plain
from exempla.errors import ValidationError
from exempla.ids import ResourceId, parse_id
from exempla.store import spaces
from exempla.store.spaces import Space


class CreateSpace(msgspec.Struct, forbid_unknown_fields=True):
    """A new space in an organization."""

    name: str
    organization_id: str
    description: str | None = None
    is_private: bool | None = None


class UpdateSpace(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of a space; a null description clears it."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET
    is_private: bool | None = None


class SpaceAnswer(msgspec.Struct):
    """A space as clients see it (contract: no member beyond these)."""

    id: str
    name: str
    description: str
    created_at: str


class SpacesAnswer(msgspec.Struct):
    """A page of spaces, newest first."""

    spaces: list[SpaceAnswer]
    pagination: pages.Pagination


class SpacesController(Controller):
    """Make, read, change and delete spaces."""

    path = "/v2/spaces"

    @get()
    async def list_spaces(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        org_id: FromQuery[str | None] = None,
        name: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> SpacesAnswer:
        """List spaces, newest first."""
        size = pages.limit(limit)
        found = await database.read(
            spaces.list_page,
            permit,
            organization=fields.optional_id(org_id, "Organization", "org_id"),
            name=fields.part_of_name(name, "name"),
            before=pages.before(cursor, "spaces"),
            limit=size + 1,
        )
        page, pagination = pages.newest_first(found, size, "spaces")
        return SpacesAnswer([_answer(one) for one in page], pagination)

    @post()
    async def create_space(
        self, writing: WritingDependency, permit: PermitDependency, data: JSONBody[CreateSpace]
    ) -> Response[SpaceAnswer]:
        """Make a space."""
        _check_public(data.is_private)
        return await writing(
            plain(_answer),
            spaces.create,
            permit,
            parse_id(data.organization_id, "Organization", "organization_id"),
            fields.name(data.name),
            fields.description(data.description),
        )

    @get("/{space_id:str}")
    async def get_space(
        self, database: DatabaseDependency, permit: PermitDependency, space_id: FromPath[str]
    ) -> SpaceAnswer:
        """Return one space."""
        return _answer(await database.read(spaces.get, permit, _id(space_id)))

    @patch("/{space_id:str}")
    async def update_space(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        space_id: FromPath[str],
        data: JSONBody[UpdateSpace],
    ) -> Response[SpaceAnswer]:
        """Change the name or the description of a space."""
        _check_public(data.is_private)
        return await writing(
            plain(_answer),
            spaces.update,
            permit,
            _id(space_id),
            None if data.name is msgspec.UNSET else fields.name(data.name),
            None if data.description is msgspec.UNSET else fields.description(data.description),
        )

    @delete("/{space_id:str}")
    async def delete_space(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        purger: PurgerDependency,
        space_id: FromPath[str],
    ) -> Response[None]:
        """Delete a space with its datasets."""
        answer = await writing(nothing, spaces.delete, permit, _id(space_id))
        purger.wake()
        return answer


def _check_public(is_private: bool | None) -> None:
    """Refuse what clients of AX may ask for: who may read a space is said by the roles of keys."""
    if is_private:
        raise ValidationError("is_private cannot be true; give keys roles in the space instead")


def _id(text: str) -> ResourceId:
    return parse_id(text, "Space", "space_id")


def _answer(space: Space) -> SpaceAnswer:
    return SpaceAnswer(
        id=str(space.id),
        name=space.name,
        description=space.description,
        created_at=clock.rfc3339(space.created_at),
    )
