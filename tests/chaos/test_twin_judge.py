"""The judge of faults on twins sees what is wrong."""

import pytest
from tests.chaos.patient_agent import MARGINS
from tests.chaos.twin_judge import (
    Calibration,
    Completed,
    Setting,
    Start,
    judge,
    starts_of,
)
from tests.chaos.world import Tally

from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS

T0_FS = 1_900_000_000 * 10**15 + 4 * FS_PER_NS
LATENCY_FS = 2_446_327_415
LATER_FS = 600_000
"""What is taken out of node_b's skew by whole ticks leaves this to shapes."""
DELAY_NS = {"cluster_a": 3, "cluster_b": 0}
MARKER = "slot4.marker2"


def entry(instrument: str, connector: str, *at_fs: int) -> dict[str, object]:
    return {"instrument": instrument, "connector": connector, "at_fs": list(at_fs)}


def played(letter: str, off_fs: int = 0, t0_fs: int = T0_FS) -> list[dict[str, object]]:
    """Return what the world has of a start of a node: its trigger edge, its pulses."""
    edge_fs = t0_fs + DELAY_NS[f"cluster_{letter}"] * FS_PER_NS + 40_000
    latency_fs = LATENCY_FS + (0 if letter == "a" else LATER_FS)
    return [
        entry(f"wrtd_{letter}", "LC-O1", edge_fs),
        entry(f"cluster_{letter}", MARKER, t0_fs + latency_fs + off_fs, t0_fs + 10**12),
    ]


def calibration(begun_fs: int = T0_FS - 10**15, ended_fs: int = T0_FS - 10**14) -> Calibration:
    return Calibration(
        begun_fs,
        ended_fs,
        {
            "cluster_a": Setting(DELAY_NS["cluster_a"], LATER_FS),
            "cluster_b": Setting(DELAY_NS["cluster_b"], 0),
        },
        {("cluster_a", MARKER): LATENCY_FS, ("cluster_b", MARKER): LATENCY_FS + LATER_FS},
    )


def judged(entries, completed: bool, relocks=(), calibrations=None) -> Tally:
    tally = Tally()
    runs = [Completed("job_0", T0_FS)] if completed else []
    judge(starts_of(entries), calibrations or [calibration()], relocks, runs, tally)
    return tally


BOTH = [*played("a"), *played("b")]
WRONG = [*played("a"), *played("b", 600_000)]
IN_TIME = T0_FS - MARGINS.guard_fs - FS_PER_MS
IN_GUARD = T0_FS - FS_PER_MS


@pytest.mark.parametrize(
    ("entries", "completed", "relocks", "undetected", "wrong", "discarded"),
    [
        (BOTH, True, (), 0, 0, 0),
        (BOTH, False, (), 0, 0, 0),
        ([*played("a", 450_000), *played("b")], True, (), 0, 0, 0),
        ([*played("a", 300_000), *played("b", -300_000)], True, (), 1, 0, 0),
        (played("a"), True, (), 1, 0, 0),
        (played("a"), False, (), 0, 0, 0),
        ([], True, (), 1, 0, 0),
        ([*BOTH, *played("a", 2 * 10**12)], True, (), 0, 1, 0),
        (WRONG, True, (), 1, 1, 0),
        (WRONG, False, (), 0, 1, 0),
        (WRONG, False, (("cluster_b", IN_GUARD),), 0, 0, 1),
        (WRONG, False, (("wrtd_b", IN_GUARD),), 0, 0, 1),
        (WRONG, False, (("cluster_a", IN_GUARD),), 0, 1, 0),
        (WRONG, False, (("cluster_b", IN_TIME),), 0, 1, 0),
        (WRONG, True, (("cluster_b", IN_GUARD),), 1, 1, 0),
        (played("b")[1:], False, (), 0, 1, 0),
        ([played("b")[0], entry("cluster_b", "slot2.out0", T0_FS + 4000)], False, (), 0, 1, 0),
    ],
)
def test_the_judge_sees_what_is_wrong(
    entries, completed, relocks, undetected, wrong, discarded
) -> None:
    tally = judged(entries, completed, relocks)
    assert tally.undetected_partial_starts == undetected
    assert tally.wrong_time_pulses == wrong
    assert tally.discarded_after_the_fact == discarded
    assert len(tally.problems) == undetected + wrong


def test_what_plays_while_skews_are_measured_is_not_judged() -> None:
    now = calibration(T0_FS - 10**13, T0_FS + 10**13)
    assert judged(WRONG, False, calibrations=[calibration(), now]).pulses == 0
    unfinished = Calibration(T0_FS - 10**13)
    assert judged(WRONG, False, calibrations=[calibration(), unfinished]).pulses == 0


def test_one_start_is_what_begins_within_a_millisecond_on_all_connectors_of_a_node() -> None:
    first, second = T0_FS + 10**9, T0_FS + 10**13
    found = starts_of(
        [
            entry("cluster_a", "slot4.out0", first + 10**6),
            entry("cluster_a", "slot2.out0", first),
            entry("cluster_a", "slot2.out0", second),
            entry("tagger", "slot10.io0", first),
            entry("wrtd_a", "LC-O1", T0_FS, T0_FS + 10**8),
            entry("wrtd_b", "LC-O1", second - 10**8),
        ]
    )
    assert found == [
        Start("cluster_a", "slot2.out0", first, T0_FS + 10**8),
        Start("cluster_a", "slot2.out0", second, None),
    ]
