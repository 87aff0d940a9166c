"""The driver over real TCP against the twin."""

import os
import time

import pytest

from podium.drivers.bluefors_control import BlueforsControl
from podium.drivers.cryogenic_roles import Cryostat
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Examinable, HasReadings, Identity, Instrument, Thermometer
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.twins.bluefors_control.control_software import BlueforsControl as Twin

CHANNELS = {6: "mixing_chamber", 5: "still"}


class Tap:
    def __init__(self) -> None:
        self.fridge = SteadyCryostat()
        self.shown: dict[str, float] = {}
        self.twin = Twin("1234", self.read, self.fridge.write, CHANNELS)
        self.tamper = lambda answer: answer

    def read(self, name: str, now_fs: int) -> float:
        return self.shown[name] if name in self.shown else self.fridge.read(name, now_fs)

    def open(self, port):
        session = self.twin.open(port)

        class Session:
            def feed(_, data, now_fs):
                answer = session.feed(data, now_fs)
                return self.tamper(answer) if answer else answer

        return Session()

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)

    def say(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        self.tamper = lambda answer: head + body


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def driver(serve, tap):
    at = serve(tap, "http")
    driver = BlueforsControl("fridge", at.host, {"http": at.port, "https": 1}, CHANNELS)
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    instrument: Instrument = driver
    thermometer: Thermometer = driver
    cryostat: Cryostat = driver
    examined: Examinable = driver
    measuring: HasReadings = driver
    assert instrument.identity() == Identity(
        "Bluefors", "Control Software of LD400 1234", "", "2.2.4"
    )
    assert thermometer.temperature_k("still") == 0.773
    assert len(cryostat.parts()) == 33
    assert examined.examine().complaints == ()
    readings = measuring.readings()
    assert readings["mixing_chamber"] == (7.14e-3, "K")
    assert readings["p3"] == (pytest.approx(3.5e4), "Pa")
    assert readings["flow"] == (pytest.approx(0.64e-3), "mol/s")
    assert readings["pulsetube"] == (1.0, "1")
    assert readings["v13"] == (0.0, "1")
    assert readings["heater.still"] == (0.01, "W")
    assert len(readings) == 2 + 6 + 1 + 33 + 2


def test_connecting_and_reading_set_nothing(driver, tap):
    before = dict(tap.fridge._switched)
    driver.snapshot()
    driver.readings()
    driver.examine()
    assert tap.fridge._switched == before


def test_a_part_is_switched_and_read_back(driver, tap):
    assert not driver.is_on("v13")
    driver.switch("v13", True)
    assert driver.is_on("v13")
    assert driver.snapshot()["v13"] is True
    driver.switch("pulsetube", False)
    assert tap.fridge.read("pulse_tube.on", 0) == 0


def test_a_heater_is_set_at_the_device(driver, tap):
    assert driver.heater_w("still") == 0.01
    driver.set_heater_w("still", 0.02)
    assert tap.fridge.read("heater.still.power", 0) == 0.02
    assert driver.heater_w("still") == 0.02
    assert driver.snapshot()["still.power_w"] == 0.02
    driver.set_heater_w("still", 0)
    assert tap.fridge.read("heater.still.power", 0) == 0
    assert driver.heater_w("still") == 0


def test_a_power_beyond_the_heater_is_refused(driver, tap):
    with pytest.raises(Refused, match=r"INVALID_VALUE: .*power takes 0 to 0\.1, not 5"):
        driver.set_heater_w("still", 5)
    assert tap.fridge.read("heater.still.power", 0) == 0.01


def test_what_there_is_not_is_refused_before_anything_is_asked(driver, tap):
    commands = tap.twin.tallies()["commands"]
    with pytest.raises(Refused, match="no channel 'roof'; it has mixing_chamber, still"):
        driver.temperature_k("roof")
    with pytest.raises(Refused, match="no part 'v99'"):
        driver.switch("v99", True)
    with pytest.raises(Refused, match="has heaters still, mixing_chamber, not 'roof'"):
        driver.set_heater_w("roof", 1e-3)
    with pytest.raises(Refused, match="has channels 1, 2, 3, 5, 6, 9, not 4"):
        BlueforsControl("fridge", "127.0.0.1", {"http": 1, "https": 1}, {4: "still"})
    assert tap.twin.tallies()["commands"] == commands


@pytest.mark.parametrize("shown", [float("nan"), 0.0, -1.0])
def test_what_is_no_temperature_is_never_a_reading(driver, tap, shown):
    tap.shown["temperature.still"] = shown
    with pytest.raises(Refused, match="fridge has no valid reading of still"):
        driver.temperature_k("still")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((b'"outdated": false', b'"outdated": true '), "it is old"),
        ((b'"SYNCHRONIZED"', b'"DISCONNECTED"'), "DISCONNECTED"),
        ((b'"value": "0.773"', b'"value": "T_OVR"'), "T_OVR"),
    ],
)
def test_what_is_old_or_not_valid_is_never_a_reading(driver, tap, change, why):
    tap.tamper = lambda answer: answer.replace(*change)
    with pytest.raises(Refused, match=why):
        driver.temperature_k("still")
    assert "still" not in driver.readings()
    assert any(why in one for one in driver.examine().complaints)


