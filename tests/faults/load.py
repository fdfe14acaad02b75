"""Writers that write all the time, and remember what was acknowledged to them."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import httpx

from tests.faults.model import differences
from tests.faults.operations import (
    CONFIG,
    MOST_WRITES,
    Dataset,
    Refused,
    Target,
    Unknown,
    next_write,
    request,
)
from tests.flight.client import read
from tests.serving import KEY, Served

SHARED_EXAMPLES = 5
"""Examples of the one dataset that all writers write to, each a field of its own."""

PAUSE_S = 0.02
"""How long a writer waits when the server has refused a write."""

SETTLED_WITHIN_S = 60


class Shared:
    """One writer's field in the examples of the dataset that all write to."""

    def __init__(self, field: str, ids: list[str], id: str) -> None:
        self.field = field
        self.done = self.sent = 0
        self._ids = ids
        self._id = id
        self._key = ""

    @property
    def is_pending(self) -> bool:
        """Tell whether a write is under way, or no one knows what came of it."""
        return self.sent > self.done

    def write(self, target: Target) -> None:
        """Set the field of all the examples to the next number; or to the last one, again."""
        if not self.is_pending:
            self.sent, self._key = self.sent + 1, uuid.uuid4().hex
        body = {"examples": [{"id": id, self.field: self.sent} for id in self._ids]}
        request(target, "PATCH", f"/v2/datasets/{self._id}/examples", body, self._key)
        self.done = self.sent

    def check(self, examples: list[dict[str, Any]]) -> None:
        """Check that all of the last write is there, and of the one under way all or nothing."""
        found = {example.get(self.field, 0) for example in examples}
        assert found in ({self.done}, {self.sent}), f"{self.field}: {found}, not {self.done}"


class _GaveUp(Exception):
    """The outcome of the last write is not known."""


class Writer:
    """Writes to datasets of its own, one request at a time, and to the shared one."""

    def __init__(
        self, target: Callable[[], Target], shared: Shared, seed: int, gives_up: bool
    ) -> None:
        self.acknowledged: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.unknown = 0
        self.all: list[Dataset] = [Dataset()]
        self.shared = shared
        self._target = target
        self._gives_up = gives_up
        self._random = Random(seed)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None

    @property
    def _dataset(self) -> Dataset:
        return self.all[-1]

    def start(self) -> None:
        """Write until `stop`.

        A writer that gives up ends with a write whose outcome is not known; else it sends that
        again until it has an answer.
        """
        self._stop.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the write under way."""
        self._stop.set()
        assert self._thread
        self._thread.join()

    def _run(self) -> None:
        target = self._target()
        try:
            with target.http:
                while not self._stop.is_set():
                    self._write_one(target)
        except _GaveUp:
            pass
        except BaseException as error:
            self.error = error

    def _write_one(self, target: Target) -> None:
        try:
            if self._random.random() < 0.2:
                self.shared.write(target)
                self.acknowledged["PATCH one dataset by all"] += 1
            else:
                self._write_own(target)
        except Refused as error:
            self.refused[str(error)] += 1
            time.sleep(PAUSE_S)
        except Unknown as error:
            self.unknown += 1
            if self._gives_up:
                raise _GaveUp from error
            time.sleep(PAUSE_S)

    def _write_own(self, target: Target) -> None:
        if self._dataset.done >= MOST_WRITES and not self._dataset.pending:
            self.all.append(Dataset())
        dataset = self._dataset
        if dataset.state and not dataset.example_ids:
            self._learn(dataset, target)
        write = dataset.pending or next_write(dataset, self._random)
        try:
            answer = write.send(target)
        except Unknown:
            dataset.pending = write
            raise
        dataset.settle(write, answer)
        self.acknowledged[write.kind] += 1
        if dataset.state is None:
            self.all.append(Dataset())

    def _learn(self, dataset: Dataset, target: Target) -> None:
        """Learn the ids of a dataset's first examples, which no answer tells."""
        try:
            found = dataset.observe(target)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 503:
                raise
            raise Refused(error.response.json()["detail"]) from error
        except httpx.TransportError as error:
            raise Unknown("no answer to a read") from error
        assert not (wrong := differences(found, dataset.state)), wrong[:3]

    def verify(self, target: Target, *, everything: bool = False) -> None:
        """Check what is there, and then have done what was under way."""
        for dataset in self.all if everything else self.all[-2:]:
            found, write = dataset.observe(target), dataset.pending
            wrong = differences(found, dataset.state)
            if wrong and write:  # all of what was under way may be there too
                half = differences(found, write.after)
                assert not half, f"{write.kind}: {wrong[:3]}; {half[:3]}"
            else:
                assert not wrong, wrong[:3]
        end = time.monotonic() + SETTLED_WITHIN_S
        while self._dataset.pending or self.shared.is_pending:
            try:
                if self.shared.is_pending:
                    self.shared.write(target)
                if write := self._dataset.pending:
                    self._dataset.settle(write, write.send(target))
            except (Refused, Unknown):
                assert time.monotonic() < end
                time.sleep(PAUSE_S)
        if self._dataset.state is None and self._dataset.id:
            self.all.append(Dataset())
        elif self._dataset.state:
            assert not differences(self._dataset.observe(target), self._dataset.state)


