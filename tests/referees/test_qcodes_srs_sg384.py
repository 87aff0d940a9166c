"""The unmodified QCoDeS driver against the twin of the SRS SG384."""

import pytest
from qcodes.instrument_drivers.stanford_research import SG384

from podium.drivers.errors import Refused
from podium.drivers.roles import Identity, MicrowaveSource, Tone
from podium.drivers.srs_sg384 import SrsSg384 as Driver
from podium.sim_instruments.twins.srs_sg384 import SrsSg384


@pytest.fixture
def twin():
    return SrsSg384("00112233")


@pytest.fixture
def visa(serve, twin):
    return serve(twin).visa


def test_qcodes_connects_sets_and_reads_back(visa, twin):
    client = SG384("source", visa, visalib="@py")
    assert client.get_idn()["model"] == "SG384"
    parameters = client.snapshot(update=True)["parameters"]
    assert all(one["value"] is not None for name, one in parameters.items() if name != "timeout")
    client.frequency(1.234567891e9)
    client.amplitude_RF(-17.25)
    client.enable_RF("OFF")
    client.modulation_type("Phi")
    client.modulation_function("External")
    assert client.frequency() == 1.234567891e9
    assert client.amplitude_RF() == -17.25
    assert client.enable_RF() == "OFF"
    assert (client.modulation_type(), client.modulation_function()) == ("Phi", "External")
    assert twin.tallies()["unknown"] == 0
    client.close()


@pytest.mark.parametrize(
    ("message", "number"),
    [("FREQ 9E9", "10"), ("BLAH 1", "111"), ("TYPE 1,2", "115"), ("TYPE", "116")],
)
def test_what_is_refused_has_the_manuals_number(twin, message, number):
    session = twin.open("scpi")
    assert session.feed(f"{message}\n".encode(), 0) == b""
    assert session.feed(b"LERR?\nLERR?\n", 0) == f"{number}\r\n0\r\n".encode()


def test_our_driver_plays_a_microwave_source(visa):
    driver = Driver("source", visa)
    source: MicrowaveSource = driver
    assert driver.identity() == Identity(
        "Stanford Research Systems", "SG384", "s/n112233", "ver1.26.10A"
    )
    source.set_tone(3.9e9, -3.25, modulated=False)
    source.output(True)
    assert source.tone() == Tone(3.9e9, -3.25, modulated=False, on=True)
    with pytest.raises(Refused, match="I/Q"):
        source.set_tone(1e9, 0, modulated=True)
    with pytest.raises(Refused, match=r"4\.1e"):
        source.set_tone(4.1e9, 0, modulated=False)
    with pytest.raises(Refused, match=r"'FREQ 9E9': LERR\? 10"):
        driver.tell("FREQ 9E9")
    source.safe()
    assert source.tone().on is False
    driver.close()
