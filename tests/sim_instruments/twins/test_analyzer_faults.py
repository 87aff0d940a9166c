"""What goes wrong with analyzers in a facility, by the back door, seen by their drivers."""

import socket

import numpy as np
import pytest
from tests.benches.referees.analyzed_feedline import facility_text

from podium.drivers.errors import InstrumentError, Unreachable
from podium.drivers.keysight_n5222b import KeysightN5222B
from podium.drivers.keysight_n9030b import KeysightN9030B
from podium.drivers.rohde_schwarz_znb20 import RohdeSchwarzZNB20
from podium.drivers.roles import NetworkSweep
from podium.drivers.yokogawa_gs200 import YokogawaGS200

DRIVERS = {
    "rohde_schwarz_znb20": ("vna_a", RohdeSchwarzZNB20),
    "keysight_n5222b": ("vna_b", KeysightN5222B),
    "keysight_n9030b": ("sa", KeysightN9030B),
}
MORE = """
  vna_b: {model: keysight_n5222b, address: "TCPIP::192.168.0.8::5025::SOCKET"}
  sa: {model: keysight_n9030b, address: "TCPIP::192.168.0.9::5025::SOCKET", sources: {1: lo_q2}}
  vna_a:"""
SWEEP = NetworkSweep(7.2e9, 7.28e9, 161, power_dbm=-35, bandwidth_hz=10)

of_each = pytest.mark.parametrize("model", DRIVERS)


@pytest.fixture(scope="module")
def facility(module_twin_facility, tmp_path_factory):
    file = tmp_path_factory.mktemp("faults") / "facility.yaml"
    file.write_text(facility_text("rohde_schwarz_znb20").replace("\n  vna_a:", MORE, 1))
    return module_twin_facility(file, seed=7)


@pytest.fixture
def connect(facility):
    made = []

    def connected(model):
        name, driver = DRIVERS[model]
        found = driver(name, facility[name].visa)
        found._session.instrument.timeout(0.3)
        made.append(found)
        return facility[name], found

    yield connected
    for driver in made:
        driver.close()


def _asked(box) -> bytes:
    """Return what it says of itself to a plain socket."""
    _, host, port, _ = box.visa.split("::")
    with socket.create_connection((host, int(port)), timeout=5) as wire:
        wire.sendall(b"*IDN?\n")
        answer = wire.recv(4096)
    if not answer:
        raise ConnectionError("closed")
    return answer


@of_each
def test_one_that_is_frozen_answers_nothing_and_then_again(connect, model):
    box, driver = connect(model)
    box.fault("freeze")
    with pytest.raises(Unreachable):
        driver.identity()
    box.fault("thaw")
    assert connect(model)[1].identity()


@of_each
def test_one_whose_connection_is_cut_is_reached_anew(connect, model):
    box, driver = connect(model)
    box.fault("drop")
    with pytest.raises(Unreachable):
        driver.identity()
    assert connect(model)[1].identity()


@of_each
def test_one_that_takes_no_connections_is_not_reached(facility, model):
    name, _ = DRIVERS[model]
    facility.fault("refuse", on=name)
    with pytest.raises(ConnectionError):
        _asked(facility[name])
    facility.fault("accept", on=name)
    assert _asked(facility[name]).count(b",") == 3


@of_each
def test_half_an_answer_is_none(connect, model):
    box, driver = connect(model)
    box.fault("halve")
    with pytest.raises(InstrumentError):
        driver.identity()
    box.fault("whole")
    assert connect(model)[1].identity()


@of_each
def test_one_that_was_switched_off_has_forgotten(connect, model):
    box, driver = connect(model)
    driver.tell(":SENS:SWE:POIN 37")
    assert driver.ask(":SENS:SWE:POIN?").lstrip("+") == "37"
    driver.tell("*ESE 32")
    box.fault("restart")
    _, driver = connect(model)
    assert driver.ask("*ESE?").lstrip("+") == "0"
    assert driver.ask(":SENS:SWE:POIN?").lstrip("+") in ("201", "1001")


def test_without_its_cable_a_feedline_passes_noise_and_the_port_reflects(connect, facility):
    box, driver = connect("rohde_schwarz_znb20")
    before = abs(driver.trace(SWEEP).s)
    box.fault("unplug", on="node_a.feedline")
    assert np.all(abs(driver.trace(SWEEP).s) < 0.2 * np.median(before))
    port = NetworkSweep(7.2e9, 7.28e9, 3, power_dbm=0, bandwidth_hz=10, parameter="S11")
    assert np.allclose(driver.trace(port).s, 1, atol=1e-3)
    box.fault("plug", on="node_a.feedline")
    assert np.allclose(abs(driver.trace(SWEEP).s), before, atol=0.1 * np.median(before))
    assert np.allclose(driver.trace(port).s, 0.1, atol=1e-3)


def test_a_bias_moves_the_resonator_to_where_the_truth_says(connect, facility):
    _, driver = connect("rohde_schwarz_znb20")
    source = YokogawaGS200("bias_q0", facility["bias_q0"].visa)
    source.tell(":SOUR:FUNC VOLT;RANG 1;LEV 0;:OUTP ON")
    moved = []
    for volts in (0.0, 0.7):
        source.ramp_v("", volts, 1.0)
        trace = driver.trace(NetworkSweep(7.25e9, 7.27e9, 201, power_dbm=-40, bandwidth_hz=1))
        dip_hz = trace.frequency_hz[abs(trace.s).argmin()]
        truth = facility.truth
        wanted = truth["node_a.q0.readout_frequency"] - truth["node_a.q0.chi"]
        assert dip_hz == pytest.approx(wanted, abs=0.3e6)
        moved.append(dip_hz)
    assert abs(moved[1] - moved[0]) > 0.8e6
    source.close()
