"""The driver over real TCP against the twin."""

import threading

import pytest

from podium.drivers.channel_readings import Missing
from podium.drivers.cryogenic_roles import CompressorStatus, HeliumCompressor
from podium.drivers.cryomech_cpa import CryomechCpa
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Examinable, HasReadings, Identity, Instrument
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.twins.cryomech_cpa import CryomechCpa as Twin


class Tap:
    def __init__(self) -> None:
        self.fridge = SteadyCryostat()
        self.shown: dict[str, float] = {}
        self.twin = Twin("4321", self.read, self.fridge.write)
        self.tamper = lambda answer: answer
        self.came = threading.Event()

    def read(self, name: str, now_fs: int) -> float:
        return self.shown[name] if name in self.shown else self.fridge.read(name, now_fs)

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
    driver = CryomechCpa("compressor", at.host, {"modbus": at.port})
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    instrument: Instrument = driver
    compressor: HeliumCompressor = driver
    readings: HasReadings = driver
    examined: Examinable = driver
    assert instrument.identity() == Identity("Cryomech", "CPA1110", "4321", "3.10")
    assert compressor.compressor() == CompressorStatus(running=True, state="running")
    read = readings.readings()
    assert read["running"] == read["compressor"] == (1.0, "1")
    assert len(read) == 13
    assert read["coolant_in"] == (pytest.approx(293.385, abs=1e-3), "K")
    assert read["run_time"] == (pytest.approx(72_439_560, abs=10), "s")
    assert instrument.snapshot() == {"pressure_scale": "psi", "temperature_scale": "celsius"}
    assert examined.examine().complaints == ()


def test_connecting_sets_nothing(driver, tap):
    assert tap.twin.tallies()["commands"] == 1


def test_it_stops_and_starts(driver, tap):
    driver.run_compressor(False)
    assert driver.compressor() == CompressorStatus(running=False, state="idle")
    driver.run_compressor(True)
    assert driver.compressor().running


def test_troubles_are_told_in_words(driver, tap):
    tap.shown = {
        "compressor.running": 0.0,
        "compressor.errors": 68.0,
        "compressor.warnings": 1.0,
    }
    assert driver.compressor() == CompressorStatus(
        False, "error", ("coolant in high",), ("coolant out high", "helium high")
    )
    assert driver.examine().complaints == (
        "error: coolant out high",
        "error: helium high",
        "warning: coolant in high",
    )


def test_a_reading_that_is_no_number_is_left_out(driver, tap):
    tap.shown = {"compressor.oil": float("nan")}
    assert "oil" not in driver.readings()
    assert len(driver.readings()) == 12

    assert driver.read_channels().missing == {"oil": Missing("K", "it says nan")}


def test_a_refusal_is_told_and_the_connection_stays(driver, tap):
    tap.tamper = lambda answer: answer[:5] + b"\x03" + answer[6:7] + b"\x86\x04"
    with pytest.raises(Refused, match="compressor was asked to stop"):
        driver.run_compressor(False)
    tap.tamper = lambda answer: answer
    assert driver.compressor()


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda answer: answer[:5] + b"\x05" + answer[6:7] + b"\x04\x02\x00\x03",
        lambda answer: answer[:65] + b"\x00\x09" + answer[67:],
        lambda answer: answer[:5] + b"\x03" + answer[6:7] + b"\x84\x02",
    ],
    ids=["two registers", "a scale that there is not", "no such registers"],
)
def test_registers_of_no_panel_close_the_connection(driver, tap, spoilt):
    tap.tamper = spoilt
    with pytest.raises(ProtocolError, match="compressor was asked for registers 1 to 33"):
        driver.compressor()
    with pytest.raises(Unreachable, match="connection was closed"):
        driver.compressor()


def test_a_late_answer_is_never_taken_for_the_next(driver, tap, monkeypatch):
    monkeypatch.setattr(driver._session.client.comm_params, "timeout_connect", 0.05)
    tap.tamper = lambda answer: b""
    with pytest.raises(Unreachable):
        driver.compressor()
    with pytest.raises(Unreachable, match="connection was closed"):
        driver.compressor()


def test_it_can_be_closed_while_a_call_hangs(driver, tap):
    tap.tamper = lambda answer: b""
    tap.came.clear()
    failed = []

    def ask():
        try:
            driver.compressor()
        except Unreachable as error:
            failed.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    assert tap.came.wait(5)
    driver.close()
    asking.join(2)
    assert not asking.is_alive()
    assert failed


def test_nobody_there_is_unreachable(unused_tcp_port):
    with pytest.raises(Unreachable, match="takes no connection"):
        CryomechCpa("compressor", "127.0.0.1", {"modbus": unused_tcp_port})


def test_a_rehearsal_tells_what_would_be_written():
    told = []
    driver = CryomechCpa.rehearse("compressor", told.append)
    assert driver.compressor().running
    driver.run_compressor(False)
    driver.run_compressor(True)
    assert told == ["write holding register 1: 0x00ff", "write holding register 1: 0x0001"]
    driver.close()
