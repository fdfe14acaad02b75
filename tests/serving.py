"""Start a real server as a process of its own, and talk to it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from exempla.cli import app

KEY = "exk_test_key_for_the_suite_0123456789"
START_LIMIT_S = 60
_OURS = ("EXEMPLA_", "ARIZE_")
_FREE_PORTS = ("--port", "0", "--flight-port", "0")
_LISTENING = re.compile(
    r"listening on (https?://127\.0\.0\.1:(\d+))(?: and grpc(?:\+tls)?://127\.0\.0\.1:(\d+))?"
)


def exempla(
    *arguments: str, program: Sequence[str] = ("-m", "exempla"), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run an `exempla` command to its end, as a process of its own."""
    return subprocess.run(
        [sys.executable, *program, *arguments],
        env=_environment(environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def exempla_here(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run an `exempla` command to its end in this process, which has its imports.

    An error that the command did not expect is raised. As processes of their own the commands are
    run by `tests/test_docs.py`, and where a test is about pipes, signals or a terminal.
    """
    ours = {name: None for name in os.environ if name.startswith(_OURS)}
    shown = {"NO_COLOR": "1", "COLUMNS": "80"}  # not those of a terminal that the tests run in
    done = CliRunner().invoke(
        app, arguments, env={**ours, **shown, **environment}, catch_exceptions=False
    )
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def _environment(extra: dict[str, str]) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    return {**kept, "NO_COLOR": "1", **extra}


@dataclass
class Served:
    """A running `exempla serve` (or `demo`), with its output so far."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    base_url: str = ""
    port: int = 0
    flight_port: int = 0
    key: str = KEY
    _ready: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)

    @classmethod
    def start(
        cls,
        *arguments: str,
        command: str = "serve",
        program: Sequence[str] = ("-m", "exempla"),
        folder: str | Path = ".",
        **environment: str,
    ) -> Served:
        """Start the server on free ports, in this folder, and wait until it listens.

        Its admin key is `KEY`, unless the environment given sets another.
        """
        process = subprocess.Popen(
            [sys.executable, *program, command, *_FREE_PORTS, *arguments],
            cwd=folder,
            env=_environment(
                {"EXEMPLA_BOOTSTRAP_KEY": KEY, "EXEMPLA_METRICS": "true", **environment}
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        served = cls(process)
        served._reader.start()
        served._ready.wait(START_LIMIT_S)
        if not served.base_url:
            served.stop()
            raise RuntimeError("the server did not start:\n" + served.output)
        return served

    @property
    def output(self) -> str:
        """What the server has printed so far."""
        return "".join(self.lines)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.lines.append(line)
                if match := _LISTENING.search(line):
                    self.base_url, self.port = match[1], int(match[2])
                    self.flight_port = int(match[3] or 0)
                    self._ready.set()
        self._ready.set()

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """End the server and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        status = self.process.wait(START_LIMIT_S)
        self._reader.join(START_LIMIT_S)
        return status


def database_arguments(engine: str, folder: Path, postgres_url: str) -> list[str]:
    """Return the flags that put a server on this engine."""
    if engine == "sqlite":
        return ["--data-dir", str(folder)]
    return ["--database-url", postgres_url]
