"""The messages of Arrow Flight, as far as they are needed here, in protobuf's wire format.

See Flight.proto of Apache Arrow, and protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

SERVICE = "arrow.flight.protocol.FlightService"

_BYTES = 2
"""The wire type of strings, bytes and messages within messages."""

_FIXED = {1: 8, 5: 4}
"""The sizes of the wire types that always have the same."""

Buffer = bytes | memoryview


class FlightData(NamedTuple):
    """`FlightData {flight_descriptor = 1, data_header = 2, app_metadata = 3, data_body = 1000}`.

    The header is an Arrow IPC message without its frame, empty where there is only metadata.
    """

    command: bytes
    """`FlightDescriptor {cmd = 2}`; it comes with the first message only."""
    header: Buffer
    body: Buffer


def read_flight_data(message: bytes) -> FlightData:
    """Read a `FlightData`; raise `ValueError` for what is none."""
    command, header, body = b"", memoryview(b""), memoryview(b"")
    for number, value in _fields(message):
        if number == 1:
            command = _field(value, 2)
        elif number == 2:
            header = value
        elif number == 1_000:
            body = value
    return FlightData(command, header, body)


def read_ticket(message: bytes) -> bytes:
    """Read a `Ticket {ticket = 1}`; raise `ValueError` for what is none."""
    return _field(memoryview(message), 1)


def flight_data(header: Buffer, body: Buffer) -> bytes:
    """Write a `FlightData` without a descriptor."""
    return b"".join([_start(2, len(header)), header, _start(1_000, len(body)), body])


def put_result(app_metadata: bytes) -> bytes:
    """Write a `PutResult {app_metadata = 1}`."""
    return _start(1, len(app_metadata)) + app_metadata


def dataset_created(dataset_id: str) -> bytes:
    """Write AX's `CreateDatasetResponse {string dataset_id = 1}` (contract: Arrow Flight)."""
    text = dataset_id.encode()
    return _start(1, len(text)) + text


def _field(message: memoryview, wanted: int) -> bytes:
    found = b""
    for number, value in _fields(message):
        if number == wanted:
            found = bytes(value)
    return found


def _fields(message: Buffer) -> Iterator[tuple[int, memoryview]]:
    """Return the numbers and values of the fields that have bytes; skip all others."""
    view, at = memoryview(message), 0
    while at < len(view):
        tag, at = _varint(view, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _, at = _varint(view, at)
            continue
        size, at = (_FIXED[kind], at) if kind in _FIXED else _varint(view, at)
        if kind not in (_BYTES, *_FIXED) or at + size > len(view):
            raise ValueError("the message is no protobuf")
        if kind == _BYTES:
            yield number, view[at : at + size]
        at += size


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 64, 7):
        if at >= len(view):
            break
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("the message is no protobuf")


def _start(number: int, size: int) -> bytes:
    """Return what precedes a value of so many bytes."""
    return _encode_varint(number << 3 | _BYTES) + _encode_varint(size)


def _encode_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
