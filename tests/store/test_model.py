"""Random sequences of all operations on all versions, against a model of plain dicts.

After each step every version of the store is compared with the model's, whole: ids, order,
times and bodies, and what the version tells of itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from exempla.errors import Conflict, PreconditionFailed, ValidationError
from exempla.ids import ResourceId
from exempla.store import datasets, diff, digests, examples, history, verify, versions
from exempla.store import schemas as schemas_store
from exempla.store.access import OPERATOR
from exempla.store.check import Violation, check_dataset, subjects
from exempla.store.diff import Change, Counts
from exempla.store.history import Event
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction
from tests.store.conftest import Store
from tests.store.model import (
    FIELDS,
    ModelExample,
    ModelVersion,
    Texts,
    as_body,
    as_fields,
    as_texts,
    model_changes,
    model_diff,
    model_rewrites,
    without_space,
)
from tests.store.values import raw


class StoreMachine(RuleBasedStateMachine):
    """Drives the store and the model side by side."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[ModelVersion] = []  # oldest first
        self.ids: list[str] = []  # every id there ever was
        self.updated_at = 0
        self.required: str | None = None  # the field that the dataset's schema requires
        self.log: list[tuple[str, ResourceId | None, int]] = []  # oldest first
        self.seen: dict[str, tuple[ModelVersion, int]] = {}  # by tag
        self.events: dict[str, list[tuple[str, ResourceId, Texts]]] = {}  # by id, oldest first

    @initialize(given=st.lists(FIELDS, min_size=1, max_size=6))
    def create(self, given: list[dict[str, str]]) -> None:
        dataset, version = self.store.new_dataset(*map(as_fields, given))
        self.dataset = dataset.id
        self.updated_at = dataset.updated_at
        self.versions = [ModelVersion(version.id, version.name)]
        self._adopt(self.versions[0], given)
        self.log.append(("created", version.id, len(given)))

    @rule(data=st.data(), given=st.lists(FIELDS, min_size=1, max_size=3))
    def insert(self, data: st.DataObject, given: list[dict[str, str]]) -> None:
        version, address = self._any_version(data)
        fields = [as_fields(texts) for texts in given]
        if refusal := self._refusal(version, given):
            with refusal:
                self.store.write(examples.insert, OPERATOR, self.dataset, address, fields)
            return
        written = self.store.write(examples.insert, OPERATOR, self.dataset, address, fields)
        assert written.version.id == version.id
        assert self._adopt(version, given) == written.example_ids
        self.log.append(("inserted", version.id, len(given)))

    @rule(data=st.data(), new=st.booleans())
    def update(self, data: st.DataObject, new: bool) -> None:
        version, address = self._any_version(data)
        ids = self._any_ids(data)
        changes = {id: data.draw(st.one_of(st.just({}), FIELDS)) for id in ids}
        name = f"version {len(self.versions)}" if new else None
        fields = {id: as_fields(texts) for id, texts in changes.items()}
        held = {id: texts for id, texts in changes.items() if id in version.examples}
        results = [version.texts(id) | texts for id, texts in held.items() if texts]
        if refusal := self._refusal(version, results, new=new):
            with refusal:
                self.store.write(examples.update, OPERATOR, self.dataset, address, fields, name)
            return
        written = self.store.write(examples.update, OPERATOR, self.dataset, address, fields, name)
        if name:
            version = self._branch(version, written.version.id, name)
        assert written.version.id == version.id
        assert written.example_ids == list(held)
        changed = {id: texts for id, texts in held.items() if texts}
        self._change(version, changed, written.dataset.updated_at)
        if changed or name:
            self.log.append(("updated" if changed else "branched", version.id, len(changed)))

    @rule(required=st.sampled_from([None, "a", "b"]))
    def set_schema(self, required: str | None) -> None:
        schema = None if required is None else raw(required=f'["{required}"]')
        self.store.write(schemas_store.put, OPERATOR, self.dataset, schema)
        if required != self.required:
            self.log.append(("schema_changed", None, 0))
        self.required = required

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        version, _ = self._any_version(data)
        ids = self._any_ids(data)
        if version.locked:
            with pytest.raises(Conflict, match="locked"):
                self.store.write(examples.delete, OPERATOR, self.dataset, version.id, ids)
            return
        deleted = self.store.write(
            examples.delete, OPERATOR, self.dataset, version.id, ids
        ).example_ids
        assert deleted == [id for id in ids if id in version.examples]
        for id in deleted:
            texts = model_changes(version.texts(id), {})
            self.events[id].append(("deleted", version.id, texts))
            del version.examples[id]
        if deleted:
            self.log.append(("deleted", version.id, len(deleted)))

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        version, address = self._any_version(data)
        name = f"version {len(self.versions)}"
        made = self.store.write(versions.branch, OPERATOR, self.dataset, address, name, "")
        self._branch(version, made.id, name)
        self.log.append(("branched", made.id, 0))

    @rule(data=st.data(), locked=st.booleans())
    def lock(self, data: st.DataObject, locked: bool) -> None:
        version, _ = self._any_version(data)
        changes = {"locked": locked}
        self.store.write(versions.change, OPERATOR, self.dataset, version.id, changes)
        if version.locked != locked:
            self.log.append(("version_changed", version.id, 0))
        version.locked = locked

    @rule(data=st.data(), limit=st.integers(1, 4))
    def compare(self, data: st.DataObject, limit: int) -> None:
        base, head = (self._any_version(data)[0] for _ in range(2))
        expected = model_diff(base, head)
        found: list[tuple[int, Change]] = []
        counts: Counts | None = None
        while True:
            page = self.store.read(
                diff.page,
                OPERATOR,
                self.dataset,
                base.id,
                head.id,
                after=found[-1][0] if found else 0,
                limit=limit,
                counts=counts,
                until=time.monotonic() + 60,
            )
            counts = page.counts
            found += page.changes
            assert page.has_more == (len(found) < len(expected))
            if not page.has_more:
                break
        assert {one.id: (one.kind, as_texts(one.fields)) for _, one in found} == expected
        in_order = [id for id in self.ids if id in expected]
        assert [one.id for _, one in found] == in_order
        kinds = [kind for kind, _ in expected.values()]
        added, removed, changed = (kinds.count(kind) for kind in ("added", "removed", "changed"))
        unchanged = len(base.examples) - removed - changed
        assert counts == Counts(added, removed, changed, unchanged)

    @rule(data=st.data(), limit=st.integers(1, 4))
    def read_a_history(self, data: st.DataObject, limit: int) -> None:
        id = data.draw(st.sampled_from(self.ids))
        found: list[Event] = []
        has_more = True
        while has_more:
            page, has_more = self.store.read(
                history.page,
                OPERATOR,
                self.dataset,
                id,
                before=found[-1].place if found else FIRST,
                limit=limit,
                until=time.monotonic() + 60,
            )
            found += page
        told = [(event.kind, event.version_id, as_texts(event.fields)) for event in found]
        assert told[::-1] == self.events[id]

    @rule()
    def read_the_log(self) -> None:
        log = self.store.read(history.log, OPERATOR, self.dataset, before=FIRST, limit=1_000)
        assert [(w.kind, w.version_id, w.example_count) for w in reversed(log)] == self.log
        assert log[0].at == self.store.read(datasets.get, OPERATOR, self.dataset).updated_at

    @rule(data=st.data())
    def digest(self, data: st.DataObject) -> None:
        found: dict[str, object] = {}
        for version in data.draw(st.permutations(self.versions)):
            now, details, total = self.store.read(
                digests.details, OPERATOR, self.dataset, version.id
            )
            if data.draw(st.booleans()):
                self.store.write(digests.keep, now.id, details.id.number, total)
            content = {
                id: {name: without_space(text) for name, text in example.fields.items()}
                for id, example in version.examples.items()
            }
            assert found.setdefault(total.digest, content) == content
            assert list(found.values()).count(content) == 1
        checked = self.store.read(
            lambda tx: verify.check(tx, datasets.get(tx, OPERATOR, self.dataset))
        )
        assert {one.found.digest for one in checked} == found.keys()
        assert not [fault for one in checked for fault in one.faults]

    @rule()
    def check(self) -> None:
        def check_this(tx: Transaction) -> list[Violation]:
            (subject,) = [one for one in subjects(tx) if one.id == self.dataset]
            return list(check_dataset(tx, subject, lambda _: None))

        assert self.store.read(check_this) == []

    @rule(data=st.data())
    def remember(self, data: st.DataObject) -> None:
        version, address = self._any_version(data)
        page = self.store.read(
            examples.list_page, OPERATOR, self.dataset, address, after=0, limit=1
        )
        self.seen[page.tag] = (version, self._state_of(version))

    @rule(data=st.data())
    def write_if_unchanged(self, data: st.DataObject) -> None:
        version, address = self._any_version(data)
        condition = OPERATOR._replace(if_match=frozenset(self.seen))
        unchanged = (version, self._state_of(version)) in self.seen.values()
        expected = (Conflict if version.locked else None) if unchanged else PreconditionFailed
        with pytest.raises(expected) if expected else nullcontext():
            self.store.write(
                examples.update, condition, self.dataset, address, {"unknown": {}}, None
            )

    @rule(data=st.data())
    def take_a_name_twice(self, data: st.DataObject) -> None:
        version, address = self._any_version(data)
        changes = {id: as_fields({"a": "1"}) for id in self.ids}
        with pytest.raises(Conflict):
            self.store.write(
                examples.update, OPERATOR, self.dataset, address, changes, version.name
            )

    @invariant()
    def every_version_is_the_model_s(self) -> None:
        if not self.versions:
            return
        found = self.store.versions(self.dataset)
        assert [v.id for v in found] == [v.id for v in reversed(self.versions)]
        for version in self.versions:
            assert [tuple(e[1:]) for e in self.store.examples(self.dataset, version.id, 4)] == [
                (id, e.created_at, e.updated_at, as_body(e.fields))
                for id, e in version.examples.items()
            ]

    @invariant()
    def every_version_knows_itself(self) -> None:
        if not self.versions:
            return
        found = self.store.read(
            versions.list_page, OPERATOR, self.dataset, before=FIRST, limit=1_000
        )
        for details, version in zip(found, reversed(self.versions), strict=True):
            assert (details.id, details.version.name) == (version.id, version.name)
            assert details.version.example_count == len(version.examples)
            assert details.version.locked == version.locked
            assert details.parent_id == version.parent

    @invariant()
    def time_does_not_go_back(self) -> None:
        if self.versions:
            updated_at = self.store.read(datasets.get, OPERATOR, self.dataset).updated_at
            assert updated_at >= self.updated_at
            self.updated_at = updated_at

    def _any_version(self, data: st.DataObject) -> tuple[ModelVersion, ResourceId | None]:
        """Draw a version and how it is addressed: the latest may be meant by saying nothing."""
        version = data.draw(st.sampled_from(self.versions))
        silent = version is self.versions[-1] and data.draw(st.booleans())
        return version, None if silent else version.id

    def _refusal(
        self, version: ModelVersion, results: Iterable[dict[str, str]], *, new: bool = False
    ) -> AbstractContextManager[object] | None:
        """Return what expects the refusal of a write with these results, if it must be refused."""
        if version.locked and not new:
            return pytest.raises(Conflict, match="locked")
        if self.required is not None and any(self.required not in texts for texts in results):
            return pytest.raises(ValidationError, match="schema")
        return None

    def _change(self, version: ModelVersion, changes: dict[str, dict[str, str]], at: int) -> None:
        """Give examples that the version holds new values of fields."""
        for id, given in changes.items():
            old = version.examples[id]
            version.examples[id] = ModelExample(old.created_at, at, old.fields | given)
            texts: Texts = {n: (old.fields.get(n), text) for n, text in given.items()}
            texts = {n: (before, after) for n, (before, after) in texts.items() if before != after}
            self.events[id].append(("updated", version.id, texts))

    def _any_ids(self, data: st.DataObject) -> list[str]:
        known = st.sampled_from(self.ids) | st.just("unknown")
        return data.draw(st.lists(known, min_size=1, max_size=4, unique=True))

    def _state_of(self, version: ModelVersion) -> int:
        """Return how many writes there were to the version."""
        return sum(1 for _, id, _ in self.log if id == version.id)

    def _branch(self, base: ModelVersion, id: ResourceId, name: str) -> ModelVersion:
        """Make a version of this one; it differs from the latest where the base does."""
        version, latest = base.child(id, name), self.versions[-1]
        for example in self.ids:
            if texts := model_rewrites(latest.texts(example), version.texts(example)):
                kind = "restored" if example in version.examples else "removed"
                self.events[example].append((kind, id, texts))
        self.versions.append(version)
        return version

    def _adopt(self, version: ModelVersion, given: list[dict[str, str]]) -> list[str]:
        """Take the ids and times of the examples just added from the store into the model."""
        added = self.store.examples(self.dataset, version.id)[-len(given) :]
        for example, texts in zip(added, given, strict=True):
            assert example.id not in self.ids
            version.examples[example.id] = ModelExample(
                example.created_at, example.updated_at, texts
            )
            self.ids.append(example.id)
            self.events[example.id] = [("created", version.id, model_changes({}, texts))]
        return [example.id for example in added]


def run_machine(machine: type[StoreMachine], store: Store) -> None:
    """Run it with this store."""
    run_state_machine_as_test(
        type("Machine", (machine,), {"store": store}),
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_the_store_does_what_the_model_does(store: Store) -> None:
    run_machine(StoreMachine, store)
