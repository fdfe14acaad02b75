"""JSON Schemas of datasets.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table, and the column that tells whether a dataset has a row in it."""
    op.create_table(
        "schemas",
        sa.Column("dataset_id", _ID, nullable=False),
        sa.Column("schema", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", name="pk_schemas"),
    )
    op.add_column(
        "datasets", sa.Column("schema_at", sa.BigInteger, nullable=False, server_default="0")
    )
