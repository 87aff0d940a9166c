"""The unmodified QCoDeS driver against the twin of the N5222B, on the feedline of a drawn world."""

import numpy as np
import pytest
from qcodes.instrument_drivers.Keysight import KeysightN5222B as QCoDeSDriver
from tests.benches.referees.analyzed_feedline import (
    facility_text,
    residue,
    resonators,
    resource,
)

SEED = 11
MODEL = "keysight_n5222b"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("n5222b") / "facility.yaml"
    path.write_text(facility_text(MODEL))
    return path


@pytest.fixture(scope="module")
def facility(module_twin_facility, file):
    return module_twin_facility(file, seed=SEED)


@pytest.fixture(scope="module")
def client(facility):
    driver = QCoDeSDriver("pna", facility["vna_a"].visa, visalib="@py")
    yield driver
    driver.close()


@pytest.fixture(autouse=True)
def as_it_was(client):
    client.auto_sweep(True)
    client.write("*RST")
    client.write("FORM REAL,32")
    client.traces[0].trace("S21")
    client.power(-35)
    client.if_bandwidth(10)
    client.points(281)
    client.start(7.0e9)
    client.stop(7.28e9)


def test_qcodes_connects_and_a_snapshot_is_answered(client, facility):
    assert client.get_idn()["model"] == "N5222B"
    assert client.get_options() == ["419"]
    assert client.snapshot(update=True)["parameters"]["points"]["value"] == 281
    assert client.trigger_source() == "IMM"
    assert client.port2.source_power() == -35
    assert client.output() is True
    assert client.ask("SYST:ERR?") == '+0,"No error"'
    assert not facility["vna_a"].unknown


def test_a_binary_trace_is_the_s21_of_the_readout_resonators(client, facility):
    client.start(6.8e9)
    client.stop(7.3e9)
    client.points(1001)
    polar = client.traces[0].polar()
    frequency_hz = np.linspace(6.8e9, 7.3e9, 1001)
    model = resonators(facility.truth, frequency_hz)
    gain_db, delay_s, rest = residue(polar, frequency_hz, model)
    assert gain_db == pytest.approx(70 - 66 - 40, abs=1.5)
    assert delay_s == pytest.approx(150e-9, abs=60e-9)
    assert rest < 0.02


def test_formats_are_those_of_one_trace(client):
    trace = client.traces[0]
    client.sweep_mode("HOLD")
    polar = trace.polar()
    client.auto_sweep(False)
    assert np.allclose(trace.linear_magnitude(), abs(polar), rtol=1e-5)
    assert np.allclose(trace.magnitude(), 20 * np.log10(abs(polar)), atol=1e-4)
    assert np.allclose(trace.phase(), np.degrees(np.angle(polar)), atol=1e-2)
    assert np.allclose(trace.real(), polar.real, atol=1e-6)
    assert np.allclose(trace.imaginary(), polar.imag, atol=1e-6)
    assert np.allclose(trace.unwrapped_phase(), np.degrees(np.unwrap(np.angle(polar))), atol=1e-2)


def test_averages_are_sweeps_that_take_their_time(client, facility):
    client.points(101)
    client.averages_enabled(True)
    client.averages(4)
    before_s = facility.time_s()
    client.traces[0].magnitude()
    assert client.sweep_time() == pytest.approx(10.1, rel=0.01)
    assert 40.4 < facility.time_s() - before_s < 46


def test_traces_are_made_and_measure_what_they_are_told(client, facility):
    made = client.enable_trace(2)
    made.trace("S43")
    assert [trace.trace() for trace in client.traces] == ["S21", "S43"]
    client.power(0)
    client.points(11)
    assert np.all(made.magnitude() < -100)
    made.trace("S33")
    assert np.allclose(made.linear_magnitude(), 1, atol=1e-2)
    made.disable()
    assert [trace.trace() for trace in client.traces] == ["S21"]
    assert not facility["vna_a"].unknown


def test_what_qcodes_sets_it_reads_back(client, facility):
    client.center(6e9)
    client.span(2e9)
    assert (client.start(), client.stop()) == (5e9, 7e9)
    client.if_bandwidth(1100)
    assert client.if_bandwidth() == 1500
    client.electrical_delay(3e-9)
    assert client.electrical_delay() == 3e-9
    client.sweep_type("CW")
    client.cw(7.1e9)
    assert client.cw() == 7.1e9
    client.points(21)
    assert client.time_axis().shape == client.traces[0].magnitude().shape == (21,)
    client.output(False)
    assert client.output() is False
    assert client.ask("SYST:ERR?") == '+0,"No error"'
    assert not facility["vna_a"].unknown


def test_it_speaks_hislip_too(facility):
    visa = resource(facility["vna_a"].clients, "pyvisa over HiSLIP")
    driver = QCoDeSDriver("pna_hislip", visa, visalib="@py")
    try:
        driver.points(7)
        assert driver.traces[0].magnitude().shape == (7,)
    finally:
        driver.close()
