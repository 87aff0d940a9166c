"""What the skew of two nodes is made of over hours: a constant, the room, and noise."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.servers.loopback_drivers import TWO_NODES

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.sim_instruments.physics.clock_makes import CONTROLLER, WHITE_RABBIT
from podium.sim_instruments.physics.clocks import LockState
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.wiring import read_plan

HOURS = 12
AT_FS = 1_800_000_000 * FS_PER_S
PS = 1_000


def a_laboratory() -> Laboratory:
    plan = read_plan(TWO_NODES)
    found = Laboratory(plan, sample(TWO_NODES, 5), WorldClock(ClockMode.MANUAL))
    found.close()
    return found


@pytest.fixture(scope="module")
def laboratory() -> Laboratory:
    return a_laboratory()


def skews_fs(laboratory: Laboratory, hours: int = HOURS, every_s: int = 30) -> np.ndarray:
    """Return where a tick of cluster_b lies against that of cluster_a, over time."""
    a, b = (laboratory.clocks[f"cluster_{letter}"] for letter in "ab")
    ticks = [AT_FS // FS_PER_NS + n * every_s * 10**9 for n in range(hours * 3600 // every_s)]
    both = [(a.tick_fs(tick, FS_PER_NS), b.tick_fs(tick, FS_PER_NS)) for tick in ticks]
    return np.array([late - early for early, late in both], np.float64)


def test_a_skew_is_a_constant_a_drift_with_the_room_and_jitter(laboratory) -> None:
    """1,440 samples of some 19 ps of noise: the mean is good to 0.5 ps, the slope to 1.5 ps/K."""
    skews = skews_fs(laboratory)
    room_k = np.array(
        [laboratory.room.deviation_k(AT_FS + n * 30 * FS_PER_S) for n in range(len(skews))]
    )
    slope, constant = np.polyfit(room_k, skews, 1)
    # static: offsets of both chains, and what each of their locks drew
    assert 100 * PS < abs(constant) < 10 * FS_PER_NS
    # drift: boxes of one make differ; the room is the same for all of them
    chains = [
        sum(
            laboratory.clocks[f"{box}_{letter}"]._errors.delay_per_k_fs
            for box in ("cluster", "wrtd")
        )
        for letter in "ab"
    ]
    assert 0.3 * PS < abs(chains[1] - chains[0]) < 10 * PS
    # what is later by its clock has a larger error: its ticks come earlier
    assert slope == pytest.approx(chains[0] - chains[1], abs=5 * 1.5 * PS)
    # jitter: white noise of both chains, and flicker
    left = skews - slope * room_k - constant
    white = np.sqrt(2 * (WHITE_RABBIT.white_fs**2 + CONTROLLER.white_fs**2))
    assert white == pytest.approx(18.6 * PS, rel=0.01)
    assert np.std(left) == pytest.approx(white, rel=0.12)


def test_the_room_alone_moves_a_skew_and_brings_it_back() -> None:
    """Noise switched off: what is left is the room, to the femtosecond."""
    laboratory = a_laboratory()
    for one in laboratory.clocks.values():
        one.make = replace(one.make, white_fs=0.0, flicker_fs=0.0)
    skews = skews_fs(laboratory, every_s=600)
    room_k = np.array(
        [laboratory.room.deviation_k(AT_FS + n * 600 * FS_PER_S) for n in range(len(skews))]
    )
    slope, constant = np.polyfit(room_k, skews, 1)
    assert np.ptp(skews) > 0.2 * PS
    np.testing.assert_allclose(skews, constant + slope * room_k, rtol=0, atol=3)


def test_all_that_is_common_to_both_nodes_cancels(laboratory) -> None:
    """The switch and the rubidium standard move both; one that ages moves both alike."""
    before = skews_fs(laboratory, 1)
    standard = laboratory.clocks["rubidium"]
    error_fs = laboratory.clocks["cluster_a"].error_fs(AT_FS + 11 * 3600 * FS_PER_S)
    standard.lose(AT_FS - 10 * 3600 * FS_PER_S)
    try:
        assert standard.state(AT_FS) is LockState.FREE
        ran_fs = laboratory.clocks["cluster_a"].error_fs(AT_FS + 11 * 3600 * FS_PER_S) - error_fs
        assert abs(ran_fs) > FS_PER_NS, "it has run away with its standard"
        after = skews_fs(laboratory, 1)
    finally:
        standard.lock(AT_FS + 24 * 3600 * FS_PER_S, 0)
    # with the standard off, their ticks come when their noise is another one: both 19 ps rms
    assert np.mean(after) == pytest.approx(np.mean(before), abs=6 * 19 * PS * (2 / 120) ** 0.5)


def test_instruments_that_tell_temperatures_tell_those_of_one_room(laboratory) -> None:
    switch, rubidium = (laboratory.twins[name] for name in ("switch", "rubidium"))
    shown: list[tuple[float, float]] = []
    for minutes in range(0, 24 * 60, 20):
        at_fs = AT_FS + minutes * 60 * FS_PER_S
        case_k = 100 * float(rubidium.obey("AD10?", at_fs)) - 100 * float(
            rubidium.obey("AD10?", AT_FS)
        )
        room_k = laboratory.room.deviation_k(at_fs) - laboratory.room.deviation_k(AT_FS)
        shown.append((case_k, room_k))
        assert switch.clock.room_k(at_fs) == rubidium.clock.room_k(at_fs)
    assert np.ptp([case for case, _ in shown]) > 0.5
    assert max(abs(case - room) for case, room in shown) < 0.11, "the case counts tenths"
