"""A facility in processes: the data of one process, edges and clocks between parts, a part killed.

What is slow is starting: three processes import the world.
"""

import asyncio
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.benches.servers.divided_facility import DividedFacility, unlinked
from tests.benches.servers.loopback_drivers import MARKER, LoopbackDrivers
from tests.benches.servers.playing import Player, rabi

from podium.drivers.errors import NotStarted
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.world_file import read_world
from podium.sim_instruments.servers.back_door_client import BackDoorError
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import open_serving

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]
PULSES = 8
TAG_FS = 6 * 2**0.5 * 20_000 + 2 * 7_813
"""Of the difference of two tags: 20 ps rms each, and steps of 1/128 ns."""


def visit(facility: Path, endpoints: Path) -> dict[str, Any]:
    """Play on both nodes in turn, one thing after the other; return all that was heard."""
    nodes = {name: Player(facility, endpoints, f"cluster_{name}") for name in "ab"}
    heard: dict[str, Any] = {}
    for run in range(2):
        for name, player in nodes.items():
            program = rabi(f"node_{name}", qubits=("q0", "q1"), points=2, shots=40)
            for capture, points in player.play(program).items():
                heard[f"{name} {capture} {run}"] = points
            heard[f"{name} {run}, it is"] = player.driver.now().total_fs
    nodes["a"].driver.ramp_v("slot6.out2", 0.03, 0.5)
    heard["b, after a ramp of a"] = nodes["b"].driver.now().total_fs
    for player in nodes.values():
        player.driver.close()
    return heard


async def visit_of_one_process(facility: Path, twin: Path, folder: Path) -> dict[str, Any]:
    async with open_serving(facility, twin, WorldClock(ClockMode.MANUAL)) as serving:
        with published(folder / "one.json", serving.endpoints()):
            return await asyncio.to_thread(visit, facility, folder / "one.json")


@pytest.mark.slow
async def test_on_a_manual_clock_data_and_times_are_those_of_one_process_to_the_bit(
    tmp_path,
) -> None:
    facility, twin = unlinked(tmp_path)
    one = await visit_of_one_process(facility, twin, tmp_path)
    served = await asyncio.to_thread(DividedFacility, tmp_path, facility, twin, "--clock", "manual")
    try:
        parts = await asyncio.to_thread(visit, facility, served.endpoints)
        advanced = await asyncio.to_thread(served.do, "advance", seconds=60)
    finally:
        await asyncio.to_thread(served.close)
    assert parts.keys() == one.keys()
    for what, heard in one.items():
        np.testing.assert_array_equal(parts[what], heard, err_msg=what)
    assert not np.array_equal(one["a q0 0"], one["a q0 1"]), "the world has noise"
    assert advanced["since_start_s"] > 60


@contextmanager
def divided(folder):
    facility, twin = unlinked(folder, shared_trigger_node=True)
    served = DividedFacility(folder, facility, twin)
    yield served
    assert served.close() == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with divided(tmp_path_factory.mktemp("divided")) as served:
        yield served


def of(played: list[dict[str, Any]], instrument: str) -> dict[str, Any]:
    (found,) = [
        one for one in played if (one["instrument"], one["connector"]) == (instrument, MARKER)
    ]
    return found


def fired(served: DividedFacility, drivers: LoopbackDrivers) -> tuple[int, dict[str, Any]]:
    """Start until all have started: the first start loads kernels, and may come too late for it.

    Return the number of the last record of before, and the tags.
    """
    for _ in range(10):
        before = len(served.do("played"))
        drivers.fire()
        try:
            return before, drivers.tags()
        except NotStarted:
            drivers.disarm()
    raise AssertionError("no start came about")


