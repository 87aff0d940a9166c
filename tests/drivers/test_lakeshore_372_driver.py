"""The driver over real TCP against the twin."""

import pytest

from podium.drivers.errors import Refused
from podium.drivers.lakeshore_372 import LakeShore372
from podium.drivers.roles import Identity, Instrument, Thermometer
from podium.sim_instruments.physics.fridge import Fridge
from podium.sim_instruments.twins.lakeshore_372 import LakeShore372 as Twin

STAGES = {5: "still", 6: "mixing_chamber"}


@pytest.fixture
def fridge():
    return Fridge({"still": 0.85, "mixing_chamber": 0.0102})


@pytest.fixture
def twin(fridge):
    return Twin(lambda channel, now_fs: fridge.temperature_k(STAGES[channel], now_fs), STAGES, "S1")


@pytest.fixture
def driver(serve, twin):
    driver = LakeShore372("thermometry_a", serve(twin).visa, channels={**STAGES, 9: "magnet"})
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


def test_a_sensor_out_of_range_is_refused_with_its_status(driver, twin):
    twin.open("scpi").feed(b"INTYPE 6,0,1,0,13,0,1\n", 0)
    with pytest.raises(Refused, match=r"R\. OVER"):
        driver.temperature_k("mixing_chamber")
