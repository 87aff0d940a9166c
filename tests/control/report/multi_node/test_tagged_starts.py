"""What the tagger saw of a start, and what the world says of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.report.synthetic_story_of_two import T0

from podium.control.client.skew_calibration import LoopbackResult
from podium.control.facility.example import TWO_NODES, example_facility
from podium.control.facility.load import load_facility
from podium.control.report.multi_node.tagged_starts import (
    Edges,
    spread_of,
    tagged_start,
    true_skews_fs,
)
from podium.control.runs.errors import RunFailed
from podium.control.timebase.epochs import Epochs

FACILITY = load_facility(example_facility(TWO_NODES))
CABLE_FS = {"node_a": 50_000_000, "node_b": 75_000_000}
WINDOW_FS = np.array([800_000_000, 801_000_000, 799_500_000], np.int64)
"""When the pulses of a node without cable and skew come, after the opening of their windows."""


def seen(skew_fs: int, settings: dict | None = None) -> LoopbackResult:
    ones = np.ones(3, np.int64)
    return LoopbackResult(
        "17-00001",
        T0,
        {},
        {"node_b": ones, "node_a": ones},
        {
            "node_b": WINDOW_FS + CABLE_FS["node_b"] + skew_fs,
            "node_a": WINDOW_FS + CABLE_FS["node_a"],
        },
        Epochs.of({}),
        json.dumps(settings) if settings else "",
    )


def test_the_cables_of_the_facility_file_are_taken_off() -> None:
    start = tagged_start(FACILITY, seen(2_310_000))
    assert start.reference == "node_a"
    assert start.marker_fs("node_b") == pytest.approx(2_310_000)
    assert start.skew_fs("node_b") == pytest.approx(2_310_000)
    assert np.mean(start.edges_fs["node_a"]) == pytest.approx(0, abs=1e-3)


def test_what_is_set_below_a_tick_moves_waveforms_and_no_marker() -> None:
    set_to = {"cluster_a": {"late_fs": 690_000}, "cluster_b": {"late_fs": 0}}
    start = tagged_start(FACILITY, seen(700_000, set_to))
    assert start.marker_fs("node_b") == pytest.approx(700_000)
    assert start.skew_fs("node_b") == pytest.approx(10_000)


def test_a_pulse_that_was_not_tagged_once_is_no_start() -> None:
    twice = replace(seen(0), counts={"node_a": np.array([1, 2, 1]), "node_b": np.ones(3)})
    with pytest.raises(RunFailed, match=r"the tagger saw .*'node_a': 4.* one in each window"):
        tagged_start(FACILITY, twice)


def edges(instrument: str, after_fs: int, connector: str = "slot4.marker2") -> Edges:
    begin = T0.total_fs + 2_000_000_000 + after_fs
    return Edges(instrument, connector, (begin, begin + 2_011 * 10**6, begin + 4_022 * 10**6))


def test_the_world_tells_the_skew_of_the_start_of_that_time_alone() -> None:
    start = tagged_start(FACILITY, seen(0, {"cluster_b": {"late_fs": 1_000}}))
    later_fs = 5 * 10**15
    world = [
        edges("cluster_a", 0),
        edges("cluster_b", 123_456),
        edges("cluster_b", 99, "slot2.out0"),
        edges("cluster_a", later_fs),
        edges("cluster_b", later_fs + 7),
    ]
    told = true_skews_fs(FACILITY, start, world)
    assert told == {"node_a": 0.0, "node_b": pytest.approx(124_456)}


def test_a_start_that_the_world_does_not_know_has_no_truth() -> None:
    start = tagged_start(FACILITY, seen(0))
    assert true_skews_fs(FACILITY, start, [edges("cluster_a", 0)]) is None
    assert true_skews_fs(FACILITY, start, []) is None


def test_the_rms_counts_what_is_constant() -> None:
    spread = spread_of([30.0, 40.0, -50.0])
    assert spread is not None
    assert (spread.starts, spread.furthest_fs) == (3, 50.0)
    assert spread.mean_fs == pytest.approx(20 / 3)
    assert spread.rms_fs == pytest.approx((5000 / 3) ** 0.5)
    assert spread_of([]) is None
