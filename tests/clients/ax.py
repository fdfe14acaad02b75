"""The `ax` command, run as a process with a profile of its own."""

from __future__ import annotations

import json
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.clients.environments import client_python, outside
from tests.clients.test_notes import block
from tests.serving import Served

LIMIT_S = 120
PROFILE = "exempla"
STARTER = Path(__file__).with_name("ax_starter.py")


@dataclass(frozen=True)
class Done:
    """How a run of `ax` ended."""

    command: tuple[str, ...]
    status: int
    output: str
    messages: str

    @property
    def answer(self) -> Any:
        """What it printed as JSON; fails if it did not end well."""
        self.succeeded()
        return json.loads(self.output)

    def succeeded(self, *messages: str) -> None:
        """Fail unless it ended well, with these texts among its messages."""
        assert self.status == 0, f"{self.command}: {self.messages}\n{self.output}"
        for message in messages:
            assert message in self.messages, self.messages

    def failed(self, *messages: str) -> None:
        """Fail unless the API's answer ended it, told for a reader with these texts in it."""
        assert self.status == 4, f"{self.command}: {self.messages}\n{self.output}"
        assert "✗ Error:" in self.messages, self.messages
        assert "Traceback" not in self.messages, self.messages
        for message in messages:
            assert message in self.messages, self.messages


class Ax:
    """The `ax` of one home folder, whose profile points at one server."""

    def __init__(self, served: Served, home: Path) -> None:
        self.home = home
        self._environment = outside() | {
            "HOME": str(home),
            "ARIZE_API_KEY": served.key,
            "COLUMNS": "1000",  # else it wraps its messages
            "NO_COLOR": "1",
        }
        self._starter = subprocess.Popen(
            [client_python("ax"), "-I", str(STARTER)],
            cwd=home,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *command: str, key: str = "") -> Done:
        """Run it once, with another key if one is given."""
        assert self._starter.stdin is not None
        assert self._starter.stdout is not None
        environment = {"ARIZE_API_KEY": key} if key else {}
        files = [self.home / f"{uuid.uuid4().hex}.{kind}" for kind in ("out", "err")]
        order = [command, environment, *map(str, files)]
        self._starter.stdin.write(json.dumps(order) + "\n")
        self._starter.stdin.flush()
        status = int(self._starter.stdout.readline())
        output, messages = (file.read_text() for file in files)
        return Done(command, status, output, messages)

    def each(self, *commands: tuple[str, ...]) -> list[Done]:
        """Run commands one after the other, whether they end well or not."""
        return [self(*command) for command in commands]

    def stop(self) -> None:
        """End what starts it."""
        self._starter.communicate(timeout=LIMIT_S)

    def write(self, name: str, content: object) -> str:
        """Write a file, as JSON unless it is text, and return its path."""
        text = content if isinstance(content, str) else json.dumps(content)
        path = self.home / name
        path.write_text(text)
        return str(path)

    def write_parquet(self, name: str, rows: list[dict[str, object]]) -> str:
        """Write a Parquet file with the libraries that `ax` brings, and return its path."""
        program = "import json, pandas, sys; pandas.DataFrame(json.load(sys.stdin)).to_parquet"
        path = str(self.home / name)
        subprocess.run(
            [client_python("ax"), "-I", "-c", f"{program}({path!r})"],
            input=json.dumps(rows),
            text=True,
            check=True,
        )
        return path


@contextmanager
def open_ax(served: Served, home: Path) -> Iterator[Ax]:
    """Give an `ax` whose profile is the one that the documents show."""
    made = Ax(served, home)
    profile = block("toml").replace("8787", str(served.port))
    profile = profile.replace("8788", str(served.flight_port))
    made("profiles", "create", PROFILE, "--from-file", made.write("p.toml", profile)).succeeded()
    yield made
    made.stop()
