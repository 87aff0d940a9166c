"""The drivers of the Triton and the Mercury iPS over real TCP against their twins."""

import pytest

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.oxford_mercury_ips import OxfordMercuryIps
from podium.drivers.oxford_triton import OxfordTriton
from podium.drivers.roles import Heater, Identity, Instrument, Thermometer
from podium.sim_instruments.twins.oxford_mercury_ips import OxfordMercuryIps as Supply
from podium.sim_instruments.twins.oxford_triton import OxfordTriton as Triton
from podium.sim_instruments.twins.twin import IDLE

STAGES = {3: "still", 8: "mixing_chamber"}
PRESSURES = {f"pressure.p{n}": 100.0 * n for n in range(1, 7)}


@pytest.fixture
def written():
    return []


@pytest.fixture
def twin(written):
    return Triton(
        STAGES,
        "66012",
        lambda channel, now_fs: {3: 0.8, 8: 0.01}[channel],
        lambda name, now_fs: {**PRESSURES, "flow.circulation": 5e-4}[name],
        lambda name, value, now_fs: written.append((name, value)),
    )


@pytest.fixture
def triton(serve, twin):
    address = serve(twin, "control")
    channels = {**STAGES, 9: "magnet"}
    driver = OxfordTriton("triton", address.host, {"control": address.port}, channels)
    yield driver
    driver.close()


def test_triton_plays_its_roles_and_reading_sets_nothing(triton, twin, written):
    instrument: Instrument = triton
    thermometer: Thermometer = triton
    assert instrument.identity() == Identity("OI", "TRITON", "66012", "2.5")
    assert thermometer.temperature_k("mixing_chamber") == pytest.approx(0.01, rel=6e-3)
    with pytest.raises(Refused, match="DEV:T9:TEMP:SIG:TEMP: NOT_FOUND"):
        thermometer.temperature_k("magnet")
    with pytest.raises(Refused, match="it has magnet, mixing_chamber, still"):
        thermometer.temperature_k("4k")
    assert twin.tallies()["unknown"] == 0
    assert written == []


def test_tritons_readings_and_settings(serve, twin):
    address = serve(twin, "control")
    driver = OxfordTriton("triton", address.host, {"control": address.port}, STAGES)
    readings = driver.readings()
    assert readings["still"] == (pytest.approx(0.8, rel=6e-3), "K")
    for signal, pascal in PRESSURES.items():  # the names of any fridge, not of the Triton's panel
        if signal != "pressure.p6":
            assert readings[signal.partition(".")[2]] == (pytest.approx(pascal), "Pa")
    assert readings["foreline"] == (pytest.approx(126.0), "Pa")
    assert driver.snapshot()["loop.MODE"] == "OFF"
    driver.close()


def test_a_thermometer_that_is_off_is_refused_and_not_taken_for_zero(triton):
    triton.tell("SET:DEV:T8:TEMP:MEAS:ENAB:OFF")
    with pytest.raises(Refused, match=r"mixing_chamber \(T8\)"):
        triton.temperature_k("mixing_chamber")
    read = triton.read_channels()
    assert "mixing_chamber" not in read.values
    assert read.missing["mixing_chamber"].why.startswith("it says 0.0 K")
    assert "NOT_FOUND" in read.missing["magnet"].why
    assert read.values["still"] == (pytest.approx(0.8, rel=6e-3), "K")
    assert read.values["heater.still"] == (0.0, "W")


def test_triton_heats(triton, written):
    heating: Heater = triton
    heating.heat("still", 4.5e-3)
    assert written == [("heater.still.power", pytest.approx(4.5e-3))]
    assert heating.heater_power_w("still") == pytest.approx(4.5e-3)
    with pytest.raises(Refused, match="INVALID"):
        heating.heat("mixing_chamber", 1e3)
    with pytest.raises(Refused, match="it has mixing_chamber, still"):
        heating.heat("4k", 1.0)


@pytest.fixture(params=["2.5.09.000", "2.6.04.000"])
def mercury(request, serve):
    address = serve(Supply("1", request.param), "control")
    driver = OxfordMercuryIps("mercury", address.host, {"control": address.port})
    yield driver
    driver.close()


def test_mercury_ramps_and_holds(mercury):
    assert mercury.identity().vendor == "OXFORD INSTRUMENTS"
    mercury.ramp_t("z", 0.5, 0.4)
    while mercury.ramping("z"):
        pass
    assert mercury.field_t("z") == pytest.approx(0.5)
    assert mercury.readings()["z.CURR"] == (pytest.approx(0.5 * 14.5), "A")
    assert mercury.snapshot()["z.ACTN"] == "HOLD"
    with pytest.raises(Refused, match="SIG:FSET to 9: INVALID"):
        mercury.ramp_t("z", 9, 0.1)
    with pytest.raises(Refused, match="no axis 'w'"):
        mercury.field_t("w")
    mercury.safe()


def test_another_box_is_asked_nothing_else(serve):
    supply = Supply("1")
    address = serve(supply, "control")
    with pytest.raises(Refused, match="no OI TRITON"):
        OxfordTriton("triton", address.host, {"control": address.port}, STAGES)
    assert supply.tallies()["commands"] == 1


class Other:
    def open(self, port):
        return self

    def horizon(self, now_fs):
        return IDLE

    def feed(self, data, now_fs):
        return b"STAT:SOMETHING:ELSE\r\n"


def test_an_answer_to_another_question_is_not_taken(serve):
    address = serve(Other(), "control")
    with pytest.raises(ProtocolError, match="does not answer"):
        OxfordMercuryIps("mercury", address.host, {"control": address.port})


def test_a_rehearsal_tells_what_would_be_set_and_reaches_nobody():
    told = []
    triton = OxfordTriton.rehearse("triton", told.append, STAGES)
    triton.heat("still", 5e-3)
    mercury = OxfordMercuryIps.rehearse("mercury", told.append)
    mercury.ramp_t("x", 0.1, 0.2)
    assert told == [
        "SET:DEV:H2:HTR:SIG:POWR:5000",
        "SET:DEV:GRPX:PSU:SIG:FSET:0.1",
        "SET:DEV:GRPX:PSU:SIG:RFST:0.2",
        "SET:DEV:GRPX:PSU:ACTN:RTOS",
    ]
