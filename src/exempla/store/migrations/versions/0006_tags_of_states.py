"""When a dataset was annotated last: what every page of its examples depends on.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column; 0 means that the dataset was never annotated."""
    op.add_column(
        "datasets", sa.Column("annotated_at", sa.BigInteger, nullable=False, server_default="0")
    )
    op.execute(
        "UPDATE datasets SET annotated_at = COALESCE("
        "(SELECT MAX(a.updated_at) FROM annotations AS a WHERE a.dataset_id = datasets.id), 0)"
    )
