"""Versions that can be locked and described, and know their size and who made them.

Revision ID: 0003
"""

from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# By how many examples a version's size differs from that of the one before.
_GROWTH = sa.text("""
    SELECT dataset_id, number, SUM(growth) FROM (
        SELECT dataset_id, valid_from AS number, COUNT(*) AS growth
        FROM revisions GROUP BY dataset_id, valid_from
        UNION ALL
        SELECT dataset_id, valid_to, -COUNT(*) FROM revisions GROUP BY dataset_id, valid_to
        UNION ALL
        SELECT dataset_id, number, 0 FROM versions
    ) AS steps
    GROUP BY dataset_id, number ORDER BY dataset_id, number""")

_FILL = sa.text("""
    UPDATE versions SET example_count = :count
    WHERE dataset_id = :dataset_id AND number = :number""")


def upgrade() -> None:
    """Add to the versions, and count their examples."""
    for column in (
        sa.Column("example_count", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("locked", sa.Integer, nullable=False, server_default="0"),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("created_by", _ID),
    ):
        op.add_column("versions", column)
    connection = op.get_bind()
    filled = []
    for dataset_id, steps in groupby(connection.execute(_GROWTH), lambda row: row[0]):
        count = 0
        for _, number, growth in steps:
            count += int(growth)
            filled.append({"dataset_id": dataset_id, "number": number, "count": count})
    if filled:
        connection.execute(_FILL, filled)
