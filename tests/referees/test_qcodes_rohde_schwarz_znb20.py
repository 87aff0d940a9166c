"""The unmodified QCoDeS driver against the twin of the ZNB20, on the feedline of a drawn world."""

import numpy as np
import pytest
from qcodes.instrument_drivers.rohde_schwarz import RohdeSchwarzZNB20 as QCoDeSDriver
from tests.benches.referees.analyzed_feedline import (
    facility_text,
    residue,
    resonators,
    resource,
)

SEED = 7
MODEL = "rohde_schwarz_znb20"
WAYS = pytest.mark.parametrize("way", ["pyvisa over HiSLIP", "pyvisa over VXI-11"])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("znb20") / "facility.yaml"
    path.write_text(facility_text(MODEL))
    return path


@pytest.fixture(scope="module")
def facility(module_twin_facility, file):
    return module_twin_facility(file, seed=SEED)


@pytest.fixture(scope="module")
def client(facility):
    visa = resource(facility["vna_a"].clients, "pyvisa over HiSLIP")
    driver = QCoDeSDriver("vna", visa, visalib="@py")
    yield driver
    driver.close()


@pytest.fixture(autouse=True)
def silent(client):
    client.rf_off()


def prepare(channel, *, start=7.0e9, stop=7.28e9, points=401):
    channel.power(-35)
    channel.bandwidth(10)
    channel.avg(1)
    channel.npts(points)
    channel.stop(20e9)  # QCoDeS refuses a start above the stop of the sweep before
    channel.start(start)
    channel.stop(stop)
    channel.root_instrument.rf_on()


def test_qcodes_makes_all_s_parameters_and_no_command_is_unknown(client, facility):
    assert client.get_idn()["model"] == "ZNB20-2Port"
    assert [channel.short_name for channel in client.channels] == ["S11", "S12", "S21", "S22"]
    assert client.rf_power() is False
    parameters = client.snapshot(update=True)["parameters"]
    assert parameters["num_ports"]["value"] == 2
    assert parameters["ref_osc_source"]["value"] == "INT"
    assert parameters["ref_osc_PLL_locked"]["value"] is True
    assert client.ask("SYST:ERR?") == '0,"No error"\n'
    assert not facility["vna_a"].unknown


def test_a_trace_is_the_s21_of_the_readout_resonators(client, facility):
    channel = client.S21
    prepare(channel, start=6.8e9, stop=7.3e9, points=1001)
    size, phase = channel.trace_mag_phase()
    frequency_hz = np.linspace(6.8e9, 7.3e9, 1001)
    model = resonators(facility.truth, frequency_hz)
    gain_db, delay_s, rest = residue(size * np.exp(1j * phase), frequency_hz, model)
    assert gain_db == pytest.approx(70 - 66 - 40, abs=1.5)
    assert delay_s == pytest.approx(150e-9, abs=60e-9)
    assert abs(model).min() < 0.1
    assert rest < 0.02
    assert not facility["vna_a"].unknown


def test_a_sweep_takes_its_time_in_the_world(client, facility):
    channel = client.S21
    prepare(channel, points=101)
    channel.avg(3)
    before_s = facility.time_s()
    channel.trace_mag_phase()
    assert channel.sweep_time() == pytest.approx(101 / 10, rel=0.01)
    assert 3 * 10.1 < facility.time_s() - before_s < 3 * 10.1 + 5
    channel.avg(1)


def test_the_dip_moves_with_power_and_back(client):
    channel, dips = client.S21, []
    for dbm in (-40, 0, -40):
        prepare(channel, start=7.24e9, stop=7.28e9, points=161)
        channel.power(dbm)
        size, _ = channel.trace_mag_phase()
        dips.append(7.24e9 + 0.25e6 * int(np.argmin(size)))
    assert dips[1] < dips[0] - 1e6
    assert dips[2] == pytest.approx(dips[0], abs=0.6e6)


def test_averages_and_bandwidth_take_noise_away(client):
    channel, spread = client.S21, {}
    for hertz, averages in ((1000, 1), (100, 1), (1000, 16)):
        prepare(channel, start=7.1e9, stop=7.11e9, points=401)
        channel.bandwidth(hertz)
        channel.avg(averages)
        size, phase = channel.trace_mag_phase()
        trace = size * np.exp(1j * np.unwrap(phase))
        pairs = trace[1:] * np.exp(2j * np.pi * 25e3 * 150e-9) - trace[:-1]
        spread[hertz, averages] = np.std(pairs)
    # 400 differences of 401 draws: a ratio strays by 5 % of itself; 6 sigma of it
    assert spread[1000, 1] / spread[100, 1] == pytest.approx(10**0.5, rel=0.3)
    assert spread[1000, 1] / spread[1000, 16] == pytest.approx(4, rel=0.3)
    channel.avg(1)


def test_reflections_are_those_of_cables_and_nothing_comes_backwards(client):
    for name, size in (("S11", 0.1), ("S22", 0.1), ("S12", 0.0)):
        channel = getattr(client, name)
        prepare(channel, points=21)
        channel.power(0)
        assert np.allclose(channel.trace_mag_phase()[0], size, atol=1e-3)


def test_a_point_at_one_frequency_is_that_of_the_trace(client):
    channel = client.S21
    prepare(channel, start=7.1e9, stop=7.2e9, points=3)
    trace = channel.trace_mag_phase()
    channel.setup_cw_sweep()
    channel.cw_frequency(7.15e9)
    channel.npts(11)
    size, phase = channel.point_fixed_frequency_mag_phase()
    assert size == pytest.approx(trace[0][1], rel=0.02)
    assert phase == pytest.approx(trace[1][1], abs=0.02)
    assert len(channel.trace_fixed_frequency()[0]) == 11
    channel.setup_lin_sweep()


def test_what_qcodes_sets_it_reads_back(client, facility):
    channel = client.S22
    channel.center(6e9)
    channel.span(1e9)
    assert (channel.start(), channel.stop()) == (5.5e9, 6.5e9)
    channel.bandwidth(1500)
    assert channel.bandwidth() == 1500
    channel.format("Phase")
    assert channel.format() == "Phase"
    channel.electrical_delay(12e-9)
    assert channel.electrical_delay() == 12e-9
    channel.electrical_delay(0)
    channel.sweep_type("Logarithmic")
    assert channel.sweep_type() == "Logarithmic"
    channel.sweep_type("Linear")
    client.ref_osc_external_freq(5e6)
    assert client.ref_osc_external_freq() == 5e6
    assert client.ask("SYST:ERR?") == '0,"No error"\n'
    assert not facility["vna_a"].unknown


@WAYS
def test_both_faces_give_the_same_trace(client, facility, way):
    driver = QCoDeSDriver(
        f"vna_{way[12:15]}",
        resource(facility["vna_a"].clients, way),
        visalib="@py",
        init_s_params=False,
        reset_channels=False,
    )
    try:
        driver.add_channel("S21", existing_trace_to_bind_to="Trc1", vna_parameter="S11")
        driver.rf_on()
        prepare(driver.S21, points=11)
        assert np.allclose(driver.S21.trace_mag_phase()[0], 0.1, atol=0.05)
    finally:
        driver.close()
