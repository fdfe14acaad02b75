"""Roles in spaces, keys of two types, annotation configs, annotations and tags.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _id(name: str = "id", to: str | None = None, table: str = "") -> sa.Column[int]:
    references = [sa.ForeignKey(f"{to}.id", name=f"fk_{table}_{name}")] if to else []
    return sa.Column(name, _ID, *references, nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def upgrade() -> None:
    """Add to the tables of access, and make the new ones."""
    _extend_users_and_keys()
    _make_annotations()
    _make_tags()


def _extend_users_and_keys() -> None:
    # Whoever there is was made by a first start, and made all keys.
    op.add_column(
        "users", sa.Column("is_administrator", sa.Integer, nullable=False, server_default="1")
    )
    for column in (
        sa.Column("created_by", _ID, nullable=False, server_default="1"),
        sa.Column("key_type", sa.Text, nullable=False, server_default="USER"),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("replaced_at", sa.BigInteger),
    ):
        op.add_column("api_keys", column)
    op.execute("UPDATE api_keys SET created_by = user_id")
    op.create_table(
        "memberships",
        _id("user_id", "users", "memberships"),
        _id("space_id", "spaces", "memberships"),
        sa.Column("role", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "space_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_space_id", "memberships", ["space_id"])


def _make_annotations() -> None:
    op.create_table(
        "annotation_configs",
        _id(),
        _text("suffix"),
        _id("space_id", "spaces", "annotation_configs"),
        _text("name"),
        _text("name_folded"),
        _text("type"),
        _text("settings"),
        _integer("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_annotation_configs"),
        sa.UniqueConstraint("space_id", "name", name="uq_annotation_configs_space_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "annotations",
        _id("dataset_id"),
        _integer("ordinal"),
        _text("name"),
        _text("score", nullable=True),
        _text("label", nullable=True),
        _text("text", nullable=True),
        _integer("updated_at"),
        _id("user_id"),
        sa.PrimaryKeyConstraint("dataset_id", "ordinal", "name", name="pk_annotations"),
    )


def _make_tags() -> None:
    op.create_table(
        "tags",
        _id(),
        _text("suffix"),
        _id("space_id", "spaces", "tags"),
        _text("name"),
        _text("name_folded"),
        _text("description", nullable=True),
        _text("color", nullable=True),
        _integer("created_at"),
        _integer("updated_at"),
        sa.PrimaryKeyConstraint("id", name="pk_tags"),
        sa.UniqueConstraint("space_id", "name_folded", name="uq_tags_space_id_name_folded"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset_tags",
        _id("dataset_id"),
        _id("tag_id", "tags", "dataset_tags"),
        sa.PrimaryKeyConstraint("dataset_id", "tag_id", name="pk_dataset_tags"),
    )
    op.create_index("ix_dataset_tags_tag_id", "dataset_tags", ["tag_id"])
