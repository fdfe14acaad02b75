"""The machine of `test_model.py`, which also imports files: in every mode, and as a dry run."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hypothesis import strategies as st
from hypothesis.stateful import rule

from exempla.files import reading
from exempla.ids import ResourceId
from exempla.store.access import OPERATOR
from exempla.store.imports import MODES, Counts, Import, Imported, Mode
from tests.store.conftest import Store
from tests.store.model import (
    FIELDS,
    ModelExample,
    ModelVersion,
    as_row,
    as_texts,
    model_changes,
    model_diff,
)
from tests.store.test_model import StoreMachine, run_machine


class ImportMachine(StoreMachine):
    """Writes by files beside the writes of requests."""

    @rule(data=st.data(), given=st.lists(FIELDS, min_size=1, max_size=3), new=st.booleans())
    def import_new(self, data: st.DataObject, given: list[dict[str, str]], new: bool) -> None:
        version, address = self._any_version(data)
        ids = [
            f"file {len(self.ids) + number}" if data.draw(st.booleans()) else None
            for number in range(len(given))
        ]
        name = f"version {len(self.versions)}" if new else None
        with self._import(zip(ids, given, strict=True), "insert", name) as work:
            written = self._write(work, version, address, given)
        if not written:
            return
        done, version = written
        assert done.counts == Counts(inserted=len(given))
        adopted = self._adopt(version, given)
        assert [id for id, wanted in zip(adopted, ids, strict=True) if wanted] == list(
            filter(None, ids)
        )
        self.log.append(("inserted", version.id, len(given)))

    @rule(data=st.data(), new=st.booleans())
    def import_changes(self, data: st.DataObject, new: bool) -> None:
        version, address = self._any_version(data)
        changes = {
            id: data.draw(st.one_of(st.just({}), FIELDS, st.just(version.texts(id))))
            for id in self._any_ids(data)
        }
        held = {id: texts for id, texts in changes.items() if id in version.examples}
        changed = {
            id: texts
            for id, texts in held.items()
            if model_changes(version.texts(id), version.texts(id) | texts)
        }
        results = [version.texts(id) | texts for id, texts in changed.items()]
        name = f"version {len(self.versions)}" if new else None
        with self._import(changes.items(), "update", name) as work:
            written = self._write(work, version, address, results)
        if not written:
            return
        done, version = written
        assert done.counts == Counts(
            0, len(changed), len(held) - len(changed), len(changes) - len(held)
        )
        self._change(version, changed, done.dataset.updated_at)
        if changed or name:
            self.log.append(("updated" if changed else "branched", version.id, len(changed)))

    @rule(data=st.data(), mode=st.sampled_from(MODES), new=st.booleans())
    def try_an_import(self, data: st.DataObject, mode: Mode, new: bool) -> None:
        version, address = self._any_version(data)
        ids = ["new 1", "new 2"] if mode == "insert" else self._any_ids(data)
        rows = {id: data.draw(FIELDS) for id in ids}
        head = version.child(version.id, "")
        for id in ids:
            if mode == "insert" or id in head.examples:
                head.examples[id] = ModelExample(0, 0, version.texts(id) | rows[id])
        expected = model_diff(version, head)
        name = f"version {len(self.versions)}" if new else None
        with self._import(rows.items(), mode, name) as work:
            results = [head.texts(id) for id in expected]
            if refusal := self._refusal(version, results, new=new):
                with refusal:
                    self.store.write(work.attempt, OPERATOR, self.dataset, address, 10)
                return
            tried = self.store.write(work.attempt, OPERATOR, self.dataset, address, 10)
        assert {one.id: (one.kind, as_texts(one.fields)) for one in tried.changes} == expected
        assert sum(tried.counts) == len(rows)
        assert (tried.version.id, tried.is_new, tried.has_more) == (version.id, new, False)

    def _write(
        self,
        work: Import,
        version: ModelVersion,
        address: ResourceId | None,
        results: Iterable[dict[str, str]],
    ) -> tuple[Imported, ModelVersion] | None:
        """Import, and return the version written to; None if that is refused, as it must be."""
        if refusal := self._refusal(version, results, new=bool(work.new_version)):
            with refusal:
                self.store.write(work.write, OPERATOR, self.dataset, address)
            return None
        done = self.store.write(work.write, OPERATOR, self.dataset, address)
        if work.new_version:
            version = self._branch(version, done.version.id, work.new_version)
        assert done.version.id == version.id
        return done, version

    @contextmanager
    def _import(
        self, rows: Iterable[tuple[str | None, dict[str, str]]], mode: Mode, name: str | None
    ) -> Iterator[Import]:
        """Give what writes these rows of a file."""
        file = io.BytesIO("\n".join(as_row(id, texts) for id, texts in rows).encode())
        with reading.read("jsonl", file, self.store.database.engine.scratch) as incoming:
            yield Import(incoming, mode, name)


def test_imports_do_what_the_model_does(store: Store) -> None:
    run_machine(ImportMachine, store)
