"""Outputs of waveform generators, wired in the facility file: to an analyzer, and to a heater."""

from pathlib import Path

import numpy as np
import pytest
from qcodes.instrument_drivers.tektronix.AWG70000A import TektronixAWG70000Base as Qcodes

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.program_message import definite_block
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory

FACILITY = """
facility: bench
fridges:
  fridge_a: {thermometer: thermometry_a.mixing_chamber, cold_below: 30 mK, model: LD400,
    instruments: [generator_a]}
instruments:
  thermometry_a:
    model: lakeshore_372
    address: "TCPIP::192.168.0.2::7777::SOCKET"
    channels: {5: still, 6: mixing_chamber}
    heaters: {2: still}
  generator_a:
    model: keysight_33512b
    address: "TCPIP::192.168.0.3::5025::SOCKET"
    heaters: {1: mixing_chamber}
  awg_a: {model: tektronix_awg70002a, address: "TCPIP::192.168.0.4::4000::SOCKET"}
  lo_a: {model: rohde_schwarz_sgs100a, address: "TCPIP::192.168.0.5::5025::SOCKET"}
  spectrum_a:
    model: keysight_n9030b
    address: "TCPIP::192.168.0.6::5025::SOCKET"
    sources: {1: lo_a, 2: generator_a.ch2, 3: awg_a.ch1}
"""
WRONG = {
    "an output that there is not": (
        "generator_a.ch2",
        "generator_a.ch3",
        "'generator_a.ch3' is no MicrowaveSource or waveform output of this file; did you mean "
        "'generator_a.ch2'?",
    ),
    "a generator without its output": (
        "generator_a.ch2",
        "generator_a",
        "'generator_a' is no MicrowaveSource or waveform output",
    ),
    "a box that makes no waves": (
        "generator_a.ch2",
        "thermometry_a.ch1",
        "'thermometry_a.ch1' is no MicrowaveSource or waveform output",
    ),
    "an output with two cables": (
        "generator_a.ch2",
        "generator_a.ch1",
        "generator_a.ch1 is wired already (line 15, generator_a heaters 1); it has one cable",
    ),
    "a heater that another box drives": (
        "heaters: {1: mixing_chamber}",
        "heaters: {1: still}",
        "the heater still of fridge_a is wired to thermometry_a already",
    ),
    "a channel that the box has not": (
        "heaters: {1: mixing_chamber}",
        "heaters: {3: mixing_chamber}",
        "3 is not a whole number from 1 to 2",
    ),
    "a generator that is of no fridge": (
        "\n    instruments: [generator_a]",
        "",
        "the heater mixing_chamber is of no fridge; add generator_a to the 'instruments'",
    ),
}


@pytest.fixture
def facility(tmp_path: Path) -> Path:
    file = tmp_path / "facility.yaml"
    file.write_text(FACILITY)
    load_facility(file)
    return file


@pytest.fixture
def laboratory(facility: Path, tmp_path: Path) -> Laboratory:
    twin = tmp_path / "twin.yaml"
    write_world(sample(facility, 3), twin)
    return Laboratory.of_files(facility, twin, WorldClock(ClockMode.MANUAL))


def tell(laboratory: Laboratory, name: str, message: bytes | str) -> str:
    text = message.encode() if isinstance(message, str) else message
    session = laboratory.twins[name].open("scpi")
    return session.feed(text + b"\n", laboratory.clock.now_fs()).decode().strip()


def spectrum(laboratory: Laboratory, start_hz: float, stop_hz: float) -> np.ndarray:
    """Return frequencies and dBm of one sweep, shape (2, 1001)."""
    tell(laboratory, "spectrum_a", f"INIT:CONT 0;:FREQ:STAR {start_hz};STOP {stop_hz};:BAND 100")
    tell(laboratory, "spectrum_a", "DET:TRAC1 POS;:INIT")
    laboratory.clock.advance(3000 * FS_PER_S)
    read = tell(laboratory, "spectrum_a", "FETC:SAN1?")
    return np.array([float(one) for one in read.split(",")]).reshape(-1, 2).T


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_cable_is_refused_with_its_remedy(facility: Path, case: str) -> None:
    old, new, says = WRONG[case]
    assert FACILITY.count(old) == 1
    facility.write_text(FACILITY.replace(old, new))
    with pytest.raises(FacilityError) as found:
        load_facility(facility)
    assert says in str(found.value)


