"""The history of every example, and the log of every dataset.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ADDED = sa.text("first_ordinal > 0")

# Of what was written before, this much is known: when examples were added, to which version, and
# when versions were made. Neighbours in one version are told as one write.
_RECORD_ADDED = """
    INSERT INTO writes
        (dataset_id, at, kind, version, first_ordinal, last_ordinal, ordinals, fields)
    SELECT dataset_id, MAX(created_at),
        CASE WHEN MIN(ordinal) = 1 THEN 'created' ELSE 'inserted' END,
        version, MIN(ordinal), MAX(ordinal), '[]', '{}'
    FROM (
        SELECT e.dataset_id, e.ordinal, e.created_at, f.version, e.ordinal
            - ROW_NUMBER() OVER (PARTITION BY e.dataset_id, f.version ORDER BY e.ordinal) AS run
        FROM examples AS e
        LEFT JOIN (
            SELECT dataset_id, ordinal, MIN(valid_from) AS version
            FROM revisions GROUP BY dataset_id, ordinal
        ) AS f ON f.dataset_id = e.dataset_id AND f.ordinal = e.ordinal
    ) AS runs
    GROUP BY dataset_id, version, run"""

_RECORD_VERSIONS = """
    INSERT INTO writes
        (dataset_id, at, kind, version, first_ordinal, last_ordinal, ordinals, fields)
    SELECT dataset_id, created_at, 'branched', number, 0, 0, '[]', '{}'
    FROM versions WHERE number > 1
    ON CONFLICT (dataset_id, at) DO NOTHING"""


def upgrade() -> None:
    """Make the two tables, and record what is known of earlier writes."""
    op.create_table(
        "writes",
        sa.Column("dataset_id", _ID, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("key_id", _ID),
        sa.Column("user_id", _ID),
        sa.Column("first_ordinal", sa.BigInteger, nullable=False),
        sa.Column("last_ordinal", sa.BigInteger, nullable=False),
        sa.Column("ordinals", sa.Text, nullable=False),
        sa.Column("fields", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "at", name="pk_writes"),
    )
    op.create_index(
        "ix_writes_added",
        "writes",
        ["dataset_id", "first_ordinal"],
        sqlite_where=_ADDED,
        postgresql_where=_ADDED,
    )
    op.create_table(
        "changes",
        sa.Column("dataset_id", _ID, nullable=False),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("old", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("dataset_id", "ordinal", "at", name="pk_changes"),
    )
    op.execute(_RECORD_ADDED)
    op.execute(_RECORD_VERSIONS)
