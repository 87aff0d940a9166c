"""The drivers of the TPG 366 and the TC 400 over real TCP against their twins."""

import pytest

from podium.drivers.channel_readings import Missing
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.pfeiffer_tc400 import PfeifferTc400
from podium.drivers.pfeiffer_tpg366 import PfeifferTpg366
from podium.drivers.roles import Identity, Instrument
from podium.sim_instruments.twins.pfeiffer_tc400 import PfeifferTc400 as Drive
from podium.sim_instruments.twins.pfeiffer_tpg366 import PfeifferTpg366 as Controller


@pytest.fixture
def gauges(serve):
    twin = Controller("44012345", lambda name, now_fs: 3.4e-3, {1: "p1", 2: "p2"})
    twin.power_cycle(0)  # it sends by itself
    address = serve(twin, "mnemonics")
    driver = PfeifferTpg366(
        "gauges", address.host, {"mnemonics": address.port}, {1: "p1", 2: "p2", 4: "p4"}
    )
    yield driver
    driver.close()


def test_pressures_are_read_in_pascal(gauges):
    instrument: Instrument = gauges
    assert instrument.identity() == Identity("Pfeiffer Vacuum", "TPG 366", "44012345", "010300")
    assert gauges.pressure_pa("p1") == pytest.approx(3.4e-3)
    gauges.tell("UNI,1")  # Torr
    assert gauges.pressure_pa("p2") == pytest.approx(3.4e-3, rel=5e-3)
    assert gauges.readings().keys() == {"p1", "p2"}
    assert instrument.snapshot()["unit"] == "1"


def test_what_has_no_pressure_is_refused_and_never_a_number(gauges):
    with pytest.raises(Refused, match="no pressure of p4: no sensor"):
        gauges.pressure_pa("p4")
    assert gauges.read_channels().missing == {"p4": Missing("Pa", "no sensor")}
    with pytest.raises(Refused, match="it has p1, p2, p4"):
        gauges.pressure_pa("p6")
    with pytest.raises(Refused, match=r"'UNI,9': NAK, error word 0010"):
        gauges.tell("UNI,9")
    assert gauges.examine().complaints == ()
    gauges.tell("UNI,5")
    with pytest.raises(Refused, match=r"volts \(UNI 5\), no pressures"):
        gauges.read_channels()


def test_under_range_is_a_bound_of_a_gauge_whose_range_is_known_and_never_a_number(serve):
    shown = {"p1": 1e-9, "p2": 3.4e-3}
    twin = Controller("1", lambda name, now_fs: shown[name.partition(".")[2]], {1: "p1", 2: "p2"})
    address = serve(twin, "mnemonics")
    driver = PfeifferTpg366("gauges", address.host, {"mnemonics": address.port}, {1: "p1", 2: "p2"})
    read = driver.read_channels()
    driver.close()
    assert read.values.keys() == {"p2"}
    assert read.missing == {"p1": Missing("Pa", "under range", 5e-7)}


@pytest.fixture
def turbo():
    shown = {"speed": 820.0, "current": 3.4, "voltage": 48.0, "power": 163.0, "error": 0.0}
    return {**shown, "pump.turbo1.on": 0.0}


@pytest.fixture
def written():
    return []


@pytest.fixture
def drive(serve, turbo, written):
    twin = Drive(
        "1",
        lambda name, now_fs: turbo[name.removeprefix("turbo1.")],
        lambda name, value, now_fs: written.append((name, value)),
        bus_address="94",
    )
    address = serve(twin, "serial")
    driver = PfeifferTc400("drive", address.host, {"serial": address.port}, bus_address="94")
    yield driver
    driver.close()


def test_a_pump_is_read_started_and_stopped(drive, turbo, written):
    assert drive.identity().model == "TC 400"
    readings = drive.readings()
    assert readings["speed"] == (820.0, "Hz")
    assert readings["current"] == (3.4, "A")
    assert 290 < readings["TempMotor"][0] < 340
    assert readings["pump"] == (0.0, "1")
    assert written == []  # connecting and reading set nothing
    drive.run(True)
    drive.run(False)
    assert written == [("pump.turbo1.on", 1.0), ("pump.turbo1.on", 0.0)]
    turbo["error"] = 6.0
    assert drive.examine().complaints == drive.read_channels().complaints == ("Err006",)
    drive.acknowledge_error()
    assert drive.snapshot()["PumpgStatn"] == 0.0


def test_what_the_drive_refuses_is_told(drive):
    with pytest.raises(Refused, match="NO_DEF"):
        drive.ask("999")
    with pytest.raises(Refused, match="_LOGIC"):
        drive.tell("309 000100")
    with pytest.raises(Refused, match="NUMBER DATA"):
        drive.tell("start")


class Garbage:
    """A line on which something else talks."""

    def open(self, port):
        return self

    def horizon(self, now_fs):
        from podium.sim_instruments.twins.twin import IDLE

        return IDLE

    def feed(self, data, now_fs):
        return b"\x15hello\r\n"


def test_something_else_on_the_line_is_no_instrument(serve):
    address = serve(Garbage(), "serial")
    with pytest.raises(ProtocolError, match="too short"):
        PfeifferTc400("drive", address.host, {"serial": address.port})
    with pytest.raises(ProtocolError, match="no ACK"):
        PfeifferTpg366("gauges", address.host, {"mnemonics": address.port})


def test_nothing_at_the_address_is_unreachable():
    with pytest.raises(Unreachable, match=r"drive at 127\.0\.0\.1:1"):
        PfeifferTc400("drive", "127.0.0.1", {"serial": 1})


def test_a_rehearsal_tells_what_would_be_set_and_reaches_nobody():
    told = []
    gauges = PfeifferTpg366.rehearse("gauges", told.append, {1: "p1"})
    assert gauges.identity().model == "TPG 366"
    assert gauges.pressure_pa("p1") == pytest.approx(0.1)
    gauges.tell("SEN,1,0,0,0,0,0")
    drive = PfeifferTc400.rehearse("drive", told.append, bus_address="94")
    assert drive.readings()["speed"] == (0.0, "Hz")
    drive.run(True)
    assert drive.snapshot()["PumpgStatn"] == 1.0
    assert told == ["SEN,1,0,0,0,0,0", "023 111111", "010 111111"]
