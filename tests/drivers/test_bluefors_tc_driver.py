"""The driver over real HTTP against the twin."""

import pytest

from podium.drivers.bluefors_tc import BlueforsTc
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.roles import Examinable, HasReadings, Heater, Identity, Instrument, Thermometer
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.steady_cryostat import STEADY, SteadyCryostat
from podium.sim_instruments.twins.bluefors_tc.controller import BlueforsTc as Twin

CHANNELS = {1: "50K", 5: "still", 6: "mixing_chamber"}
HEATERS = {3: "still", 4: "mixing_chamber"}
BEGINNING_FS = 1_800_000_000 * FS_PER_S


class Tap:
    """A twin that has been on for years, whose answers can be spoilt."""

    def __init__(self) -> None:
        self.fridge = SteadyCryostat()
        self.shown: dict[str, float] = {}
        self.twin = Twin("77", self.read, self.fridge.write, CHANNELS, HEATERS)
        self.tamper = lambda answer: answer

    def read(self, name, now_fs):
        return self.shown[name] if name in self.shown else self.fridge.read(name, now_fs)

    def open(self, port):
        return Connection(self, self.twin.open(port))

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)


class Connection:
    def __init__(self, tap, session) -> None:
        self.tap, self.session = tap, session

    def feed(self, data, now_fs):
        answer = self.session.feed(data, now_fs + BEGINNING_FS)
        return self.tap.tamper(answer) if answer else answer

    @property
    def ended(self):
        return self.session.ended

    def hung_up(self):
        self.session.hung_up()


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def driver(serve, tap):
    at = serve(tap, "http")
    driver = BlueforsTc("thermometry", at.host, {"http": at.port}, CHANNELS, HEATERS)
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    instrument: Instrument = driver
    thermometer: Thermometer = driver
    heater: Heater = driver
    readings: HasReadings = driver
    examined: Examinable = driver
    assert instrument.identity() == Identity("Bluefors", "Bluefors TC", "77", "2.0.1")
    assert thermometer.temperature_k("mixing_chamber") == pytest.approx(7.14e-3, rel=6e-3)
    assert heater.heater_power_w("still") == 0.01
    read = readings.readings()
    assert read.keys() == {*CHANNELS.values(), "still.power", "mixing_chamber.power"}
    for name, stage in (("50K", "first_stage"), ("still", "still")):
        assert read[name] == (pytest.approx(STEADY[f"temperature.{stage}"], rel=6e-3), "K")
    assert read["mixing_chamber.power"] == (0.0, "W")
    assert examined.examine().complaints == ()
    assert instrument.snapshot()["still.power"] == 0.01
    assert instrument.snapshot()["mixing_chamber.coupled_heater_nr"] == 4


def test_connecting_sets_nothing(driver, tap):
    assert tap.twin.tallies() == {"commands": 1, "unknown": 0, "unmeant": 0}


def test_it_heats_by_hand_and_switches_off(driver, tap):
    driver.heat("mixing_chamber", 2e-5)
    assert tap.fridge.read("heater.mixing_chamber.power", 0) == 2e-5
    assert driver.heater_power_w("mixing_chamber") == 2e-5
    driver.heat("mixing_chamber", 0.0)
    assert tap.fridge.read("heater.mixing_chamber.power", 0) == 0
    assert driver.heater_power_w("mixing_chamber") == 0


def test_a_heater_that_regulates_says_what_its_loop_has_given(driver, tap):
    tap.twin.answer(
        "/heater/update",
        b'{"heater_nr": 4, "pid_mode": 1, "active": true, "setpoint": 0.05, "power": 0.005}',
        BEGINNING_FS,
    )
    tap.twin.advance(BEGINNING_FS + 30 * FS_PER_S)
    given = tap.twin.heaters.power_w(4, BEGINNING_FS + 30 * FS_PER_S)
    assert given > 0
    assert driver.heater_power_w("mixing_chamber") != 0.005


@pytest.mark.parametrize(
    ("heater", "power_w", "why"),
    [
        ("mixing_chamber", 0.02, "its limit is 0.01 W"),
        ("mixing_chamber", -1.0, "cannot be heated by -1.0 W"),
        ("mixing_chamber", float("nan"), "cannot be heated by nan W"),
        ("50K", 0.1, "has no heater '50K'; it has mixing_chamber, still"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(driver, tap, heater, power_w, why):
    with pytest.raises(Refused, match=why):
        driver.heat(heater, power_w)
    assert tap.fridge.read("heater.mixing_chamber.power", 0) == 0


def test_what_has_no_valid_temperature_is_left_out_refused_and_complained_about(driver, tap):
    tap.shown["temperature.mixing_chamber"] = 3e-3
    assert "mixing_chamber" not in driver.readings()
    with pytest.raises(Refused, match="no valid temperature of mixing_chamber"):
        driver.temperature_k("mixing_chamber")
    assert driver.examine().complaints == ("mixing_chamber: channel 6 has no valid temperature",)
    tap.twin.answer("/channel/update", b'{"channel_nr": 5, "active": false}', BEGINNING_FS)
    assert "still: channel 5 is switched off" in driver.examine().complaints
    with pytest.raises(Refused, match="no channel '4K'"):
        driver.temperature_k("4K")


def test_a_measurement_of_long_ago_is_no_reading(driver, tap):
    tap.twin.rounds.change((), BEGINNING_FS - 1000 * FS_PER_S)
    assert not driver.readings().keys() & set(CHANNELS.values())


def test_an_error_of_the_controller_is_a_refusal_and_the_connection_stays(driver, tap):
    with pytest.raises(Refused, match="error 123"):
        driver._post("/heater", {"heater_nr": 7})
    assert driver.identity().serial == "77"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"status": "OK"', b'"status": "ok"'),
        (b'"measurements"', b'"measurement_"'),
        (b'"datetime": "2', b'"datetime": "x'),
    ],
)
def test_nonsense_closes_the_connection(driver, tap, old, new):
    assert len(old) == len(new)
    tap.tamper = lambda answer: answer.replace(old, new)
    with pytest.raises(ProtocolError):
        driver.temperature_k("still")
    with pytest.raises(Unreachable, match="connection was closed"):
        driver.temperature_k("still")


def test_another_box_is_refused(serve, tap):
    tap.tamper = lambda answer: answer.replace(b'"Bluefors TC"', b'"Bluefors XY"')
    at = serve(tap, "http")
    with pytest.raises(Refused, match="it is 'Bluefors XY', no Bluefors TC"):
        BlueforsTc("thermometry", at.host, {"http": at.port}, CHANNELS)


def test_nobody_there_is_unreachable(unused_tcp_port):
    with pytest.raises(Unreachable):
        BlueforsTc("thermometry", "127.0.0.1", {"http": unused_tcp_port}, CHANNELS)


def test_a_rehearsal_tells_what_would_be_set():
    told = []
    driver = BlueforsTc.rehearse("thermometry", told.append, CHANNELS, HEATERS)
    assert driver.temperature_k("still") == 0
    assert driver.readings() == {}
    driver.heat("still", 0.01)
    assert len(told) == 1
    assert told[0].startswith("/heater/update {'heater_nr': 3")
    driver.close()
