"""Streams of Flight message by message: pyarrow decides for itself what it sends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pyarrow as pa

from exempla.flight import protocol
from tests.serving import KEY

SCHEMA = pa.schema({"n": pa.int64()})


def numbers(*values: int, padding: bytes = b"") -> bytes:
    """Return the message of a batch of these numbers, with so much behind its body."""
    return flight_message(pa.record_batch({"n": values}, schema=SCHEMA).serialize(), padding)


def metadata_only(text: bytes) -> bytes:
    """Return a message that brings no part of the table."""
    return b"\x1a" + bytes([len(text)]) + text  # FlightData.app_metadata


def creating(space_id: str, name: str) -> bytes:
    """Return the first message of a `DoPut` of `SCHEMA`: the command and the schema."""
    asked = {"createDataset": {"spaceId": space_id, "datasetName": name}}
    command = json.dumps(asked).encode()
    descriptor = b"\x12" + bytes([len(command)]) + command
    return b"\x0a" + bytes([len(descriptor)]) + descriptor + flight_message(SCHEMA.serialize())


def flight_message(framed: pa.Buffer, padding: bytes = b"") -> bytes:
    """Return a message of Flight with so much behind its body."""
    message = pa.ipc.read_message(framed)
    return protocol.flight_data(message.metadata, bytes(message.body or b"") + padding)


@contextmanager
def putting(port: int, messages: Iterator[bytes], key: str = KEY) -> Iterator[Any]:
    """Give the call of a `DoPut` that sends these messages; it goes on in the background."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        put = channel.stream_stream(f"/{protocol.SERVICE}/DoPut")
        yield put(messages, metadata=[("auth-token-bin", key.encode())], timeout=60)
