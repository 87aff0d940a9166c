"""Drivers of network analyzers against their twins over TCP: a trace in SI, refusals, state."""

import numpy as np
import pytest
from tests.benches.servers.hanger_network import HangerNetwork, hanger

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.keysight_n5222b import KeysightN5222B
from podium.drivers.rohde_schwarz_znb20 import RohdeSchwarzZNB20
from podium.drivers.roles import NetworkAnalyzer, NetworkSweep
from podium.sim_instruments.twins import keysight_n5222b, rohde_schwarz_znb20

BOXES = {
    "rohde_schwarz_znb20": (RohdeSchwarzZNB20, rohde_schwarz_znb20.RohdeSchwarzZNB20),
    "keysight_n5222b": (KeysightN5222B, keysight_n5222b.KeysightN5222B),
}
SWEEP = NetworkSweep(7.25e9, 7.27e9, 41, power_dbm=-10, bandwidth_hz=100)


@pytest.fixture(params=BOXES)
def made(request, serve):
    driver, twin_class = BOXES[request.param]
    twin = twin_class("1234", HangerNetwork(), noise_seed=3)
    made = driver("vna_a", serve(twin).visa)
    yield made, twin
    made.close()


def test_connecting_sets_nothing(made):
    driver, twin = made
    assert twin.tallies()["commands"] == 1
    assert driver.identity().serial.endswith("1234")
    assert driver.examine().options
    assert driver.snapshot()["output"] == 1


def test_a_trace_is_the_network_over_frequency(made):
    driver, twin = made
    analyzer: NetworkAnalyzer = driver
    trace = analyzer.trace(SWEEP)
    assert np.array_equal(trace.frequency_hz, np.linspace(7.25e9, 7.27e9, 41))
    assert np.allclose(trace.s, hanger(trace.frequency_hz), atol=1e-4)
    backwards = analyzer.trace(NetworkSweep(7.2e9, 7.3e9, 5, -10, 100, parameter="S12"))
    assert np.all(abs(backwards.s) < 1e-3)
    assert twin.tallies()["unknown"] == 0


def test_averages_are_measured(made):
    driver, twin = made
    driver.trace(NetworkSweep(7.25e9, 7.27e9, 11, -10, 1000, averages=5))
    tones = twin._network.tones if hasattr(twin, "_network") else twin._sweeps._ports.tones
    assert tones[-1].duration_fs >= 5 * 11 * 1e12
    assert np.allclose(tones[-1].power_w, 1e-4)


def test_the_source_is_afterwards_as_it_was(made):
    driver, _ = made
    driver.safe()
    assert driver.snapshot()["output"] == 0
    driver.trace(SWEEP)
    assert driver.snapshot()["output"] == 0
    driver.output(on=True)
    driver.trace(SWEEP)
    assert driver.snapshot()["output"] == 1


@pytest.mark.parametrize(
    ("sweep", "says"),
    [
        (NetworkSweep(1e3, 1e9, 11, -10, 100), "start of 1000 Hz"),
        (NetworkSweep(1e9, 90e9, 11, -10, 100), r"stop of 9e\+10 Hz"),
        (NetworkSweep(1e9, 2e9, 11, 40, 100), "power of 40 dBm"),
        (NetworkSweep(2e9, 1e9, 11, -10, 100), "ends above its start"),
        (NetworkSweep(1e9, 2e9, 1, -10, 100), "2 to 100001 points, not 1"),
        (NetworkSweep(1e9, 2e9, 11, -10, 100, averages=0), "the mean of 0 sweeps"),
        (NetworkSweep(1e9, 2e9, 11, -10, 100, averages=10**7), "-222"),
        (NetworkSweep(1e9, 2e9, 11, -10, 100, parameter="S19"), "measures no 'S19'"),
    ],
)
def test_what_it_cannot_sweep_is_refused(made, sweep, says):
    driver, _ = made
    with pytest.raises(Refused, match=says):
        driver.trace(sweep)
    assert driver.trace(SWEEP).s.size == 41


def test_another_box_is_refused(serve):
    visa = serve(keysight_n5222b.KeysightN5222B("1")).visa
    with pytest.raises(Refused, match="says that it is a Keysight Technologies N5222B"):
        RohdeSchwarzZNB20("vna_a", visa)


def test_too_few_numbers_are_no_trace(made, monkeypatch):
    driver, _ = made
    ask = driver._session.ask
    monkeypatch.setattr(
        driver._session, "ask", lambda query: "1,2,3" if "DATA? SDAT" in query else ask(query)
    )
    with pytest.raises(ProtocolError, match="for 41 points and gave 3 numbers, not 82"):
        driver.trace(SWEEP)


def test_a_dropped_connection_is_said(made, twin_servers):
    driver, _ = made
    driver._session.instrument.timeout(0.2)
    twin_servers.drop_clients()
    with pytest.raises(Unreachable, match="vna_a at"):
        driver.trace(SWEEP)
