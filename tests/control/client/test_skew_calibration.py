"""Measuring skews over a lab that is made up: starts that are lost, tags that are missing."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.client.skewed_lab import EPOCHS, SKEW_FS, MadeUpLab
from tests.benches.facility.loaded_examples import loaded
from tests.benches.nodes.two_nodes_up import TWO_NODES

from podium.control.client.skew_calibration import LOST_IN_TURN, LoopbackResult, calibrate_skews
from podium.control.facility.facility import Facility
from podium.control.facility.frozen_map import FrozenMap
from podium.control.runs.errors import RunFailed, RunRefused
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair

STARTS = 5


@pytest.fixture(scope="module")
def facility() -> Facility:
    return loaded(TWO_NODES)


@pytest.fixture
def lab(facility) -> MadeUpLab:
    return MadeUpLab(facility)


async def measure(lab: MadeUpLab, nodes=None, starts: int = STARTS, anew: bool = False):
    return await calibrate_skews(lab, nodes, starts, None, anew)


async def test_what_was_found_is_recorded_once_and_says_what_it_took(lab) -> None:
    found = await measure(lab)
    ((recorded, anew),) = lab.recorded
    assert recorded == found.measured
    assert not anew
    (skew,) = found.measured.skews
    assert (skew.pair, skew.value_fs) == (Pair("cluster_b", "cluster_a"), SKEW_FS)
    assert skew.systematic_fs == pytest.approx(20_000 * 2**0.5)  # of both cables, as the file says
    assert (found.starts, found.pulses, found.repeated) == (16 + STARTS, 16, 0)
    assert found.lab_s == 16 + STARTS
    assert lab.settings[-1]["cluster_b"].delay_ns == found.measured.starts["cluster_b"].delay_ns
    assert lab.settings[-1]["cluster_b"].offset_ns == 0


async def test_starts_that_are_lost_are_made_again_and_counted(lab) -> None:
    def lose_some(number: int) -> None:
        if number in (3, 4, 20):
            raise RunFailed("FIRE came late")

    lab.hook = lose_some
    found = await measure(lab)
    assert (found.starts, found.repeated) == (16 + STARTS, 3)
    assert len(lab.recorded) == 1


@pytest.mark.parametrize("since", [1, 18])
async def test_when_every_start_is_lost_it_is_given_up(lab, since) -> None:
    def lose(number: int) -> None:
        if number >= since:
            raise RunFailed("FIRE came late")

    lab.hook = lose
    said = rf"{LOST_IN_TURN} starts were lost, {LOST_IN_TURN} of them in turn; nothing was recorded"
    with pytest.raises(RunFailed, match=said):
        await measure(lab)
    assert lab.asked == since - 1 + LOST_IN_TURN
    assert lab.recorded == []


async def test_when_too_many_starts_are_lost_in_all_it_is_given_up(lab) -> None:
    def lose_most(number: int) -> None:
        if number % 10:
            raise RunFailed("FIRE came late")

    lab.hook = lose_most
    with pytest.raises(RunFailed, match=f"{LOST_IN_TURN + 2 * STARTS + 1} starts were lost, "):
        await measure(lab)
    assert lab.recorded == []


async def test_an_agent_that_is_gone_ends_it_at_once(lab) -> None:
    def go(number: int) -> None:
        if number == 18:
            lab.missing = ("agent node_b: gone",)
            raise RunFailed("agent node_b is lost")

    lab.hook = go
    with pytest.raises(RunFailed, match=r"^agent node_b: gone: nothing was recorded \(agent"):
        await measure(lab)
    assert lab.asked == 18


async def test_a_refusal_is_not_asked_for_again(lab) -> None:
    def refuse(number: int) -> None:
        raise RunRefused("node_b has no marker")

    lab.hook = refuse
    with pytest.raises(RunRefused):
        await measure(lab)
    assert lab.asked == 1


async def test_a_clock_that_was_reset_leaves_nothing_recorded(lab) -> None:
    def move(number: int, seen: LoopbackResult) -> LoopbackResult:
        return replace(seen, epochs=Epochs.of({**EPOCHS, "ticks_b": 1 + (number > 18)}))

    lab.change = move
    said = r"ticks_b: epoch 1 then, 2 now: nothing was recorded; measure again"
    with pytest.raises(RunFailed, match=said):
        await measure(lab)
    assert lab.recorded == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"counts": {"node_a": np.ones(16)}}, "nothing of the marker of node_b, one edge a window"),
        (
            {"counts": {"node_a": np.ones(16), "node_b": np.zeros(16)}},
            "saw 0 edges in 16 windows of the marker of node_b, .* look at its cable",
        ),
        (
            {"counts": {"node_a": np.full(16, 2), "node_b": np.ones(16)}},
            "saw 32 edges in 16 windows of the marker of node_a",
        ),
        ({"started": {}}, "cluster_a gave no record of its start in run 7-00001"),
    ],
)
async def test_a_start_that_was_not_seen_is_no_measurement(lab, change, said) -> None:
    lab.change = lambda number, seen: replace(seen, **change)
    with pytest.raises(RunFailed, match=f"{said}.*: nothing was recorded"):
        await measure(lab)
    assert lab.recorded == []


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (("node_a", "node_c"), r"no node 'node_c'; it has node_a, node_b"),
        (("node_b",), r"two nodes with controllers of their own, .*; node_b of two_nodes has such"),
        ((), r"no node of two_nodes has such a marker"),
    ],
)
async def test_nodes_of_which_nothing_can_be_measured_are_refused(lab, nodes, said) -> None:
    with pytest.raises(RunRefused, match=said):
        await measure(lab, nodes)
    assert lab.asked == 0


async def test_a_node_without_a_marker_is_named(facility) -> None:
    markers = FrozenMap({"node_a": facility.timing.markers["node_a"]})
    lab = MadeUpLab(replace(facility, timing=replace(facility.timing, markers=markers)))
    with pytest.raises(RunRefused, match=r"node_b has no marker that goes .*; node_a has one"):
        await measure(lab, ("node_a", "node_b"))


async def test_nodes_are_measured_against_the_first_of_them_in_the_file(lab) -> None:
    found = await measure(lab, ("node_b", "node_a"), anew=True)
    assert found.measured.reference == "cluster_a"
    assert lab.recorded[0][1]


async def test_two_starts_tell_no_sigma(lab) -> None:
    with pytest.raises(RunRefused, match="at least 3 starts"):
        await measure(lab, starts=2)
