"""Several instruments of a data server in one run: what the driver sends, in which order."""

from dataclasses import replace

import pytest
from tests.benches.zurich.driver_programs import DRIVE, LAYOUT, READ

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.zurich import completion
from podium.drivers.zurich import rack as playing
from podium.drivers.zurich.core_memory import CoreMemory
from podium.drivers.zurich.data_server import ZurichDataServer
from podium.drivers.zurich.sequential_steps import one_by_one
from podium.drivers.zurich.settings_cache import SettingsCache
from podium.firmware_interfaces.zurich.program import (
    CoreProgram,
    ForwardedBit,
    Start,
    ZurichProgram,
)
from podium.firmware_interfaces.zurich.rack import ZSyncPort, ZurichRack

DEVICES = {10001: "PQSC", 12001: "SHFQA2", 12002: "SHFSG4", 8001: "HDAWG4"}
CABLES = {0: "dev12001", 1: "dev12002", 2: "dev8001"}
FLUX = CoreProgram("hdawg", 1, ("q0.flux",), "waitZSyncTrigger(); playZero(32);")


def program(device, model, core, settings, results=()):
    return ZurichProgram(
        "trial", f"zi.{device}", model, (core,), settings, 10**9, 0, results, (), (),
        Start(0, zsync=True), str,
    )  # fmt: skip


PARTS = (
    program("dev12001", "SHFQA2", READ, (("qachannels/0/output/on", 1),), (LAYOUT,)),
    program("dev12002", "SHFSG4", DRIVE, (("sgchannels/2/output/on", 1),)),
    program("dev8001", "HDAWG4", FLUX, (("system/clocks/sampleclock/freq", 2e9),)),
)
RACK = ZurichRack(
    "trial", PARTS, "dev10001", tuple(ZSyncPort(port, one) for port, one in CABLES.items())
)


class Rehearsed:
    """What is set, transaction by transaction; nodes that a test says hold what it says."""

    def __init__(self):
        self.sent = []
        self.held = {}

    def set(self, asked, items):
        self.sent.append([path for path, _ in items])

    def whole(self, asked, path):
        if path in self.held:
            return self.held[path]
        if path.endswith("/sequencer/status"):
            return completion.WAITING_FOR_TRIGGER
        if path.endswith("/connection/status"):
            return playing.LINKED
        return int(path.endswith("/ready"))

    def wholes(self, asked, paths, after_s, wanted=None):
        return tuple(self.whole(asked, path) for path in paths)

    def several(self, steps):
        return one_by_one(self, steps)

    def text(self, asked, path):
        return self.held.get(path, "")

    def values(self, asked, paths):
        return {path: self.held[path] for path in paths if path in self.held}

    def vectors(self, asked, paths):
        return [self.held[path] for path in paths]

    def settings(self, asked, path):
        return {}

    def compiled(self, asked, source):
        self.held["rate"] = source.rate_hz
        return b"\x7fELF"

    def close(self):
        pass


@pytest.fixture
def server():
    return Rehearsed()


@pytest.fixture
def driver(server, monkeypatch):
    for where in (playing, completion):
        monkeypatch.setattr(where, "LINKED_S" if where is playing else "READY_S", 0.0)
    made = ZurichDataServer.rehearse("zi", print, DEVICES, zsync=CABLES)
    made._server = server
    made._plane._server = server
    made._memory = CoreMemory("zi", server)
    made._settings = SettingsCache(server)
    return made


def test_settings_of_all_are_one_transaction_and_so_are_the_enables(driver, server):
    driver.load(RACK)
    assert server.sent[0] == [
        "/dev12001/qachannels/0/generator/enable",
        "/dev12002/sgchannels/2/awg/enable",
        "/dev8001/awgs/1/enable",
        *(f"/{device}/raw/error/clear" for device in ("dev12001", "dev12002", "dev8001")),
    ]
    assert server.sent[1] == [
        "/dev12001/system/clocks/referenceclock/in/source",
        "/dev12002/system/clocks/referenceclock/in/source",
        "/dev8001/system/clocks/referenceclock/source",
    ]
    assert server.sent[-1] == [
        "/dev12001/qachannels/0/output/on",
        "/dev12002/sgchannels/2/output/on",
        "/dev8001/system/clocks/sampleclock/freq",
    ]
    assert server.held["rate"] == 2e9, "an HDAWG's program is compiled for its sample rate"
    server.sent.clear()
    driver.arm()
    assert server.sent[0] == [
        "/dev12001/qachannels/0/readout/result/enable",
        *(f"/{device}/raw/error/clear" for device in ("dev12001", "dev12002", "dev8001")),
    ]
    assert server.sent[1] == [
        "/dev12001/qachannels/0/readout/result/enable",
        "/dev12001/qachannels/0/generator/enable",
        "/dev12002/sgchannels/2/awg/enable",
        "/dev8001/awgs/1/enable",
    ]
    server.sent.clear()
    driver.start()
    at = "/dev10001/execution"
    assert server.sent == [[f"{at}/trigger", f"{at}/repetitions", f"{at}/enable"]]


def test_results_that_are_forwarded_are_set_at_the_port_of_who_acts(driver, server):
    bits = (ForwardedBit(0, 0, 3), ForwardedBit(1, 5, 0))
    programs = tuple(
        replace(one, forwarded=bits if one.instrument == "zi.dev8001" else ())
        for one in RACK.programs
    )
    driver.load(replace(RACK, programs=programs))
    sent = [path for path in server.sent[-1] if path.startswith("/dev10001")]
    port = next(one.port for one in RACK.ports if one.device == "dev8001")
    output = f"/dev10001/zsyncs/{port}/output"
    sources = f"{output}/registerbank/sources"
    mine = [path for path in sent if path.startswith(output)]
    assert mine == [
        f"{output}/enable",
        f"{output}/source",
        *(f"{sources}/{at}/{what}" for at in (0, 1) for what in ("enable", "register", "index")),
        *(f"{sources}/{at}/enable" for at in range(2, 8)),
    ]
    others = [path for path in sent if path not in mine]
    assert others[-1] == "/dev10001/execution/holdoff"
    assert all(path.endswith("/output/enable") for path in others[:-1])


