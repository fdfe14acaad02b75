"""The audit log, which nothing can change.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_SQLITE = """
    CREATE TRIGGER audit_logs_no_{what} BEFORE {what} ON audit_logs
    BEGIN SELECT RAISE(ABORT, 'the audit log cannot be changed'); END"""

_POSTGRES = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN RAISE EXCEPTION ''the audit log cannot be changed''; END'""",
    """
    CREATE TRIGGER audit_logs_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
)


def upgrade() -> None:
    """Make the table, and have the database refuse to change or delete its rows."""
    op.create_table(
        "audit_logs",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("suffix", sa.Text, nullable=False),
        sa.Column("user_id", _ID, nullable=False),
        sa.Column("ip", sa.Text, nullable=False),
        sa.Column("operation_name", sa.Text, nullable=False),
        sa.Column("operation_text", sa.Text),
        sa.Column("variables", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_logs"),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        statements = tuple(_SQLITE.format(what=what) for what in ("UPDATE", "DELETE"))
    else:
        statements = _POSTGRES
    for statement in statements:
        op.execute(statement)
