"""Kill the server again and again while it writes, and look at what is there afterwards."""

from __future__ import annotations

import signal
import sys
import time
from random import Random
from typing import NamedTuple

import httpx

from exempla.settings import Settings
from exempla.store import setup
from exempla.store.check import check_dataset, check_engine, check_names, subjects
from exempla.store.database import Transaction
from tests.cli.support import Place
from tests.faults.load import Load
from tests.serving import Served


class Outcome(NamedTuple):
    """What came of a fault that was inflicted some times; what was lost raises an error."""

    fault: str
    engine: str
    rounds: int
    acknowledged: int
    in_flight: int
    """Writes that got no answer, or one that no one knows."""
    refused: int
    """Writes that were told to come again."""
    recovery_s: float
    """The longest time until the server took writes again."""


def faults_of(place: Place) -> list[str]:
    """Check the whole database, beside a server or without one."""
    settings = Settings(
        database_url=place.url or None, data_dir=None if place.url else place.folder
    )
    database, _ = setup.open_database(setup.open_engine(settings, make=False), make=False)
    try:

        def check(tx: Transaction) -> list[str]:
            found = [*check_engine(tx), *check_names(tx)]
            for subject in subjects(tx):
                found += check_dataset(tx, subject, lambda _: None)
            return [f"{violation.where}: {violation.fault}" for violation in found]

        return database.read_bulk(check)
    finally:
        database.close()


def start(place: Place) -> tuple[Served, float]:
    """Start a server; return it and how many seconds passed until it was ready."""
    begun = time.monotonic()
    served = Served.start(*place.flags)
    ready = httpx.get(f"{served.base_url}/readyz", timeout=60, trust_env=False)
    assert ready.status_code == 200, ready.text
    return served, time.monotonic() - begun


def kill(place: Place, rounds: int, seed: int) -> Outcome:
    """Kill the server at a random moment of each round; check all after each restart."""
    random = Random(seed)
    served, _ = start(place)
    longest = 0.0
    load = Load(served, seed, gives_up=True)
    try:
        for done in range(rounds):
            if done and done % 10 == 0:
                print(outcome_of("so far", place, done, load, longest), file=sys.stderr)
            with load.running():
                _wait_for(load, random.randint(1, 60))
                time.sleep(random.uniform(0, 0.02))
                load.served.stop(signal.SIGKILL)
            load.served, took = start(place)
            longest = max(longest, took)
            load.verify()
            assert faults_of(place) == []
        load.verify(everything=True)
        assert load.served.stop() == 0
    finally:
        load.served.stop(signal.SIGKILL)
    return outcome_of("kill -9 of the server", place, rounds, load, longest)


def _wait_for(load: Load, writes: int) -> None:
    """Wait until so many more writes were acknowledged."""
    wanted, end = load.acknowledged.total() + writes, time.monotonic() + 60
    while load.acknowledged.total() < wanted:
        assert time.monotonic() < end, load.refused
        time.sleep(0.001)


def outcome_of(fault: str, place: Place, rounds: int, load: Load, longest: float) -> Outcome:
    """Return what came of the load."""
    return Outcome(
        fault,
        "PostgreSQL" if place.url else "SQLite",
        rounds,
        load.acknowledged.total(),
        load.unknown,
        load.refused.total(),
        longest,
    )
