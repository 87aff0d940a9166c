"""The timing plane beside the example's instruments, on real sockets."""

import asyncio

import pytest
from ruamel.yaml import YAML
from tests.benches.servers.socket_client import client

from podium.drivers.wrtd_node.node import WrtdNode
from podium.firmware_interfaces.exact_time import FS_PER_MS
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.faults import bring_about
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving

LEAD_FS = 1000 * FS_PER_MS
HOLDOFF_NS = 1_000_000
PLANE = {
    "wrtd_a": {"model": "wrtd_node", "address": "127.0.0.1"},
    "wrs_a": {"model": "white_rabbit_switch", "address": "127.0.0.2", "links": {2: "wrtd_a"}},
    "rubidium": {"model": "srs_fs725", "address": "TCPIP::127.0.0.3::4001::SOCKET"},
}


@pytest.fixture
def opened(facility, twin_file, tmp_path):
    """Open the example with a timing plane beside it."""
    yaml = YAML()
    tree = yaml.load(facility.read_text())
    tree["instruments"].update(PLANE)
    path = tmp_path / "facility.yaml"
    with path.open("w") as file:
        yaml.dump(tree, file)
    return lambda mode=ClockMode.LEAP: open_serving(path, twin_file, WorldClock(mode))


def node(serving: ServedLaboratory) -> WrtdNode:
    here = serving.endpoints()["instruments"]["wrtd_a"]  # type: ignore[index]
    return WrtdNode("wrtd_a", here["host"], here["ports"])


async def in_thread(call, *args):
    return await asyncio.to_thread(call, *args)


async def fire(serving: ServedLaboratory, driver: WrtdNode, lead_fs: int = LEAD_FS) -> int:
    """Send an event and return its time once the node has it; it looks at the counts."""
    before = (await in_thread(driver.trigger_counts, "LC-O1")).received
    ns_fs = 1_000_000
    at = Tai.from_fs((serving.timekeeper.clock.now_fs() + lead_fs) // ns_fs * ns_fs)
    await in_thread(driver.send_event, "START", at)
    for _ in range(200):
        if (await in_thread(driver.trigger_counts, "LC-O1")).received > before:
            break
    return at.total_fs


async def test_a_person_can_paste_how_to_reach_it_and_an_event_raises_an_edge(opened) -> None:
    async with opened() as serving:
        here = serving.endpoints()["instruments"]["wrtd_a"]
        assert here["ports"] == {"service": 5045, "events": 5044}
        names: dict[str, object] = {}
        await in_thread(exec, here["connect"], names)
        driver = names["wrtd_a"]
        try:
            await in_thread(driver.prepare_trigger, "LC-O1", "START", HOLDOFF_NS)
            at_fs = await fire(serving, driver)
            (edge_fs,) = serving.laboratory.twins["wrtd_a"].outputs["LC-O1"].edges()
            assert 0 < abs(edge_fs - at_fs) < 200_000, "the node's clock is a real one"
        finally:
            driver.close()


async def test_world_time_does_not_leap_over_an_edge_that_is_to_come(opened) -> None:
    async with opened() as serving, client(serving, "bias_q0") as source:
        driver = await in_thread(node, serving)
        try:
            await in_thread(driver.prepare_trigger, "LC-O1", "START", HOLDOFF_NS)
            await fire(serving, driver, 3600 * LEAD_FS)
            (edge_fs,) = serving.laboratory.twins["wrtd_a"].outputs["LC-O1"].edges()
            source.tell(b":SOUR:FUNC VOLT;:SOUR:RANG 1;:SOUR:LEV 0;:OUTP 1\n")
            source.tell(b":PROG:EDIT:STAR;:SOUR:LEV 0.5;:PROG:EDIT:END\n")
            source.tell(b":PROG:INT 3600;:PROG:SLOP 3600;:PROG:RUN\n")
            source.tell(b":PROG:HOLD\n:PROG:CONT\n")
            assert await source.ask(b":SYST:ERR?\n")
            now_fs = serving.timekeeper.clock.now_fs()
            assert serving.timekeeper.clock.leapt_fs > 3000 * LEAD_FS, "it did leap"
            assert now_fs < edge_fs
        finally:
            driver.close()


@pytest.mark.parametrize(
    ("fault", "field", "count"),
    [("duplicate", "held_off", 1), ("unlock", "unsynchronised", 1)],
)
async def test_what_goes_wrong_on_the_way_is_counted(opened, fault, field, count) -> None:
    async with opened(ClockMode.PACED) as serving:
        driver = await in_thread(node, serving)
        try:
            await in_thread(driver.prepare_trigger, "LC-O1", "START", HOLDOFF_NS)
            bring_about(serving, fault, "wrtd_a")
            await fire(serving, driver)
            counts = await in_thread(driver.trigger_counts, "LC-O1")
            assert getattr(counts, field) == count
            edges = serving.laboratory.twins["wrtd_a"].outputs["LC-O1"].edges()
            assert len(edges) == counts.raised
        finally:
            driver.close()


async def test_a_lost_event_leaves_no_trace_and_a_relock_a_new_epoch(opened) -> None:
    async with opened(ClockMode.PACED) as serving:
        driver = await in_thread(node, serving)
        try:
            await in_thread(driver.prepare_trigger, "LC-O1", "START", HOLDOFF_NS)
            bring_about(serving, "lose", "wrtd_a")
            await in_thread(driver.send_event, "START", Tai(1_900_000_000, 0))
            assert (await in_thread(driver.trigger_counts, "LC-O1")).received == 0
            bring_about(serving, "relock", "wrtd_a")
            assert await in_thread(driver.link) == "online"
            clock = serving.timekeeper.clock
            clock.advance(11 * LEAD_FS)
            assert await in_thread(driver.link) == "synced"
            assert serving.laboratory.clocks["wrtd_a"].epoch(clock.now_fs()) == 1
            with pytest.raises(LookupError, match="bias_q0 has no clock of its own"):
                bring_about(serving, "relock", "bias_q0")
        finally:
            driver.close()


async def test_the_switch_answers_on_a_port_that_ordinary_users_may_open(opened) -> None:
    async with opened(ClockMode.PACED) as serving:
        here = serving.endpoints()["instruments"]["wrs_a"]
        assert here["ports"]["snmp"] >= 1024
        names: dict[str, object] = {}
        await in_thread(exec, here["connect"], names)
        driver = names["wrs_a"]
        try:
            status = await in_thread(driver.timing)
            assert status.locked
            assert [one.name for one in status.ports if one.up] == ["wri2"]
            bring_about(serving, "unlock", "wrs_a")
            serving.timekeeper.clock.advance(6 * LEAD_FS)
            status = await in_thread(driver.timing)
            assert not status.locked
            assert "soft PLL: error" in status.complaints
        finally:
            driver.close()


async def test_the_rubidium_answers_and_loses_its_lock(opened) -> None:
    async with opened(ClockMode.PACED) as serving:
        names: dict[str, object] = {}
        connect = serving.endpoints()["instruments"]["rubidium"]["connect"]
        await in_thread(exec, connect, names)
        driver = names["rubidium"]
        try:
            assert (await in_thread(driver.timing)).locked
            bring_about(serving, "unlock", "rubidium")
            status = await in_thread(driver.timing)
            assert not status.locked
            assert "frequency lock is off" in status.complaints
        finally:
            driver.close()
