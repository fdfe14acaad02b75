"""The files in `deploy/`: they parse, they take away what is not needed, and they start what is."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exempla.settings import DEFAULT_FLIGHT_PORT, DEFAULT_PORT
from tests.serving import Served

DEPLOY = Path(__file__).parent.parent / "deploy"
UNIT = DEPLOY / "exempla.service"
DOCKERFILE = DEPLOY / "Dockerfile"


@pytest.fixture
def service() -> configparser.SectionProxy:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(UNIT.read_text())
    return unit["Service"]


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with what follows it as one line."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.M)
    lines = re.sub(r"\s*\\\n\s*", " ", text).strip().splitlines()
    found = [line.partition(" ") for line in lines if line]
    return [(word, rest) for word, _, rest in found]


def test_the_service_can_do_no_more_than_it_needs(service: configparser.SectionProxy) -> None:
    for name in ("NoNewPrivileges", "DynamicUser", "PrivateTmp", "PrivateDevices", "ProtectHome"):
        assert service[name] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == ""
    assert service["StateDirectory"] == "exempla"
    assert service["StateDirectoryMode"] == "0700"
    assert "ReadWritePaths" not in service
    assert service["ExecStart"].split()[1:] == ["serve"]
    assert "EXEMPLA_DATA_DIR=/var/lib/exempla" in UNIT.read_text()


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:  # not a machine with systemd
        assert UNIT.read_text().count("\n[") == 2
        return
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub("^ExecStart=.*$", "ExecStart=/bin/true", UNIT.read_text(), flags=re.M))
    done = subprocess.run(
        [program, "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_image_runs_as_no_one_and_holds_what_is_locked() -> None:
    found = instructions()
    users = [rest for word, rest in found if word == "USER"]
    assert users[-1] == "10001:10001"
    assert not [rest for word, rest in found if word == "ADD"]
    installs = re.findall(r"pip install ([^&]*)", " ".join(rest for _, rest in found))
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-index --no-deps" in install
    for word, rest in found:
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (DEPLOY.parent / source).exists(), source
    assert dict(found)["EXPOSE"] == f"{DEFAULT_PORT} {DEFAULT_FLIGHT_PORT}"
    assert json.loads(dict(found)["ENTRYPOINT"]) == ["exempla"]
    assert json.loads(dict(found)["CMD"]) == ["serve"]


def test_the_health_check_of_the_image_works(served: Served) -> None:
    check = dict(instructions())["HEALTHCHECK"]
    command = json.loads(check.partition("CMD ")[2])
    command[0] = sys.executable

    def ends(port: int) -> int:
        replaced = [part.replace("8787", str(port)) for part in command]
        return subprocess.run(replaced, capture_output=True, timeout=60, check=False).returncode

    assert ends(served.port) == 0
    assert ends(1) != 0


def test_what_builds_the_image_is_locked_with_hashes() -> None:
    locked = (DEPLOY.parent / "requirements" / "build.txt").read_text()
    assert "hatchling==" in locked
    assert locked.count("==") <= locked.count("--hash=sha256:")
    assert "://" not in locked
