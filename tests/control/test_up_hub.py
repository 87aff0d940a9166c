"""Pairs over a hub that are asked for while something of ``podium up`` dies, or a cable is off.

As in ``test_up_link.py``: each request ends within its deadline, and no pair is worth more than
the world allows. The hub's qubit holds a half of the first pair until the photon of the second is
on its way.
"""

from collections.abc import Iterator

import pytest
from tests.benches.links.requested_pairs import OVER_A_HUB, RequestedPairs
from tests.benches.nodes.podium_up import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestedPairs]:
    here = RequestedPairs(tmp_path_factory.mktemp("pairs"), OVER_A_HUB)
    try:
        here.calibrate()
        yield here
    finally:
        here.close()


def test_outer_nodes_share_pairs_over_the_hub(here: RequestedPairs) -> None:
    here.served()


def test_a_hub_whose_agent_is_killed_is_named_or_the_request_is_served(
    here: RequestedPairs,
) -> None:
    answered = here.judged(here.hit_by(here.up.child("agent", "--name", "node_b").kill))
    assert not answered.reason or "node_b" in answered.reason, answered
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    here.served()


@pytest.mark.parametrize("link", ["link_ab", "link_bc"])
def test_no_pair_comes_over_a_hub_one_of_whose_links_is_cut(
    here: RequestedPairs, link: str
) -> None:
    answered = here.asked_behind("unplug", link)
    assert answered.pairs == []
    assert link in answered.reason
    here.fault("plug", link)
    here.served()


def test_a_hub_that_is_switched_off_with_a_pair_in_its_hand_makes_no_more(
    here: RequestedPairs,
) -> None:
    """The last one: its clock counts from when it was switched on."""
    here.judged(here.hit_by(lambda: here.fault("restart", "cluster_b")))
    wait_for(lambda: here.up.status()[0] == 0, here.up.log)
    answered = here.judged(here.begin())
    assert answered.pairs == []
    assert f"was measured under epoch {here.epoch} of ticks_b" in answered.reason
