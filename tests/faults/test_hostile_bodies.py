"""Bodies that are made to harm: the server refuses or serves them, and others keep being served."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import httpx
import pytest

from tests.api.helpers import assert_problem, default_space, send, unique
from tests.cli.support import client
from tests.faults.hostile import (
    MIB,
    answer,
    assert_memory_returns,
    connect,
    head,
    memory,
    others_served,
    status,
    warm_server,
)
from tests.serving import Served

DATASETS = "/v2/datasets"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with warm_server(tmp_path_factory.mktemp("hostile")) as one:
        yield one


@pytest.fixture
def http(served: Served) -> Iterator[httpx.Client]:
    """A client; afterwards the server must live, with no more memory than before."""
    idle = memory(served)
    with others_served(served), client(served) as one:
        yield one
    assert_memory_returns(served, idle)


def with_example(http: httpx.Client, example: str) -> bytes:
    """Write the body that makes a dataset of this one example."""
    space = default_space(http)
    return f'{{"name":"{unique()}","space_id":"{space}","examples":[{example}]}}'.encode()


def test_a_body_that_says_it_is_too_large_is_not_even_read(
    served: Served, http: httpx.Client
) -> None:
    with connect(served) as connection:
        connection.sendall(head("POST", DATASETS, f"Content-Length: {200 * MIB}"))
        assert " 413 " in answer(connection).splitlines()[0]


def test_a_body_of_200_mib_is_refused(served: Served, http: httpx.Client) -> None:
    part = b"x" * MIB
    with connect(served) as connection:
        connection.sendall(head("POST", DATASETS, f"Content-Length: {200 * MIB}"))
        for _ in range(200):
            connection.sendall(part)
        assert status(connection) == 413


def test_a_body_in_chunks_without_an_end_is_refused(served: Served, http: httpx.Client) -> None:
    part = b"%x\r\n" % MIB + b"x" * MIB + b"\r\n"
    with connect(served) as connection:
        connection.sendall(head("POST", DATASETS, "Transfer-Encoding: chunked"))
        for _ in range(65):
            connection.sendall(part)
        assert status(connection) == 413


def test_a_body_without_a_key_is_refused_before_it_is_read(
    served: Served, http: httpx.Client
) -> None:
    asked = head("POST", DATASETS, f"Content-Length: {60 * MIB}").replace(
        b"Bearer exk", b"Bearer x"
    )
    with connect(served) as connection:
        connection.sendall(asked)
        assert status(connection) == 401


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_compressed_body_is_not_unpacked(http: httpx.Client, encoding: str) -> None:
    bomb = gzip.compress(b"[" * (100 * MIB), 1)
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    refused = http.post(DATASETS, content=bomb, headers=headers)
    assert_problem(refused, 415, "invalid-request", encoding)
    assert refused.headers["Accept-Encoding"] == "identity"


def test_the_encoding_identity_is_none(http: httpx.Client) -> None:
    headers = {"Content-Encoding": "Identity", "Content-Type": "application/json"}
    made = http.post(DATASETS, content=with_example(http, '{"n":1}'), headers=headers)
    assert made.status_code == 201


def test_100_000_keys_in_one_example_are_kept(http: httpx.Client) -> None:
    example = {f"k{number}": number for number in range(100_000)}
    made = send(http, "POST", DATASETS, with_example(http, json.dumps(example)))
    assert made.status_code == 201
    url = f"{DATASETS}/{made.json()['id']}/examples"
    (read,) = http.get(url).json()["examples"]
    assert {name: read[name] for name in example} == example
    change = {"examples": [{"id": read["id"], "k99999": "new"}]}
    assert send(http, "PATCH", url, change).status_code == 200
    assert http.get(url).json()["examples"][0]["k99999"] == "new"


@pytest.mark.parametrize("key", ['"k{}":1', '"":{}', '"k":{{"{}":1}}'])
def test_millions_of_keys_are_refused_before_they_are_read(http: httpx.Client, key: str) -> None:
    example = "{" + ",".join(map(key.format, range(3_000_000))) + "}"
    refused = send(http, "POST", DATASETS, with_example(http, example))
    assert_problem(refused, 422, "validation-error", "500000")


def test_millions_of_values_are_kept(http: httpx.Client) -> None:
    values = ",".join(["1"] * 5_000_000)
    made = send(http, "POST", DATASETS, with_example(http, f'{{"values":[{values}]}}'))
    assert made.status_code == 201
    assert http.delete(f"{DATASETS}/{made.json()['id']}").status_code == 204


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":', "[[],"])
@pytest.mark.parametrize("depth", [101, 2_000, 400_000])
def test_deep_nesting_is_refused(http: httpx.Client, opening: str, depth: int) -> None:
    closing = opening.replace("[]", "").replace('"a":', "").replace(",", "")[::-1]
    closing = closing.translate(str.maketrans("[{", "]}"))
    value = opening * depth + "1" + closing * depth
    assert send(http, "POST", DATASETS, with_example(http, f'{{"v":{value}}}')).status_code == 422
    unclosed = send(http, "POST", DATASETS, with_example(http, '{"v":' + opening * depth))
    assert unclosed.status_code in (400, 422)
    whole = send(http, "POST", DATASETS, value.encode())
    assert whole.status_code in (400, 422)


@pytest.mark.parametrize(
    "body",
    [
        b"\x00" * MIB,
        b"\xff" * MIB,
        b'"' + b"\\u0000" * MIB,
        b"-" * MIB,
        b"9" * MIB,
        b"1e" + b"9" * MIB,
        b" " * (60 * MIB),
        b'{"name":' + b'"' + b"x" * (60 * MIB) + b'"}',
    ],
    ids=["zeros", "no UTF-8", "escapes", "minus", "digits", "exponent", "blanks", "one string"],
)
def test_what_is_no_dataset_is_refused(http: httpx.Client, body: bytes) -> None:
    assert send(http, "POST", DATASETS, body).status_code in (400, 422)


def test_long_numbers_are_kept(http: httpx.Client) -> None:
    digits = "9" * MIB
    made = send(http, "POST", DATASETS, with_example(http, f'{{"n":{digits},"e":1e{digits}}}'))
    assert made.status_code == 201
    text = http.get(f"{DATASETS}/{made.json()['id']}/examples").text
    assert f'"n":{digits},"e":1e{digits}' in text
