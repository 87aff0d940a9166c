"""Two nodes on one timing plane: triggers, clocks, markers and tags, and the truth about them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.benches.servers.loopback_drivers import MARKER, TWO_NODES, LoopbackDrivers
from tests.benches.servers.playing import rabi
from tests.benches.thoroughness import sampled

from podium.control.client.facility_access import open_facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.drivers.errors import NotStarted, ProtocolError
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.qblox_cluster.limits import SYNC_NS, TRIGGER_LATENCY_NS
from podium.firmware_interfaces.qblox_cluster.messages import BIN
from podium.sim_instruments.physics.output_log import OutputRecord
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import (
    WorldFile,
    dump_world,
    parse_world,
    write_world,
)
from podium.sim_instruments.physics.world_quantities import Known
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.faults import bring_about
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving
from podium.sim_instruments.wiring import PlanError, read_plan

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

PULSES = 8
FROM_EDGE_NS = TRIGGER_LATENCY_NS + 4 + SYNC_NS + 2_000
"""Trigger network, the end of wait_trigger, the party line, and the program's own lead."""
WITHIN_NS = 4 + 4 + 4
"""A sample of the trigger input, the grid and the offset of the clock."""


@pytest.fixture(scope="module")
def world() -> WorldFile:
    return sample(TWO_NODES, 3)


