"""The environments that hold the real clients, which `make check` makes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def client_python(name: str) -> Path:
    """Return the interpreter of a client's environment: `sdk-8.42`, `sdk-8.61` or `ax`."""
    python = ROOT / f".venv-{name}" / "bin" / "python"
    if not python.exists():
        pytest.fail(f"{python} is missing; run `make check`, which makes it", pytrace=False)
    return python


def outside() -> dict[str, str]:
    """Return the environment without what could point a client elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ARIZE_", "PYTHON")) and not name.lower().endswith("_proxy")
    }