@pytest.mark.parametrize(
    "body",
    [b"<html>busy</html>", b"{}", b'{"data": {}}', b'{"data": {"mapper.bf": {}}}', b"[" * 100_000],
)
def test_what_is_no_answer_closes_the_connection(driver, tap, body):
    tap.say(body)
    with pytest.raises(ProtocolError, match=r"fridge was asked for .* and said: "):
        driver.temperature_k("still")
    with pytest.raises(Unreachable, match="its connection was closed"):
        driver.temperature_k("still")


def test_half_an_answer_is_no_answer(driver, tap, monkeypatch):
    monkeypatch.setattr(driver._client, "timeout", 0.05)
    tap.tamper = lambda answer: answer[: len(answer) // 2]
    with pytest.raises(Unreachable):
        driver.temperature_k("still")


def test_nobody_there_is_unreachable(unused_tcp_port):
    ports = {"http": unused_tcp_port, "https": 1}
    with pytest.raises(Unreachable, match="fridge was asked for /system"):
        BlueforsControl("fridge", "127.0.0.1", ports, CHANNELS)


def test_a_certificate_that_is_none_is_refused(tmp_path):
    ports = {"http": 1, "https": 1}
    with pytest.raises(Refused, match="no certificate in"):
        BlueforsControl(
            "fridge", "127.0.0.1", ports, CHANNELS, key="k", certificate=str(tmp_path / "no.pem")
        )


def test_software_that_has_stopped_logging_is_complained_of(serve, tap, tmp_path):
    at = serve(tap, "http")
    ports = {"http": at.port, "https": 1}
    driver = BlueforsControl("fridge", at.host, ports, CHANNELS, logs=str(tmp_path))
    assert driver.examine().complaints == (f"there are no log files in {tmp_path}",)
    file = tmp_path / "25-05-06" / "CH6 T 25-05-06.log"
    file.parent.mkdir()
    file.write_text("")
    assert driver.examine().complaints == ()
    an_hour_ago = time.time() - 3600
    os.utime(file, (an_hour_ago, an_hour_ago))
    assert driver.examine().complaints == (f"nothing was written into {tmp_path} for 60 min",)
    driver.close()


def test_a_rehearsal_tells_what_would_be_set():
    told = []
    driver = BlueforsControl.rehearse("fridge", told.append, CHANNELS)
    driver.switch("v4", True)
    driver.set_heater_w("mixing_chamber", 2e-5)
    heater = "driver.bftc.data.heaters.heater_4"
    assert told == [
        "mapper.bf.valves.v4 = 1",
        f"{heater}.pid_mode = 0",
        f"{heater}.power = 2e-05",
        f"{heater}.active = 1",
        f"call {heater}.write",
    ]
    assert driver.readings() == {}
    driver.close()
