"""The driver over real TCP against the twin."""

import threading

import pytest

from podium.drivers import modbus_session
from podium.drivers.cryogenic_roles import Chiller, ChillerStatus
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Examinable, HasReadings, Identity, Instrument
from podium.drivers.smc_hrs100 import SmcHrs100
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.twins.smc_hrs100 import SmcHrs100 as Twin


class Tap:
    def __init__(self) -> None:
        self.fridge = SteadyCryostat()
        self.twin = Twin("1", self.fridge.read, self.fridge.write)
        self.tamper = lambda answer: answer
        self.came = threading.Event()

    def open(self, port):
        self.session = self.twin.open(port)
        return self

    def feed(self, data, now_fs):
        answer = self.tamper(self.session.feed(data, now_fs))
        self.came.set()
        return answer

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def driver(serve, tap):
    at = serve(tap, "modbus")
    driver = SmcHrs100("chiller", at.host, {"modbus": at.port})
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    instrument: Instrument = driver
    chiller: Chiller = driver
    readings: HasReadings = driver
    examined: Examinable = driver
    assert instrument.identity() == Identity("SMC", "HRS100", "", "")
    assert chiller.chiller() == ChillerStatus(True, pytest.approx(293.15), True)
    assert readings.readings() == {
        "water_out": (pytest.approx(293.15), "K"),
        "flow": (pytest.approx(10e-3 / 60), "m^3/s"),
        "pressure": (pytest.approx(0.25e6), "Pa"),
        "running": (1.0, "1"),
        "chiller": (1.0, "1"),
    }
    assert instrument.snapshot() == {
        "set_temperature_k": 293.15,
        "run": True,
        "serial_mode": True,
    }
    assert examined.examine().complaints == ()


def test_connecting_sets_nothing(driver, tap):
    assert tap.twin.tallies()["commands"] == 1


def test_it_stops_starts_and_sets(driver, tap):
    driver.run_chiller(False)
    assert not driver.chiller().running
    assert tap.fridge.read("water.on", 0) == 0
    driver.run_chiller(True)
    driver.set_water_k(290.15)
    assert driver.chiller().set_k == pytest.approx(290.15)


@pytest.mark.parametrize("kelvin", [278.0, 309.0, float("nan")])
def test_what_is_out_of_range_is_refused_before_it_is_sent(driver, tap, kelvin):
    before = tap.twin.tallies()["commands"]
    with pytest.raises(Refused, match=r"cools water to 278.15 ... 308.15 K"):
        driver.set_water_k(kelvin)
    assert tap.twin.tallies()["commands"] == before


def test_an_alarm_that_stopped_it_is_an_error_and_another_a_warning(driver, tap):
    tap.fridge.write("water.on", 0.0, 0)
    assert driver.chiller().warnings == ("circulating fluid discharge pressure rise",)
    tap.twin.trip(0)
    status = driver.chiller()
    assert (status.running, status.errors) == (False, ("high compressor discharge pressure",))
    assert driver.examine().complaints == ("high compressor discharge pressure",)


def test_a_refusal_is_told_and_the_connection_stays(driver, tap):
    tap.tamper = lambda answer: answer[:5] + b"\x03" + answer[6:7] + b"\x86\x04"
    with pytest.raises(Refused, match="chiller was asked to stop"):
        driver.run_chiller(False)
    tap.tamper = lambda answer: answer
    assert driver.chiller()


def test_a_chiller_that_does_not_answer_its_gateway_is_unreachable(serve, tap):
    at = serve(tap, "modbus")
    with pytest.raises(Unreachable, match="its gateway gets no answer"):
        SmcHrs100("chiller", at.host, {"modbus": at.port}, bus_address="9")
    with pytest.raises(Refused, match="1 to 99, not '100'"):
        SmcHrs100("chiller", at.host, {"modbus": at.port}, bus_address="100")


def test_registers_of_no_chiller_close_the_connection(driver, tap):
    tap.tamper = lambda answer: answer[:5] + b"\x05" + answer[6:7] + b"\x03\x02\x00\x03"
    with pytest.raises(ProtocolError, match="chiller was asked for registers 0 to 15"):
        driver.chiller()
    with pytest.raises(Unreachable, match="connection was closed"):
        driver.chiller()


def test_silence_is_unreachable_and_closes(driver, tap, monkeypatch):
    monkeypatch.setattr(driver._session.client.comm_params, "timeout_connect", 0.05)
    tap.tamper = lambda answer: b""
    with pytest.raises(Unreachable):
        driver.readings()
    with pytest.raises(Unreachable, match="connection was closed"):
        driver.readings()
    assert modbus_session.ANSWER_S > 0.05


def test_a_rehearsal_tells_what_would_be_written():
    told = []
    driver = SmcHrs100.rehearse("chiller", told.append)
    assert driver.chiller().running
    driver.run_chiller(False)
    driver.set_water_k(291.15)
    assert told == ["write holding register 0x000c: 0", "write holding register 0x000b: 180"]
    driver.close()
