"""The unmodified QCoDeS driver against the twin of the Keysight 33512B.

What a real 33500B clips is a table here: the limits that the tests of fixate (PyFixate, MIT) ask of
an instrument that is connected, in ``test_keysight_33500b``.
"""

import pytest
from qcodes.instrument_drivers.Keysight import Keysight33512B as QCoDeSDriver

from podium.sim_instruments.twins.keysight_33512b import Keysight33512B

SET = {
    "function_type": "RAMP",
    "frequency_mode": "CW",
    "frequency": 12_345.5,
    "phase": 30.0,
    "amplitude_unit": "VPP",
    "amplitude": 2.5,
    "offset": -0.25,
    "output": "ON",
    "ramp_symmetry": 25.0,
    "pulse_width": 2e-5,
    "trigger_source": "BUS",
    "trigger_slope": "NEG",
    "trigger_count": 3,
    "trigger_delay": 0.125,
    "trigger_timer": 0.3,
    "output_polarity": "INV",
    "burst_mode": "Gated",
    "burst_ncycles": 5,
    "burst_phase": -90.0,
    "burst_polarity": "INV",
    "burst_int_period": 12.0,
    "burst_state": "ON",
}
"""Every parameter of a channel, with a value that *RST does not give."""
CLIPPED = (
    ("SOUR1:VOLT 11", "VOLT", 10.0, "upper"),
    ("SOUR1:VOLT 0.0001", "VOLT", 0.001, "lower"),
    ("SOUR1:VOLT:UNIT VRMS;:SOUR1:VOLT 3.6", "VOLT", 3.5355, "upper"),
    ("SOUR1:VOLT:UNIT VRMS;:SOUR1:VOLT 353e-6", "VOLT", 353.55e-6, "lower"),
    ("SOUR1:VOLT:UNIT DBM;:SOUR1:VOLT 23.98", "VOLT", 23.979, "upper"),
    ("SOUR1:VOLT:UNIT DBM;:SOUR1:VOLT -60", "VOLT", -56.02, "lower"),
    ("SOUR1:FREQ 30e6", "FREQ", 20e6, "upper"),
    ("SOUR1:FREQ 1e-7", "FREQ", 1e-6, "lower"),
    ("SOUR1:PHAS 362", "PHAS", 360.0, "upper"),
    ("SOUR1:PHAS -363", "PHAS", -360.0, "lower"),
    ("SOUR1:FUNC DC;:SOUR1:VOLT:OFFS 5.01", "VOLT:OFFS", 5.0, "upper"),
    ("SOUR1:FUNC DC;:SOUR1:VOLT:OFFS -5.01", "VOLT:OFFS", -5.0, "lower"),
    ("SOUR1:FUNC SQU;:SOUR1:FUNC:SQU:DCYC 100", "FUNC:SQU:DCYC", 99.99, "upper"),
    ("SOUR1:FUNC SQU;:SOUR1:FUNC:SQU:DCYC -1", "FUNC:SQU:DCYC", 0.01, "lower"),
)
TAKEN = (
    ("SOUR1:VOLT:UNIT VRMS;:SOUR1:VOLT 3.5", "VOLT", 3.5),
    ("SOUR1:VOLT:UNIT VRMS;:SOUR1:VOLT 354e-6", "VOLT", 354e-6),
    ("SOUR1:VOLT:UNIT DBM;:SOUR1:VOLT 23.97", "VOLT", 23.97),
    ("SOUR1:VOLT:UNIT DBM;:SOUR1:VOLT -56", "VOLT", -56.0),
    ("SOUR1:FREQ 20e6", "FREQ", 20e6),
    ("SOUR1:BURS:NCYC INF", "BURS:NCYC", 9.9e37),
    ("SOUR1:BURS:INT:PER 100", "BURS:INT:PER", 100.0),
)


@pytest.fixture
def twin():
    twin = Keysight33512B("MY52303676")
    yield twin
    assert twin.tallies()["unknown"] == 0


@pytest.fixture
def client(serve, twin):
    client = QCoDeSDriver("generator", serve(twin).visa, visalib="@py")
    yield client
    client.close()


def test_it_connects_by_reading_and_a_snapshot_is_answered(client, twin):
    assert client.get_idn()["model"] == "33512B"
    for channel in (client.ch1, client.ch2):
        found = channel.snapshot(update=True)["parameters"]
        assert all(one["value"] is not None for one in found.values())
        assert found["frequency"]["value"] == 1000
        assert found["amplitude"]["value"] == 0.1
        assert found["output"]["value"] == "OFF"
        assert found["burst_int_period"]["value"] == 0.01
    assert client.sync.snapshot(update=True)["parameters"]["source"]["value"] == 1
    assert client.error() == (0, "No error")


def test_what_is_set_is_read_back_past_the_cache(client):
    assert set(SET) == set(client.ch2.parameters)
    for name, value in SET.items():
        client.ch2.parameters[name].set(value)
    for name, value in SET.items():
        assert client.ch2.parameters[name].get() == value, name
    assert client.error() == (0, "No error")
    assert client.ch1.frequency() == 1000
    client.ch2.burst_ncycles("INF")
    assert client.ch2.burst_ncycles() == float("inf")
    client.sync.source(2)
    client.sync.output("OFF")
    assert (client.sync.source(), client.sync.output()) == (2, "OFF")
    client.sync_channel_phases()


def test_a_burst_that_the_bus_triggers_takes_its_time(client, twin_servers):
    client.ch1.frequency(10)
    client.ch1.burst_ncycles(25)
    client.ch1.trigger_source("BUS")
    client.ch1.burst_state("ON")
    began_fs = twin_servers.clock.now_fs()
    client.force_trigger()
    assert client.ask("*OPC?") == "1"
    assert (twin_servers.clock.now_fs() - began_fs) / 1e15 >= 2.5


@pytest.mark.parametrize(("message", "query", "value", "limit"), CLIPPED)
def test_what_a_real_one_clips_is_clipped(client, message, query, value, limit):
    client.write(message)
    assert client.error() == (-222, f"Data out of range; value clipped to {limit} limit")
    assert float(client.ask(f"SOUR1:{query}?")) == pytest.approx(value, rel=1e-4)
    client.flush_error_queue(verbose=False)


@pytest.mark.parametrize(("message", "query", "value"), TAKEN)
def test_what_a_real_one_takes_is_taken(client, message, query, value):
    client.write(message)
    assert client.error() == (0, "No error")
    assert float(client.ask(f"SOUR1:{query}?")) == pytest.approx(value, rel=1e-9)
