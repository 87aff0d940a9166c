"""``podium skew`` on ``podium up``: what was measured outlives the coordinator's process."""

import json
from collections.abc import Iterator

import pytest
from tests.benches.command_line import answer_of, podium_here
from tests.benches.nodes.podium_up import Up, wait_for
from tests.benches.nodes.two_nodes_up import TWO_NODES

from podium.control.facility.state_folder import skews_file


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("skews"), TWO_NODES, 14)
    yield up
    up.close()


def shown(up: Up) -> tuple[int, list[dict]]:
    told = podium_here("skew", "show", TWO_NODES, "--state", up.state, "--json")
    return told.returncode, json.loads(told.stdout)["skews"] if told.stdout else []


@pytest.mark.slow
def test_a_skew_outlives_the_coordinator_and_not_a_relock(up) -> None:
    told = answer_of("skew", "measure", TWO_NODES, "--state", up.state, "--starts", 3, "--json")
    measured = json.loads(told)
    assert measured["starts_made"] == 16 + 3
    (skew,) = measured["skews"]
    assert skew["holds"]
    assert skews_file(up.state).exists()

    before = up.child("coordinator")
    before.kill()
    before.wait(20)
    wait_for(lambda: up.status()[0] == 0, up.log)
    code, (kept,) = shown(up)
    assert code == 0
    same = ("port", "reference", "measured_fs", "delays_ns", "epochs", "holds", "measured_tai")
    assert {name: kept[name] for name in same} == {name: skew[name] for name in same}

    answer_of("twin", "fault", "relock", "cluster_a", "--endpoints", up.endpoints)
    answer_of("twin", "advance", "11s", "--endpoints", up.endpoints)
    code, (moved,) = shown(up)
    assert code == 1
    assert (
        moved["problem"]
        == f"ticks_a: epoch {kept['epochs']['ticks_a']} then, {kept['epochs']['ticks_a'] + 1} now"
    )
