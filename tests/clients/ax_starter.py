"""Start `ax` again and again without its imports, which take it two seconds.

Run by the interpreter of the environment that holds `ax`. Each line of the standard input is a
command as JSON: `[arguments, environment, file of the output, file of the messages]`. It runs in a
process of its own, forked from this one; its exit status is printed.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
from typing import Any

AREAS = ("annotation_configs", "api_keys", "datasets", "organizations", "spaces")


def load() -> Any:
    """Import all that `ax` needs in the end and return its command."""
    command = importlib.import_module("typer.main").get_command(
        importlib.import_module("ax.cli").app
    )
    for area in AREAS:
        importlib.import_module(f"arize.{area}.client")
    gc.freeze()
    return command


def become(arguments: list[str], environment: dict[str, str], output: str, messages: str) -> None:
    """Turn this process into one that will run `ax`."""
    for number, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, output, os.O_WRONLY | os.O_CREAT),
        (2, messages, os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(path, flags), number)
    sys.stdin = open(0)  # noqa: SIM115
    sys.argv = ["ax", *arguments]
    os.environ.update(environment)


def end(status: object) -> None:
    """End this process as the interpreter does, but without taking its modules apart."""
    if isinstance(status, str):
        print(status, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


def main() -> None:
    """Start `ax` for each line."""
    command = load()
    for line in sys.stdin:
        if not (child := os.fork()):
            become(*json.loads(line))
            try:
                end(command())
            except SystemExit as leaving:
                end(leaving.code)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
