"""`exempla demo`: the main job on a real server, each request and its answer shown."""

from __future__ import annotations

import http.client
import json
import shlex
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import uvicorn
from rich.console import Console
from rich.syntax import Syntax

from exempla import logs, server
from exempla.demo_data import QUESTIONS
from exempla.errors import StartupError
from exempla.flight.server import serving
from exempla.settings import Settings
from exempla.store import keys, setup

SHOWN_EXAMPLES = 3
"""So many examples of an answer are shown; the number of the others is told."""


def run(host: str, port: int, flight_port: int, *, once: bool) -> None:
    """Show the main job, then keep serving until Ctrl-C, unless `once`."""
    logs.configure()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends it as Ctrl-C does
    secret = keys.new_secret()
    with (
        tempfile.TemporaryDirectory(prefix="exempla-demo-") as folder,
        _serving(host, port, flight_port, Path(folder), secret) as (url, flight_url),
    ):
        _Show(url, secret).main_job()
        if not once:
            _wait(url, flight_url, secret)


@contextmanager
def _serving(
    host: str, port: int, flight_port: int, folder: Path, secret: str
) -> Iterator[tuple[str, str]]:
    listener = server.bind(host, port)
    settings = Settings(host=host, data_dir=folder)
    engine = setup.open_engine(settings)
    database, _ = setup.open_database(engine, secret)
    with closing(database), serving(database, host, flight_port, None) as flight_url:
        running = server.make(database, settings)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            _wait_until_started(running, thread)
            yield server.url_of(listener), flight_url
        except KeyboardInterrupt:
            pass
        finally:
            running.should_exit = True
            thread.join()


def _wait_until_started(running: uvicorn.Server, thread: threading.Thread) -> None:
    while not running.started:
        if not thread.is_alive():
            raise StartupError("the demo's server did not start; its log says why")
        time.sleep(0.01)


def _wait(url: str, flight_url: str, secret: str) -> None:
    print(
        f"\nExempla is listening on {url} and {flight_url} with this data until Ctrl-C. "
        "Look around:\n\n"
        f"  curl -H 'Authorization: Bearer {secret}' {url}/v2/datasets\n\n"
        f"Or open {url} in a browser and log in with the key {secret}\n",
        flush=True,
    )
    while True:
        time.sleep(3_600)


class _Show:
    """A client that shows what it sends and gets."""

    def __init__(self, url: str, secret: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._secret = secret
        self._console = Console(soft_wrap=True)

    def main_job(self) -> None:
        """Create a dataset, update it in place and into a new version, and compare the two."""
        self._title("1. A new dataset: its examples are version v1")
        space = self._call("GET", "/v2/spaces?name=Default")["spaces"][0]["id"]
        dataset = self._call(
            "POST",
            "/v2/datasets",
            {"name": "support questions", "space_id": space, "examples": QUESTIONS},
        )
        examples = f"/v2/datasets/{quote(dataset['id'])}/examples"
        v1 = quote(dataset["versions"][0]["id"])

        self._title("2. Its examples have ids now")
        page = self._call("GET", f"{examples}?limit=3")["examples"]
        ids = [example["id"] for example in page]

        self._title("3. Correct an answer in place: PATCH without new_version")
        change = {"id": ids[0], "expected": "Within 30 days of delivery."}
        self._call("PATCH", examples, {"examples": [change]})

        self._title("4. Change two more into a new version: PATCH with new_version")
        changes = [
            {"id": ids[1], "expected": "Yes, to 40 countries.", "reviewed": True},
            {"id": ids[2], "expected": "Under Orders, then Track.", "reviewed": True},
            {"id": "not-an-example", "expected": "An id that is not there is ignored."},
        ]
        body = {"examples": changes, "new_version": "reviewed"}
        v2 = quote(self._call("PATCH", examples, body)["dataset_version_id"])

        self._title("5. The new version has the changes ...")
        self._call("GET", f"{examples}?dataset_version_id={v2}&limit=3")
        self._title("6. ... and v1 is as it was, with the correction made in place")
        self._call("GET", f"{examples}?dataset_version_id={v1}&limit=3")

    def _title(self, text: str) -> None:
        self._console.print(f"\n{text}", style="bold")

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        sent = json.dumps(body, ensure_ascii=False) if body is not None else None
        headers = {"Authorization": f"Bearer {self._secret}", "Content-Type": "application/json"}
        self._connection.request(method, path, sent.encode() if sent else None, headers)
        answer = self._connection.getresponse()
        data: dict[str, Any] = json.loads(answer.read())
        self._console.print(f"\n> {method} {path}", style="cyan", markup=False)
        if body is not None:
            self._json(body)
        self._console.print(f"< {answer.status} {answer.reason}", style="green", markup=False)
        self._json(data)
        if answer.status >= 400:
            raise StartupError(f"the demo failed: {method} {shlex.quote(path)} was refused")
        return data

    def _json(self, data: Any) -> None:
        shown = dict(data)
        more = len(shown.get("examples", [])) - SHOWN_EXAMPLES
        if more > 0:
            shown["examples"] = [*shown["examples"][:SHOWN_EXAMPLES], f"... and {more} more"]
        text = json.dumps(shown, indent=2, ensure_ascii=False)
        self._console.print(Syntax(text, "json", theme="ansi_dark", background_color="default"))
