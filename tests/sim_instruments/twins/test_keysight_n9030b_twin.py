"""Twin of the N9030B: what of a facility it sees, its sweeps, its couplings, refusals."""

import numpy as np
import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.keysight_n9030b import KeysightN9030B

S_FS = 10**15
BENCH = """
facility: bench
instruments:
  lo: {model: rohde_schwarz_sgs100a, address: "TCPIP::192.168.0.5::5025::SOCKET"}
  sa:
    model: keysight_n9030b
    address: "TCPIP::192.168.0.6::5025::SOCKET"
    sources: {1: lo}
"""


@pytest.fixture
def tones():
    return {"a": ContinuousTone(5e9, -20.0), "b": ContinuousTone(5.001e9, -40.0)}


@pytest.fixture
def client(tones):
    class Client(TwinConversation):
        def swept(self):
            self.say("INIT")
            self.later(5000)
            return np.array([float(one) for one in self.say("FETC:SAN1?").split(",")])[1::2]

    made = Client(KeysightN9030B("1", {1: "a", 2: "b"}, lambda name, now_fs: (tones[name],), 5))
    made.say("INIT:CONT 0;:FREQ:STAR 4.999E9;STOP 5.002E9;:SWE:POIN 301;:BAND 30E3")
    return made


def test_in_a_facility_it_sees_the_source_that_is_named(twin_facility, tmp_path):
    file = tmp_path / "facility.yaml"
    file.write_text(BENCH)
    load_facility(file)
    facility = twin_facility(file)
    from podium.drivers.keysight_n9030b import KeysightN9030B as Driver
    from podium.drivers.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A

    source = RohdeSchwarzSGS100A("lo", facility["lo"].visa)
    analyzer = Driver("sa", facility["sa"].visa, {1: "lo"})
    source.set_tone(6.1e9, -7.0, modulated=False)
    dark = analyzer.spectrum(6.09e9, 6.11e9, 101, 100e3)
    source.output(on=True)
    bright = analyzer.spectrum(6.09e9, 6.11e9, 101, 100e3)
    assert dark.power_dbm.max() < -75
    assert bright.frequency_hz[bright.power_dbm.argmax()] == pytest.approx(6.1e9, abs=1)
    assert bright.power_dbm.max() == pytest.approx(-7, abs=0.2)
    source.close()
    analyzer.close()


@pytest.mark.parametrize("word", ["nobody", "sa"])
def test_a_source_that_is_none_is_named(tmp_path, word):
    file = tmp_path / "facility.yaml"
    file.write_text(BENCH.replace("{1: lo}", f"{{1: {word}}}"))
    with pytest.raises(FacilityError, match=f"'{word}' is no MicrowaveSource or waveform output"):
        load_facility(file)


def test_two_tones_stand_beside_each_other(client):
    trace, axis = client.swept(), np.linspace(4.999e9, 5.002e9, 301)
    assert trace[abs(axis - 5e9).argmin()] == pytest.approx(-20, abs=0.2)
    assert trace[abs(axis - 5.001e9).argmin()] == pytest.approx(-40, abs=0.2)
    assert np.median(trace) == pytest.approx(-99, abs=6)


def test_detectors_order_the_noise(client):
    client.say("FREQ:STAR 1E9;STOP 1.01E9;:SWE:TIME 10")
    means = {}
    for word in ("POS", "AVER", "SAMP", "NEG"):
        client.say(f"DET:TRAC1 {word}")
        means[word] = float(np.mean(client.swept()))
    assert means["POS"] > means["AVER"] > means["NEG"]
    assert means["POS"] > means["SAMP"] > means["NEG"]


def test_an_average_of_decibels_lies_below_one_of_powers(client):
    client.say("FREQ:STAR 1E9;STOP 1.01E9;:DET:TRAC1 AVER;:SWE:TIME 100;:AVER:TYPE RMS")
    power = float(np.mean(client.swept()))
    client.say("AVER:TYPE LOG")
    assert float(np.mean(client.swept())) - power == pytest.approx(-2.506, abs=0.15)
    client.say("AVER:TYPE SCAL")
    assert float(np.mean(client.swept())) - power == pytest.approx(-1.049, abs=0.15)


def test_a_reading_waits_for_its_sweep(client):
    client.say("SWE:TIME 3")
    assert client.say("READ:SAN1?") == ""
    assert client.twin.horizon(client.now_fs).busy_until_fs == 3 * S_FS
    assert client.later(2.9) == ""
    assert client.later(0.2).count(",") == 601
    assert client.say("INIT;*OPC?") == ""
    assert client.later(3) == "1"


def test_a_reading_that_its_client_gave_up_is_not_the_next_one_s(client):
    client.say("SWE:TIME 3")
    assert client.say("READ:SAN1?") == ""
    client.session = client.twin.open("scpi")
    client.later(60)
    assert client.say("READ:SAN1?") == ""
    assert client.later(3.1).count(",") == 601


def test_what_is_automatic_follows_the_span(client):
    client.say("BAND:AUTO ON;:FREQ:SPAN 106E6")
    assert client.say("BAND?;:BAND:VID?") == "+1.00000000000E+06;+1.00000000000E+06"
    client.say("FREQ:SPAN 10E9")
    assert client.say("BAND?") == "+3.00000000000E+06"
    client.say("BAND 1E3")
    assert client.say("BAND:AUTO?;:BAND:VID?") == "0;+1.00000000000E+03"
    narrow = float(client.say("SWE:TIME?"))
    client.say("BAND 1E5")
    assert float(client.say("SWE:TIME?")) < narrow


def test_continuous_sweeps_have_noise_of_their_own(client):
    client.say("INIT:CONT 1;:SWE:TIME 1")
    client.later(1.5)
    first = client.say("FETC:SAN1?")
    assert client.say("FETC:SAN1?") == first
    client.later(1)
    second = client.say("FETC:SAN1?")
    assert second != first
    client.say("INIT:CONT 0")
    client.later(5)
    assert client.say("FETC:SAN1?") == second


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("FREQ:STAR 30E9", -222),
        ("POW:ATT 71", -222),
        ("INST:SEL PNOISE", -141),
        ("READ:SAN2?", -114),
        ("INIT:CONT 1;:INIT", -213),
        ("FETC:SAN1?", -230),
        ("FORM REAL,16", -224),
        ("CALC:MARK1:MAX", -113),
    ],
)
def test_what_it_cannot_do_is_refused(client, command, code):
    client.say("*CLS")
    client.say(command)
    assert client.say("SYST:ERR?").startswith(f"{code},")
    assert client.say("SYST:ERR?") == '+0,"No error"'
