"""Fixtures for the tests of the command."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.support import Place
from tests.conftest import ENGINES


@pytest.fixture(scope="session", params=ENGINES)
def new_place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Place]:
    """Give a function that returns a place where no database is yet, on each engine."""
    if request.param == "sqlite":
        return lambda: Place(tmp_path_factory.mktemp("place"))
    new_url: Callable[[], str] = request.getfixturevalue("new_postgres_url")
    return lambda: Place(tmp_path_factory.mktemp("place"), new_url())


@pytest.fixture
def place(new_place: Callable[[], Place]) -> Place:
    """Give a place where no database is yet, on each engine."""
    return new_place()


@pytest.fixture
def postgres_place(
    tmp_path_factory: pytest.TempPathFactory, new_postgres_url: Callable[[], str]
) -> Place:
    """Give an empty PostgreSQL database."""
    return Place(tmp_path_factory.mktemp("place"), new_postgres_url())


@pytest.fixture
def new_sqlite_place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Give a folder where no database is yet."""
    return Place(tmp_path_factory.mktemp("place"))
