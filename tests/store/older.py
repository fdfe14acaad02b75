"""Databases as earlier revisions of the schema wrote them, made by statements, not kept as files.

The data is the same in each revision: one dataset, to which each revision adds what it can hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from exempla.ids import ResourceId
from exempla.store import digests, keys
from exempla.store.bodies import decode
from exempla.store.migrations import KNOWN

SECRET = "a-key-of-an-earlier-release"
DATASET = ResourceId("Dataset", 7, "suffix")

END = 2147483647

REVISIONS = [
    (1, 1, END, 20, '{"n":1}'),
    (2, 2, 3, 25, '{"n":2}'),
    (3, 1, 2, 30, '{"n":3}'),
    (3, 2, 3, 40, '{"n":33}'),
    (3, 3, END, 90, '{"n":3}'),
    (4, 2, 3, 40, '{"n":4}'),
]
"""(ordinal, valid_from, valid_to, updated_at, body): the first example is in all versions, the
second was taken out of v1, the third is changed in v2, the fourth was added to v2 alone."""

HELD = {
    1: {"example-1": '{"n":1}', "example-3": '{"n":3}'},
    2: {
        "example-1": '{"n":1}',
        "example-2": '{"n":2}',
        "example-3": '{"n":33}',
        "example-4": '{"n":4}',
    },
    3: {"example-1": '{"n":1}', "example-3": '{"n":3}'},
}
"""What each version holds: bodies by id."""

_FIRST = [
    "INSERT INTO organizations VALUES (1, 'suffix', 'Default', 'default', '', 1)",
    "INSERT INTO spaces VALUES (1, 'suffix', 1, 'Default', 'default', '', 1)",
    "INSERT INTO users VALUES (1, 'suffix', 'Admin', 'admin@localhost', 1)",
    f"""INSERT INTO api_keys VALUES
        (1, 'suffix', 1, 'admin', '', '{keys.secret_hash(SECRET)}', 1, NULL, NULL)""",
    "INSERT INTO datasets VALUES (7, 'suffix', 1, 'old', 'old', 10, 90, 3, 4, 40)",
    "INSERT INTO versions VALUES (7, 1, 'first', 'v1', NULL, 3, 10, 30)",
    "INSERT INTO versions VALUES (7, 2, 'second', 'v2', 1, 4, 35, 40)",
    "INSERT INTO versions VALUES (7, 3, 'third', 'v3', 1, 3, 90, 90)",
    *[
        f"INSERT INTO examples VALUES (7, {ordinal}, 'example-{ordinal}', {created_at})"
        for ordinal, created_at in enumerate((20, 25, 30, 40), 1)
    ],
    *[
        f"INSERT INTO revisions VALUES (7, {o}, {a}, {z}, {at}, '{b}')"
        for o, a, z, at, b in REVISIONS
    ],
]


def _sum(number: int) -> int:
    """Return the sum that the digest of a version is made of."""
    held = HELD[number].items()
    return sum(digests.element(id, decode(body)) for id, body in held) % 2**4096


_ADDED = {
    "0002": [
        """INSERT INTO annotation_configs VALUES
            (1, 'suffix', 1, 'remarks', 'remarks', 'FREEFORM', '{}', 50)""",
        "INSERT INTO annotations VALUES (7, 3, 'remarks', NULL, NULL, 'kept', 60, 1)",
        "INSERT INTO tags VALUES (1, 'suffix', 1, 'golden', 'golden', NULL, NULL, 50, 50)",
        "INSERT INTO dataset_tags VALUES (7, 1)",
        "INSERT INTO memberships VALUES (1, 1, 2)",
    ],
    "0003": ["UPDATE versions SET locked = 1, description = 'kept' WHERE number = 1"],
    "0004": [
        """INSERT INTO writes VALUES (7, 91, 'updated', 3, 1, 1, 0, 0, '[3]', '{}')""",
        """INSERT INTO changes VALUES (7, 3, 91, '[{"n":33},[]]')""",
        "UPDATE versions SET updated_at = 91 WHERE number = 3",
        "UPDATE datasets SET updated_at = 91",
    ],
    "0005": [f"INSERT INTO digests VALUES (7, {n}, 91, '{_sum(n):x}')" for n in HELD],
    "0006": ["UPDATE datasets SET annotated_at = 60"],
    "0007": ["INSERT INTO answers VALUES (1, 'kept', 'hash', 50, 200, '', '{}')"],
    "0008": [
        'INSERT INTO schemas VALUES (7, \'{"type":"object"}\')',
        "UPDATE datasets SET schema_at = 91",
    ],
    "0009": [
        "INSERT INTO audit_logs VALUES (1, 'suffix', 1, '', 'POST /v2/tags', 'kept', '{}', 50)"
    ],
    "0010": ["INSERT INTO sessions VALUES ('kept', 1, 5000000000000000)"],
}
"""What each revision can hold that the one before could not, for data that came up to it."""


def steps() -> Iterator[tuple[str, Sequence[str]]]:
    """Return the revisions, oldest first, each with the statements that it brings data for."""
    yield KNOWN[0], _FIRST
    for revision in KNOWN[1:]:
        yield revision, _ADDED[revision]