def test_a_generator_is_no_line_s_source(facility: Path) -> None:
    line = "\nwiring:\n  node_a.q0.flux: {source: generator_a.ch2, limit: 1 V, slew: 0.5 V/s}\n"
    facility.write_text(FACILITY + line)
    with pytest.raises(
        FacilityError, match=r"generator_a\.ch2 is an output of a waveform generator"
    ):
        load_facility(facility)


def test_an_analyzer_sees_what_a_generator_is_set_to(laboratory: Laboratory) -> None:
    assert spectrum(laboratory, 1e6, 21e6)[1].max() < -90
    tell(laboratory, "generator_a", "SOUR2:FUNC SQU;:SOUR2:FREQ 5E6;VOLT 1;:OUTP2 1")
    hertz, dbm = spectrum(laboratory, 1e6, 21e6)
    third, fundamental = (dbm[np.argmin(abs(hertz - one))] for one in (15e6, 5e6))
    assert fundamental == pytest.approx(10 * np.log10((2 / np.pi) ** 2 / 100 / 1e-3), abs=0.3)
    assert third - fundamental == pytest.approx(-20 * np.log10(3), abs=0.3)
    assert dbm[np.argmin(abs(hertz - 10e6))] < -90
    tell(laboratory, "generator_a", "OUTP2 0")
    assert spectrum(laboratory, 1e6, 21e6)[1].max() < -90


def test_an_analyzer_sees_the_waveform_that_an_awg_plays(laboratory: Laboratory) -> None:
    wave = np.sin(2 * np.pi * 8 * np.arange(2400) / 2400)
    file = Qcodes.makeWFMXFile(np.array([wave, wave > 0, wave < 0]), 2.0)
    tell(laboratory, "awg_a", b'MMEM:DATA "a.wfmx",' + definite_block(file))
    tell(laboratory, "awg_a", 'MMEM:OPEN "a.wfmx";:SOUR1:CASS:WAV "a";:SOUR1:VOLT 0.5;:OUTP1 1')
    tell(laboratory, "awg_a", "SOUR1:FREQ 24E9;:AWGC:RUN")
    assert tell(laboratory, "awg_a", "SYST:ERR?") == '0,"No error"'
    hertz, dbm = spectrum(laboratory, 75e6, 85e6)
    assert hertz[dbm.argmax()] == pytest.approx(80e6, abs=1)
    assert dbm.max() == pytest.approx(10 * np.log10(0.25**2 / 2 / 50 / 1e-3), abs=0.3)
    tell(laboratory, "awg_a", "SOUR1:FREQ 23.4E9")
    assert spectrum(laboratory, 75e6, 85e6)[0][
        spectrum(laboratory, 75e6, 85e6)[1].argmax()
    ] == pytest.approx(78e6, abs=1)


def test_a_generator_at_a_heater_warms_the_mixing_chamber_as_its_cooling_power_says(
    laboratory: Laboratory,
) -> None:
    """400 uW at 100 mK, the data sheet of an LD400; 84 n3 T^2 - Q0 goes with T squared."""
    plant = laboratory.plants.get("fridge_a")
    assert plant is not None

    def settled_k() -> float:
        laboratory.clock.advance(6 * 3600 * FS_PER_S)
        return plant.temperature_k("mixing_chamber", laboratory.clock.now_fs())

    base_k = settled_k()
    # Into 120 Ohm behind 50 Ohm; what is set is at 50 Ohm.
    volts = (400e-6 * 120) ** 0.5 * 170 / 120 / 2
    tell(laboratory, "generator_a", f"SOUR1:FUNC DC;:SOUR1:VOLT:OFFS {volts:.6f}")
    assert settled_k() == pytest.approx(base_k, rel=0.01)
    tell(laboratory, "generator_a", "OUTP1 1")
    warm_k = settled_k()
    assert base_k < 0.02
    assert warm_k == pytest.approx(0.1, rel=0.1)
    peak_to_peak = volts * 2 * 2**0.5
    tell(laboratory, "generator_a", f"SOUR1:VOLT {peak_to_peak:.6f};:SOUR1:FUNC SIN")
    tell(laboratory, "generator_a", "SOUR1:VOLT:OFFS 0")
    assert settled_k() == pytest.approx(warm_k, rel=0.01)  # the same RMS
    tell(laboratory, "generator_a", "OUTP1 0")
    assert settled_k() == pytest.approx(base_k, rel=0.02)
