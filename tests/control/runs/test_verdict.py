"""When a start counts: each deviation, on either side of where it begins to be one."""

from dataclasses import replace

import pytest

from podium.control.bus.messages import RunId
from podium.control.runs import verdict
from podium.control.runs.messages import (
    CAPTURE,
    UNVERIFIED,
    Prepared,
    Relock,
    Report,
    Start,
)
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS
from podium.firmware_interfaces.tai import Tai

RUN = RunId(5, 1)
T0 = Tai(1_900_000_000, 25 * FS_PER_MS)
LATER_FS = 212 * FS_PER_NS
"""What a controller needs from the trigger to its first sample; on purpose more than all else."""
ALLOWED_FS = 500_000
"""Half a nanosecond (docs/explanation/one-start.md), with a clock that resolves all."""


def judged(start: Start | None, *, several: bool = True, **others: object) -> tuple[str, ...]:
    """Return the problems of a run of two nodes, of which the second is as said."""
    nodes = []
    for name in ("node_a", "node_b")[: 1 + several]:
        epochs = Epochs.of({"house": 3, name: 1})
        prepared = Prepared(
            *(name, RUN, "hash", epochs, 4, LATER_FS, CAPTURE, 11 * FS_PER_MS, 10 * FS_PER_MS, 1, 1)
        )
        report = Report(name, RUN, "", "hash", epochs, (), at(0), 1, 0, 0, b"")
        nodes.append(verdict.Expected(prepared, report))
    last = nodes[-1]
    nodes[-1] = replace(last, report=replace(last.report, start=start, **others))
    return verdict.problems(T0, nodes)


def at(off_fs: int, resolution_fs: int = 0, source: str = CAPTURE) -> Start:
    """Return a start that far from where it belongs."""
    return Start(Tai.from_fs(T0.total_fs + LATER_FS + off_fs), resolution_fs, source)


@pytest.mark.parametrize("sign", [-1, 1], ids=["early", "late"])
@pytest.mark.parametrize("resolution_fs", [0, 1_000_000, 4_000_000])
def test_a_start_may_be_off_by_half_a_nanosecond_and_half_a_tick_either_way(
    sign: int, resolution_fs: int
) -> None:
    most_fs = ALLOWED_FS + resolution_fs // 2
    assert judged(at(sign * most_fs, resolution_fs)) == ()
    (problem,) = judged(at(sign * (most_fs + 1), resolution_fs))
    assert problem == (
        f"node_b: it started {sign * (most_fs + 1)} fs from where its start belongs ({CAPTURE})"
    )


@pytest.mark.parametrize("off_fs", [-LATER_FS, LATER_FS, -(10**15), 10**15])
def test_a_start_that_is_far_off_is_wrong_either_way(off_fs: int) -> None:
    """Among them one at T0 itself, as if the controller needed no time."""
    assert len(judged(at(off_fs, 1_000_000))) == 1


@pytest.mark.parametrize("several", [False, True])
def test_an_early_start_of_a_single_node_is_wrong_too(several: bool) -> None:
    assert judged(at(0), several=several) == ()
    assert len(judged(at(-(10**7)), several=several)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts": 0},
        {"starts": 2},
        {"late": 1},
        {"missed": 1},
        {"relocks": (Relock("house", 4),)},
        {"epochs": Epochs.of({"house": 3, "node_b": 2})},
        {"epochs": Epochs.of({"house": 3})},
        {"program_hash": "other"},
        {"run": RunId(5, 2)},
        {"ended": "woke too late"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_each_of_these_alone_makes_a_run_count_for_nothing(wrong: dict[str, object]) -> None:
    (problem,) = judged(at(0), **wrong)
    assert problem.startswith("node_b: ")


def test_a_start_that_nobody_saw_is_none() -> None:
    assert judged(None) == ("node_b: it started 1 times instead of once",)


def test_an_unverified_start_counts_on_a_single_node_only() -> None:
    unseen = at(10**12, source=UNVERIFIED)
    assert judged(unseen, several=False) == ()
    (problem,) = judged(unseen)
    assert problem.startswith("node_b: start unverified")
