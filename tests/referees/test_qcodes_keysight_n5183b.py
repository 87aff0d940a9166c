"""The unmodified QCoDeS driver against the twin of the Keysight N5183B."""

import pytest
from qcodes.instrument_drivers.Keysight import KeysightN5183B as QCoDeSDriver

from podium.drivers.errors import Refused
from podium.drivers.keysight_n5183b import KeysightN5183B as Driver
from podium.drivers.roles import Identity, MicrowaveSource, Tone
from podium.sim_instruments.twins.keysight_n5183b import KeysightN5183B


@pytest.fixture
def twin():
    return KeysightN5183B("MY53270001")


@pytest.fixture
def visa(serve, twin):
    return serve(twin).visa


@pytest.fixture
def client(visa):
    driver = QCoDeSDriver("source", visa, visalib="@py")
    yield driver
    driver.close()


def test_qcodes_connects_and_a_snapshot_is_answered(client, twin):
    assert client.get_idn()["model"] == "N5183B"
    parameters = client.snapshot(update=True)["parameters"]
    assert parameters["rf_output"]["value"] is False
    assert parameters["pulse_modulation_source"]["value"] == "internal"
    assert parameters["frequency"]["value"] == 20e9
    assert twin.tallies()["unknown"] == 0


def test_what_qcodes_sets_it_reads_back(client, twin):
    client.frequency(7.123456789e9)
    client.power(-12.345)
    client.phase_offset(0.5)
    client.rf_output(True)
    client.auto_freq_ref(False)
    client.pulse_modulation(True)
    client.pulse_modulation_source("external")
    assert client.frequency() == pytest.approx(7.123456789e9, abs=0.006)
    assert client.power() == pytest.approx(-12.345, abs=0.0051)
    assert client.phase_offset() == 0.5
    assert client.rf_output() is True
    assert client.auto_freq_ref() is False
    assert client.pulse_modulation() is True
    assert client.pulse_modulation_source() == "external"
    assert twin.tallies()["unknown"] == 0


def test_what_is_out_of_range_is_refused_with_a_number(client):
    client.write("SOUR:FREQ 21E9")
    assert client.ask("SYST:ERR?").startswith("-222,")
    assert client.ask("SYST:ERR?") == '+0,"No error"'
    assert client.frequency() == 20e9


def test_our_driver_plays_a_microwave_source(visa):
    driver = Driver("pump", visa)
    source: MicrowaveSource = driver
    assert driver.identity() == Identity("Keysight Technologies", "N5183B", "MY53270001", "B.01.86")
    source.set_tone(8.1e9, -3.2, modulated=False)
    source.output(True)
    assert source.tone() == Tone(8.1e9, -3.2, modulated=False, on=True)
    assert driver.examine().options == ("520", "1EA", "UNW")
    with pytest.raises(Refused, match="no I/Q"):
        source.set_tone(8e9, 0, modulated=True)
    with pytest.raises(Refused, match=r"2.1e\+10 Hz; it goes from 9000 to 2e\+10"):
        source.set_tone(21e9, 0, modulated=False)
    source.safe()
    assert source.tone().on is False
    assert driver.snapshot()["frequency_hz"] == 8.1e9
    driver.close()
