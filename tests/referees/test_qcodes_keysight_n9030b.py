"""The unmodified QCoDeS driver against the twin of the N9030B, which sees microwave sources."""

import numpy as np
import pytest
from qcodes.instrument_drivers.Keysight import KeysightN9030B as QCoDeSDriver

from podium.sim_instruments.twins.keysight_n5183b import KeysightN5183B
from podium.sim_instruments.twins.keysight_n9030b import KeysightN9030B
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A
from podium.sim_instruments.twins.srs_sg384 import SrsSg384


@pytest.fixture
def sources():
    return {"lo": RohdeSchwarzSGS100A("1"), "pump": KeysightN5183B("2"), "rf": SrsSg384("3")}


@pytest.fixture
def twin(sources):
    wired = {1: "lo", 2: "pump", 3: "rf"}

    def tones_of(name, now_fs):
        tone = sources[name].tone(now_fs)
        return () if tone is None else (tone,)

    return KeysightN9030B("1", wired, tones_of, noise_seed=5)


@pytest.fixture
def client(serve, twin):
    driver = QCoDeSDriver("analyzer", serve(twin).visa, visalib="@py")
    yield driver
    driver.close()


def tell(source, text):
    source.open("scpi").feed(text.encode() + b"\n", 0)


def test_qcodes_connects_and_a_snapshot_is_answered(client, twin):
    assert client.get_idn()["model"] == "N9030B"
    assert client.available_modes() == ("SA",)
    parameters = client.snapshot(update=True)["submodules"]["sa"]["parameters"]
    assert parameters["detector"]["value"] == "NORM"
    assert parameters["npts"]["value"] == 1001
    assert client.cont_meas() is False
    assert client.ask("SYST:ERR?") == '+0,"No error"'
    assert twin.tallies()["unknown"] == 0


def test_the_tones_of_sources_stand_where_they_are_set(client, sources):
    tell(sources["lo"], ":FREQ 5.2E9;:POW -12;:OUTP ON")
    tell(sources["pump"], ":FREQ 7.9E9;:POW -31;:OUTP ON")
    client.sa.setup_swept_sa_sweep(5e9, 8e9, 3001)
    client.sa.res_bw(30e3)
    trace, frequency_hz = client.sa.trace(), client.sa.freq_axis()
    assert trace[np.argmin(abs(frequency_hz - 5.2e9))] == pytest.approx(-12, abs=0.2)
    assert trace[np.argmin(abs(frequency_hz - 7.9e9))] == pytest.approx(-31, abs=0.2)
    assert np.median(trace) < -80
    assert np.count_nonzero(trace > -75) <= 8
    tell(sources["lo"], ":OUTP OFF")
    assert client.sa.trace()[np.argmin(abs(frequency_hz - 5.2e9))] < -75


def test_a_source_of_lower_frequencies_is_seen_above_its_connector_s_least(client, sources):
    tell(sources["rf"], "FREQ 3.1E9;AMPR -9;ENBR 1")
    client.sa.setup_swept_sa_sweep(3e9, 3.2e9, 2001)
    assert client.sa.trace().max() == pytest.approx(-9, abs=0.2)
    tell(sources["rf"], "FREQ 5E5")
    assert sources["rf"].tone(0) is None
    tell(sources["rf"], "FREQ 3.1E9;ENBR 0")
    assert client.sa.trace().max() < -60


def test_a_tone_has_the_shape_of_the_filter(client, sources):
    tell(sources["lo"], ":FREQ 5.2E9;:POW 0;:OUTP ON")
    client.sa.setup_swept_sa_sweep(5.1999e9, 5.2001e9, 201)
    client.sa.res_bw(20e3)
    client.sa.detector("SAMP")
    trace, off = client.sa.trace(), client.sa.freq_axis() - 5.2e9
    assert trace[np.argmin(abs(off - 10e3))] == pytest.approx(-3.01, abs=0.2)
    assert trace[np.argmin(abs(off + 20e3))] == pytest.approx(-12.04, abs=0.2)
    client.sa.res_bw_type("DB6")
    assert client.sa.trace()[np.argmin(abs(off - 10e3))] == pytest.approx(-6.02, abs=0.2)


def test_noise_goes_with_bandwidth_and_attenuation_and_averaging(client):
    client.sa.setup_swept_sa_sweep(1e9, 1.001e9, 1001)
    client.sa.detector("AVER")
    client.sa.average_type("RMS")
    levels = {}
    for width, attenuation, preamp in ((1e3, 0, 0), (1e4, 0, 0), (1e3, 20, 0), (1e3, 0, 1)):
        client.sa.res_bw(width)
        client.sa.mech_attenuation(attenuation)
        client.sa.preamp_enabled(bool(preamp))
        levels[width, attenuation, preamp] = 10 * np.log10(np.mean(10 ** (client.sa.trace() / 10)))
    base = levels[1e3, 0, 0]
    assert base == pytest.approx(-154 + 30.27, abs=0.6)
    assert levels[1e4, 0, 0] == pytest.approx(base + 10, abs=0.6)
    assert levels[1e3, 20, 0] == pytest.approx(base + 20, abs=0.6)
    assert levels[1e3, 0, 1] == pytest.approx(base - 10.6, abs=0.7)


def test_a_sweep_takes_its_time_in_the_world(client, twin_servers):
    client.sa.setup_swept_sa_sweep(1e9, 1.001e9, 101)
    client.sa.sweep_time(7)
    before_fs = twin_servers.clock.now_fs()
    client.sa.trace()
    assert 7e15 < twin_servers.clock.now_fs() - before_fs < 12e15


def test_what_qcodes_sets_it_reads_back(client, twin):
    client.sa.center(6e9)
    client.sa.span(1e9)
    assert (client.sa.start(), client.sa.stop()) == (5.5e9, 6.5e9)
    client.sa.video_bw(1e3)
    client.sa.preamp("FULL")
    client.sa.auto_sweep_type_enabled(True)
    client.sa.sweep_type("fft")
    client.sa.auto_sweep_time_enabled(True)
    assert client.sa.video_bw() == 1e3
    assert client.sa.preamp() == "FULL"
    assert client.sa.sweep_type() == "fft"
    assert client.sa.auto_sweep_type_enabled() is False
    client.sa.autotune()
    client.abort()
    client.reset()
    assert client.sa.start() == 10
    assert client.ask("SYST:ERR?") == '+0,"No error"'
    assert twin.tallies()["unknown"] == 0
