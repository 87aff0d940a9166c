"""Pairs that are asked for while something of ``podium up`` dies, or a cable is off.

Each request ends within its deadline, with pairs or with a reason that names what has failed; no
pair is worth more than the world allows; and once the fault is mended, a request is served.
"""

import os
import signal
from collections.abc import Iterator

import pytest
from tests.benches.links.requested_pairs import Answered, RequestedPairs
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


def served(here: RequestedPairs) -> Answered:
    answered = here.judged(here.begin())
    assert answered.reason == ""
    return answered


def test_pairs_are_shared_between_processes(here: RequestedPairs) -> None:
    assert len(served(here).pairs) == 2


def test_an_agent_that_is_killed_ends_its_run_and_the_request_names_it_or_is_served(
    here: RequestedPairs,
) -> None:
    victim = here.up.child("agent", "--name", "node_b")
    answered = here.judged(here.hit_by(victim.kill))
    assert not answered.reason or "node_b" in answered.reason, answered
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    served(here)


def test_a_request_goes_on_without_the_clock_of_the_room(here: RequestedPairs) -> None:
    """Its agent reads what the deadline counts by; a node's tells the time meanwhile."""
    answered = here.judged(here.hit_by(here.up.child("agent", "--name", "room").kill))
    assert not answered.reason or "room" in answered.reason, answered
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    served(here)


def test_a_coordinator_that_is_killed_is_followed_by_one_that_serves(here: RequestedPairs) -> None:
    answered = here.judged(here.hit_by(here.up.child("coordinator").kill))
    assert not answered.reason or "coordinator" in answered.reason, answered
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    served(here)


def test_no_pair_comes_over_a_link_that_is_cut(here: RequestedPairs) -> None:
    here.judged(
        here.hit_by(lambda: here.fault("unplug", "link_ab"))
    )  # its run may have been on its way by then
    answered = here.judged(here.begin())
    assert answered.pairs == []
    assert "link_ab" in answered.reason
    here.fault("plug", "link_ab")
    served(here)


def test_a_trigger_that_is_off_is_named(here: RequestedPairs) -> None:
    here.fault("unplug", "cluster_b.trigger")
    answered = here.judged(here.begin())
    assert answered.pairs == []
    assert "node_b: the trigger has not come" in answered.reason
    here.fault("plug", "cluster_b.trigger")
    served(here)


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
    served(here)


def test_after_a_relock_a_pair_is_refused_until_all_is_measured_anew(here: RequestedPairs) -> None:
    here.fault("relock", "cluster_a")
    here.do("advance", seconds=11)
    answered = here.judged(here.begin())
    assert answered.pairs == []
    assert "cluster_a was measured under epoch 1 of ticks_a, now 2" in answered.reason
    here.calibrate(epoch=2)
    served(here)
