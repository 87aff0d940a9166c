"""The drivers of the 336 and the 350 over real TCP against their twins."""

import pytest

from podium.drivers.errors import Refused
from podium.drivers.lakeshore_336 import LakeShore336
from podium.drivers.lakeshore_350 import LakeShore350
from podium.drivers.roles import Heater, Identity, Instrument, Thermometer
from podium.sim_instruments.twins.lakeshore_336 import lakeshore_336
from podium.sim_instruments.twins.lakeshore_350 import lakeshore_350

STAGES = {1: "first_stage", 2: "second_stage"}
HEATERS = {1: "4k", 2: "50k", 3: "still"}
KINDS = {"336": (LakeShore336, lakeshore_336), "350": (LakeShore350, lakeshore_350)}


@pytest.fixture
def written():
    return []


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def twin(kind, written):
    return KINDS[kind][1](
        STAGES,
        "S1",
        lambda channel, now_fs: {1: 45.0, 2: 3.0}[channel],
        HEATERS,
        lambda name, value, now_fs: written.append((name, value)),
    )


@pytest.fixture
def driver(kind, serve, twin):
    channels = {**STAGES, 4: "magnet"}
    driver = KINDS[kind][0]("controller", serve(twin).visa, channels, HEATERS)
    yield driver
    driver.close()


def test_it_plays_its_roles_and_sets_nothing(driver, kind, twin):
    thermometer: Thermometer = driver
    instrument: Instrument = driver
    assert instrument.identity() == Identity("LSCI", f"MODEL{kind}", "S1", "3.0")
    assert thermometer.temperature_k("second_stage") == pytest.approx(3.0, rel=1e-3)
    assert driver.readings()["first_stage"] == (pytest.approx(45.0, rel=1e-3), "K")
    assert instrument.snapshot()["4k.heater_range"] == 0
    assert twin.tallies()["unknown"] == twin.tallies()["unmeant"] == 0


def test_what_reads_nothing_is_refused_and_not_taken_for_zero(driver, twin):
    with pytest.raises(Refused, match=r"magnet \(input D\)"):
        driver.temperature_k("magnet")
    twin.open("scpi").feed(b"INTYPE B,3,0,0,1,1\n", 0)
    with pytest.raises(Refused, match="SENSOR_OVER"):
        driver.temperature_k("second_stage")
    with pytest.raises(Refused, match="it has first_stage, magnet, second_stage"):
        driver.temperature_k("still")
    read = driver.read_channels()
    assert read.values.keys() == {"first_stage", "heater.4k", "heater.50k", "heater.still"}
    assert "SENSOR_OVER" in read.missing["second_stage"].why
    assert read.missing.keys() == {"magnet", "second_stage"}


@pytest.mark.parametrize(("heater", "power_w"), [("4k", 1e-2), ("4k", 7.0), ("still", 0.02)])
@pytest.mark.parametrize("display", [1, 2])
def test_it_heats_with_the_power_that_is_wanted(driver, twin, written, heater, power_w, display):
    twin.open("scpi").feed(b"HTRSET 1,2,2,0,%d\n" % display, 0)
    heating: Heater = driver
    heating.heat(heater, power_w)
    assert written[-1] == (f"heater.{heater}.power", pytest.approx(power_w, rel=1e-3))
    assert heating.heater_power_w(heater) == pytest.approx(power_w, rel=1e-2)
    heating.heat(heater, 0.0)
    assert written[-1] == (f"heater.{heater}.power", 0.0)
    assert heating.heater_power_w(heater) == 0.0


def test_more_than_an_output_delivers_is_refused_before_anything_is_set(driver, written):
    with pytest.raises(Refused, match=r"still is to get 2.* gives 1 W"):
        driver.heat("still", 2.0)
    with pytest.raises(Refused, match="no heater 'magnet'"):
        driver.heat("magnet", 1.0)
    with pytest.raises(Refused, match="cannot be heated"):
        driver.heat("still", float("nan"))
    assert written == []


def test_a_box_of_another_kind_is_told_nothing(serve, twin, kind):
    other = "350" if kind == "336" else "336"
    with pytest.raises(Refused, match=f"the facility file says a Lake Shore Model {other}"):
        KINDS[other][0]("controller", serve(twin).visa, STAGES)
