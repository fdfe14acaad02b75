"""W3 at growing sizes: its time must not follow the size of the dataset."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.data import make_edits
from benchmarks.report import Growth, Result
from benchmarks.rig import Loaded, Rig
from benchmarks.timing import Lane, run
from benchmarks.work import (
    AS_VERSION,
    FEW,
    FEW_TIMES,
    IN_PLACE,
    WARM_UP,
    check_matched,
    edit_lane,
    few_as_versions,
)

Pair = tuple[Rig, Loaded]


def measure_growth(pairs: Sequence[Pair]) -> list[Growth]:
    """Do W3 on all sizes in turn, smallest first, each on a server of its own.

    So whatever else the machine does in the meantime falls on all sizes alike.
    """
    in_place = [
        edit_lane(rig, loaded, make_edits(loaded.ids, FEW, FEW_TIMES + WARM_UP, "grown"))
        for rig, loaded in pairs
    ]
    growths = [_judge(IN_PLACE, pairs, in_place, WARM_UP)]
    as_version = [few_as_versions(rig, loaded) for rig, loaded in pairs]
    return [*growths, _judge(AS_VERSION, pairs, as_version, 0)]


def _judge(work: str, pairs: Sequence[Pair], lanes: Sequence[Lane], warm_up: int) -> Growth:
    run(*lanes, warm_up=warm_up)
    for lane in lanes:
        check_matched(lane, FEW)
    sizes = [len(loaded.ids) for _, loaded in pairs]
    return Growth.of(work, sizes, [Result.of(work, lane.times, None) for lane in lanes])
