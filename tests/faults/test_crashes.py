"""What was acknowledged is there after a crash, and nothing half; `make faults` has more rounds."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.support import Place
from tests.faults import crashes

SEED = 8


def test_a_killed_server_has_lost_nothing(place: Place) -> None:
    outcome = crashes.kill(place, rounds=4, seed=SEED)
    assert outcome.acknowledged.total() >= 4


def test_a_first_start_that_is_killed_is_begun_anew(new_place: Callable[[], Place]) -> None:
    for seed in range(3):
        crashes.kill_first_start(new_place(), seed)
