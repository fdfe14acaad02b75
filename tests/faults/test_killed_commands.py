"""Commands that are killed half-way; `compact` is among the faults of `test_outages.py`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path


def test_backup_and_restore_are_done_or_not_wherever_they_are_killed(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.killed_commands", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert min(map(int, re.findall(r"(\d+) kills", done.stdout))) > 20
    assert done.stdout.count("kills") == 4
    for kept, made in (("''", """'{"n":1}'"""), ("""'{"n":0}'""", """'{"n":1}'""")):
        assert done.stdout.count(f"[{kept}, {made}]") == 2
