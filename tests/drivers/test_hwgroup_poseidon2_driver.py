"""The driver over real UDP against the twin."""

import pytest

from podium.drivers import snmp_session
from podium.drivers.errors import ProtocolError, Unreachable
from podium.drivers.hwgroup_poseidon2 import HwgroupPoseidon2
from podium.drivers.roles import Examinable, HasReadings, Identity, Instrument
from podium.firmware_interfaces import hwgroup_poseidon2 as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.snmp import Kind, Operation, Value, decode
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.room_air import RoomAir
from podium.sim_instruments.twins.hwgroup_poseidon2 import HwgroupPoseidon2 as Twin
from podium.sim_instruments.twins.snmp_agent import Agent

NOW_FS = 1_800_000_000 * FS_PER_S


class Tap:
    def __init__(self) -> None:
        self.room = Room(4)
        self.twin = Twin("42", self.room)
        self.heard: list[bytes] = []
        self.tamper = lambda answer: answer

    def hear(self, port, datagram, now_fs):
        self.heard.append(datagram)
        return self.tamper(self.twin.hear(port, datagram, NOW_FS))


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def place(twin_servers, tap):
    here = twin_servers.serve_datagrams(tap, "snmp")
    return here.host, {"snmp": here.port}


@pytest.fixture
def driver(place):
    driver = HwgroupPoseidon2("room", *place, sensors={1: "air"}, inputs={1: "leak"})
    yield driver
    driver.close()


def test_it_is_an_instrument_that_measures_all_the_time(driver, tap):
    instrument: Instrument = driver
    readings: HasReadings = driver
    examined: Examinable = driver
    assert instrument.identity() == Identity(
        "HW group", "Poseidon2 3268", "00:0A:59:00:00:2A", "3.1.7"
    )
    read = readings.readings()
    air = RoomAir(tap.room)
    assert read["air"] == (pytest.approx(air.temperature_k(NOW_FS), abs=0.051), "K")
    assert read["Humidity"] == (pytest.approx(air.relative_humidity(NOW_FS), abs=6e-4), "1")
    assert read["Pressure"] == (pytest.approx(air.pressure_pa(NOW_FS), abs=51), "Pa")
    assert {name: read[name] for name in ("leak", "Binary 2", "Binary 3", "Binary 4")} == (
        dict.fromkeys(("leak", "Binary 2", "Binary 3", "Binary 4"), (0.0, "1"))
    )
    assert len(read) == 7
    assert examined.examine().complaints == ()
    assert instrument.snapshot()["air.high"] == 60.0


def test_readings_are_one_round_trip_and_nothing_is_ever_set(driver, tap):
    tap.heard.clear()
    driver.readings()
    assert len(tap.heard) == 1
    driver.examine()
    driver.snapshot()
    assert {decode(one).operation for one in tap.heard} == {Operation.GET}


def test_a_leak_is_read_and_complained_about(driver, tap):
    tap.twin.leak(NOW_FS - FS_PER_S)
    assert driver.readings()["leak"] == (1.0, "1")
    assert driver.examine().complaints == ("leak: alarm",)


def test_what_is_not_found_is_left_out_and_complained_about(driver, tap):
    tap.twin.unplug(3, NOW_FS - FS_PER_S)
    assert "Pressure" not in driver.readings()
    assert len(driver.readings()) == 6
    assert driver.examine().complaints == ("Pressure: its sensor is not found",)


def test_two_of_one_name_are_told_apart(place):
    both = HwgroupPoseidon2("room", *place, sensors={1: "air", 2: "air"})
    assert {"air 1", "air 2", "Pressure"} <= both.readings().keys()


class Box:
    """An SNMP agent of some other box, or of a Poseidon that says strange things."""

    def __init__(self, objects) -> None:
        self.agent = Agent("public", lambda now_fs: objects)

    def hear(self, port, datagram, now_fs):
        return self.agent.answer(datagram, now_fs)


def test_another_box_is_told_from_a_poseidon(twin_servers):
    shows = {box.SYS_DESCR: Value(Kind.OCTETS, b"a printer")}
    here = twin_servers.serve_datagrams(Box(shows), "snmp")
    with pytest.raises(ProtocolError, match="is it a Poseidon"):
        HwgroupPoseidon2("room", here.host, {"snmp": here.port})


def test_a_value_that_is_no_number_is_an_error(twin_servers):
    shows = Twin("1", Room(1)).objects(NOW_FS)
    shows[(*box.SENSOR_COLUMNS["value"], 1)] = Value(Kind.OCTETS, b"warm")
    here = twin_servers.serve_datagrams(Box(shows), "snmp")
    driver = HwgroupPoseidon2("room", here.host, {"snmp": here.port})
    with pytest.raises(ProtocolError, match=r"said 'warm'"):
        driver.readings()


def test_silence_is_unreachable(place, tap, monkeypatch):
    monkeypatch.setattr(snmp_session, "ANSWER_S", 0.03)
    tap.tamper = lambda answer: b""
    with pytest.raises(Unreachable, match=r"room was asked for 1\.3\.6\.1\.4\.1\.21796"):
        HwgroupPoseidon2("room", *place)
    assert len(tap.heard) == snmp_session.TRIES


def test_a_rehearsal_asks_nobody():
    told: list[str] = []
    driver = HwgroupPoseidon2.rehearse("room", told.append, inputs={1: "leak"})
    assert driver.identity().vendor == "HW group"
    assert driver.examine().complaints == ()
    assert driver.readings() == {}
    driver.close()
    assert told == []
