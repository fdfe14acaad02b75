"""Digests of the content of versions; they are computed when they are asked for.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "digests",
        sa.Column("dataset_id", _ID, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sum", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "number", name="pk_digests"),
    )
