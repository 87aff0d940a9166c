"""Pairs that are asked for while something of ``podium up`` dies, or a cable is off.

Each request ends within its deadline, with pairs or with a reason that names what has failed; no
pair is worth more than the world allows; and once the fault is mended, a request is served.
"""

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from tests.benches.links.requested_pairs import RequestedPairs
from tests.benches.nodes.podium_up import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestedPairs]:
    here = RequestedPairs(tmp_path_factory.mktemp("pairs"))
    try:
        here.calibrate()
        yield here
    finally:
        here.close()


def test_pairs_are_shared_between_processes(here: RequestedPairs) -> None:
    here.served()


def test_an_agent_that_is_killed_ends_its_run_and_the_request_names_it_or_is_served(
    here: RequestedPairs,
) -> None:
    victim = here.up.child("agent", "--name", "node_b")
    answered = here.judged(here.hit_by(victim.kill))
    assert not answered.reason or "node_b" in answered.reason, answered
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    here.served()


def test_a_request_goes_on_without_the_clock_of_the_room(here: RequestedPairs) -> None:
    """Its agent reads what the deadline counts by; a node's tells the time meanwhile."""
    answered = here.judged(here.hit_by(here.up.child("agent", "--name", "room").kill))
    assert not answered.reason or "room" in answered.reason, answered
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    here.served()


def test_a_coordinator_that_is_killed_is_followed_by_one_that_serves(here: RequestedPairs) -> None:
    answered = here.judged(here.hit_by(here.up.child("coordinator").kill))
    assert not answered.reason or "coordinator" in answered.reason, answered
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    here.served()


def test_no_pair_comes_over_a_link_that_is_cut(here: RequestedPairs) -> None:
    answered = here.asked_behind("unplug", "link_ab")
    assert answered.pairs == []
    assert "link_ab" in answered.reason
    here.fault("plug", "link_ab")
    here.served()


def test_a_trigger_that_is_off_is_named(here: RequestedPairs) -> None:
    here.fault("unplug", "cluster_b.trigger")
    answered = here.judged(here.begin())
    assert answered.pairs == []
    assert "node_b: the trigger has not come" in answered.reason
    here.fault("plug", "cluster_b.trigger")
    here.served()


def test_an_agent_that_is_frozen_is_named_and_does_no_harm_when_it_thaws(
    here: RequestedPairs,
) -> None:
    pid = here.up.child("agent", "--name", "node_a").pid
    request = here.hit_by(lambda: os.kill(pid, signal.SIGSTOP))
    try:
        answered = here.ended(request)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert answered.pairs == []
    assert "node_a" in answered.reason
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    # Its fridge counts as cold again once it has been read.
    wait_for(lambda: "nothing was heard" not in here.ended(here.begin()).reason, here.up.log)
    here.served()


def test_ends_whose_cables_are_swapped_share_no_pair(here: RequestedPairs) -> None:
    """Each sideband comes to the other's chip: what a run says of its own pairs is what counts."""
    lines = "node_a.q0.sideband,node_b.q0.sideband"
    answered = here.asked_behind("swap", lines)
    assert answered.pairs == []
    assert "link_ab: the two ends do not oscillate together: they share no pair" in answered.reason
    here.fault("swap", lines)
    here.served()


def relocked(here: RequestedPairs) -> None:
    here.fault("relock", "cluster_a")


def without_reference_for_a_while(here: RequestedPairs) -> None:
    here.fault("unlock", "cluster_a")
    here.do("advance", seconds=11)
    answered = here.judged(here.begin())
    assert answered.pairs == []
    assert "cluster_a: its clock is not locked to its reference" in answered.reason
    here.fault("relock", "cluster_a")


@pytest.mark.parametrize("changed", [relocked, without_reference_for_a_while])
def test_in_a_new_epoch_a_pair_is_refused_until_all_is_measured_anew(
    here: RequestedPairs, changed: Callable[[RequestedPairs], None]
) -> None:
    before = here.epoch
    here.judged(here.hit_by(lambda: changed(here)))
    here.do("advance", seconds=11)
    answered = here.judged(here.begin())
    assert answered.pairs == []
    assert f"was measured under epoch {before} of ticks_a, now {before + 1}" in answered.reason
    here.calibrate(epoch=before + 1)
    here.served()


def test_a_controller_that_was_switched_off_makes_no_pair_before_its_time_is_set(
    here: RequestedPairs,
) -> None:
    """The last one: its clock counts from when it was switched on."""
    here.judged(here.hit_by(lambda: here.fault("restart", "cluster_a")))
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    answered = here.judged(here.begin())
    assert answered.pairs == []
    assert f"was measured under epoch {here.epoch} of ticks_a" in answered.reason
    said = here.measure_skew()
    assert said.returncode
    assert "cluster_a shows 1970-01-01" in said.stderr
