"""What clients ask for: protobuf messages of AX as JSON, in commands and tickets."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from exempla.errors import InvalidRequest, NotSupported, Problem, ValidationError

T = TypeVar("T")


class CreateDataset(msgspec.Struct, rename="camel"):
    """Make a dataset of the rows that follow."""

    space_id: str = ""
    dataset_name: str = ""
    dataset_type: str = ""


class GetDataset(msgspec.Struct, rename="camel"):
    """Send all rows of a version: the latest, or the one of this id or name."""

    space_id: str = ""
    dataset_id: str = ""
    dataset_name: str = ""
    dataset_version: str = ""


class _DoPut(msgspec.Struct, rename="camel"):
    create_dataset: CreateDataset | None = None


class _DoGet(msgspec.Struct, rename="camel"):
    get_dataset: GetDataset | None = None


def read_command(command: bytes) -> CreateDataset:
    """Read the command of a `DoPut`."""
    asked = _read(command, _DoPut, "command").create_dataset
    if asked is None:
        raise _not_supported(command, "createDataset")
    if not asked.space_id:
        raise ValidationError("spaceId is required")
    return asked


def read_ticket(ticket: bytes) -> GetDataset:
    """Read the ticket of a `DoGet`."""
    asked = _read(ticket, _DoGet, "ticket").get_dataset
    if asked is None:
        raise _not_supported(ticket, "getDataset")
    if not asked.dataset_id and not (asked.dataset_name and asked.space_id):
        raise ValidationError("give datasetId, or datasetName and spaceId")
    return asked


def _read(text: bytes, type: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(text, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest(f"the {what} cannot be read: {error}") from None


def _not_supported(text: bytes, instead: str) -> Problem:
    names = ", ".join(msgspec.json.decode(text, type=dict[str, msgspec.Raw]))
    if not names:
        return ValidationError(f"{instead} is required")
    return NotSupported(f"Exempla does {instead} over Flight, but not {names[:100]}")
