"""What is compressed is measured before it is decompressed."""

from __future__ import annotations

import struct
from contextlib import suppress

import httpx
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import flight

from exempla.errors import InvalidRequest, Problem, ValidationError
from exempla.flight.backlog import Backlog
from exempla.flight.compressed import check_size
from exempla.limits import MAX_DECOMPRESSED_BYTES
from tests.api.helpers import default_space, unique
from tests.flight.client import connect, create_command, options, read, refusal
from tests.serving import Served

CODECS = ["lz4", "zstd"]


def zeros(size: int) -> pa.RecordBatch:
    """Return a batch with so many bytes of zeros, a multiple of 8."""
    numbers = pa.Array.from_buffers(pa.int64(), size // 8, [None, pa.py_buffer(bytes(size))])
    return pa.record_batch({"n": numbers})


def message(batch: pa.RecordBatch, codec: str) -> pa.Message:
    """Return the message of a compressed batch."""
    *_, last = messages(pa.Table.from_batches([batch]), codec)
    return last


def messages(table: pa.Table, codec: str) -> list[pa.Message]:
    """Return the messages of a compressed table."""
    sink = pa.BufferOutputStream()
    how = pa.ipc.IpcWriteOptions(compression=codec)
    with pa.ipc.new_stream(sink, table.schema, options=how) as stream:
        stream.write_table(table)
    return list(pa.ipc.MessageReader.open_stream(sink.getvalue()))


def check(sent: pa.Message) -> None:
    """Check a message."""
    check_size(memoryview(sent.metadata), memoryview(sent.body))


@pytest.mark.parametrize("codec", CODECS)
def test_the_size_is_found_in_the_message(codec: str) -> None:
    check(message(zeros(MAX_DECOMPRESSED_BYTES), codec))
    large = message(zeros(MAX_DECOMPRESSED_BYTES + 8), codec)
    assert len(large.body) < 1_000_000
    with pytest.raises(ValidationError, match=f"{MAX_DECOMPRESSED_BYTES + 8} bytes once"):
        check(large)


def test_the_sizes_of_all_buffers_count() -> None:
    half = zeros(MAX_DECOMPRESSED_BYTES // 2 + 8)["n"]
    with pytest.raises(ValidationError, match="smaller batches"):
        check(message(pa.record_batch({"a": half, "b": half}), "zstd"))


def test_dictionaries_count() -> None:
    word = pa.array(["x" * 1_000])
    words = pa.DictionaryArray.from_arrays(pa.array([0]), word.take(zeros(8 * 140_000)["n"]))
    sent = messages(pa.table({"w": words}), "zstd")
    assert [one.type for one in sent] == ["schema", "dictionary", "record batch"]
    with pytest.raises(ValidationError, match=r"a compressed record batch has 140\d{6} bytes"):
        check(sent[1])


def test_what_is_not_compressed_may_be_larger() -> None:
    check(pa.ipc.read_message(zeros(MAX_DECOMPRESSED_BYTES + 8).serialize()))


@pytest.mark.parametrize("codec", CODECS)
def test_a_buffer_that_lies_about_its_size_is_refused(codec: str) -> None:
    sent = message(zeros(80_000), codec)
    body = bytes(sent.body)
    assert body.startswith(struct.pack("<q", 80_000))
    for size in (0, 8, 79_992, 80_008, -2, 2**40, 2**62):
        with pytest.raises((Problem, pa.ArrowException, OSError)):
            read_back(sent.metadata, struct.pack("<q", size) + body[8:])


def read_back(header: pa.Buffer, body: bytes) -> pa.Table:
    """Take a stream of one batch of numbers in, and read it."""
    schema = pa.ipc.read_message(zeros(8).schema.serialize())
    with Backlog(None) as backlog:
        backlog.add(memoryview(schema.metadata), b"")
        backlog.add(memoryview(header), body)
        table = backlog.open().read_all()
        table.validate(full=True)
    return table


def test_a_size_below_zero_makes_no_room_for_others() -> None:
    n = zeros(800)["n"]
    sent = message(pa.record_batch({"a": n, "b": n}), "lz4")
    body = bytearray(sent.body)
    first, second = (at for at in range(0, len(body), 8) if body[at : at + 8] == _EIGHT_HUNDRED)
    assert read_back(message(zeros(800), "lz4").metadata, bytes(body[:second])).num_rows == 100
    body[first : first + 8] = struct.pack("<q", -(2**40))
    body[second : second + 8] = struct.pack("<q", 2**40)
    with pytest.raises(ValueError, match="below 0"):
        check_size(memoryview(sent.metadata), bytes(body))


_EIGHT_HUNDRED = struct.pack("<q", 800)


@given(st.data())
def test_any_header_is_read_or_refused(data: st.DataObject) -> None:
    sent = message(zeros(800), "zstd")
    header = bytearray(sent.metadata)
    for at in data.draw(st.lists(st.integers(0, len(header) - 1), min_size=1, max_size=4)):
        header[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(header)))
    with Backlog(None) as backlog, suppress(InvalidRequest, ValidationError):
        backlog.add(bytes(header[:cut]), sent.body)


def test_a_compressed_stream_is_taken(served: Served, client: httpx.Client) -> None:
    small, large = zeros(8_000), zeros(MAX_DECOMPRESSED_BYTES + 8)

    def put(batch: pa.RecordBatch) -> str:
        compress = flight.FlightCallOptions(
            headers=options().headers, write_options=pa.ipc.IpcWriteOptions(compression="lz4")
        )
        command = create_command(default_space(client), unique())
        with connect(served) as connection:
            writer, answers = connection.do_put(command, batch.schema, compress)
            with writer:
                writer.write_batch(batch)
                writer.done_writing()
                return str(answers.read().to_pybytes()[2:].decode())

    assert read(served, datasetId=put(small)).num_rows == 1_000
    assert "once it is decompressed" in refusal(put, large).detail