@pytest.fixture(scope="module")
def twin_file(world, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("two_nodes") / "twin.yaml"
    write_world(world, path)
    return path


@asynccontextmanager
async def two_nodes(
    twin_file: Path, mode: ClockMode = ClockMode.LEAP
) -> AsyncIterator[tuple[ServedLaboratory, LoopbackDrivers]]:
    async with open_serving(TWO_NODES, twin_file, WorldClock(mode)) as serving:
        endpoints = serving.endpoints()["instruments"]
        drivers = await asyncio.to_thread(LoopbackDrivers, endpoints, PULSES)
        try:
            yield serving, drivers
        finally:
            await asyncio.to_thread(drivers.close)


def of(played: list[OutputRecord], instrument: str, connector: str) -> list[OutputRecord]:
    return [one for one in played if (one.instrument, one.connector) == (instrument, connector)]


@pytest.mark.parametrize("mode", sampled([ClockMode.LEAP, ClockMode.PACED], kept=[ClockMode.PACED]))
async def test_both_play_after_one_event_and_their_markers_are_tagged(
    twin_file, world, mode: ClockMode
) -> None:
    async with two_nodes(twin_file, mode) as (serving, drivers):
        await asyncio.to_thread(drivers.prepare)
        t0 = await asyncio.to_thread(drivers.fire)
        tags = await asyncio.to_thread(drivers.tags)
        played = serving.laboratory.played.since()
    delays_s = world.timing.delays_s()
    (a,), (b,) = (of(played, f"cluster_{n}", MARKER) for n in "ab")
    assert a.count == b.count == PULSES
    for name, one in (("cluster_a", a), ("cluster_b", b)):
        late_ns = (one.at_fs[0] - t0.total_fs) / FS_PER_NS - FROM_EDGE_NS
        assert -WITHIN_NS < late_ns - delays_s[f"{name}.trigger"] * 1e9 < WITHIN_NS
        assert one.at_fs[0] % FS_PER_NS != 0, "its clock is a real one"
    for node in ("node_a", "node_b"):
        assert tags[node].counts.tolist() == [1] * PULSES
    # the tagger sees the true edges, each after its own cable
    cables_fs = (delays_s["tagger.slot10.io1"] - delays_s["tagger.slot10.io0"]) * FS_PER_S
    tagged_fs = tags["node_b"].delta_fs - tags["node_a"].delta_fs
    for k in range(PULSES):
        true_fs = b.at_fs[k] - a.at_fs[k] + cables_fs
        # two tags of 20 ps rms, and steps of 1/128 ns of each
        assert abs(tagged_fs[k] - true_fs) < 6 * 2**0.5 * 20_000 + 2 * 7_813


async def test_an_unplugged_trigger_leaves_one_node_still_and_the_other_plays(twin_file) -> None:
    async with two_nodes(twin_file) as (serving, drivers):
        await asyncio.to_thread(drivers.prepare)
        bring_about(serving, "unplug", "cluster_b.trigger")
        await asyncio.to_thread(drivers.fire)
        await asyncio.to_thread(drivers.clusters["cluster_a"].wait, 0.001)
        with pytest.raises(NotStarted, match="has sent 0 pulses"):
            await asyncio.to_thread(drivers.clusters["cluster_b"].wait, 0.001, 0.1)
        assert await asyncio.to_thread(drivers.clusters["cluster_b"].disarm) is False
        played = serving.laboratory.played.since()
        assert of(played, "cluster_a", MARKER)
        assert not of(played, "cluster_b", MARKER)
        assert of(played, "wrtd_b", "LC-O1"), "the node did raise its output"
        bring_about(serving, "plug", "cluster_b.trigger")
        await asyncio.to_thread(drivers.fire)
        await asyncio.to_thread(drivers.tags)
        assert of(serving.laboratory.played.since(played[-1].number), "cluster_b", MARKER)


@pytest.mark.slow
async def test_a_marker_without_its_cable_leaves_the_tagger_without_tags(twin_file) -> None:
    async with two_nodes(twin_file) as (serving, drivers):
        await asyncio.to_thread(drivers.prepare)
        bring_about(serving, "unplug", "node_b.marker")
        await asyncio.to_thread(drivers.fire)
        with pytest.raises(ProtocolError, match=r"slot10\.sequencer1.*DIO_TIME_DELTA_INVALID"):
            await asyncio.to_thread(drivers.tags)
        bins = serving.laboratory.twins["tagger"].modules[10].sequencers
        seen = [one.acquisitions.data("loopback")[6:] for one in bins[:2]]
        assert [np.frombuffer(data, BIN)["path0"].sum() for (data,) in seen] == [PULSES, 0]
        assert of(serving.laboratory.played.since(), "cluster_b", MARKER), "it did play"
        bring_about(serving, "plug", "node_b.marker")
        await asyncio.to_thread(drivers.prepare)
        await asyncio.to_thread(drivers.fire)
        tags = await asyncio.to_thread(drivers.tags)
        assert tags["node_b"].counts.tolist() == [1] * PULSES


@pytest.mark.slow
async def test_a_trigger_cable_that_goes_between_the_event_and_its_edge_starts_nobody(
    twin_file,
) -> None:
    async with two_nodes(twin_file, ClockMode.MANUAL) as (serving, drivers):
        await asyncio.to_thread(drivers.prepare)
        t0 = await asyncio.to_thread(drivers.fire)
        counts = await asyncio.to_thread(drivers.nodes["wrtd_b"].trigger_counts, "LC-O1")
        assert counts.raised == 1
        assert serving.timekeeper.clock.now_fs() < t0.total_fs
        bring_about(serving, "unplug", "cluster_b.trigger")
        serving.timekeeper.clock.advance(100 * FS_PER_MS)
        serving.look()
        assert await asyncio.to_thread(drivers.clusters["cluster_a"].disarm) is True
        assert await asyncio.to_thread(drivers.clusters["cluster_b"].disarm) is False


async def test_a_run_that_is_stopped_in_its_course_has_played_what_it_had_by_then(
    twin_file,
) -> None:
    """By the driver, over the wire: two seconds of shots, stopped as soon as it may be."""
    shots, every_ns = 40_000, 50_000
    async with two_nodes(twin_file, ClockMode.PACED) as (serving, drivers):
        cluster, clock = drivers.clusters["cluster_a"], serving.timekeeper.clock
        program = rabi("node_a", ("q0", "q2"), points=2, shots=shots // 2, wait_us=50)
        compiled = compiler_for(load_facility(TWO_NODES))(program)["cluster_a"]
        await asyncio.to_thread(cluster.load, compiled)
        await asyncio.to_thread(cluster.arm)
        before_fs = clock.now_fs()
        await asyncio.to_thread(cluster.start)
        await asyncio.to_thread(cluster.disarm)
        stopped_fs = clock.now_fs()
        assert stopped_fs - before_fs < shots * every_ns * FS_PER_NS, "else it was over"
        laboratory = serving.laboratory
    # what was being computed is done
    pulses = [one for one in laboratory.played.since() if one.instrument == "cluster_a"]
    assert {one.connector for one in pulses} == {"slot2.out0", "slot4.out0", "slot6.out0_1"}
    for one in pulses:
        assert before_fs < one.at_fs[0] < one.last_fs < stopped_fs
        # every second shot drives with amplitude 0; a shot takes what it plays besides the wait
        each_ns = (1 if one.connector == "slot2.out0" else 2) * every_ns
        lasted_ns = (one.last_fs - one.at_fs[0]) / FS_PER_NS
        assert 0.95 < (one.count - 1) * each_ns / lasted_ns <= 1.0, "none is missing"
        assert len(one.turns) == len(one.at_fs)


async def test_armed_clusters_hold_world_time_until_their_edge_has_come(twin_file) -> None:
    async with two_nodes(twin_file) as (serving, drivers):
        await asyncio.to_thread(drivers.prepare)
        t0 = await asyncio.to_thread(drivers.fire)
        before_fs = serving.timekeeper.clock.leapt_fs
        serving.look()
        assert serving.timekeeper.clock.leapt_fs == before_fs
        assert serving.timekeeper.clock.now_fs() < t0.total_fs
        await asyncio.to_thread(drivers.tags)


@pytest.mark.slow
async def test_a_relock_is_a_new_epoch_that_the_cluster_itself_tells(twin_file) -> None:
    async with two_nodes(twin_file) as (serving, drivers):
        cluster, door = drivers.clusters["cluster_b"], BackDoor(serving)
        assert (await asyncio.to_thread(cluster.examine)).complaints == ()
        assert (await asyncio.to_thread(cluster.examine)).reference == "external"
        bring_about(serving, "relock", "cluster_b")
        assert (await door.do({"do": "clocks"}))["cluster_b"]["state"] == "locking"
        assert (await asyncio.to_thread(cluster.examine)).complaints == ("PLL_UNLOCKED",)
        serving.timekeeper.clock.advance(11 * FS_PER_S)
        clocks = await door.do({"do": "clocks"})
        assert (clocks["cluster_b"]["state"], clocks["cluster_b"]["epoch"]) == ("locked", 1)
        assert (clocks["cluster_a"]["epoch"], clocks["rubidium"]["state"]) == (0, "locked")
        status = await asyncio.to_thread(cluster._cluster.get_system_status)
        assert status.status.name == "RESOLVED"
        await asyncio.to_thread(cluster.tell, "*CLS")
        assert (await asyncio.to_thread(cluster.examine)).complaints == ()


@pytest.mark.slow
async def test_who_follows_a_clock_that_runs_away_runs_away_with_it(twin_file) -> None:
    async with two_nodes(twin_file) as (serving, _):
        door = BackDoor(serving)
        bring_about(serving, "unlock", "wrtd_b")
        furthest_s = 0.0
        for _ in range(10):  # the air's temperature may bring it back for a moment
            serving.timekeeper.clock.advance(600 * FS_PER_S)
            clocks = await door.do({"do": "clocks"})
            error_s = clocks["wrtd_b"]["error_s"]
            assert clocks["cluster_b"]["state"] == "locked"
            assert clocks["cluster_b"]["error_s"] == pytest.approx(error_s, abs=5e-9)
            assert abs(clocks["cluster_a"]["error_s"]) < 5e-9
            furthest_s = max(furthest_s, abs(error_s))
        assert furthest_s > 50e-9


async def test_a_cluster_that_is_told_to_run_by_itself_does(twin_file) -> None:
    async with two_nodes(twin_file) as (serving, drivers):
        await asyncio.to_thread(drivers.clusters["cluster_a"].set, "reference_source", "internal")
        clocks = await BackDoor(serving).do({"do": "clocks"})
        assert clocks["cluster_a"]["state"] == "free"


async def test_the_back_door_tells_what_left_connectors(twin_file) -> None:
    async with two_nodes(twin_file) as (serving, drivers):
        door = BackDoor(serving)
        assert await door.do({"do": "played"}) == []
        await asyncio.to_thread(drivers.prepare)
        await asyncio.to_thread(drivers.fire)
        await asyncio.to_thread(drivers.tags)
        told = await door.do({"do": "played"})
        here = {"wrtd_a", "wrtd_b", "wrtd_room", "cluster_a", "cluster_b"}
        assert here == {one["instrument"] for one in told}
        assert await door.do({"do": "played", "since": told[-1]["number"]}) == []
        with pytest.raises(BadRequest, match="from 0 up"):
            await door.do({"do": "played", "since": -1})


def test_a_world_without_the_cables_is_refused(world) -> None:
    bare = world.model_copy(update={"timing": type(world.timing)(cables={})})
    with pytest.raises(PlanError, match=r"no cable cluster_a.trigger; `podium twin sample` draws"):
        Laboratory(read_plan(TWO_NODES), bare, WorldClock(ClockMode.MANUAL))


def test_cables_are_drawn_from_the_file_and_move_nothing_else(world, tmp_path) -> None:
    delays_s = world.timing.delays_s()
    assert delays_s.keys() == {
        *(f"{name}.trigger" for name in ("cluster_a", "cluster_b", "tagger")),
        *(f"tagger.slot10.io{n}" for n in (0, 1)),
    }
    assert 0 < abs(delays_s["cluster_a.trigger"] - 25e-9) < 2.5e-9
    assert 0 < abs(delays_s["tagger.slot10.io1"] - 75e-9) < 50e-12
    assert sample(TWO_NODES, 4).timing.delays_s() != delays_s
    assert parse_world(dump_world(world)) == world
    bare = tmp_path / "facility.yaml"
    text = TWO_NODES.read_text()
    bare.write_text(text[: text.index("\ntiming:\n")] + text[text.index("\nlinks:\n") :])
    assert sample(bare, 3).nodes == world.nodes


def test_errors_of_clocks_are_drawn_and_stand_in_the_world_file(world) -> None:
    clocks = world.timing.clocks
    assert clocks.keys() == {
        *("cluster_a", "cluster_b", "tagger", "wrtd_a", "wrtd_b", "wrtd_room", "switch"),
        "rubidium",
    }
    assert 0 < abs(clocks["cluster_a"].offset.value) < 3e-9
    assert clocks["rubidium"].offset.value == 0.0
    assert clocks["cluster_a"] != clocks["cluster_b"]
    later = clocks["cluster_a"].model_copy(
        update={
            "offset": Known(value=clocks["cluster_a"].offset.value + 1e-6, unit="s", assumed=True)
        }
    )
    timing = world.timing.model_copy(update={"clocks": {**clocks, "cluster_a": later}})
    at_fs = 1_800_000_000 * FS_PER_S
    errors_fs = []
    for one in (world, world.model_copy(update={"timing": timing})):
        laboratory = Laboratory(read_plan(TWO_NODES), one, WorldClock(ClockMode.MANUAL))
        laboratory.close()
        errors_fs.append(laboratory.clocks["cluster_a"].error_fs(at_fs))
    assert errors_fs[1] - errors_fs[0] == pytest.approx(1e-6 * FS_PER_S, abs=2)
    first_light = TWO_NODES.parents[1] / "first_light" / "facility.yaml"
    assert "timing" not in dump_world(sample(first_light, 1)), "it has none"


async def test_a_lab_of_the_example_runs_programs_on_both_nodes(twin_file, tmp_path) -> None:
    endpoints = tmp_path / "endpoints.json"
    async with open_serving(TWO_NODES, twin_file, WorldClock(ClockMode.LEAP)) as serving:
        with published(endpoints, serving.endpoints()):
            async with open_facility(TWO_NODES, endpoints) as lab, asyncio.timeout(120):
                await lab.ready(60)
                data = [await lab.run(rabi(node, shots=20)) for node in ("node_a", "node_b")]
        played = serving.laboratory.played.since()
    assert all(dict(one.sizes) == {"shot": 20, "point": 1} for one in data)
    for cluster in ("cluster_a", "cluster_b"):
        driven, *_ = of(played, cluster, "slot2.out0")
        assert driven.count == 20
        assert driven.last_fs - driven.at_fs[0] > 19 * 50_000 * FS_PER_NS
