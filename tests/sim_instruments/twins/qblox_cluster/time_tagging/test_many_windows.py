"""Thousands of edges and windows at once come to what they come to one by one."""

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0

from podium.sim_instruments.physics.clock_makes import CONTROLLER, WHITE_RABBIT
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import SUBS_PER_TICK, IdealClock, subs
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.time_tagging import tag_stage
from podium.sim_instruments.twins.qblox_cluster.time_tagging.edge_times import (
    ONE_BY_ONE,
    edge_subs,
)
from podium.sim_instruments.twins.qblox_cluster.time_tagging.io_channel import power_on_channel
from podium.sim_instruments.twins.qblox_cluster.time_tagging.tag_stage import (
    TaggedEdges,
    TagRecord,
    Window,
    binned,
)

NOISE_SUBS = 400
"""Some 200 ps: what a clock's noise may differ by from one tick to the next, and more."""


def test_many_edges_lie_where_each_does_by_itself() -> None:
    drawn = np.random.default_rng(3)
    at_fs = [T0 + int(one) for one in np.sort(drawn.integers(0, 10**13, 3 * ONE_BY_ONE))]
    ideal = IdealClock("x")
    assert edge_subs(ideal, at_fs) == [subs(ideal, one) for one in at_fs]
    counter = TickCounter(clock())
    many, each = edge_subs(counter, at_fs), [subs(counter, one) for one in at_fs]
    off = np.array([one - other for one, other in zip(many, each, strict=True)])
    assert np.abs(off).max() < NOISE_SUBS
    assert abs(off.mean()) < NOISE_SUBS / 20


def clock() -> Clock:
    room = Room(7)
    ticks, plane = Clock(7, "ticks", CONTROLLER, room), Clock(7, "plane", WHITE_RABBIT, room)
    ticks.follow(plane)
    return ticks


@pytest.mark.parametrize("seed", range(5))
def test_bins_are_the_same_by_all_windows_at_once(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = np.random.default_rng(seed)
    start = 12_345 * SUBS_PER_TICK
    begins = np.cumsum(drawn.integers(50, 300, 400)) * SUBS_PER_TICK
    windows = [
        Window(
            start + int(at),
            start + int(at) + int(drawn.integers(4, 40)) * SUBS_PER_TICK,
            int(drawn.integers(0, 3)),
            int(drawn.integers(0, 60)),
            start,
            (0, 1, 2, 0),
            False,
        )
        for at in begins
    ]
    tags = np.sort(drawn.integers(0, int(begins[-1]), 900)) // 16 * 16
    run = channel_run({0: 60, 1: 60})  # there is no acquisition 2
    record = TagRecord(run, tuple(windows), start, start + int(begins[-1]), False)
    heard = TaggedEdges(tags, tags, ())
    at_once = binned(record, heard, {}, 0)
    monkeypatch.setattr(tag_stage, "COUNTED_AT_ONCE", {"binned_acq_time_ref": "no such word"})
    one_by_one = binned(record, heard, {}, 0)
    assert at_once.flags == one_by_one.flags
    assert at_once.bins.keys() == one_by_one.bins.keys()
    assert sum(int(table["path0"].sum()) for table in at_once.bins.values()) > 50
    for number, table in at_once.bins.items():
        assert table.tobytes() == one_by_one.bins[number].tobytes()


def channel_run(acquisitions: dict[int, int]) -> SequencerRun:
    more = {
        "binned_acq_on_invalid_time_delta": "record_0",
        "binned_acq_threshold_source": "thresh1",
    }
    channel = power_on_channel() | more

    class Run:
        pass

    run = Run()
    run.acquisitions, run.channel, run.sequencer = acquisitions, channel, 2  # type: ignore[attr-defined]
    return run  # type: ignore[return-value]
