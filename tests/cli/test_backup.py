"""`exempla backup` and `exempla restore` as commands; `tests/store/test_backup.py` has the rest."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.cli.support import (
    Place,
    all_examples,
    assert_one_line,
    client,
    create_dataset,
    running,
)
from tests.serving import exempla_here


def test_a_backup_beside_a_server_is_restored(new_sqlite_place: Place) -> None:
    place, file = new_sqlite_place, new_sqlite_place.folder / "a # copy?.db"
    with running(*place.flags) as served, client(served) as http:
        dataset = create_dataset(http, {"n": 0})
        made = exempla_here("backup", str(file), *place.flags)
        assert (made.returncode, made.stderr) == (0, "")
        assert made.stdout.startswith(f"wrote {file} (")
        (example,) = all_examples(http, dataset)
        change = {"examples": [{"id": example["id"], "n": 1}]}
        http.patch(f"/v2/datasets/{dataset}/examples", json=change).raise_for_status()
        refused = exempla_here("restore", str(file), "--force", *place.flags)
        assert_one_line(refused, "a server or a command uses", "stop it")
        served.stop(signal.SIGKILL)  # its log stays
    restored = exempla_here("restore", str(file), "--force", *place.flags)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert exempla_here("check", str(file)).stdout == "data: sound\n1 dataset is sound\n"
    with running(*place.flags) as served, client(served) as http:
        assert [example["n"] for example in all_examples(http, dataset)] == [0]


def test_postgres_has_its_own_tools(tmp_path: Path) -> None:
    flags = ["--database-url", "postgresql://127.0.0.1:1/x"]
    assert_one_line(exempla_here("backup", str(tmp_path / "file"), *flags), "pg_dump")
    assert_one_line(exempla_here("restore", str(tmp_path / "file"), *flags), "pg_restore")
