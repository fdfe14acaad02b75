"""Give decoders what coverage leads to: `make fuzz`, or `python -m tests.fuzz TARGET [FLAG ...]`.

Each target reads or refuses, as in `tests/faults/test_hostile_texts.py`; whatever else is raised
ends the run, and its input is written to a file. The flags are libFuzzer's.
"""

from __future__ import annotations

import base64
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["exempla", "sqlglot"]):
    from exempla import filters
    from exempla.api import pages
    from exempla.errors import Problem
    from exempla.flight import commands, protocol
    from exempla.ids import parse_id

WORDS = (
    *("a", "n", '"b c"', "`d`", "o.p", "id", "'x'", "'it''s'", "''", "'%_'", "'\\u00e9'", "TRUE"),
    *("0", "1", "-1", "1.50", "1e400", "9007199254740993", "NULL", "NOT", "AND", "OR", "IN", "IS"),
    *("LIKE", "BETWEEN", "=", "!=", "<", "<=", ">", ">=", "(", ")", ",", ".", "annotation.x.score"),
)
BODIES = (
    "{}",
    '{"a":"x","n":1,"b c":true,"d":null}',
    '{"a":"it\'s","n":1.50,"o":{"p":"x"}}',
    '{"a":"\\u0000x","n":9007199254740993,"o":{"p":1,"p":2}}',
    '{"a":["x"],"n":-1e400,"o":"p","d":"\\ud83d\\ude00%_"}',
    '{"a":0.1,"n":1e0,"b c":false,"o":{"p":{"q":1}}}',
)


def stored() -> sqlite3.Connection:
    """Return a database with the bodies, as the scan of a search sees them."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE revisions (ordinal INTEGER, body TEXT)")
    connection.execute("CREATE TABLE examples (ordinal INTEGER, id TEXT)")
    connection.executemany("INSERT INTO revisions VALUES (?, ?)", enumerate(BODIES))
    connection.executemany("INSERT INTO examples VALUES (?, ?)", enumerate("abcdef"))
    return connection


DATABASE = stored()


def fuzz_filters(data: atheris.FuzzedDataProvider) -> None:
    """A filter decides on every body, and what SQLite is asked for has all that match."""
    if data.ConsumeBool():
        text = data.ConsumeUnicode(300)
    else:
        count = data.ConsumeIntInRange(0, 30)
        text = " ".join(WORDS[data.ConsumeIntInRange(0, len(WORDS) - 1)] for _ in range(count))
    try:
        filter = filters.parse(text)
    except Problem:
        return
    matches = filters.matcher(filter)
    found = {n for n, body in enumerate(BODIES) if matches("abcdef"[n], body, {})}
    filters.narrow_postgres(filter)
    condition, values = filters.narrow_sqlite(filter)
    if condition and not filter.annotations:
        seen = DATABASE.execute(
            "SELECT r.ordinal FROM revisions AS r CROSS JOIN examples AS e "
            f"WHERE e.ordinal = r.ordinal AND ({condition})",
            values,
        )
        assert found <= {ordinal for (ordinal,) in seen}, text


def fuzz_ids(data: atheris.FuzzedDataProvider) -> None:
    """What is read as an id is written as it was."""
    text = perhaps_encoded(data)
    with suppress(Problem):
        assert str(parse_id(text, "Dataset", "dataset_id")) == text


def fuzz_cursors(data: atheris.FuzzedDataProvider) -> None:
    """What is read as a cursor is written as it was."""
    text = perhaps_encoded(data)
    with suppress(Problem):
        pages.before(text, "keys")
    for read in (pages.examples_cursor, pages.diff_cursor):
        with suppress(Problem):
            assert not text or str(read(text)) == text


def fuzz_flight(data: atheris.FuzzedDataProvider) -> None:
    """A message is read, or is none; a command in it is read or refused."""
    message = data.ConsumeBytes(4_096)
    for read in (commands.read_command, commands.read_ticket):
        with suppress(Problem):
            read(message)
    with suppress(ValueError):
        protocol.read_ticket(message)
    with suppress(ValueError):
        found = protocol.read_flight_data(message)
        again = protocol.read_flight_data(protocol.flight_data(found.header, found.body))
        assert (again.header, again.body) == (found.header, found.body)


def perhaps_encoded(data: atheris.FuzzedDataProvider) -> str:
    """Return any text, or the Base64 of parts with colons between, with or without padding."""
    if not data.ConsumeIntInRange(0, 7):
        return str(data.ConsumeUnicode(200))
    text = ":".join(part(data) for _ in range(data.ConsumeIntInRange(1, 11)))
    encoded = base64.b64encode(text.encode()).decode()
    return encoded if data.ConsumeBool() else encoded.rstrip("=")


def part(data: atheris.FuzzedDataProvider) -> str:
    """Return what may stand in an id or a cursor."""
    kind = data.ConsumeIntInRange(0, 7)
    if not kind:
        return str(data.ConsumeUnicodeNoSurrogates(30))
    if kind < 5:
        return str(data.ConsumeIntInRange(-1, 10**20 if kind == 1 else 99))
    return str(data.PickValueInList(["Dataset", "examples", "diff", "keys", "aBcD", "a1B2c3D4e5"]))


TARGETS: dict[str, Callable[[atheris.FuzzedDataProvider], None]] = {
    "filters": fuzz_filters,
    "ids": fuzz_ids,
    "cursors": fuzz_cursors,
    "flight": fuzz_flight,
}


def main() -> None:
    """Fuzz one target until libFuzzer's limits, or for ever."""
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, lambda bytes: target(atheris.FuzzedDataProvider(bytes)))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
