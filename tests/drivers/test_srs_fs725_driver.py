"""The driver over real TCP against the twin."""

import threading

import pytest

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Examinable, HasReadings, Identity, Instrument, TimingPlane
from podium.drivers.srs_fs725 import SrsFs725
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.srs_fs725 import SrsFs725 as Twin

NOW_FS = 1_800_000_000 * FS_PER_S


class Tap:
    def __init__(self) -> None:
        self.twin = Twin("19957", lambda make: Clock(1, "rb", make, Room(1)))
        self.heard = b""
        self.now_fs = NOW_FS
        self.tamper = lambda answer: answer
        self.came = threading.Event()

    def open(self, port):
        self.session = self.twin.open(port)
        return self

    def feed(self, data, now_fs):
        self.heard += data
        answer = self.tamper(self.session.feed(data, self.now_fs))
        self.came.set()
        return answer

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def driver(serve, tap):
    driver = SrsFs725("rb", serve(tap, "serial").visa)
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    instrument: Instrument = driver
    plane: TimingPlane = driver
    readings: HasReadings = driver
    examined: Examinable = driver
    assert instrument.identity() == Identity("SRS", "FS725", "19957", "3.24")
    status = plane.timing()
    assert (status.locked, status.source, status.complaints) == (True, "rubidium", ())
    assert readings.readings() == {
        "case_temperature": (pytest.approx(353.35, abs=2), "K")
    }  # with the room
    assert examined.examine().reference == "internal"
    assert instrument.snapshot()["gain"] == 7


def test_connecting_only_reads(driver, tap):
    driver.snapshot()
    lines = [line for line in tap.heard.split(b"\r") if line]
    assert lines
    assert all(line.endswith(b"?") for line in lines), lines


def test_warming_up_is_said_in_words(driver, tap):
    tap.twin.power_cycle(tap.now_fs)
    status = driver.timing()
    assert not status.locked
    assert {"lamp too cold", "frequency lock is off", "was reset"} <= set(status.complaints)
    tap.now_fs += 400 * FS_PER_S
    driver.timing()
    assert driver.timing().locked
    assert driver.timing().complaints == ()


def test_what_it_will_not_do_is_refused_and_the_connection_stays_good(driver):
    with pytest.raises(Refused, match="rb was told 'SF9999': bad parameter"):
        driver.tell("SF9999")
    with pytest.raises(Refused, match="rb was told '\\*RST': bad syntax"):
        driver.tell("*RST")
    driver.tell("SF100")
    assert driver.get("frequency_offset") == (100, "")
    driver.set("gain", 5)
    assert driver.ask("GA?") == "5"
    with pytest.raises(Refused, match="bad parameter"):
        driver.set("gain", 11)
    assert driver.get("locked") == (True, "")


@pytest.mark.parametrize(
    ("asked", "call"),
    [
        ("ID?", lambda driver: driver.identity()),
        ("LO?", lambda driver: driver.timing()),
        ("ST?", lambda driver: driver.examine()),
        ("AD10?", lambda driver: driver.readings()),
    ],
)
def test_an_answer_that_makes_no_sense_costs_the_connection(driver, tap, asked, call):
    tap.tamper = lambda answer: b"what?\r"
    with pytest.raises(ProtocolError, match=rf"was asked {asked[:-1]}\? and said 'what\?'"):
        call(driver)
    with pytest.raises(Unreachable):
        driver.timing()


def test_another_box_is_told_from_a_rubidium(serve, tap):
    tap.tamper = lambda answer: b"LSCI,MODEL372,1,1\r"
    with pytest.raises(ProtocolError, match="said 'LSCI"):
        SrsFs725("rb", serve(tap, "serial").visa)


def test_silence_is_unreachable(driver, tap):
    driver._session.instrument.visa_handle.timeout = 50
    tap.tamper = lambda answer: b""
    with pytest.raises(Unreachable, match=r"was asked 'ST\?'"):
        driver.examine()


def test_a_dropped_connection_is_unreachable(driver, twin_servers):
    twin_servers.drop_clients()
    with pytest.raises(Unreachable):
        driver.timing()
