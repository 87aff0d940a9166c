"""The driver over real UDP against the twin."""

import threading

import pytest

from podium.drivers import snmp_session as driver_module
from podium.drivers.errors import ProtocolError, Unreachable
from podium.drivers.roles import Examinable, HasReadings, Instrument, TimingPlane
from podium.drivers.white_rabbit_switch import WhiteRabbitSwitch
from podium.firmware_interfaces import white_rabbit_switch as box
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.snmp import Operation, decode
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.white_rabbit_switch import WhiteRabbitSwitch as Twin

NOW_FS = 1_800_000_000 * FS_PER_S
LINKS = {1: "wrs_main", 5: "wrtd_a"}


class Tap:
    def __init__(self) -> None:
        self.twin = Twin("0007", lambda make: Clock(1, "wrs", make, Room(1)), "slave", LINKS)
        self.heard: list[bytes] = []
        self.now_fs = NOW_FS
        self.tamper = lambda answer: answer
        self.came = threading.Event()

    def hear(self, port, datagram, now_fs):
        self.heard.append(datagram)
        self.came.set()
        return self.tamper(self.twin.hear(port, datagram, self.now_fs))


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def place(twin_servers, tap):
    here = twin_servers.serve_datagrams(tap, "snmp")
    return here.host, {"snmp": here.port}


@pytest.fixture
def driver(place):
    driver = WhiteRabbitSwitch("wrs_a", *place, mode="slave", links=LINKS)
    yield driver
    driver.close()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(driver_module, "ANSWER_S", 0.03)


def test_it_plays_its_roles(driver):
    instrument: Instrument = driver
    plane: TimingPlane = driver
    readings: HasReadings = driver
    examined: Examinable = driver
    identity = instrument.identity()
    assert (identity.vendor, identity.serial, identity.firmware) == ("CERN", "0007", "v6.1")
    status = plane.timing()
    assert (status.locked, status.source, status.servo) == (True, "slave", "track_phase")
    assert status.complaints == ()
    assert status.lost_locks == 0
    assert [one.name for one in status.ports if one.up] == ["wri1", "wri5"]
    assert [(one.mode, one.locked) for one in status.ports[:2]] == [
        ("slave", True),
        ("master", False),
    ]
    assert readings.readings()["fpga_temperature"] == (pytest.approx(325.15), "K")
    assert examined.examine().complaints == ()
    assert instrument.snapshot()["wri5.up"] is True


def test_the_offset_that_its_servo_sees_has_a_sign(driver, tap):
    seen = set()
    for number in range(12):
        tap.now_fs = NOW_FS + number * 5 * FS_PER_S
        wanted_ps = tap.twin.clock.noise_fs(tap.now_fs) // 1000
        offset_s, unit = driver.readings()["servo_offset"]
        assert (offset_s, unit) == (pytest.approx(wanted_ps * 1e-12), "s")
        seen.add(offset_s > 0)
    assert seen == {True, False}


def test_it_only_ever_reads(driver, tap):
    driver.timing()
    driver.identity()
    driver.readings()
    assert {decode(one).operation for one in tap.heard} == {Operation.GET}


def test_what_is_wrong_is_said_in_words(driver, tap):
    tap.twin.unplug(1, NOW_FS)
    tap.twin.unplug(5, NOW_FS)
    status = driver.timing()
    assert not status.locked
    assert (status.servo, status.offset_s, status.lost_locks) == ("uninitialized", None, 1)
    assert "soft PLL: error" in status.complaints
    assert "servo_offset" not in driver.readings()
    wrong = driver.examine().complaints
    assert "fibre 1, to wrs_main, is down" in wrong
    assert "fibre 5, to wrtd_a, is down" in wrong


def test_where_it_differs_from_the_facility_file_is_said(place):
    other = WhiteRabbitSwitch("wrs_a", *place, mode="grandmaster", links={2: "wrtd_b"})
    assert other.examine().complaints == (
        "it is a slave, the facility file says grandmaster",
        "fibre 2, to wrtd_b, is down",
    )


def test_a_grandmaster_has_no_servo(twin_servers, tap):
    tap.twin = Twin("0008", lambda make: Clock(1, "wrs", make, Room(1)))
    here = twin_servers.serve_datagrams(tap, "snmp")
    status = WhiteRabbitSwitch("wrs_b", here.host, {"snmp": here.port}).timing()
    assert (status.locked, status.source, status.servo) == (True, "grandmaster", "")
    assert status.offset_s is None