class Load:
    """Some writers at once, on a server that may be replaced."""

    def __init__(self, served: Served, seed: int, *, gives_up: bool, writers: int = 6) -> None:
        self.served = served
        with self.target().http as http:
            self._space = _space(http)
            self._shared_id, ids = _shared(http, self._space)
        self.writers = [
            Writer(self.target, Shared(f"w{number}", ids, self._shared_id), seed + number, gives_up)
            for number in range(writers)
        ]

    def target(self) -> Target:
        """Return the server that there is now, with a client of its own; close that."""
        http = httpx.Client(
            base_url=self.served.base_url,
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=90,
            trust_env=False,
        )
        return Target(self.served, getattr(self, "_space", ""), http)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write while the block runs."""
        for writer in self.writers:
            writer.start()
        try:
            yield
        finally:
            for writer in self.writers:
                writer.stop()
            self.raise_error()

    def raise_error(self) -> None:
        """Raise what a writer found wrong."""
        for writer in self.writers:
            if writer.error:
                raise writer.error

    @property
    def acknowledged(self) -> Counter[str]:
        """How many writes of each kind were acknowledged."""
        return sum((writer.acknowledged for writer in self.writers), Counter())

    @property
    def refused(self) -> Counter[str]:
        """How often each refusal was told."""
        return sum((writer.refused for writer in self.writers), Counter())

    @property
    def unknown(self) -> int:
        """How many writes had no answer, or one that does not know."""
        return sum(writer.unknown for writer in self.writers)

    def read_all(self) -> None:
        """Read the dataset that all write to, by pages and over Arrow Flight."""
        target = self.target()
        with target.http as http:
            for _ in range(5):
                http.get(f"/v2/datasets/{self._shared_id}/examples").raise_for_status()
        assert read(self.served, datasetId=self._shared_id).num_rows == SHARED_EXAMPLES

    def verify(self, *, everything: bool = False) -> None:
        """Check that all that was acknowledged is there, and nothing half."""
        target = self.target()
        with target.http as http:
            page = http.get(f"/v2/datasets/{self._shared_id}/examples").raise_for_status().json()
            for writer in self.writers:
                writer.shared.check(page["examples"])
                writer.verify(target, everything=everything)


def _space(http: httpx.Client) -> str:
    space = str(http.get("/v2/spaces").raise_for_status().json()["spaces"][0]["id"])
    body = {"name": CONFIG, "space_id": space, "annotation_config_type": "FREEFORM"}
    http.post("/v2/annotation-configs", json=body).raise_for_status()
    return space


def _shared(http: httpx.Client, space: str) -> tuple[str, list[str]]:
    body = {
        "name": "shared",
        "space_id": space,
        "examples": [{"n": n} for n in range(SHARED_EXAMPLES)],
    }
    id = str(http.post("/v2/datasets", json=body).raise_for_status().json()["id"])
    page = http.get(f"/v2/datasets/{id}/examples").raise_for_status().json()
    return id, [example["id"] for example in page["examples"]]
