"""The driver over real TCP against the twin."""

import pytest

from podium.drivers.errors import Refused
from podium.drivers.lakeshore_372 import LakeShore372
from podium.drivers.roles import Heater, Identity, Instrument, Thermometer
from podium.sim_instruments.physics.fridge import Fridge
from podium.sim_instruments.twins.lakeshore_372 import LakeShore372 as Twin

STAGES = {5: "still", 6: "mixing_chamber"}
HEATERS = {0: "mixing_chamber", 1: "4k", 2: "still"}


@pytest.fixture
def fridge():
    return Fridge({"still": 0.85, "mixing_chamber": 0.0102})


@pytest.fixture
def twin(fridge, written):
    def reading(channel, now_fs):
        return fridge.temperature_k(STAGES[channel], now_fs)

    return Twin(
        reading, STAGES, "S1", HEATERS, lambda name, value, now_fs: written.append((name, value))
    )


@pytest.fixture
def written():
    return []


@pytest.fixture
def driver(serve, twin):
    driver = LakeShore372(
        "thermometry_a", serve(twin).visa, channels={**STAGES, 9: "magnet"}, heaters=HEATERS
    )
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    thermometer: Thermometer = driver
    instrument: Instrument = driver
    assert instrument.identity() == Identity("LSCI", "MODEL372", "S1", "1.8")
    assert thermometer.temperature_k("mixing_chamber") == pytest.approx(0.0102, rel=1e-2)
    assert thermometer.temperature_k("still") == pytest.approx(0.85, rel=1e-2)
    assert instrument.snapshot()


def test_reading_sets_nothing(driver, twin):
    for _ in range(3):
        driver.temperature_k("still")
    assert twin.tallies()["unknown"] == 0
    assert twin.tallies()["unmeant"] == 0


def test_a_channel_without_a_name_here_is_refused_with_those_that_have_one(driver):
    with pytest.raises(Refused, match="magnet, mixing_chamber, still"):
        driver.temperature_k("4k")


def test_a_channel_that_reads_nothing_is_refused_and_not_taken_for_zero(driver):
    with pytest.raises(Refused, match=r"magnet \(input 9\)"):
        driver.temperature_k("magnet")


def test_what_reads_nothing_is_missing_with_the_box_s_words_and_never_0(driver, twin):
    twin.open("scpi").feed(b"INTYPE 6,0,1,0,13,0,1\n", 0)
    read = driver.read_channels()
    assert read.values.keys() == {"still", "heater.mixing_chamber", "heater.4k", "heater.still"}
    assert read.values["still"] == (pytest.approx(0.85, rel=1e-2), "K")
    assert read.missing["magnet"].unit == "K"
    assert "it says 0.0 K" in read.missing["magnet"].why
    assert "RESISTANCE_OVER" in read.missing["mixing_chamber"].why
    assert driver.readings() == read.values


def test_a_sensor_out_of_range_is_refused_with_its_status(driver, twin):
    twin.open("scpi").feed(b"INTYPE 6,0,1,0,13,0,1\n", 0)
    with pytest.raises(Refused, match=r"R\. OVER"):
        driver.temperature_k("mixing_chamber")


@pytest.mark.parametrize(
    ("heater", "power_w"),
    [("mixing_chamber", 1e-7), ("mixing_chamber", 3.3e-4), ("4k", 2.0), ("still", 7e-3)],
)
@pytest.mark.parametrize("display", [1, 2])
def test_it_heats_with_the_power_that_is_wanted(driver, twin, written, heater, power_w, display):
    twin.open("scpi").feed(b"HTRSET 0,120,0,0,%d;HTRSET 1,2,1,0,%d\n" % (display, display), 0)
    heating: Heater = driver
    heating.heat(heater, power_w)
    assert written[-1] == (f"heater.{heater}.power", pytest.approx(power_w, rel=1e-4))
    assert heating.heater_power_w(heater) == pytest.approx(power_w, rel=2e-3)
    heating.heat(heater, 0.0)
    assert written[-1] == (f"heater.{heater}.power", 0.0)
    assert heating.heater_power_w(heater) == 0.0


def test_more_than_an_output_delivers_is_refused_before_anything_is_set(driver, written):
    with pytest.raises(Refused, match=r"4k is to get 50.* gives 5.06 W"):
        driver.heat("4k", 50.0)
    with pytest.raises(Refused, match="no heater 'magnet'; it has 4k, mixing_chamber, still"):
        driver.heat("magnet", 1.0)
    with pytest.raises(Refused, match="cannot be heated"):
        driver.heat("still", -1.0)
    assert written == []
