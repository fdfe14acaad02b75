"""The storage contract for digests that are asked for: computed once, and kept."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from exempla.errors import NotFound, Unavailable
from exempla.ids import ResourceId
from exempla.settings import Settings
from exempla.store import datasets as datasets_store
from exempla.store import digests, examples, setup, versions
from exempla.store.access import OPERATOR
from exempla.store.digesting import Described, Digester
from tests.store.conftest import Store
from tests.store.values import fields

LONG = 60.0


def describe(store: Store, dataset: ResourceId, version: ResourceId) -> str:
    async def ask() -> str:
        digester = Digester(store.database)
        return (await digester.describe(OPERATOR, dataset, version, LONG))[1]

    return asyncio.run(ask())


def true_digest(store: Store, dataset: ResourceId) -> str:
    return store.read(digests.details, OPERATOR, dataset, None)[2].digest


class Computing:
    """Stands where digests are found: counts what was not kept, and holds it back until told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, held_back: bool = False) -> None:
        self.runs = 0
        self.computed, self.go_on = threading.Event(), threading.Event()
        if not held_back:
            self.go_on.set()
        self._details = digests.details
        monkeypatch.setattr(digests, "details", self)

    def __call__(self, *arguments: Any) -> Any:
        found = self._details(*arguments)
        self.runs += not found[2].is_kept  # one kept since the request looked is no computation
        self.computed.set()
        assert self.go_on.wait(LONG)
        return found


class Keeping:
    """Stands where sums are kept, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
        self.runs = 0
        self._keep, self._error = digests.keep, error
        monkeypatch.setattr(digests, "keep", self)

    def __call__(self, *arguments: Any) -> None:
        self.runs += 1
        if self._error:
            raise self._error
        self._keep(*arguments)


def test_requests_at_once_compute_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, version, _ = store.dataset_of(3)
    expected = true_digest(store, dataset.id)
    computing = Computing(monkeypatch)

    async def all_at_once() -> set[str]:
        digester = Digester(store.database)
        asked = (digester.describe(OPERATOR, dataset.id, version.id, LONG) for _ in range(8))
        return {digest for _, digest in await asyncio.gather(*asked)}

    assert asyncio.run(all_at_once()) == {expected}
    assert computing.runs == 1


def test_who_gave_up_gets_it_on_asking_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, version, _ = store.dataset_of(3)
    expected = true_digest(store, dataset.id)
    computing = Computing(monkeypatch, held_back=True)

    async def ask() -> str:
        digester = Digester(store.database)
        for _ in range(2):
            with pytest.raises(Unavailable, match="EXEMPLA_QUERY_TIMEOUT"):
                await digester.describe(OPERATOR, dataset.id, version.id, 0.05)
        joined = digester._computation

        def join(*which: ResourceId) -> asyncio.Task[Described]:
            task = joined(*which)
            computing.go_on.set()  # not earlier: what it has found would be forgotten by then
            return task

        monkeypatch.setattr(digester, "_computation", join)
        return (await digester.describe(OPERATOR, dataset.id, version.id, LONG))[1]

    assert asyncio.run(ask()) == expected
    assert computing.runs == 1


def test_an_answer_has_what_was_written_before_the_request(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, version, ids = store.dataset_of(3)
    computing = Computing(monkeypatch, held_back=True)

    async def ask() -> tuple[str, str]:
        digester = Digester(store.database)
        first = asyncio.create_task(digester.describe(OPERATOR, dataset.id, version.id, LONG))
        assert await asyncio.to_thread(computing.computed.wait, LONG)
        changes = {ids[0]: fields(n=9)}
        await store.database.write(examples.update, OPERATOR, dataset.id, None, changes, None)
        second = asyncio.create_task(digester.describe(OPERATOR, dataset.id, version.id, LONG))
        await store.database.read(versions.details, OPERATOR, dataset.id, None)
        computing.go_on.set()
        return (await first)[1], (await second)[1]

    before, after = asyncio.run(ask())
    assert before != after == true_digest(store, dataset.id)


def test_a_version_that_was_not_written_to_is_not_computed_or_kept_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, v1, ids = store.dataset_of(3)
    keeping = Keeping(monkeypatch)
    first = describe(store, dataset.id, v1.id)
    assert keeping.runs == 1
    store.write(examples.update, OPERATOR, dataset.id, None, {ids[0]: fields(n=9)}, "v2")
    computing = Computing(monkeypatch)
    assert describe(store, dataset.id, v1.id) == first
    assert (computing.runs, keeping.runs) == (0, 1)
    store.write(examples.update, OPERATOR, dataset.id, v1.id, {ids[0]: fields(n=8)}, None)
    assert describe(store, dataset.id, v1.id) != first
    assert (computing.runs, keeping.runs) == (1, 2)


def test_a_digest_that_cannot_be_kept_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, version, _ = store.dataset_of(3)
    keeping = Keeping(monkeypatch, Unavailable("the disk is full"))
    assert describe(store, dataset.id, version.id) == true_digest(store, dataset.id)
    assert keeping.runs == 1


def test_a_version_that_is_not_there(store: Store) -> None:
    dataset, version, _ = store.dataset_of(1)
    store.write(datasets_store.delete, OPERATOR, dataset.id)
    with pytest.raises(NotFound):
        describe(store, dataset.id, version.id)


def test_a_server_that_stops_does_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, _ = setup.open_database(setup.open_engine(Settings(data_dir=tmp_path)))
    store = Store(database)
    dataset, version, _ = store.dataset_of(1_000)
    begun, element = threading.Event(), digests.element

    def slowly(*arguments: Any) -> int:
        begun.set()
        time.sleep(0.02)
        return element(*arguments)

    monkeypatch.setattr(digests, "element", slowly)

    async def ask() -> None:
        asked = asyncio.create_task(
            Digester(database).describe(OPERATOR, dataset.id, version.id, LONG)
        )
        assert await asyncio.to_thread(begun.wait, LONG)
        await asyncio.to_thread(database.close)
        with pytest.raises(Unavailable, match="stopping"):
            await asked

    asyncio.run(ask())
