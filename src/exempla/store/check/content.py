"""The rules of a dataset's versions, examples, revisions, digests and annotations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from exempla.store import revisions, verify, versions
from exempla.store.bodies import MANAGED
from exempla.store.check.names import is_object
from exempla.store.check.violations import Violation
from exempla.store.datasets import Dataset
from exempla.store.tables import END
from exempla.store.transaction import Row, Transaction
from exempla.store.versions import Version

_PARENTS = "SELECT number, parent FROM versions WHERE dataset_id = :dataset_id ORDER BY number"

_EXAMPLES = """
    SELECT ordinal, id, created_at FROM examples WHERE dataset_id = :dataset_id ORDER BY ordinal"""

_ORPHANS = """
    SELECT DISTINCT r.ordinal FROM {table} AS r
    LEFT JOIN examples AS e ON e.dataset_id = r.dataset_id AND e.ordinal = r.ordinal
    WHERE r.dataset_id = :dataset_id AND e.ordinal IS NULL
    ORDER BY r.ordinal LIMIT 100"""

_ANNOTATIONS = """
    SELECT a.name, e.id, a.score, a.label, a.text, a.updated_at, u.id
    FROM annotations AS a
    JOIN examples AS e ON e.dataset_id = a.dataset_id AND e.ordinal = a.ordinal
    LEFT JOIN users AS u ON u.id = a.user_id
    WHERE a.dataset_id = :dataset_id
    ORDER BY a.ordinal, a.name"""

_SCHEMA = "SELECT schema FROM schemas WHERE dataset_id = :dataset_id"


def check_versions(tx: Transaction, dataset: Dataset) -> Iterator[Violation]:
    """Yield what breaks a rule of the line of versions, or of the dataset's schema."""
    known = versions.all_of(tx, dataset)[::-1]
    numbers = [version.id.number for version in known]
    if numbers != list(range(1, dataset.latest_version + 1)):
        yield Violation(f"its versions are numbered {numbers}, up to {dataset.latest_version}")
    if len({version.name for version in known}) < len(known):
        yield Violation("two of its versions have the same name")
    before = dataset.created_at - 1
    for version in known:
        if not before < version.created_at <= version.updated_at <= dataset.updated_at:
            yield Violation("its times are not in order", version=version.name)
        if version.last_ordinal > dataset.last_ordinal:
            yield Violation("its last example is not in the dataset", version=version.name)
        before = version.created_at
    for number, parent in tx.all(_PARENTS, dataset_id=dataset.id.number):
        if (parent is None) != (number == 1) or not 0 <= (parent or 0) < number:
            yield Violation(f"the version number {number} was made from a version {parent}")
    schema = tx.one(_SCHEMA, dataset_id=dataset.id.number)
    if bool(schema) != bool(dataset.schema_at) or (schema and not is_object(schema[0])):
        yield Violation("its JSON Schema is lost, or no JSON object")


def check_content(
    tx: Transaction, dataset: Dataset, progress: Callable[[int], None]
) -> Iterator[Violation]:
    """Yield what breaks a rule of the examples, or of what versions hold of them."""
    yield from _examples(tx, dataset)
    for table in ("revisions", "annotations", "changes"):
        for (ordinal,) in tx.all(_ORPHANS.format(table=table), dataset_id=dataset.id.number):
            yield Violation(
                f"{table} has rows of it, but it is not there", example=f"no. {ordinal}"
            )
    yield from _annotations(tx, dataset)
    found: list[Violation] = []
    rows = _Revisions(versions.all_of(tx, dataset), dataset, found.append, progress)
    try:
        checked = verify.check(tx, dataset, rows.sound(revisions.all_of(tx, dataset.id.number)))
    except (msgspec.MsgspecError, ValueError, KeyError, RuntimeError) as error:
        yield from found
        yield Violation(f"its digests cannot be computed: {type(error).__name__}: {error}")
        return
    yield from found
    for one in checked:
        for fault in one.faults:
            yield Violation(fault, version=one.version.name)


