"""When a dataset was annotated last: what every page of its examples depends on.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "datasets", sa.Column("annotated_at", sa.BigInteger, nullable=False, server_default="0")
    )
