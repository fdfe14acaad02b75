"""`exempla compact`: space comes back, beside a running server, and nothing else changes."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from exempla.errors import StartupError
from exempla.settings import Settings
from exempla.store import compact, setup
from exempla.store.folder import LOCK_FILE
from tests.api.helpers import make_dataset
from tests.cli.support import Place, all_examples, client, running
from tests.serving import Served, exempla_here

SIZE = 10_000
COUNT = 500
_SAID = re.compile(r"([0-9.]+) MiB before, ([0-9.]+) MiB after")


def large_examples() -> list[str]:
    """Make examples that cannot be compressed much."""
    return [json.dumps({"text": secrets.token_hex(SIZE // 2)}) for _ in range(COUNT)]


class Writer(threading.Thread):
    """Update an example again and again, and keep the statuses of the answers."""

    def __init__(self, served: Served, path: str, id: str) -> None:
        super().__init__()
        self._served = served
        self._path = path
        self._id = id
        self.enough = threading.Event()
        self.statuses: list[int] = []

    def run(self) -> None:
        with client(self._served) as http:
            while not self.enough.is_set():
                body = {"examples": [{"id": self._id, "n": len(self.statuses) + 1}]}
                self.statuses.append(http.patch(self._path, json=body).status_code)


class Sizes(NamedTuple):
    """What the command says, in MiB."""

    before: float
    after: float


def test_space_comes_back_while_others_write(place: Place) -> None:
    with running(*place.flags) as served, client(served) as http:
        if place.url:  # else PostgreSQL may be faster
            off = "autovacuum_enabled = off, toast.autovacuum_enabled = off"
            place.execute(f"ALTER TABLE revisions SET ({off})")
        kept = make_dataset(http, ['{"n":0}', '{"n":"untouched"}']).id
        gone = make_dataset(http, large_examples()).id
        ids = [one["id"] for one in all_examples(http, kept)]
        assert http.delete(f"/v2/datasets/{gone}").status_code == 204
        writer = Writer(served, f"/v2/datasets/{kept}/examples", ids[0])
        writer.start()
        done = exempla_here("compact", *place.flags)
        writer.enough.set()
        writer.join()
        assert done.returncode == 0, done.stderr
        found = _SAID.search(done.stdout)
        assert found
        sizes = Sizes(float(found[1]), float(found[2]))
        assert sizes.before > COUNT * SIZE / 2**20
        assert sizes.after < sizes.before / 2
        assert set(writer.statuses) == {200}
        stored = all_examples(http, kept)
        assert [one["n"] for one in stored] == [len(writer.statuses), "untouched"]
    if not place.url:
        assert place.file.stat().st_size < sizes.before * 2**20 / 2
        assert {file.name.removeprefix(place.file.name) for file in place.folder.iterdir()} <= {
            "",
            "-wal",
            "-shm",
            LOCK_FILE,
        }


def test_too_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = setup.open_engine(Settings(data_dir=tmp_path))
    database, _ = setup.open_database(engine)
    database.close()
    before = compact.size(engine)
    usage = shutil.disk_usage(tmp_path)._replace(free=2 * before - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StartupError, match="make room"):
        compact.give_back(engine, print)
    assert compact.size(engine) == before
