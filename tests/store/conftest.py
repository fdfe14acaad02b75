"""The store on each engine, called directly: one contract, two engines."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import pytest

from exempla.ids import ResourceId
from exempla.settings import Settings
from exempla.store import datasets, examples, setup, spaces, versions
from exempla.store.access import OPERATOR
from exempla.store.bodies import Fields
from exempla.store.database import Database
from exempla.store.datasets import Dataset
from exempla.store.examples import Example
from exempla.store.listing import FIRST
from exempla.store.transaction import Transaction
from exempla.store.versions import Version
from tests.conftest import ENGINES
from tests.store.values import fields

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """A database, called without `await`, and the few calls that most tests need."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.space = self.read(
            spaces.list_page, OPERATOR, organization=None, name="Default", before=FIRST, limit=1
        )[0]

    def read(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that reads."""
        return asyncio.run(self.database.read(function, *args, **kwargs))

    def write(
        self, function: Callable[Concatenate[Transaction, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a store function that writes."""
        return asyncio.run(self.database.write(function, *args, **kwargs))

    def new_dataset(self, *given: Fields) -> tuple[Dataset, Version]:
        """Make a dataset of these examples under a name of its own."""
        return self.write(examples.create_dataset, OPERATOR, self.space.id, uuid.uuid4().hex, given)

    def dataset_of(self, count: int) -> tuple[Dataset, Version, list[str]]:
        """Make a dataset of `count` examples `{"n": 0}`, ...; also return their ids."""
        dataset, version = self.new_dataset(*[fields(n=n) for n in range(count)])
        return dataset, version, [example.id for example in self.examples(dataset.id)]

    def versions(self, dataset: ResourceId) -> list[Version]:
        """Return the dataset's versions, newest first."""
        return self.read(lambda tx: versions.all_of(tx, datasets.get(tx, OPERATOR, dataset)))

    def examples(
        self, dataset: ResourceId, version: ResourceId | None = None, limit: int = 500
    ) -> list[Example]:
        """Read a version whole, by pages."""
        found: list[Example] = []
        while True:
            after = found[-1].ordinal if found else 0
            page = self.read(
                examples.list_page, OPERATOR, dataset, version, after=after, limit=limit
            )
            found += page.examples
            if len(page.examples) < limit:
                return found

    def bodies(self, dataset: ResourceId, version: ResourceId | None = None) -> list[str]:
        """Return the bodies of a version's examples, in order."""
        return [example.body for example in self.examples(dataset, version)]


def settings_for(engine: str, folder: Path, new_postgres_url: Callable[[], str]) -> Settings:
    """Return the settings of a new database on this engine."""
    if engine == "sqlite":
        return Settings(data_dir=folder)
    return Settings(database_url=new_postgres_url())


@pytest.fixture(scope="session", params=ENGINES)
def store(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    new_postgres_url: Callable[[], str],
) -> Iterator[Store]:
    """One database per engine for all tests of the store; each test makes its own datasets."""
    settings = settings_for(request.param, tmp_path_factory.mktemp("store"), new_postgres_url)
    database, _ = setup.open_database(setup.open_engine(settings))
    yield Store(database)
    database.close()
