"""The rules of all but the content of datasets: names, tags, answers, the audit log, orphans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from exempla.store.check.violations import Violation
from exempla.store.transaction import Transaction

_NAMED = {
    "organizations": ("0", "1 = 1"),
    "spaces": ("organization_id", "1 = 1"),
    "annotation_configs": ("space_id", "1 = 1"),
    "tags": ("space_id", "1 = 1"),
    "datasets": ("space_id", "space_id IS NOT NULL"),
}
"""The tables of things with a name, which is unique in this place; and which rows are such."""

_BY_DATASET = (
    "versions",
    "examples",
    "revisions",
    "annotations",
    "writes",
    "changes",
    "digests",
    "schemas",
    "dataset_tags",
)
"""The tables whose rows belong to a dataset."""

_NEXT_DATASET = "SELECT MIN(dataset_id) FROM {table} WHERE dataset_id > :after"

_BAD_TAGS = """
    SELECT d.name, dt.tag_id, t.name
    FROM dataset_tags AS dt
    JOIN datasets AS d ON d.id = dt.dataset_id
    LEFT JOIN tags AS t ON t.id = dt.tag_id
    WHERE d.space_id IS NOT NULL AND (t.id IS NULL OR t.space_id <> d.space_id)"""

_BAD_CONFIGS = "SELECT name, settings FROM annotation_configs ORDER BY id"

_BAD_ANSWERS = """
    SELECT key, status FROM answers
    WHERE status < 200 OR status > 499 OR user_id NOT IN (SELECT id FROM users)"""

_AUDIT_LOGS = "SELECT id, operation_name, variables FROM audit_logs"


def check_names(tx: Transaction) -> Iterator[Violation]:
    """Yield what breaks a rule outside the content of datasets."""
    for table in _NAMED:
        yield from _names(tx, table)
    for table in _BY_DATASET:
        yield from _orphans(tx, table)
    for dataset, number, tag in tx.all(_BAD_TAGS):
        what = f"the tag {tag!r} of another space" if tag else f"a tag {number} that is not there"
        yield Violation(f"it has {what}", dataset)
    for name, settings in tx.all(_BAD_CONFIGS):
        if not is_object(settings):
            yield Violation(f"the settings of the annotation config {name!r} are no JSON object")
    for key, status in tx.all(_BAD_ANSWERS):
        yield Violation(
            f"the answer to the Idempotency-Key {key!r} has the status {status}, or no user"
        )
    for number, operation, variables in tx.each(_AUDIT_LOGS):
        if not operation or not is_object(variables):
            yield Violation(f"the entry {number} of the audit log cannot be read")


def is_object(text: str) -> bool:
    """Tell whether the text is a JSON object."""
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return False
    return True


def _names(tx: Transaction, table: str) -> Iterator[Violation]:
    place, where = _NAMED[table]
    seen: Counter[tuple[int, str]] = Counter()
    rows = tx.all(f"SELECT {place}, name, name_folded FROM {table} WHERE {where}")
    for within, name, folded in rows:
        seen[(within, name)] += 1
        if not name:
            yield Violation(f"there is one without a name among the {table}")
        if folded != name.casefold():
            yield Violation(f"{name!r} among the {table} is found under {folded!r}")
    for (_, name), count in seen.items():
        if count > 1:
            yield Violation(f"{count} of the {table} in one place are named {name!r}")


def _orphans(tx: Transaction, table: str) -> Iterator[Violation]:
    """Look at each dataset that the table has rows of, without reading the rows."""
    after = -1
    while (found := tx.exactly_one(_NEXT_DATASET.format(table=table), after=after)[0]) is not None:
        if not tx.one("SELECT 1 FROM datasets WHERE id = :id", id=found):
            yield Violation(f"{table} has rows of a dataset {found} that is not there")
        after = found
