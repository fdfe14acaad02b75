"""The rules for the fields of examples that are sent (contract: PATCH rules 1 and 8)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from exempla.api import body, fields
from exempla.errors import InvalidRequest, ValidationError
from exempla.limits import MAX_NESTING
from exempla.store.bodies import MANAGED, Fields


async def check_new(examples: Sequence[Fields]) -> None:
    """Raise `ValidationError` unless these can be added: 1 to 1,000, each with a field."""
    fields.count_of(examples, "examples")
    deep: list[tuple[str, msgspec.Raw]] = []
    for index, example in enumerate(examples):
        if not example:
            raise ValidationError(f"examples[{index}] has no fields; give at least one")
        deep += _check_fields(example, index)
    await body.check_nesting(deep)


async def changes_by_id(examples: Sequence[Fields]) -> dict[str, Fields]:
    """Return the fields to change by the id of their example, or say which item is wrong."""
    fields.count_of(examples, "examples")
    changes: dict[str, Fields] = {}
    deep: list[tuple[str, msgspec.Raw]] = []
    for index, example in enumerate(examples):
        where = f"examples[{index}]"
        id = _pop_id(example, where)
        if id in changes:
            raise ValidationError(f"{where}.id is {id!r}, which an earlier item has too")
        deep += _check_fields(example, index)
        changes[id] = example
    await body.check_nesting(deep)
    return changes


def distinct_ids(example_ids: Sequence[str]) -> Sequence[str]:
    """Return the ids if they are 1 to 1,000, none empty and none twice."""
    fields.count_of(example_ids, "example_ids")
    seen: set[str] = set()
    for index, id in enumerate(example_ids):
        if not id:
            raise ValidationError(f"example_ids[{index}] is empty")
        if id in seen:
            raise ValidationError(f"example_ids[{index}] is {id!r}, which an earlier item is too")
        seen.add(id)
    return example_ids


def _pop_id(example: Fields, where: str) -> str:
    if "id" not in example:
        raise ValidationError(f"{where}.id is required")
    value = example.pop("id")
    try:
        id = msgspec.json.decode(value, type=str)
    except msgspec.ValidationError:
        kind = body.type_name(value)
        raise InvalidRequest(f"{where}.id must be a string, not {kind}") from None
    if not id:
        raise ValidationError(f"{where}.id is empty; give the id of an example")
    return id


def _check_fields(example: Fields, index: int) -> list[tuple[str, msgspec.Raw]]:
    """Refuse managed members; return the values whose nesting must be looked at."""
    if not example.keys().isdisjoint(MANAGED):
        name = next(name for name in MANAGED if name in example)
        raise ValidationError(
            f"examples[{index}].{name} is managed by the system and cannot be set"
        )
    return [
        (f"examples[{index}].{name}", value)
        for name, value in example.items()
        if len(value) > 2 * MAX_NESTING and body.is_nested(value)  # a level takes two brackets
    ]
