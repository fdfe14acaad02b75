"""The table of bad input, which `test_bad_input.py` sends.

`<...>` in a path or a body stands for something that the test makes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from tests.api.helpers import make_id


class Bad(NamedTuple):
    """A request that is refused: how, and what the detail says."""

    name: str
    method: str
    url: str
    body: bytes
    status: int
    detail: str = ""


class Write(NamedTuple):
    """A way to write: its request, the member with its items, good items, other members."""

    name: str
    method: str
    url: str
    items: str
    good: bytes
    other_good: bytes
    rest: bytes = b""

    def body(self, *items: bytes) -> bytes:
        """Return a body with these items."""
        return self.with_items(b"[" + b",".join(items) + b"]")

    def with_items(self, value: bytes) -> bytes:
        """Return a body with this in place of the list of items."""
        return b"{" + self.rest + f'"{self.items}":'.encode() + value + b"}"

    def distinct(self, count: int) -> list[bytes]:
        """Return so many good items, those with ids each with another."""
        return [self.other_good.replace(b"<id1>", b"x%d" % n) for n in range(count)]

    def bad(self, name: str, body: bytes, status: int, detail: str = "") -> Bad:
        """Return this request with another body."""
        return Bad(f"{self.name}: {name}", self.method, self.url, body, status, detail)


EXAMPLES_URL = "/v2/datasets/<dataset>/examples"
UPDATE = Write(
    "update",
    "PATCH",
    EXAMPLES_URL,
    "examples",
    b'{"id":"<id0>","answer":"changed"}',
    b'{"id":"<id1>","answer":"changed"}',
)
UPDATE_INTO_NEW = UPDATE._replace(name="update into a new version", rest=b'"new_version":"v9",')
CREATE = Write(
    "create",
    "POST",
    "/v2/datasets",
    "examples",
    b'{"n":7}',
    b'{"n":8}',
    b'"name":"<name>","space_id":"<space>",',
)
INSERT = Write("insert", "POST", EXAMPLES_URL, "examples", b'{"n":7}', b'{"n":8}')
DELETE = Write(
    "delete",
    "DELETE",
    EXAMPLES_URL,
    "example_ids",
    b'"<id0>"',
    b'"<id1>"',
    b'"dataset_version_id":"<v1>",',
)
WRITES = (UPDATE, UPDATE_INTO_NEW, CREATE, INSERT, DELETE)
NOT_OBJECTS = {"null": b"null", "number": b"7", "string": b'"x"', "boolean": b"true"}
NOT_TEXTS = {"null": b"null", "number": b"7", "list": b'["x"]', "object": b'{"x":1}'}


def bodies(write: Write) -> Iterator[Bad]:
    """Bodies that are not what the route takes."""
    good = write.body(write.good)
    yield write.bad("empty body", b"", 400, "body")
    yield write.bad("blank body", b" \n", 400)
    yield write.bad("a JSON array", b"[" + good + b"]", 400, "body")
    for name, body in NOT_OBJECTS.items():
        yield write.bad(f"body {name}", body, 400, "body")
    yield write.bad("not JSON", b"examples=1", 400, "JSON")
    yield write.bad("cut JSON", good[:-1], 400, "JSON")
    yield write.bad("two values", good + good, 400, "JSON")
    yield write.bad("trailing comma", good[:-1] + b",}", 400, "JSON")
    yield write.bad("invalid UTF-8", good[:-1] + b',"x":"\xff"}', 400, "UTF-8")
    yield write.bad("UTF-16", good.decode().encode("utf-16"), 400, "UTF-8")
    yield write.bad("unknown member", good[:-1] + b',"example":[]}', 422, "example")
    without = write.rest.rstrip(b",")
    yield write.bad("no items", b"{" + without + b"}", 422, write.items)
    yield write.bad("empty items", write.body(), 422, write.items)
    for name, value in {**NOT_OBJECTS, "object": b"{}"}.items():
        yield write.bad(f"items {name}", write.with_items(value), 400, write.items)
    many = write.distinct(1_001)
    yield write.bad("1,001 items", write.body(*many), 422, write.items)


def items_of_all(write: Write) -> Iterator[Bad]:
    """Items, after a good one, that are not an example that may be written."""

    def bad(name: str, item: bytes, status: int, detail: str = "") -> Bad:
        return write.bad(name, write.body(write.good, item), status, detail)

    for name, item in {**NOT_OBJECTS, "list": b"[]"}.items():
        yield bad(f"item {name}", item, 400, "examples[1]")
    inside = write.other_good[:-1]
    for field in ("created_at", "updated_at", "annotations"):
        item = inside + f',"{field}":"2020-01-01T00:00:00Z"}}'.encode()
        yield bad(f"{field} in an item", item, 422, f"examples[1].{field}")
    late = write.distinct(1_000)
    late[998] = late[998][:-1] + b',"created_at":null}'
    yield write.bad(
        "created_at in item 999 of 1,000", write.body(*late), 422, "examples[998].created_at"
    )
    for name, value in {"surrogate": rb'"\ud800"', "NaN": b"NaN", "bytes": b'"\x80"'}.items():
        yield bad(f"{name} in an item", inside + b',"v":' + value + b"}", 400)
    deep = b"[" * 101 + b"]" * 101
    yield bad("nesting 101", inside + b',"v":' + deep + b"}", 422, "examples[1].v")


def items_to_update(write: Write) -> Iterator[Bad]:
    """Items, after a good one, that do not say which example to update."""

    def bad(name: str, item: bytes, status: int) -> Bad:
        return write.bad(name, write.body(write.good, item), status, "examples[1].id")

    yield bad("no id", b'{"answer":"x"}', 422)
    yield bad("an item without members", b"{}", 422)
    yield bad("empty id", b'{"id":"","answer":"x"}', 422)
    yield bad("the same id twice", write.good, 422)
    for name, value in {**NOT_TEXTS, "boolean": b"false"}.items():
        yield bad(f"id {name}", b'{"id":' + value + b',"answer":"x"}', 400)
    surrogate = write.body(write.good, b'{"id":"\\udc00"}')
    yield write.bad("surrogate in an id", surrogate, 400)


def items_to_add(write: Write) -> Iterator[Bad]:
    """Items, after a good one, that cannot be new examples."""
    for name, item, detail in (
        ("an item without fields", b"{}", "examples[1]"),
        ("an item with an id", b'{"id":"<id0>","n":1}', "examples[1].id"),
        ("an item with a null id", b'{"id":null,"n":1}', "examples[1].id"),
    ):
        yield write.bad(name, write.body(write.good, item), 422, detail)


def items_to_delete() -> Iterator[Bad]:
    """Ids, after a good one, that cannot be those of examples to delete."""

    def bad(name: str, item: bytes, status: int) -> Bad:
        return DELETE.bad(name, DELETE.body(DELETE.good, item), status, "example_ids[1]")

    for name, value in NOT_TEXTS.items():
        yield bad(f"id {name}", value, 400)
    yield bad("empty id", b'""', 422)
    yield bad("the same id twice", DELETE.good, 422)


def names(write: Write, member: str, *, required: bool) -> Iterator[Bad]:
    """Names of a dataset or a version that are refused."""

    def bad(name: str, value: bytes, status: int) -> Bad:
        rest = write.rest.replace(b'"<name>"', value) or f'"{member}":'.encode() + value + b","
        body = write._replace(rest=rest).body(write.good)
        return write.bad(f"{member} {name}", body, status, member if b"ud800" not in value else "")

    for name, value in NOT_TEXTS.items():
        if required or name != "null":
            yield bad(name, value, 400)
    yield bad("blank", b'" \\t\\n"', 422)
    yield bad("blank in Unicode", '"\u3000\u00a0"'.encode(), 422)
    yield bad("of 256 characters", b'"' + b"n" * 256 + b'"', 422)
    yield bad("of 256 emoji", b'"' + "😀".encode() * 256 + b'"', 422)
    yield bad("with a surrogate", rb'"\ud800"', 400)
    yield bad("with U+0000", rb'"a\u0000b"', 422)
    if required:
        yield bad("empty", b'""', 422)


IDS = (  # what is wrong, the id, the status
    ("not base64", "not-an-id", 400),
    ("base64 of other text", "aGVsbG8=", 400),
    ("not padded", "RGF0YXNldDoxOmFCY0", 400),
    ("without a suffix", "RGF0YXNldDox", 400),
    ("of another kind", "<space>", 400),
    ("of a kind that does not exist", make_id("Thing", 1, "aBcDeFgHiJ"), 400),
)


def addresses(write: Write) -> Iterator[Bad]:
    """Ids of datasets and versions that lead nowhere."""
    body = write.body(write.good)
    for name, id, status in (
        *IDS,
        ("of a version", "<v1>", 400),
        ("that does not exist", make_id("Dataset", 999_999_999, "aBcDeFgHiJ"), 404),
        ("that is guessed", "<guessed dataset>", 404),
        ("of a deleted dataset", "<deleted>", 404),
    ):
        url = write.url.replace("<dataset>", id)
        yield Bad(f"{write.name}: dataset id {name}", write.method, url, body, status)
    for name, id, status in (
        *IDS,
        ("of a dataset", "<dataset>", 400),
        ("that does not exist", make_id("DatasetVersion", 999_999_999, "aBcDeFgHiJ"), 404),
        ("that is guessed", "<guessed version>", 404),
        ("of another dataset", "<foreign>", 404),
    ):
        detail = "dataset_version_id" if status == 400 else ""
        at = "" if write is DELETE else f"?dataset_version_id={id}"
        there = body.replace(b"<v1>", id.encode())
        full = f"{write.name}: version id {name}"
        yield Bad(full, write.method, write.url + at, there, status, detail)


def spaces() -> Iterator[Bad]:
    """Spaces that a dataset cannot be made in."""

    def bad(name: str, value: bytes, status: int, detail: str = "") -> Bad:
        body = CREATE.body(CREATE.good).replace(b'"<space>"', value)
        return CREATE.bad(f"space_id {name}", body, status, detail)

    for name, value in NOT_TEXTS.items():
        yield bad(name, value, 400, "space_id")
    for name, id, status in IDS[:4]:
        yield bad(name, json.dumps(id).encode(), status, "space_id")
    yield bad("of another kind", b'"<dataset>"', 400, "space_id")
    yield bad("that is guessed", b'"<guessed space>"', 404)
    without = CREATE._replace(rest=b'"name":"<name>",').body(CREATE.good)
    yield CREATE.bad("without a space", without, 422, "space_id")


def singles() -> Iterator[Bad]:
    """What is wrong with one route only."""
    for taken in ("<taken>", "<first name>"):
        body = UPDATE.body(UPDATE.good)[:-1] + f',"new_version":"{taken}"}}'.encode()
        yield UPDATE.bad(f"new_version {taken}", body, 409, taken)
    taken_name = CREATE.body(CREATE.good).replace(b"<name>", b"<dataset name>")
    yield CREATE.bad("name of another dataset", taken_name, 409, "<dataset name>")
    no_name = CREATE._replace(rest=b'"space_id":"<space>",').body(CREATE.good)
    yield CREATE.bad("without a name", no_name, 422, "name")
    version_gone = DELETE._replace(rest=b"").body(DELETE.good)
    yield DELETE.bad("without a version", version_gone, 422, "dataset_version_id")
    no_version = DELETE.body(DELETE.good).replace(b"<v1>", b"")
    yield DELETE.bad("empty version", no_version, 422, "dataset_version_id")
    for name, value in NOT_TEXTS.items():
        body = DELETE.body(DELETE.good).replace(b'"<v1>"', value)
        yield DELETE.bad(f"version {name}", body, 400, "dataset_version_id")


def table() -> Iterator[Bad]:
    """All bad requests."""
    for write in WRITES:
        yield from bodies(write)
    for write in (UPDATE, UPDATE_INTO_NEW):
        yield from items_of_all(write)
        yield from items_to_update(write)
        yield from addresses(write)
    for write in (CREATE, INSERT):
        yield from items_of_all(write)
        yield from items_to_add(write)
    yield from items_to_delete()
    yield from addresses(INSERT)
    yield from addresses(DELETE)
    yield from names(UPDATE, "new_version", required=False)
    yield from names(CREATE, "name", required=True)
    yield from spaces()
    yield from singles()


TABLE = list(table())
