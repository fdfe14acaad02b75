"""`store/check`: nothing to say of a sound database, and every broken rule by its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import msgspec
import pytest

from exempla.store import (
    annotation_configs,
    digests,
    examples,
    idempotency,
    schemas,
    tags,
    versions,
)
from exempla.store.access import OPERATOR
from exempla.store.annotation_configs import ConfigSettings
from exempla.store.annotations import Value, annotate
from exempla.store.check import Subject, Violation, check_dataset, check_names, subjects
from exempla.store.datasets import Dataset
from exempla.store.transaction import Transaction
from tests.store.conftest import Store
from tests.store.values import fields


@pytest.fixture(scope="module")
def dataset(store: Store) -> Dataset:
    """Give a dataset with all that a dataset can have: three versions of six examples."""
    user = store.read(lambda tx: tx.exactly_one("SELECT id, suffix FROM users ORDER BY id"))
    permit = OPERATOR._replace(user_id=OPERATOR.user_id._replace(number=user[0], suffix=user[1]))
    made, v1, ids = store.dataset_of(5)
    store.write(examples.update, permit, made.id, None, {ids[0]: fields(n=9)}, "v2")
    store.write(examples.insert, permit, made.id, v1.id, [fields(n=5)])
    store.write(examples.delete, permit, made.id, v1.id, [ids[1]])
    store.write(versions.branch, permit, made.id, v1.id, "v3", "")
    for version in store.versions(made.id):
        dataset, details, total = store.read(digests.details, permit, made.id, version.id)
        store.write(digests.keep, dataset.id, details.id.number, total)
    store.write(
        annotation_configs.create,
        permit,
        store.space.id,
        "sound",
        "CONTINUOUS",
        ConfigSettings(0, 1),
    )
    value = Value("sound", 0.5, None, "fine", "values[0]")
    store.write(annotate, permit, made.id, [(ids[2], [value])])
    store.write(schemas.put, permit, made.id, {"type": msgspec.Raw(b'"object"')})
    tag = store.write(tags.create, permit, store.space.id, made.name, None, None)
    store.write(tags.attach, permit, made.id, [tag.id])
    asked = idempotency.Asked(user[0], made.name, "")
    answer = idempotency.Answer(200, "", b"{}")
    store.write(idempotency.once, asked, lambda _: answer, lambda _: answer)
    return dataset


@contextmanager
def damaged(store: Store, *statements: str) -> Iterator[Transaction]:
    """Give a transaction in which these were executed; it is undone."""
    connection: Any = store.database.engine.connect()
    with closing(connection):
        connection.execute(store.database.engine.begin_write)
        tx = Transaction(connection, store.database.engine)
        for statement in statements:
            tx.run(statement)
        yield tx
        connection.rollback()


def faults_of(tx: Transaction, dataset: Dataset) -> list[Violation]:
    (subject,) = [one for one in subjects(tx) if one.id == dataset.id]
    return list(check_dataset(tx, subject, lambda _: None))


def test_a_sound_database_has_no_faults(store: Store, dataset: Dataset) -> None:
    read: list[int] = []
    with damaged(store) as tx:
        (subject,) = [one for one in subjects(tx) if one.id == dataset.id]
        assert subject == Subject(dataset.id, dataset.name, 6)
        assert list(check_dataset(tx, subject, read.append)) == []
        assert list(check_names(tx)) == []
    assert read == [1, 2, 3, 4, 5, 6]


OF = "WHERE dataset_id = {id} AND"

DAMAGES = {
    "a body that is no object": (
        f"UPDATE revisions SET body = '[1]' {OF} ordinal = 3",
        "its fields are no JSON object, in the versions from 1",
    ),
    "a body cut short": (
        f"UPDATE revisions SET body = '{{{{\"n\":' {OF} ordinal = 3",
        "its fields are no JSON object",
    ),
    "a managed member in a body": (
        f"""UPDATE revisions SET body = '{{{{"id":1}}}}' {OF} ordinal = 3""",
        "it has the fields ['id']",
    ),
    "another value": (
        f"""UPDATE revisions SET body = '{{{{"n":77}}}}' {OF} ordinal = 3""",
        "its digest should be",
    ),
    "a revision lost": (f"DELETE FROM revisions {OF} ordinal = 3", "it should have"),
    "an empty revision": (
        f"UPDATE revisions SET valid_to = valid_from {OF} ordinal = 3",
        "is held by the versions from 1 to 0",
    ),
    "a revision of a version to come": (
        f"UPDATE revisions SET valid_from = 4 {OF} ordinal = 3",
        "it is held by the versions from 4 to the latest, of 3",
    ),
    "a revision that ends in a version to come": (
        f"UPDATE revisions SET valid_to = 9 {OF} ordinal = 3",
        "it is held by the versions from 1 to 8, of 3",
    ),
    "two revisions in one version": (
        f"UPDATE revisions SET valid_to = 3 {OF} ordinal = 1 AND valid_from = 1",
        "it is held twice by one of the versions from 2",
    ),
    "a version that ends too early": (
        "UPDATE versions SET last_ordinal = 2 WHERE dataset_id = {id} AND number = 2",
        "one of the versions from 1 to the latest holds it, but should end before it",
    ),
    "a wrong count": (
        "UPDATE versions SET example_count = 4 WHERE dataset_id = {id} AND number = 3",
        "it should have 4 examples but has 5",
    ),
    "a version lost": (
        "DELETE FROM versions WHERE dataset_id = {id} AND number = 2",
        "its versions are numbered [1, 3], up to 3",
    ),
    "a version older than the one before": (
        "UPDATE versions SET created_at = 5 WHERE dataset_id = {id} AND number = 2",
        "its times are not in order",
    ),
    "a version made from a later one": (
        "UPDATE versions SET parent = 3 WHERE dataset_id = {id} AND number = 2",
        "the version number 2 was made from a version 3",
    ),
    "an example lost": (
        f"DELETE FROM examples {OF} ordinal = 3",
        "revisions has rows of it, but it is not there",
    ),
    "an example out of order": (
        f"UPDATE examples SET created_at = 5 {OF} ordinal = 3",
        "it does not come after the one before it",
    ),
    "the last example forgotten": (
        "UPDATE datasets SET last_ordinal = 5 WHERE id = {id}",
        "it should have had 5 examples, but had 6",
    ),
    "the last time forgotten": (
        "UPDATE datasets SET last_created_at = 5 WHERE id = {id}",
        "it does not know when its last example was made",
    ),
    "a dataset older than its writes": (
        "UPDATE datasets SET updated_at = created_at WHERE id = {id}",
        "is later than the dataset",
    ),
    "a change lost": (
        f"DELETE FROM changes {OF} ordinal = 1",
        "changed is lost",
    ),
    "a change too many": (
        """INSERT INTO changes (dataset_id, ordinal, at, old)
           SELECT dataset_id, 4, at, old FROM changes WHERE dataset_id = {id} AND ordinal = 1""",
        "its writes changed 3 examples, but 4 changes are kept",
    ),
    "a change that cannot be read": (
        f"UPDATE changes SET old = '[]' {OF} ordinal = 1",
        "cannot be read",
    ),
    "a change by no write": (
        "INSERT INTO changes (dataset_id, ordinal, at, old) VALUES ({id}, 1, 7, '[{{}},[]]')",
        "it was changed at 1970-01-01T00:00:00.000007Z by no write",
    ),
    "a write lost": (
        f"DELETE FROM writes {OF} kind = 'inserted'",
        "its writes added 5 examples, but it had 6",
    ),
    "a write of no kind": (
        f"UPDATE writes SET kind = 'guessed' {OF} kind = 'inserted'",
        "is of the kind 'guessed'",
    ),
    "a write to no version": (
        f"UPDATE writes SET version = 8 {OF} kind = 'inserted'",
        "is to a version 8",
    ),
    "a write that names an example twice": (
        f"UPDATE writes SET ordinals = '[1,1]' {OF} kind = 'inserted'",
        "names an example twice",
    ),
    "a write that cannot be read": (
        f"UPDATE writes SET fields = '[' {OF} kind = 'inserted'",
        "cannot be read",
    ),
    "an example added twice": (
        f"UPDATE writes SET first_ordinal = 5 {OF} kind = 'inserted'",
        "added the examples from 5, after 5",
    ),
    "a digest that is no number": (
        f"UPDATE digests SET sum = 'x' {OF} number = 1",
        "its digest that is kept cannot be read",
    ),
    "a digest of something else": (
        f"UPDATE digests SET sum = 'abc' {OF} number = 1",
        "its digest should be",
    ),
    "an annotation of no example": (
        f"UPDATE annotations SET ordinal = 99 {OF} ordinal = 3",
        "annotations has rows of it, but it is not there",
    ),
    "an annotation by no one": (
        f"UPDATE annotations SET user_id = 99999 {OF} ordinal = 3",
        "its annotation 'sound' is by a user that is not there",
    ),
    "an annotation that says nothing": (
        f"UPDATE annotations SET score = NULL, text = NULL {OF} ordinal = 3",
        "its annotation 'sound' says nothing",
    ),
    "a score that is no number": (
        f"UPDATE annotations SET score = 'high' {OF} ordinal = 3",
        "its annotation 'sound' has a score that is no number",
    ),
    "an annotation from the future": (
        f"UPDATE annotations SET updated_at = 9000000000000000000 {OF} ordinal = 3",
        "its annotation 'sound' is later than the dataset",
    ),
    "a schema lost": ("DELETE FROM schemas WHERE dataset_id = {id}", "its JSON Schema is lost"),
    "a schema that is none": (
        "UPDATE schemas SET schema = '7' WHERE dataset_id = {id}",
        "its JSON Schema is lost, or no JSON object",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_fault_of_a_dataset_is_told(store: Store, dataset: Dataset, damage: str) -> None:
    statement, said = DAMAGES[damage]
    with damaged(store, statement.format(id=dataset.id.number)) as tx:
        found = faults_of(tx, dataset)
    assert any(said in violation.fault for violation in found), found
    assert all(violation.where.startswith(dataset.name) for violation in found)


OUTSIDE = {
    "an orphan": (
        "INSERT INTO digests (dataset_id, number, at, sum) VALUES (99999, 1, 1, '0')",
        "digests has rows of a dataset 99999 that is not there",
    ),
    "a name that is not found": (
        "UPDATE datasets SET name_folded = 'other' WHERE id = {id}",
        "is found under 'other'",
    ),
    "no name": (
        "UPDATE datasets SET name = '', name_folded = '' WHERE id = {id}",
        "there is one without a name among the datasets",
    ),
    "a tag of another space": (
        """UPDATE datasets SET space_id = (SELECT MAX(id) FROM spaces) WHERE id = {id}""",
        "of another space",
    ),
    "a config that cannot be read": (
        "UPDATE annotation_configs SET settings = '' WHERE name = 'sound'",
        "the settings of the annotation config 'sound' are no JSON object",
    ),
    "an entry of the audit log that cannot be read": (
        """INSERT INTO audit_logs (suffix, user_id, ip, operation_name, variables, created_at)
        VALUES ('x', 1, '', 'POST /v2/tags', '[]', 1)""",
        "of the audit log cannot be read",
    ),
    "an answer that was not finished": (
        "UPDATE answers SET status = 0",
        "has the status 0",
    ),
}


@pytest.mark.parametrize("damage", OUTSIDE)
def test_every_fault_outside_of_datasets_is_told(
    store: Store, dataset: Dataset, damage: str
) -> None:
    statement, said = OUTSIDE[damage]
    other = """INSERT INTO spaces (suffix, organization_id, name, name_folded, description,
        created_at) SELECT 'other', organization_id, 'other', 'other', '', 1 FROM spaces
        WHERE name = 'Default'"""
    with damaged(store, other, statement.format(id=dataset.id.number)) as tx:
        found = list(check_names(tx))
    assert any(said in violation.fault for violation in found), found
