"""The `arize` SDK, unmodified, in its oldest and newest supported release, against a real server.

Each release lives in an environment of its own, which `make check` makes. The import of the SDK is
slow, so one process per release and server plays the scenarios that it is asked for one by one.
"""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.clients import sdk_scenarios
from tests.clients.environments import ROOT, client_python, outside
from tests.clients.sdk_support import ONLY, RELEASES, SCENARIOS, scenarios_of
from tests.serving import Served

LIMIT_S = 120

CASES = [(release, name) for release in RELEASES for name in scenarios_of(release)]


def sdk_environment(served: Served, folder: Path) -> dict[str, str]:
    """Return the environment variables that point the SDK at the server, and nowhere else."""
    return outside() | {
        "ARIZE_API_KEY": served.key,
        "ARIZE_API_HOST": "127.0.0.1",
        "ARIZE_API_PORT": str(served.port),
        "ARIZE_API_SCHEME": "http",
        "ARIZE_FLIGHT_HOST": "127.0.0.1",
        "ARIZE_FLIGHT_PORT": str(served.flight_port),
        "ARIZE_FLIGHT_SCHEME": "grpc",
        "ARIZE_ENABLE_CACHING": "false",
        "ARIZE_DIRECTORY": str(folder),
    }


class Player:
    """A process in the environment of one release, which plays scenarios against one server."""

    def __init__(self, release: str, served: Served, folder: Path) -> None:
        self._release = release
        self._environment = sdk_environment(served, folder)
        self._log = folder / "log.txt"
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._results: queue.Queue[str] = queue.Queue()

    def play(self, name: str) -> dict[str, Any]:
        """Play a scenario and return its result."""
        process = self._started()
        assert process.stdin is not None
        try:
            process.stdin.write(name + "\n")
            process.stdin.flush()
            line = self._results.get(timeout=LIMIT_S)
        except (BrokenPipeError, queue.Empty):
            line = ""
        if not line:
            self.stop()
            pytest.fail(f"{name} gave no result\n{self._log.read_text()}", pytrace=False)
        result: dict[str, Any] = json.loads(line)
        return result

    def stop(self) -> None:
        """End the process, if there is one; the next scenario starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.close()
            assert self._reader is not None
            self._reader.join()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._results = queue.Queue()
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    [
                        client_python(f"sdk-{self._release}"),
                        "-s",
                        "-m",
                        sdk_scenarios.__name__,
                        "-",
                    ],
                    cwd=ROOT,
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            self._reader = threading.Thread(target=_read, args=(self._process, self._results))
            self._reader.start()
        return self._process


def _read(process: subprocess.Popen[str], results: queue.Queue[str]) -> None:
    """Pass on the process's lines and, at its end, an empty one."""
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            results.put(line)
    results.put("")


@pytest.fixture(scope="session")
def players(
    served: Served, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Player]]:
    """Give a player of each release; its process starts with its first scenario."""
    made = {
        release: Player(release, served, tmp_path_factory.mktemp(f"sdk-{release}"))
        for release in RELEASES
    }
    yield made
    for player in made.values():
        player.stop()


@pytest.mark.parametrize("release", RELEASES)
def test_environment_holds_the_release(release: str) -> None:
    program = "import importlib.metadata as m; print(m.version('arize'))"
    answer = subprocess.run(
        [client_python(f"sdk-{release}"), "-I", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.startswith(release + ".")


def test_every_scenario_is_played_by_a_release() -> None:
    assert {name for _, name in CASES} == set(SCENARIOS)
    assert {only.release for only in ONLY.values()} <= set(RELEASES)
    assert all(only.reason for only in ONLY.values())


@pytest.mark.parametrize(("release", "scenario"), CASES)
def test_sdk(players: dict[str, Player], release: str, scenario: str) -> None:
    result = players[release].play(scenario)
    assert result["scenario"] == scenario
    if not result["ok"]:
        pytest.fail(f"arize {release}:\n{result['error']}", pytrace=False)