def test_triggers_and_markers_go_between_parts_and_are_tagged_where_they_were(served) -> None:
    """The tagger and its trigger node are in the room, which starts node b's cluster, too."""
    assert list(served.do("parts")) == ["node_a", "node_b", "room"]
    drivers = LoopbackDrivers(served.instruments, PULSES)
    try:
        drivers.prepare()
        drivers.nodes["wrtd_room"].prepare_trigger("LC-O2", "START", 1_000, 0)
        before, tags = fired(served, drivers)
    finally:
        drivers.close()
    played = served.do("played", since=before)
    a, b = of(played, "cluster_a"), of(played, "cluster_b")
    delays_s = read_world(served.facility.with_name("twin.yaml")).timing.delays_s()
    cables_fs = (delays_s["tagger.slot10.io1"] - delays_s["tagger.slot10.io0"]) * FS_PER_S
    tagged_fs = tags["node_b"].delta_fs - tags["node_a"].delta_fs
    assert a["count"] == b["count"] == PULSES
    for k in range(PULSES):
        assert abs(tagged_fs[k] - (b["at_fs"][k] - a["at_fs"][k] + cables_fs)) < TAG_FS


def test_who_follows_a_clock_of_another_part_runs_away_with_it(served) -> None:
    before = served.do("clocks")
    assert {"switch", "cluster_a", "cluster_b", "tagger"} <= before.keys()
    served.do("fault", fault="unlock", on="switch")
    served.do("advance", seconds=3600)
    after = served.do("clocks")
    assert after["switch"]["state"] == "free"
    moved = {name: after[name]["error_s"] - before[name]["error_s"] for name in after}
    assert abs(moved["switch"]) > 1e-7
    for name in ("cluster_a", "cluster_b", "tagger"):
        assert moved[name] == pytest.approx(moved["switch"], abs=2e-9)
    served.do("fault", fault="relock", on="switch")


def test_the_back_door_joins_what_parts_tell_and_finds_who_has_a_thing(served) -> None:
    truth = served.do("truth", optima=False)
    assert {"node_a.q0.f01", "node_b.q2.f01"} <= truth.keys()
    assert served.do("tallies").keys() == served.instruments.keys()
    assert served.do("fault", fault="unplug", on="node_b.q0.flux") == "unplug node_b.q0.flux"
    assert served.do("fault", fault="plug", on="node_b.q0.flux") == "plug node_b.q0.flux"
    with pytest.raises(BackDoorError, match=r"node_a\.q0\.drive"):
        served.do("fault", fault="unplug", on="node_x.q0.drive")
    first = served.do("played")
    assert [one["number"] for one in first] == list(range(1, len(first) + 1))
    assert served.do("played", since=len(first)) == []


def test_the_state_is_that_of_the_parts_that_have_each_thing(served) -> None:
    before = served.do("state")
    assert {"rubidium.locked", "cluster_b.answers", "fridge_b.temperature.mixing_chamber"} <= set(
        before
    )
    served.do("fault", fault="unlock", on="rubidium")
    served.do("fault", fault="swap", on="node_b.q0.drive,node_b.q1.drive")
    after = served.do("state")
    changed = {name for name in after if after[name] != before[name]} - {"interventions"}
    assert {one for one in changed if not one.startswith("fridge_")} == {
        "rubidium.locked",
        "node_b.q0.drive.own_cable",
        "node_b.q1.drive.own_cable",
    }
    assert after["interventions"] == before["interventions"] + 2.0
    with pytest.raises(BackDoorError, match="fridge with a model"):
        served.do("operate", on="fridge_a", input="water.on", value=0)
    served.do("fault", fault="swap", on="node_b.q0.drive,node_b.q1.drive")
    served.do("fault", fault="relock", on="rubidium")


@pytest.fixture
def served_for_one_test(tmp_path):
    with divided(tmp_path) as served:
        yield served


@pytest.mark.slow
def test_a_killed_part_takes_its_node_alone_along(served_for_one_test) -> None:
    served = served_for_one_test
    served.kill("node_b")
    assert [one["state"] for one in served.do("parts").values()] == ["serves", "ended", "serves"]
    said = "part node_b has ended, and with it cluster_b, thermometry_b, bias_b0, lo_b2; the"
    assert said in served.log.read_text()
    with pytest.raises(BackDoorError, match="part node_b has ended"):
        served.do("fault", fault="freeze", on="cluster_b")
    leapt_s = served.do("time")["leapt_s"]
    player = Player(served.facility, served.endpoints, "cluster_a")
    try:
        played = player.play(rabi(qubits=("q0",), points=2, shots=4000))
    finally:
        player.driver.close()
    assert played["q0"].size == 8000
    assert served.do("time")["leapt_s"] > leapt_s, "who has ended is not waited for"
