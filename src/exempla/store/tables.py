"""The schema, the same on both engines.

Examples are kept in a temporal table. A *version* is a number, 1, 2, 3, ... within its dataset.
A *revision* is what an example holds in the versions `valid_from <= number < valid_to`; the
latest version's revisions have `valid_to = END`. So a new version copies nothing, and a version
is read by one condition.

Times are microseconds since 1970, UTC. The primary key of every table that grows with the data
starts with `dataset_id`, and no transaction on examples touches two datasets, so that the tables
can be distributed by it. `examples` and `revisions` carry no foreign keys: they are written in
bulk, by `revising.py` alone.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

END = 2_147_483_647
"""The `valid_to` of a revision that the latest version holds."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

_Id = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers only INTEGER keys itself


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _integer(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


organizations = Table(
    "organizations",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("suffix"),
    _text("name"),
    _text("name_folded"),
    _text("description"),
    _integer("created_at"),
    UniqueConstraint("name"),
    sqlite_autoincrement=True,
)

spaces = Table(
    "spaces",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("suffix"),
    Column("organization_id", _Id, ForeignKey("organizations.id"), nullable=False),
    _text("name"),
    _text("name_folded"),
    _text("description"),
    _integer("created_at"),
    UniqueConstraint("organization_id", "name"),
    sqlite_autoincrement=True,
)

users = Table(
    "users",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("suffix"),
    _text("name"),
    _text("email"),
    _integer("created_at"),
    Column("is_administrator", Integer, nullable=False, server_default="1"),
    UniqueConstraint("email"),
    sqlite_autoincrement=True,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("suffix"),
    Column("user_id", _Id, ForeignKey("users.id"), nullable=False),
    _text("name"),
    _text("hint"),  # the first characters of the secret, to recognize it by
    _text("secret_hash"),  # SHA-256 of the secret, in hexadecimal
    _integer("created_at"),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("created_by", _Id, nullable=False, server_default="1"),  # the number of a user
    Column("key_type", Text, nullable=False, server_default="USER"),
    Column("description", Text, nullable=False, server_default=""),
    Column("last_used_at", BigInteger),
    Column("replaced_at", BigInteger),  # by a refresh; it may still work for a while
    UniqueConstraint("secret_hash"),
    sqlite_autoincrement=True,
)

memberships = Table(
    "memberships",
    metadata,
    Column("user_id", _Id, ForeignKey("users.id"), primary_key=True),
    Column("space_id", _Id, ForeignKey("spaces.id"), primary_key=True),
    Column("role", Integer, nullable=False),  # a `Role`
    Index("ix_memberships_space_id", "space_id"),
)

annotation_configs = Table(
    "annotation_configs",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("suffix"),
    Column("space_id", _Id, ForeignKey("spaces.id"), nullable=False),
    _text("name"),
    _text("name_folded"),
    _text("type"),
    _text("settings"),  # a JSON object: the range of scores, or the labels
    _integer("created_at"),
    UniqueConstraint("space_id", "name"),
    sqlite_autoincrement=True,
)

tags = Table(
    "tags",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("suffix"),
    Column("space_id", _Id, ForeignKey("spaces.id"), nullable=False),
    _text("name"),
    _text("name_folded"),
    Column("description", Text),
    Column("color", Text),
    _integer("created_at"),
    _integer("updated_at"),
    UniqueConstraint("space_id", "name_folded"),
    sqlite_autoincrement=True,
)

dataset_tags = Table(
    "dataset_tags",
    metadata,
    Column("dataset_id", _Id, primary_key=True),
    Column("tag_id", _Id, ForeignKey("tags.id"), primary_key=True),
    Index("ix_dataset_tags_tag_id", "tag_id"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("suffix"),
    # No space: the dataset is deleted, and `purge.py` has yet to remove its rows.
    Column("space_id", _Id, ForeignKey("spaces.id")),
    _text("name"),
    _text("name_folded"),
    _integer("created_at"),
    _integer("updated_at"),  # grows with every change of anything in the dataset
    Column("latest_version", Integer, nullable=False),
    _integer("last_ordinal"),  # of the example that was added last
    _integer("last_created_at"),  # of the example that was added last
    Column("annotated_at", BigInteger, nullable=False, server_default="0"),
    Column("schema_at", BigInteger, nullable=False, server_default="0"),  # 0: it has no schema
    UniqueConstraint("space_id", "name"),
    sqlite_autoincrement=True,
)

versions = Table(
    "versions",
    metadata,
    Column("dataset_id", _Id, ForeignKey("datasets.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    _text("suffix"),
    _text("name"),
    Column("parent", Integer),  # the number of the version that this one was made from
    _integer("last_ordinal"),  # no example of the version comes after it
    _integer("created_at"),
    _integer("updated_at"),
    Column("example_count", BigInteger, nullable=False, server_default="0"),
    Column("locked", Integer, nullable=False, server_default="0"),
    Column("description", Text, nullable=False, server_default=""),
    Column("created_by", _Id),  # the number of a user; of an older release's versions unknown
    UniqueConstraint("dataset_id", "name"),
)

examples = Table(
    "examples",
    metadata,
    Column("dataset_id", _Id, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True),  # 1, 2, 3, ... in order of insertion
    _text("id"),
    _integer("created_at"),
    UniqueConstraint("dataset_id", "id"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("dataset_id", _Id, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True),
    Column("valid_from", Integer, primary_key=True),
    Column("valid_to", Integer, primary_key=True),
    _integer("updated_at"),
    _text("body"),  # the example's fields, a JSON object whose values are as they were sent
)

example_annotations = Table(  # of an example, in all versions; by the name of their config
    "annotations",
    metadata,
    Column("dataset_id", _Id, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("score", Text),  # a JSON number, as it was sent
    Column("label", Text),
    Column("text", Text),
    _integer("updated_at"),
    Column("user_id", _Id, nullable=False),  # who made the last change
)

writes = Table(  # what was done to a dataset; `at` is what it gave the dataset as `updated_at`
    "writes",
    metadata,
    Column("dataset_id", _Id, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    _text("kind"),  # a `writes.Kind`
    Column("version", Integer),  # the number of the version written to
    Column("key_id", _Id),
    Column("user_id", _Id),
    _integer("first_ordinal"),  # of the examples that were added, all up to the last; else 0
    _integer("last_ordinal"),
    _text("ordinals"),  # of the examples that were changed, a JSON array; each has a row below
    _text("fields"),  # what changed of the dataset or the version itself, a JSON object
)

changes = Table(
    "changes",
    metadata,
    Column("dataset_id", _Id, primary_key=True),
    Column("ordinal", BigInteger, primary_key=True),
    Column("at", BigInteger, primary_key=True),
    _text("old"),  # what the write replaced: [{field: old value}, [names of new fields]]
)

digests = Table(
    "digests",
    metadata,
    Column("dataset_id", _Id, primary_key=True),
    Column("number", Integer, primary_key=True),  # of the version
    _integer("at"),  # the moment of the dataset when the version's content had this sum
    _text("sum"),  # in hexadecimal; see `digests.py`
)

schemas = Table(  # apart from `datasets`, whose rows every write stores anew
    "schemas",
    metadata,
    Column("dataset_id", _Id, primary_key=True),
    _text("schema"),  # a JSON object, its members as they were sent
)

answers = Table(  # to requests with an idempotency key, for a day
    "answers",
    metadata,
    Column("user_id", _Id, primary_key=True),
    Column("key", Text, primary_key=True),
    _text("request"),  # a hash of it
    _integer("created_at"),
    Column("status", Integer, nullable=False),
    _text("tag"),
    _text("body"),
    Index("ix_answers_created_at", "created_at"),
)

audit_logs = Table(  # who did what to everything but examples; see `audit.py`
    "audit_logs",
    metadata,
    Column("id", _Id, primary_key=True),
    _text("suffix"),
    Column("user_id", _Id, nullable=False),  # 0 for the operator
    _text("ip"),
    _text("operation_name"),
    Column("operation_text", Text),
    _text("variables"),  # a JSON object
    _integer("created_at"),
    sqlite_autoincrement=True,
)

sessions = Table(  # of people who logged in to the pages with a key
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),  # SHA-256 of what the cookie holds
    Column("key_id", _Id, ForeignKey("api_keys.id"), nullable=False),
    _integer("expires_at"),
    Index("ix_sessions_expires_at", "expires_at"),
)

_added = text("first_ordinal > 0")
Index(
    "ix_writes_added",
    writes.c.dataset_id,
    writes.c.first_ordinal,
    sqlite_where=_added,
    postgresql_where=_added,
)

_latest = text(f"valid_to = {END}")
_opened = text("valid_from > 1")
_closed = text(f"valid_to < {END}")
Index(
    "ix_revisions_latest",
    revisions.c.dataset_id,
    revisions.c.ordinal,
    sqlite_where=_latest,
    postgresql_where=_latest,
)
# What differs between two versions was opened or closed between them. Rows of a first load are
# neither, so these two cost it nothing.
Index(
    "ix_revisions_opened",
    revisions.c.dataset_id,
    revisions.c.valid_from,
    sqlite_where=_opened,
    postgresql_where=_opened,
)
Index(
    "ix_revisions_closed",
    revisions.c.dataset_id,
    revisions.c.valid_to,
    sqlite_where=_closed,
    postgresql_where=_closed,
)
