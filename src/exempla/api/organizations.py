"""`/v2/organizations`."""

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
from exempla.ids import ResourceId, parse_id
from exempla.store import organizations
from exempla.store.organizations import Organization


class CreateOrganization(msgspec.Struct, forbid_unknown_fields=True):
    """A new organization."""

    name: str
    description: str | None = None


class UpdateOrganization(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of an organization; a null description clears it."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType | None = msgspec.UNSET


class OrganizationAnswer(msgspec.Struct):
    """An organization as clients see it."""

    id: str
    name: str
    description: str
    created_at: str


class OrganizationsAnswer(msgspec.Struct):
    """A page of organizations, newest first."""

    organizations: list[OrganizationAnswer]
    pagination: pages.Pagination


class OrganizationsController(Controller):
    """Make, read, change and delete organizations."""

    path = "/v2/organizations"

    @get()
    async def list_organizations(
        self,
        database: DatabaseDependency,
        permit: PermitDependency,
        name: FromQuery[str | None] = None,
        limit: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
    ) -> OrganizationsAnswer:
        """List organizations, newest first."""
        size = pages.limit(limit)
        found = await database.read(
            organizations.list_page,
            permit,
            name=fields.part_of_name(name, "name"),
            before=pages.before(cursor, "organizations"),
            limit=size + 1,
        )
        page, pagination = pages.newest_first(found, size, "organizations")
        return OrganizationsAnswer([_answer(one) for one in page], pagination)

    @post()
    async def create_organization(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        data: JSONBody[CreateOrganization],
    ) -> Response[OrganizationAnswer]:
        """Make an organization."""
        return await writing(
            plain(_answer),
            organizations.create,
            permit,
            fields.name(data.name),
            fields.description(data.description),
        )

    @get("/{org_id:str}")
    async def get_organization(
        self, database: DatabaseDependency, permit: PermitDependency, org_id: FromPath[str]
    ) -> OrganizationAnswer:
        """Return one organization."""
        return _answer(await database.read(organizations.get, permit, _id(org_id)))

    @patch("/{org_id:str}")
    async def update_organization(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        org_id: FromPath[str],
        data: JSONBody[UpdateOrganization],
    ) -> Response[OrganizationAnswer]:
        """Change the name or the description of an organization."""
        return await writing(
            plain(_answer),
            organizations.update,
            permit,
            _id(org_id),
            None if data.name is msgspec.UNSET else fields.name(data.name),
            None if data.description is msgspec.UNSET else fields.description(data.description),
        )

    @delete("/{org_id:str}")
    async def delete_organization(
        self,
        writing: WritingDependency,
        permit: PermitDependency,
        purger: PurgerDependency,
        org_id: FromPath[str],
    ) -> Response[None]:
        """Delete an organization with its spaces and all that is in them."""
        answer = await writing(nothing, organizations.delete, permit, _id(org_id))
        purger.wake()
        return answer


def _id(text: str) -> ResourceId:
    return parse_id(text, "Organization", "org_id")


def _answer(organization: Organization) -> OrganizationAnswer:
    return OrganizationAnswer(
        id=str(organization.id),
        name=organization.name,
        description=organization.description,
        created_at=clock.rfc3339(organization.created_at),
    )