def test_a_datagram_that_is_lost_is_asked_for_again(driver, tap, impatient):
    tap.heard.clear()
    tap.tamper = lambda answer: answer if len(tap.heard) > 2 else b""
    assert driver.identity().serial == "0007"
    assert len(tap.heard) == 3


def test_silence_is_unreachable(place, tap, impatient):
    tap.tamper = lambda answer: b""
    with pytest.raises(Unreachable, match=r"wrs_a was asked for 1\.3\.6\.1\.4\.1\.96\.100"):
        WhiteRabbitSwitch("wrs_a", *place)
    assert len(tap.heard) == driver_module.TRIES


def test_garbage_is_no_answer(driver, tap, impatient):
    tap.tamper = lambda answer: b"\x30\x03what"
    with pytest.raises(Unreachable):
        driver.timing()
    tap.tamper = lambda answer: answer
    assert driver.timing().locked


def test_the_answer_to_another_question_is_not_taken_for_this_one(driver, tap, impatient):
    driver.identity()
    late = tap.twin.hear("snmp", tap.heard[-1], NOW_FS)
    tap.tamper = lambda answer: late
    with pytest.raises(Unreachable):
        driver.timing()


class Nothing:
    """An SNMP agent of some other box."""

    def hear(self, port, datagram, now_fs):
        from podium.firmware_interfaces.snmp import Kind, Value
        from podium.sim_instruments.twins.snmp_agent import Agent

        shows = {(1, 3, 6, 1, 2, 1, 1, 1, 0): Value(Kind.OCTETS, b"a printer")}
        return Agent("public", lambda _: shows).answer(datagram, now_fs)


def test_another_box_is_told_from_a_switch(twin_servers):
    here = twin_servers.serve_datagrams(Nothing(), "snmp")
    printer = WhiteRabbitSwitch("wrs_a", here.host, {"snmp": here.port})
    assert printer.identity().model == "a printer"
    with pytest.raises(ProtocolError, match="is it a White Rabbit switch"):
        printer.timing()


def test_closing_wakes_who_waits_and_then_nothing_is_asked(driver, tap):
    tap.came.clear()
    tap.tamper = lambda answer: b""
    failed: list[BaseException] = []

    def ask() -> None:
        try:
            driver.timing()
        except Unreachable as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert tap.came.wait(30)
    driver.close()
    asking.join(driver_module.ANSWER_S)
    assert failed
    with pytest.raises(Unreachable, match="wrs_a: its connection is closed"):
        driver.timing()


def test_a_rehearsal_asks_nobody_and_finds_nothing_wrong():
    told: list[str] = []
    driver = WhiteRabbitSwitch.rehearse("wrs_a", told.append, mode="grandmaster")
    assert driver.timing().locked
    assert driver.examine().complaints == ()
    driver.close()
    assert told == []


def test_its_objects_are_where_the_mib_has_them():
    # WR-SWITCH-MIB as published in compiled form, and a page of a user that lists some of them
    published = {
        box.MAIN_STATUS: "96.100.6.1.1.0",
        box.TIMING_STATUS: "96.100.6.1.3.0",
        box.SOFT_PLL_STATUS: "96.100.6.2.2.2.0",
        box.SLAVE_LINKS_STATUS: "96.100.6.2.2.3.0",
        box.SOFTWARE_VERSION: "96.100.6.3.1.0",
        box.DATE_TAI: "96.100.7.1.1.1.0",
        box.TEMPERATURES["pll"]: "96.100.7.1.3.2.0",
        box.SPLL_MODE: "96.100.7.3.2.1.0",
        box.SPLL_SEQUENCE: "96.100.7.3.2.3.0",
        box.SERVO_STATE: "96.100.7.5.1.6.1",
        box.SERVO_OFFSET_PS_HUMAN: "96.100.7.5.1.11.1",
        box.SERVO_ROUND_TRIP_PS: "96.100.7.5.1.13.1",
        (*box.PORT_COLUMNS["link"], 18): "96.100.7.6.1.3.18",
        (*box.PORT_COLUMNS["locked"], 2): "96.100.7.6.1.5.2",
    }
    for oid, tail in published.items():
        assert ".".join(map(str, oid)) == f"1.3.6.1.4.1.{tail}"
