"""Fixtures for the faults: places for databases, as for the tests of the command."""

from tests.cli.conftest import new_place, new_sqlite_place, place, postgres_place

__all__ = ["new_place", "new_sqlite_place", "place", "postgres_place"]
