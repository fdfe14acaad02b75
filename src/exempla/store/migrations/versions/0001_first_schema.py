"""The first schema.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LATEST = sa.text("valid_to = 2147483647")
_OPENED = sa.text("valid_from > 1")
_CLOSED = sa.text("valid_to < 2147483647")


def _id(name: str = "id", *arguments: sa.ForeignKey, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ID, *arguments, nullable=nullable)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=nullable)


def upgrade() -> None:
    """Make all tables."""
    _make_tables_of_access()
    _make_tables_of_data()


def _make_tables_of_access() -> None:
    op.create_table(
        "organizations",
        _id(),
        _text("suffix"),
        _text("name"),
        _text("name_folded"),
        _text("description"),
        _integer("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
        sa.UniqueConstraint("name", name="uq_organizations_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "spaces",
        _id(),
        _text("suffix"),
        _id(
            "organization_id",
            sa.ForeignKey("organizations.id", name="fk_spaces_organization_id"),
        ),
        _text("name"),
        _text("name_folded"),
        _text("description"),
        _integer("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_spaces"),
        sa.UniqueConstraint("organization_id", "name", name="uq_spaces_organization_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "users",
        _id(),
        _text("suffix"),
        _text("name"),
        _text("email"),
        _integer("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "api_keys",
        _id(),
        _text("suffix"),
        _id("user_id", sa.ForeignKey("users.id", name="fk_api_keys_user_id")),
        _text("name"),
        _text("hint"),
        _text("secret_hash"),
        _integer("created_at"),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("secret_hash", name="uq_api_keys_secret_hash"),
        sqlite_autoincrement=True,
    )


def _make_tables_of_data() -> None:
    op.create_table(
        "datasets",
        _id(),
        _text("suffix"),
        _id("space_id", sa.ForeignKey("spaces.id", name="fk_datasets_space_id"), nullable=True),
        _text("name"),
        _text("name_folded"),
        _integer("created_at"),
        _integer("updated_at"),
        _number("latest_version"),
        _integer("last_ordinal"),
        _integer("last_created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_datasets"),
        sa.UniqueConstraint("space_id", "name", name="uq_datasets_space_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "versions",
        _id("dataset_id", sa.ForeignKey("datasets.id", name="fk_versions_dataset_id")),
        _number("number"),
        _text("suffix"),
        _text("name"),
        _number("parent", nullable=True),
        _integer("last_ordinal"),
        _integer("created_at"),
        _integer("updated_at"),
        sa.PrimaryKeyConstraint("dataset_id", "number", name="pk_versions"),
        sa.UniqueConstraint("dataset_id", "name", name="uq_versions_dataset_id_name"),
    )
    op.create_table(
        "examples",
        _id("dataset_id"),
        _integer("ordinal"),
        _text("id"),
        _integer("created_at"),
        sa.PrimaryKeyConstraint("dataset_id", "ordinal", name="pk_examples"),
        sa.UniqueConstraint("dataset_id", "id", name="uq_examples_dataset_id_id"),
    )
    op.create_table(
        "revisions",
        _id("dataset_id"),
        _integer("ordinal"),
        _number("valid_from"),
        _number("valid_to"),
        _integer("updated_at"),
        _text("body"),
        sa.PrimaryKeyConstraint(
            "dataset_id", "ordinal", "valid_from", "valid_to", name="pk_revisions"
        ),
    )
    _make_partial_index("latest", "ordinal", _LATEST)
    _make_partial_index("opened", "valid_from", _OPENED)
    _make_partial_index("closed", "valid_to", _CLOSED)


def _make_partial_index(name: str, column: str, where: sa.TextClause) -> None:
    op.create_index(
        f"ix_revisions_{name}",
        "revisions",
        ["dataset_id", column],
        sqlite_where=where,
        postgresql_where=where,
    )
