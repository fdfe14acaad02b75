"""Kill the server again and again while it writes, and look at what is there afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from random import Random
from typing import NamedTuple

import httpx

from exempla.store import keys, setup
from exempla.store.check import check_dataset, check_engine, check_names, subjects
from exempla.store.transaction import Transaction
from tests.cli.support import Place
from tests.faults.load import Load
from tests.serving import KEY, Served

KILL = "kill -9 of the server"


class Outcome(NamedTuple):
    """What came of a fault that was inflicted some times; what was lost raises an error."""

    fault: str
    engine: str
    rounds: int
    acknowledged: Counter[str]
    """Writes that were answered, by their kind."""
    in_flight: int
    """Writes that got no answer, or one that no one knows."""
    refused: int
    """Writes that were told to come again."""
    recoveries_s: list[float]
    """For each round, the time until the server was ready, or took writes, again."""
    seconds: float = 0.0
    """How long all of it took."""


def faults_of(place: Place) -> list[str]:
    """Check the whole database, beside a server or without one."""
    database, _ = setup.open_database(setup.open_engine(place.settings, make=False), make=False)
    try:

        def check(tx: Transaction) -> list[str]:
            found = [*check_engine(tx), *check_names(tx)]
            for subject in subjects(tx):
                found += check_dataset(tx, subject, lambda _: None)
            return [f"{violation.where}: {violation.fault}" for violation in found]

        return database.read_bulk(check)
    finally:
        database.close()


def start(place: Place, took: list[float] | None = None) -> Served:
    """Start a server, wait until it is ready; note how many seconds that took."""
    begun = time.monotonic()
    served = Served.start(*place.flags)
    ready = httpx.get(f"{served.base_url}/readyz", timeout=60, trust_env=False)
    assert ready.status_code == 200, ready.text
    if took is not None:
        took.append(time.monotonic() - begun)
    return served


def kill(place: Place, rounds: int, seed: int) -> Outcome:
    """Kill the server at a random moment of each round; check all after each restart."""
    random, recoveries = Random(seed), list[float]()
    served = start(place)
    try:
        load = Load(served, seed, gives_up=True)
        for done in range(rounds):
            if done and done % 10 == 0:
                print(f"{done} rounds", file=sys.stderr)
            with load.running():
                wait_for(load, random.randint(1, 60))
                time.sleep(random.uniform(0, 0.02))
                served.stop(signal.SIGKILL)
            load.served = served = start(place, recoveries)
            load.verify()
            assert faults_of(place) == []
        load.verify(everything=True)
        assert served.stop() == 0
    finally:
        served.stop(signal.SIGKILL)
    return outcome_of(KILL, place, load, recoveries)


def kill_first_start(place: Place, seed: int) -> None:
    """Kill the first start on a new database while it makes that; the next one has a whole one."""
    delay = Random(seed).uniform(0, 0.1)
    command = [sys.executable, "-m", "exempla", "serve", "--port", "0", "--no-flight", *place.flags]
    environment = {**os.environ, "EXEMPLA_BOOTSTRAP_KEY": KEY}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        while not _has_begun(place):
            assert process.poll() is None
            time.sleep(0.001)
        time.sleep(delay)
        process.kill()
    database, secret = setup.open_database(setup.open_engine(place.settings), KEY)
    try:
        assert secret is None
        assert database.read_now(keys.authenticate, keys.secret_hash(KEY))
        assert len(database.read_now(lambda tx: tx.all("SELECT name FROM spaces"))) == 1
    finally:
        database.close()
    assert faults_of(place) == []


def _has_begun(place: Place) -> bool:
    if not place.url:
        return place.file.exists()
    count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    return bool(place.execute(count) > [(1,)])


def wait_for(load: Load, writes: int) -> None:
    """Wait until so many more writes were acknowledged."""
    wanted, end = load.acknowledged.total() + writes, time.monotonic() + 60
    while load.acknowledged.total() < wanted:
        assert time.monotonic() < end, load.refused
        time.sleep(0.001)


def outcome_of(fault: str, place: Place, load: Load, recoveries: list[float]) -> Outcome:
    """Return what came of the load."""
    return Outcome(
        fault,
        "PostgreSQL" if place.url else "SQLite",
        len(recoveries),
        load.acknowledged,
        load.unknown,
        load.refused.total(),
        recoveries,
    )