def _examples(tx: Transaction, dataset: Dataset) -> Iterator[Violation]:
    """Look at the order: the ordinals are 1, 2, 3, ..., and ascend as (`created_at`, `id`)."""
    count, before = 0, (-(2**63), "")
    for ordinal, id, created_at in tx.each(_EXAMPLES, dataset_id=dataset.id.number):
        count += 1
        if ordinal != count:
            yield Violation(f"it is number {ordinal} of the dataset, not {count}", example=id)
            count = ordinal
        if not id or (created_at, id) <= before:
            yield Violation("it does not come after the one before it", example=id)
        before = (created_at, id)
    if count != dataset.last_ordinal:
        yield Violation(f"it should have had {dataset.last_ordinal} examples, but had {count}")
    elif count and before[0] != dataset.last_created_at:
        yield Violation("it does not know when its last example was made")


def _annotations(tx: Transaction, dataset: Dataset) -> Iterator[Violation]:
    rows = tx.each(_ANNOTATIONS, dataset_id=dataset.id.number)
    for name, id, score, label, text, updated_at, user in rows:
        where = f"its annotation {name!r}"
        if user is None:
            yield Violation(f"{where} is by a user that is not there", example=id)
        if score is None and label is None and text is None:
            yield Violation(f"{where} says nothing", example=id)
        if score is not None and not _is_number(score):
            yield Violation(f"{where} has a score that is no number", example=id)
        if updated_at > dataset.updated_at:
            yield Violation(f"{where} is later than the dataset", example=id)


def _is_number(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=int | float)
    except (msgspec.MsgspecError, UnicodeError):
        return False
    return True


class _Revisions:
    """The rules of revisions, which come by ordinal and version."""

    def __init__(
        self,
        known: Sequence[Version],
        dataset: Dataset,
        found: Callable[[Violation], None],
        progress: Callable[[int], None],
    ) -> None:
        self._latest = dataset.latest_version
        self._lowest_last = _RangeMinimum([v.last_ordinal for v in reversed(known)])
        self._found = found
        self._progress = progress

    def sound(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield those that a digest can be computed of; tell of all that break a rule."""
        last_ordinal, last_end = 0, 0
        for row in rows:
            ordinal, id, start, end, body = row
            if ordinal != last_ordinal:
                self._progress(ordinal)
                last_ordinal, last_end = ordinal, 0
            for fault in self._faults(ordinal, start, end, last_end):
                self._found(Violation(fault, example=id))
            last_end = max(end, last_end)
            fault = _fault_of_body(body)
            if not fault:
                yield row
            else:
                self._found(Violation(f"{fault}, in the versions from {start}", example=id))

    def _faults(self, ordinal: int, start: int, end: int, last_end: int) -> Iterator[str]:
        versions = f"the versions from {start} to {'the latest' if end == END else end - 1}"
        if not 1 <= start < end or start > self._latest or (end != END and end > self._latest):
            yield f"it is held by {versions}, of {self._latest}"
            return
        if start < last_end:
            yield f"it is held twice by one of {versions}"
        last = self._lowest_last.of(start - 1, min(end - 1, self._latest))
        if last is not None and ordinal > last:
            yield f"one of {versions} holds it, but should end before it"


def _fault_of_body(body: str) -> str:
    try:
        names = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return "its fields are no JSON object"
    if managed := names.keys() & MANAGED:
        return f"it has the fields {sorted(managed)}, which the server keeps apart"
    return ""


class _RangeMinimum:
    """The least of any neighbours in a list, without looking at all of them."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._powers: list[list[int]] = [list(numbers)]
        width = 1
        while 2 * width <= len(numbers):
            last = self._powers[-1]
            self._powers.append([min(last[i], last[i + width]) for i in range(len(last) - width)])
            width *= 2

    def of(self, start: int, end: int) -> int | None:
        """Return the least from an index up to before another; None if the list lacks them."""
        if not 0 <= start < end <= len(self._powers[0]):
            return None
        power = (end - start).bit_length() - 1
        least = self._powers[power]
        return min(least[start], least[end - (1 << power)])
