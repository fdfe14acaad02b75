"""Whatever text or bytes a decoder gets, it reads them or raises a problem, and nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exempla import filters
from exempla.api import body, fields, pages
from exempla.api.datasets import CreateDataset
from exempla.api.examples import AnnotateExamples, SearchExamples, UpdateExamples
from exempla.errors import Problem
from exempla.flight import commands, protocol
from exempla.ids import ResourceId, parse_id

TRIES = 400
FEW_TRIES = 100
"""Of what `make fuzz` tries far more of."""

_WORDS = ["a", '"b c"', "`d`", "annotation.x.score", "id", "'t'", "''", "1", "-1e400", "true"]
_SIGNS = ["=", "!=", "<>", "<", ">=", "(", ")", ",", ".", "\\", "'", '"', "\0", "\n", "\ud800"]
_MORE = ["AND", "OR", "NOT", "IN", "LIKE", "IS", "NULL", "is not null", "--", "/*", ";", "::", "%"]
filter_texts = st.text() | st.lists(st.sampled_from(_WORDS + _SIGNS + _MORE), max_size=40).map(
    " ".join
)
_nearly_ids = st.builds(
    lambda kind, number, suffix: f"{kind}:{number}:{suffix}",
    st.sampled_from(["Dataset", "Space", "examples", "diff", "keys", "logs", ""]),
    st.integers() | st.text(max_size=30),
    st.text(max_size=30),
)
encoded = st.text() | _nearly_ids.map(
    lambda text: base64.b64encode(text.encode("utf-8", "replace")).decode()
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_members = [
    *("name", "space_id", "examples", "id", "new_version", "filter", "limit", "cursor"),
    *("annotations", "record_id", "values", "createDataset", "getDataset", "spaceId"),
    *("datasetName", "datasetId", "datasetVersion"),
]
documents = st.binary() | st.dictionaries(
    st.sampled_from(_members) | st.text(),
    json_values | st.dictionaries(st.sampled_from(_members), json_values),
).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))


def reads_or_refuses(read: Callable[[], object]) -> None:
    """Read; a problem must say something, and not what went wrong inside."""
    problem = None
    try:
        read()
    except Problem as refused:
        problem = refused
    if problem:
        assert problem.detail
        assert "Traceback" not in problem.detail
        assert 400 <= problem.status < 500 or problem.status == 501


@settings(max_examples=TRIES)
@given(filter_texts)
@example("(" * 100_000)
@example("NOT " * 100_000 + "a")
@example("a = 1 AND " * 20_000 + "a = 1")
@example("a." * 50_000 + "b = 1")
@example("a IN (" + "1," * 50_000 + "1)")
@example("a LIKE '" + "%" * 50_000 + "'")
@example("a = " + "9" * 1_000_000)
@example("'" + "\\'" * 100_000)
def test_filters(text: str) -> None:
    reads_or_refuses(lambda: filters.parse(text))


@settings(max_examples=TRIES)
@given(encoded)
@example("=" * 10_000)
@example(base64.b64encode(b"Dataset:" + b"9" * 10_000 + b":aBcD").decode())
def test_ids(text: str) -> None:
    reads_or_refuses(lambda: parse_id(text, "Dataset", "dataset_id"))
    with suppress(Problem):
        assert str(parse_id(text, "Dataset", "dataset_id")) == text


@settings(max_examples=TRIES)
@given(encoded)
@example("A" * 100_000)
def test_cursors(text: str) -> None:
    reads_or_refuses(lambda: pages.before(text, "keys"))
    reads_or_refuses(lambda: pages.examples_cursor(text))
    reads_or_refuses(lambda: pages.diff_cursor(text))
    with suppress(Problem):
        assert not text or str(pages.examples_cursor(text)) == text


@given(st.integers(1, 10**18 - 1), st.integers(1, 10**9 - 1), st.integers(0, 10**18 - 1))
def test_a_cursor_comes_back(dataset: int, version: int, ordinal: int) -> None:
    cursor = pages.ExamplesCursor(dataset, ResourceId("DatasetVersion", version, "aBcD"), ordinal)
    assert pages.examples_cursor(str(cursor)) == cursor


@settings(max_examples=FEW_TRIES)
@given(documents)
@example(b"[" * 1_000_000)
@example(b'{"createDataset":' * 10_000)
@example(b'{"getDataset": {"datasetId": ' + b"[" * 100_000)
def test_commands_of_flight(text: bytes) -> None:
    reads_or_refuses(lambda: commands.read_command(text))
    reads_or_refuses(lambda: commands.read_ticket(text))


@settings(max_examples=TRIES)
@given(st.binary())
@example(b"\xff" * 100_000)
@example(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
@example(b"\x08" * 100_000)
def test_messages_of_flight(message: bytes) -> None:
    for read in (protocol.read_flight_data, protocol.read_ticket):
        with suppress(ValueError):
            read(message)


@settings(max_examples=TRIES)
@given(st.binary(), st.binary(), st.binary())
def test_a_message_of_flight_comes_back(command: bytes, header: bytes, data: bytes) -> None:
    descriptor = b"\x12" + bytes([len(command) % 128]) + command[: len(command) % 128]
    message = b"\x0a" + bytes([len(descriptor) % 128]) + descriptor
    if len(descriptor) < 128:
        read = protocol.read_flight_data(message + protocol.flight_data(header, data))
        assert (bytes(read.header), bytes(read.body)) == (header, data)


@pytest.mark.parametrize("type", [CreateDataset, UpdateExamples, SearchExamples, AnnotateExamples])
@settings(max_examples=TRIES // 2)
@given(documents)
def test_bodies(type: Any, text: bytes) -> None:
    reads_or_refuses(lambda: body.read(text, type))


@settings(max_examples=TRIES)
@given(st.text() | st.datetimes().map(str))
@example("0001-01-01T00:00:00+23:59")
@example("9999-12-31T23:59:59-23:59")
@example("9" * 100_000)
def test_query_parameters(text: str) -> None:
    reads_or_refuses(lambda: fields.moment(text, "start_time", 0))
    reads_or_refuses(lambda: fields.whole_number(text, "limit", 50, 100))
