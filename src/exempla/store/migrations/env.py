"""How Alembic runs our migrations: on the connection, and in the transaction, it is given."""

from alembic import context

from exempla.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,  # the caller's transaction holds all of it
)
context.run_migrations()