def test_a_clock_that_is_zsyncs_already_is_left_alone(driver, server):
    for device, node in (
        ("dev12001", "in/source"),
        ("dev12002", "in/source"),
        ("dev8001", "source"),
    ):
        server.held[f"/{device}/system/clocks/referenceclock/{node}"] = 2
    driver.load(RACK)
    assert not any("referenceclock" in path for items in server.sent for path in items)


def test_an_instrument_at_another_port_or_without_a_link_is_refused(driver, server):
    server.held["/dev10001/zsyncs/1/connection/serial"] = "12007"
    with pytest.raises(
        Refused, match="'trial': ZSync port 1 of dev10001 goes to dev12007; the fac"
    ):
        driver.load(RACK)
    del server.held["/dev10001/zsyncs/1/connection/serial"]
    server.held["/dev10001/zsyncs/2/connection/status"] = 1
    with pytest.raises(Refused, match="'trial': dev8001 is not linked to ZSync port 2 of dev10001"):
        driver.load(RACK)
    with pytest.raises(Refused, match="no program is loaded"):
        driver.arm()


def test_one_that_does_not_wait_is_named_and_nothing_is_started(driver, server):
    driver.load(RACK)
    server.held["/dev8001/awgs/1/sequencer/status"] = 0
    with pytest.raises(Refused, match=r"arming 'trial': /dev8001/awgs/1 \(q0.flux\) does not wait"):
        driver.arm()


def test_one_that_does_not_end_is_named(driver, server, monkeypatch):
    monkeypatch.setenv("PODIUM_RUN_ALLOWANCE", "1e-9")
    driver.load(RACK)
    server.held["/dev12002/sgchannels/2/awg/enable"] = 1
    with pytest.raises(Unreachable, match="'trial': /dev12002/sgchannels/2/awg/enable not 0"):
        driver.wait(0.0)


def test_a_complaint_of_one_that_measures_nothing_ends_the_run(driver, server):
    driver.load(RACK)
    log = '{"messages":[{"code":1,"message":"awgs/1: line 3: a table without row 7"}]}'
    server.held["/dev8001/raw/error/json/errors"] = log
    with pytest.raises(ProtocolError, match=r"'trial': dev8001 says: awgs/1: line 3: a table"):
        driver.wait(0.0)
    server.held["/dev8001/raw/error/json/errors"] = '{"messages":[]}'
    driver.wait(0.0)


def test_nobody_waits_for_the_results_of_one_that_has_ended_and_complains(driver, server):
    driver.load(RACK)
    server.held["/dev12001/qachannels/0/readout/result/enable"] = 1
    log = '{"messages":[{"code":1,"message":"nothing was heard"}]}'
    server.held["/dev12001/raw/error/json/errors"] = log
    with pytest.raises(ProtocolError, match="'trial': dev12001 says: nothing was heard"):
        driver.wait(0.0)


def test_what_does_not_compile_names_the_instrument():
    wrong = replace(PARTS[1], cores=(replace(DRIVE, text="playNothing(3);\n"),))
    driver = ZurichDataServer.rehearse("zi", lambda said: None, DEVICES, zsync=CABLES)
    with pytest.raises(Refused, match=r"(?s)sgchannels/2/awg .*of 'trial' on zi.dev12002.*line: 1"):
        driver.load(replace(RACK, programs=(PARTS[0], wrong, PARTS[2])))


def test_safe_stops_the_hub_as_well(driver, server):
    driver.safe()
    assert server.sent[0] == ["/dev10001/execution/enable"]
    assert any("/dev8001/sigouts/3/on" in items for items in server.sent)


def test_cables_that_are_not_as_the_file_says_are_told_by_reading_alone(driver, server):
    for serial, model in DEVICES.items():
        server.held[f"/dev{serial}/features/devtype"] = model
    server.held |= {
        "/dev10001/zsyncs/0/connection/serial": "12001",
        "/dev10001/zsyncs/2/connection/serial": "12002",
    }
    assert driver.examine().complaints == (
        "ZSync port 1 of dev10001 goes nowhere, the facility file says dev12002",
        "ZSync port 2 of dev10001 goes to dev12002, the facility file says dev8001",
    )
    assert server.sent == []


def test_a_pqsc_awaits_its_trigger_once_all_others_await_it(driver, server):
    driver.load(replace(RACK, trigger=1))
    server.sent.clear()
    driver.arm()
    at = "/dev10001/execution"
    assert server.sent[-1][2:] == [f"{at}/trigger", f"{at}/repetitions", f"{at}/enable"]
    assert server.sent[-1][0] == "/dev10001/triggers/in/1/level"
    with pytest.raises(Refused, match="begins on an edge at trigger input 2 of dev10001"):
        driver.start()


def test_a_pqsc_is_stopped_before_anybody_looks_who_has_started(driver, server):
    driver.load(replace(RACK, trigger=0))
    driver.arm()
    server.sent.clear()
    assert not driver.disarm(), "all still wait"
    assert server.sent[0] == ["/dev10001/execution/enable"]
    driver.arm()
    server.held["/dev8001/awgs/1/sequencer/status"] = 1
    assert driver.disarm(), "one has gone on"
