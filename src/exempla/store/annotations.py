"""Annotations of examples. One belongs to the example, in all versions, under its config's name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from exempla.errors import ValidationError
from exempla.ids import ResourceId
from exempla.store import annotation_configs, bodies, datasets, users, writes
from exempla.store.access import Permit
from exempla.store.annotation_configs import Config
from exempla.store.bodies import Fields
from exempla.store.datasets import Dataset
from exempla.store.transaction import Row, Transaction
from exempla.store.writes import Edit


class Value(NamedTuple):
    """What an annotation says; None leaves that part as it is."""

    name: str
    score: float | int | None
    label: str | None
    text: str | None
    where: str
    """Where it stands in the request, for messages: `annotations[0].values[1]`."""


class Annotation(NamedTuple):
    """An annotation of an example; times in microseconds, the score as the text of a number."""

    name: str
    score: str | None
    label: str | None
    text: str | None
    updated_at: int
    annotator_id: ResourceId
    annotator_email: str
    annotator_name: str

    @property
    def annotator(self) -> str:
        """What people call the user."""
        return users.called(self.annotator_name, self.annotator_email)


_ORDINALS = """
    SELECT e.id, e.ordinal
    FROM EACH(:ids) AS given (value)
    CROSS JOIN LOOKUP(examples AS e WHERE e.dataset_id = :dataset_id AND e.id = given.value)"""

_UPSERT = """
    INSERT INTO annotations
        (dataset_id, ordinal, name, score, label, text, updated_at, user_id)
    VALUES (:dataset_id, :ordinal, :name, :score, :label, :text, :updated_at, :user_id)
    ON CONFLICT (dataset_id, ordinal, name) DO UPDATE SET
        score = CASE WHEN excluded.label IS NULL  -- a label brings its score, or none
            THEN COALESCE(excluded.score, annotations.score) ELSE excluded.score END,
        label = COALESCE(excluded.label, annotations.label),
        text = COALESCE(excluded.text, annotations.text),
        updated_at = excluded.updated_at,
        user_id = excluded.user_id"""

_SELECT = """
    SELECT a.ordinal, a.name, a.score, a.label, a.text, a.updated_at, u.id, u.suffix, u.email,
        u.name"""

_RANGE = (
    "annotations AS a",
    "a.dataset_id = :dataset_id AND a.ordinal >= :first AND a.ordinal <= :last",
)
_EACH = (
    """EACH(:ordinals) AS given (value)
    CROSS JOIN LOOKUP(annotations AS a
        WHERE a.dataset_id = :dataset_id AND a.ordinal = CAST(given.value AS BIGINT))""",
    "TRUE",
)

_OF_EXAMPLES = f"""{_SELECT}
    FROM {{source}} JOIN users AS u ON u.id = a.user_id
    WHERE {{those}}
    ORDER BY a.ordinal, a.name"""

_PARTS = """
    SELECT a.ordinal, a.name, a.score, a.label, a.text
    FROM {source}
    WHERE {those}
      AND a.name IN (SELECT named.value FROM EACH(:names) AS named (value))"""


def annotate(
    tx: Transaction,
    permit: Permit,
    dataset_id: ResourceId,
    records: Sequence[tuple[str, Sequence[Value]]],
) -> Dataset:
    """Set annotations of examples, by example id; an id that the dataset lacks is ignored.

    Returns the dataset after it.

    Raises `ValidationError` for a name without a config in the space, and for a score or label
    that its config does not allow.
    """
    dataset = datasets.lock_unchanged(tx, permit, dataset_id)
    names = sorted({value.name for _, values in records for value in values})
    configs = annotation_configs.of_space(tx, dataset.space_id.number, names)
    checked = [(id, _checked(value, configs)) for id, values in records for value in values]
    ids = msgspec.json.encode([id for id, _ in records if "\0" not in id]).decode()
    ordinals: dict[str, int] = dict(tx.all(_ORDINALS, dataset_id=dataset_id.number, ids=ids))
    known = [(ordinals[id], value) for id, value in checked if id in ordinals]
    now = dataset.next_moment()
    rows: list[dict[str, object]] = [
        {
            "dataset_id": dataset_id.number,
            "ordinal": ordinal,
            "name": value.name,
            "score": None if value.score is None else msgspec.json.encode(value.score).decode(),
            "label": value.label,
            "text": value.text,
            "updated_at": now,
            "user_id": permit.user_id.number,
        }
        for ordinal, value in known
    ]
    edits = _replaced(tx, dataset_id.number, known)
    tx.run_many(_UPSERT, rows)
    if rows:
        dataset = datasets.touch(tx, dataset._replace(updated_at=now, annotated_at=now))
        writes.record(tx, permit, dataset, "annotated", edits=edits)
    return dataset


def of_example(tx: Transaction, dataset: int, example_id: str, name: str) -> Annotation | None:
    """Return the annotation of this name that an example has, if it has one."""
    ids = msgspec.json.encode([example_id] if "\0" not in example_id else []).decode()
    row = tx.one(_ORDINALS, dataset_id=dataset, ids=ids)
    found = of_examples(tx, dataset, [row[1]]).get(row[1], []) if row else []
    return next((one for one in found if one.name == name), None)


def of_examples(
    tx: Transaction, dataset: int, ordinals: Sequence[int]
) -> dict[int, list[Annotation]]:
    """Return the annotations of the examples with these ordinals, which ascend, by ordinal."""
    found: dict[int, list[Annotation]] = {}
    for ordinal, name, score, label, text, updated_at, user, suffix, *called in _of_these(
        tx, _OF_EXAMPLES, dataset, ordinals
    ):
        annotator = ResourceId("User", user, suffix)
        annotation = Annotation(name, score, label, text, updated_at, annotator, *called)
        found.setdefault(ordinal, []).append(annotation)
    return found


def parts_of_examples(
    tx: Transaction, dataset: int, ordinals: Sequence[int], names: Iterable[str]
) -> list[Row]:
    """Return the annotations of these names: `(ordinal, name, score, label, text)`, in no order.

    The examples are those with these ordinals, which ascend. Scores are the text of a number.
    """
    # No annotation has a name with U+0000, which PostgreSQL's text cannot hold.
    given = msgspec.json.encode([name for name in names if "\0" not in name]).decode()
    return _of_these(tx, _PARTS, dataset, ordinals, names=given)


def _of_these(
    tx: Transaction, query: str, dataset: int, ordinals: Sequence[int], **values: object
) -> list[Row]:
    """Read neighbours as a range, others one by one: what lies between may be much."""
    if not ordinals:
        return []
    first, last = ordinals[0], ordinals[-1]
    if last - first < 2 * len(ordinals):
        source, those = _RANGE
        values |= {"first": first, "last": last}
    else:
        source, those = _EACH
        values["ordinals"] = msgspec.json.encode([str(one) for one in ordinals]).decode()
    return tx.all(query.format(source=source, those=those), dataset_id=dataset, **values)


def as_fields(tx: Transaction, dataset: int, ordinal: int) -> Fields:
    """Return the annotations of an example by name, as a history tells them."""
    found = of_examples(tx, dataset, [ordinal]).get(ordinal, [])
    return {one.name: _as_field(one) for one in found}


def _as_field(annotation: Annotation) -> msgspec.Raw:
    score = annotation.score
    members = {
        "score": None if score is None else msgspec.Raw(score.encode()),
        "label": annotation.label,
        "text": annotation.text,
    }
    return msgspec.Raw(msgspec.json.encode(members))


def _replaced(tx: Transaction, dataset: int, values: Sequence[tuple[int, Value]]) -> list[Edit]:
    """Return what setting these values, each of an ordinal, will replace."""
    names: dict[int, list[str]] = {}
    for ordinal, value in values:
        names.setdefault(ordinal, []).append(value.name)
    found = of_examples(tx, dataset, sorted(names))
    edits: list[Edit] = []
    for ordinal, set_here in names.items():
        old = {one.name: _as_field(one) for one in found.get(ordinal, []) if one.name in set_here}
        absent = [name for name in dict.fromkeys(set_here) if name not in old]
        edits.append(Edit(ordinal, bodies.replaced(old, absent)))
    return edits


def _checked(value: Value, configs: dict[str, Config]) -> Value:
    """Return the value, with the score of its label, or raise `ValidationError`."""
    config = configs.get(value.name)
    if config is None:
        raise ValidationError(
            f"{value.where}.name is {value.name!r}; the space has no annotation config of that name"
        )
    if value.score is None and value.label is None and value.text is None:
        raise ValidationError(f"{value.where} needs a score, a label or a text")
    if config.type == "CATEGORICAL":
        return _with_label(value, config)
    if value.label is not None:
        raise ValidationError(f"{value.where}.label: {value.name!r} has no labels")
    if value.score is not None:
        _check_score(value, config)
    return value


def _check_score(value: Value, config: Config) -> None:
    if config.type == "FREEFORM":
        raise ValidationError(f"{value.where}.score: {value.name!r} takes text alone")
    low, high = config.settings.minimum_score, config.settings.maximum_score
    if value.score is None or low is None or high is None or low <= value.score <= high:
        return
    raise ValidationError(f"{value.where}.score is {value.score}; it must lie from {low} to {high}")


def _with_label(value: Value, config: Config) -> Value:
    scores = {label.label: label.score for label in config.settings.values or []}
    if value.label is None:
        if value.score is not None:
            raise ValidationError(f"{value.where}.score goes with a label; give the label")
        return value
    if value.label not in scores:
        allowed = ", ".join(repr(label) for label in scores)
        raise ValidationError(
            f"{value.where}.label is {value.label!r}; it must be one of {allowed}"
        )
    score = scores[value.label]
    if value.score is not None and score is not None and value.score != score:
        raise ValidationError(
            f"{value.where}.score is {value.score}, but the label {value.label!r} has {score}"
        )
    return value._replace(score=value.score if score is None else score)
