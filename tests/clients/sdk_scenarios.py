"""Play scenarios of the `arize` SDK against the server that the environment names.

Run in an environment that holds the SDK, at the root of the repository:

    python -m tests.clients.sdk_scenarios [NAME ...]

plays the named scenarios or, without names, all that the release can play; `-` reads the names from
the standard input, one per line, as they come. Each scenario prints one line of JSON.
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import traceback
from collections.abc import Iterable
from contextlib import redirect_stdout

from tests.clients import (
    sdk_annotations,
    sdk_audit,
    sdk_bulk,
    sdk_filters,
    sdk_keys,
    sdk_members,
    sdk_places,
    sdk_refusals,
    sdk_usage,
)
from tests.clients.sdk_support import SCENARIOS, Client, new_client, scenarios_of

__all__ = [
    "sdk_annotations",
    "sdk_audit",
    "sdk_bulk",
    "sdk_filters",
    "sdk_keys",
    "sdk_members",
    "sdk_places",
    "sdk_refusals",
    "sdk_usage",
]


def play(client: Client, name: str) -> dict[str, object]:
    """Play one scenario and say how it went."""
    try:
        SCENARIOS[name](client)
    except Exception:
        return {"scenario": name, "ok": False, "error": traceback.format_exc()}
    return {"scenario": name, "ok": True}


def chosen(arguments: list[str]) -> Iterable[str]:
    """Return the names of the scenarios to play."""
    if arguments == ["-"]:
        return (line.strip() for line in sys.stdin)
    release = ".".join(importlib.metadata.version("arize").split(".")[:2])
    return arguments or scenarios_of(release)


def main() -> int:
    """Play the chosen scenarios and return 1 if one failed."""
    results = sys.stdout
    failed = False
    with redirect_stdout(sys.stderr):  # the SDK logs to the standard output
        client = new_client()
        for name in chosen(sys.argv[1:]):
            result = play(client, name)
            failed = failed or not result["ok"]
            print(json.dumps(result), file=results, flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
