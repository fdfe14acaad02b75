"""A server and a floor side by side, on the same file system, and loading both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from benchmarks.data import BATCH, bodies
from benchmarks.floor import Floor, SqliteFloor
from benchmarks.server import (
    Client,
    Served,
    append_request,
    create_request,
    examples_path,
    next_cursor,
    page_path,
)
from benchmarks.timing import quiet, timed

if TYPE_CHECKING:
    from benchmarks.floor_postgres import Cluster

ENGINES = ("sqlite", "postgres")


@dataclass
class Loaded:
    """A dataset that both sides hold."""

    dataset: str
    """Its id on the server."""
    number: int
    """Its number in the floor."""
    ids: list[str]
    """The ids of its examples, in order."""
    server_s: float = 0
    floor_s: float = 0


@dataclass(frozen=True)
class Rig:
    """A server and a floor side by side."""

    client: Client
    floor: Floor
    space: str
    database: str
    """The server's own: the path of its SQLite file, or its URL."""
    served: Served

    def load(self, number: int, total: int) -> Loaded:
        """Load `total` examples into a new dataset on both sides, 1,000 at a time."""
        with Progress(console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task(f"loading {total:,} examples", total=total)
            loaded = self._create(number)
            progress.update(bar, completed=BATCH)
            for start in range(BATCH, total, BATCH):
                self._append(loaded, start)
                progress.update(bar, completed=start + BATCH)
            progress.update(bar, description=f"settling {total:,} examples")
            self.floor.settle()
        return loaded

    def _create(self, number: int) -> Loaded:
        texts = bodies(0, BATCH)
        request = create_request(f"loaded-{number}", self.space, texts)
        with quiet():
            self.client.wake()
            server_s, dataset = timed(lambda: self.client.create_dataset(request))
            loaded = Loaded(dataset, number, self._first_ids(dataset), server_s)
            self._load_floor(loaded, 0, texts)
        return loaded

    def _first_ids(self, dataset: str) -> list[str]:
        ids: list[str] = []
        cursor = ""
        while cursor or not ids:
            answer = self.client.get(page_path(dataset, cursor=cursor))
            ids += [example["id"] for example in json.loads(answer)["examples"]]
            cursor = next_cursor(answer)
        return ids

    def _append(self, loaded: Loaded, start: int) -> None:
        texts = bodies(start, BATCH)
        request = append_request(texts)
        path = examples_path(loaded.dataset)
        with quiet():
            self.client.wake()
            spent, answer = timed(lambda: self.client.send("POST", path, request, 201))
            loaded.server_s += spent
            loaded.ids += json.loads(answer)["example_ids"]
            self._load_floor(loaded, start, texts)

    def _load_floor(self, loaded: Loaded, start: int, texts: list[str]) -> None:
        ids = loaded.ids[start:]
        spent, _ = timed(lambda: self.floor.load(loaded.number, start + 1, ids, texts))
        loaded.floor_s += spent


@contextmanager
def open_rigs(engine: str, count: int, workers: int = 1) -> Iterator[list[Rig]]:
    """Start `count` servers of so many processes, each beside a floor, in a temporary folder."""
    with (
        TemporaryDirectory(prefix="exempla-bench-", ignore_cleanup_errors=True) as name,
        ExitStack() as stack,
    ):
        folder = Path(name)
        cluster = _open_cluster(stack, folder) if engine == "postgres" else None
        yield [_open_rig(stack, folder / str(number), cluster, workers) for number in range(count)]


def _open_cluster(stack: ExitStack, folder: Path) -> Cluster:
    from benchmarks.floor_postgres import Cluster

    return stack.enter_context(closing(Cluster(folder / "postgres")))


def _open_rig(stack: ExitStack, folder: Path, cluster: Cluster | None, workers: int) -> Rig:
    (folder / "data").mkdir(parents=True)
    floor, arguments, database = _open_floor(folder, cluster)
    stack.enter_context(closing(floor))
    if workers > 1:
        arguments += ["--workers", str(workers)]
    served = stack.enter_context(closing(Served(arguments, folder / "server.log")))
    client = stack.enter_context(closing(Client(served.port)))
    return Rig(client, floor, client.default_space(), database, served)


def _open_floor(folder: Path, cluster: Cluster | None) -> tuple[Floor, list[str], str]:
    """Open a floor; return the flags, too, that put a server on a database beside it, and that."""
    if cluster is None:
        data = folder / "data"
        return SqliteFloor(folder / "floor.db"), ["--data-dir", str(data)], str(data / "exempla.db")
    from benchmarks.floor_postgres import PostgresFloor

    url = cluster.new_database(f"exempla_{folder.name}")
    floor_url = cluster.new_database(f"floor_{folder.name}")
    return PostgresFloor(floor_url, url), ["--database-url", url], url
