"""Twin of the ZNB20: sweeps in world time, averages, channels, formats, refusals."""

import numpy as np
import pytest
from tests.benches.servers.hanger_network import HangerNetwork, hanger
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.rohde_schwarz_znb20 import RohdeSchwarzZNB20

S_FS = 10**15
SETUP = (
    "INIT:CONT:ALL OFF;:SENS1:SWE:POIN 11;:SENS1:BAND 10;"
    ":SENS1:FREQ:STAR 7.255E9;STOP 7.265E9;:SENS1:AVER:STAT OFF"
)
SWEEP_S = 11 * (0.1 + 10e-6)
FREQUENCY_HZ = np.linspace(7.255e9, 7.265e9, 11)


class Client(TwinConversation):
    def trace(self, query="CALC1:DATA? SDAT"):
        values = np.array([float(one) for one in self.say(query).split(",")])
        return values[0::2] + 1j * values[1::2]


@pytest.fixture
def network():
    return HangerNetwork()


@pytest.fixture
def client(network):
    client = Client(RohdeSchwarzZNB20("1234", network, noise_seed=3))
    assert client.say(SETUP) == ""
    return client


def test_wai_and_opc_wait_for_the_sweep_and_no_longer(client):
    client.say("INIT1:IMM")
    assert client.say("*WAI;CALC1:DATA? SDAT") == ""
    assert client.later(0.99 * SWEEP_S) == ""
    assert client.twin.horizon(client.now_fs).busy_until_fs == round(SWEEP_S * S_FS)
    assert client.later(0.02 * SWEEP_S).count(",") == 21
    assert client.twin.horizon(client.now_fs).busy_until_fs is None
    assert client.say("*OPC?") == "1"
    assert np.allclose(client.trace(), hanger(FREQUENCY_HZ), atol=1e-5)


def test_points_stand_there_as_they_are_measured(client):
    client.say("INIT1")
    client.later(4.5 / 11 * SWEEP_S)
    trace = client.trace()
    assert np.all(trace[:4] != 0)
    assert np.all(trace[4:] == 0)
    client.later(SWEEP_S)
    whole = client.trace()
    assert np.array_equal(whole[:4], trace[:4])
    client.say("SOUR1:POW 0;:INIT1")
    client.later(0.5 / 11 * SWEEP_S)
    assert np.array_equal(client.trace(), whole)


def test_time_does_not_pass_while_the_world_computes(client, network):
    network.computing = True
    client.say("INIT1")
    assert client.twin.horizon(client.now_fs).computing
    assert client.say("CALC1:DATA? SDAT") == ""
    client.later(2 * SWEEP_S)
    assert client.say("*OPC?") == ""
    network.computing = False
    answers = client.later(0).splitlines()
    assert answers[0].count(",") == 21
    assert answers[1] == "1"


def test_sweeps_go_on_by_themselves_and_each_has_noise_of_its_own(client, network):
    network.noise_w_per_hz = 1e-9
    client.say("INIT1:CONT ON")
    client.later(1.5 * SWEEP_S)
    first = client.trace()
    assert np.array_equal(client.trace(), first)
    assert client.twin.horizon(client.now_fs).busy_until_fs is None
    client.later(SWEEP_S)
    second = client.trace()
    assert not np.any(second == first)
    client.say("INIT1:CONT OFF")
    client.later(9 * SWEEP_S)
    assert np.array_equal(client.trace(), second)


def test_an_average_takes_noise_away_and_is_begun_anew(client, network):
    network.noise_w_per_hz = 1e-9
    client.say("SENS1:SWE:POIN 401;:SENS1:AVER:COUN 100;STAT ON;CLE")
    spread = []
    for _ in range(30):
        client.say("INIT1")
        client.later(41)
        found = client.trace() - hanger(np.linspace(7.255e9, 7.265e9, 401))
        spread.append(np.std(found))
    # the spread of 401 complex draws strays by 2.5 %; 6 sigma of it
    assert spread[0] / spread[3] == pytest.approx(2, rel=0.25)
    assert spread[0] / spread[29] == pytest.approx(np.sqrt(30), rel=0.25)
    client.say("SENS1:AVER:CLE;:INIT1")
    client.later(41)
    assert np.std(client.trace() - hanger(np.linspace(7.255e9, 7.265e9, 401))) == pytest.approx(
        spread[0], rel=0.2
    )


def test_several_sweeps_of_one_trigger_are_one_average(client, network):
    network.noise_w_per_hz = 1e-9
    client.say("SENS1:SWE:COUN 16;:SENS1:AVER:COUN 16;STAT ON;:SENS1:SWE:POIN 401;:INIT1")
    assert client.twin.horizon(client.now_fs).busy_until_fs == pytest.approx(16 * 40.1e15, rel=1e-3)
    client.later(16 * 41)
    error = client.trace() - hanger(np.linspace(7.255e9, 7.265e9, 401))
    single = np.sqrt(1e-9 * 10 / 1e-4)
    assert np.sqrt(np.mean(abs(error) ** 2)) == pytest.approx(single / 4, rel=0.2)


def test_channels_have_settings_traces_and_data_of_their_own(client):
    client.say("CALC2:PAR:SDEF 'b','S11';:INIT2:CONT OFF;:SENS2:SWE:POIN 5")
    assert client.say("CONF:CHAN:CAT?") == "'1,Ch1,2,Ch2'"
    assert client.say("CONF:TRAC:CAT?") == "'1,Trc1,2,b'"
    assert client.say("SENS1:SWE:POIN?;:SENS2:SWE:POIN?") == "11;5"
    client.say("INIT2;*WAI")
    client.later(10)
    assert np.allclose(client.trace("CALC2:DATA? SDAT"), 0, atol=1e-2)
    assert np.all(client.trace() == 0)
    client.say("CONF:CHAN2 OFF;:SENS2:SWE:POIN?;:SYST:ERR?")
    assert client.say("CONF:CHAN2?") == "0"


def test_two_driving_ports_take_twice_as_long(client):
    client.say("CALC1:PAR:SDEF 'Trc2','S12';:CALC1:PAR:SDEF 'Trc3','S11'")
    assert float(client.say("SENS1:SWE:TIME?")) == pytest.approx(2 * SWEEP_S, rel=1e-6)
    client.say("SENS1:SWE:TIME 30")
    assert client.say("SENS1:SWE:TIME:AUTO?") == "0"
    assert float(client.say("SENS1:SWE:TIME?")) == pytest.approx(30, rel=1e-6)
    client.say("SENS1:SWE:TIME 0.001")
    assert float(client.say("SENS1:SWE:TIME?")) == pytest.approx(2 * SWEEP_S, rel=1e-6)


def test_formats_and_binary_blocks_are_of_the_same_data(client):
    client.say("INIT1;*WAI")
    client.later(2)
    data = client.trace()
    for word, expected in (
        ("MLOG", 20 * np.log10(abs(data))),
        ("PHAS", np.degrees(np.angle(data))),
        ("SWR", (1 + abs(data)) / (1 - abs(data))),
        ("GDEL", -np.gradient(np.unwrap(np.angle(data)), 2 * np.pi * FREQUENCY_HZ)),
    ):
        client.say(f"CALC1:FORM {word}")
        found = [float(one) for one in client.say("CALC1:DATA? FDAT").split(",")]
        assert np.allclose(found, expected, rtol=1e-6)
    client.say("CALC1:FORM SMIT;:FORM REAL,64;:FORM:BORD NORM")
    raw = client.session.feed(b"CALC1:DATA? FDAT\n", client.now_fs)
    assert raw[:5] == b"#3176"
    assert np.allclose(np.frombuffer(raw[5:-1], ">c16"), data)
    client.say("FORM REAL,32;:FORM:BORD SWAP")
    raw = client.session.feed(b"CALC1:DATA:STIM?\n", client.now_fs)
    assert np.array_equal(np.frombuffer(raw[4:-1], "<f4"), FREQUENCY_HZ.astype("<f4"))


def test_an_electrical_delay_is_found_and_taken_out(client, network):
    network.delay_s = 37e-9
    client.say("SENS1:FREQ:STAR 7.1E9;STOP 7.11E9;:SENS1:SWE:POIN 201;:INIT1;*WAI")
    client.later(30)
    assert abs(np.angle(client.trace()[-1] / client.trace()[0])) > 0.5
    client.say("SENS1:CORR:EDEL1:AUTO ONCE")
    assert float(client.say("SENS1:CORR:EDEL1:TIME?")) == pytest.approx(37e-9, rel=0.02)
    assert abs(np.angle(client.trace()[-1] / client.trace()[0])) < 0.05


def test_a_sweep_of_power_drives_with_it(client, network):
    client.say("SENS1:SWE:TYPE POW;:SOUR1:POW:STAR -30;:SOUR1:POW:STOP 0;:SENS1:FREQ:CW 7.26E9")
    client.say("INIT1")
    tone = network.tones[-1]
    assert np.allclose(10 * np.log10(tone.power_w / 1e-3), np.linspace(-30, 0, 11))
    assert np.all(tone.frequency_hz == 7.26e9)
    stimulus = [float(one) for one in client.say("CALC1:DATA:STIM?").split(",")]
    assert np.allclose(stimulus, np.linspace(-30, 0, 11))


def test_bandwidths_go_in_steps_and_are_rounded_up(client):
    for asked, found in (("1", "1"), ("1.2", "1.5"), ("701", "1000"), ("3E6", "3000000")):
        client.say(f"SENS1:BAND {asked}")
        assert client.say("SENS1:BAND?;BWID?") == f"{found};{found}"
    client.say("SENS1:BAND 1E9")
    assert client.say("SENS1:BAND?") == "10000000"


def test_start_and_stop_push_each_other_and_a_span_is_cut(client):
    client.say("SENS1:FREQ:STAR 9E9")
    assert client.say("SENS1:FREQ:STOP?") == "9000000000"
    client.say("SENS1:FREQ:STOP 1E9")
    assert client.say("SENS1:FREQ:STAR?") == "1000000000"
    client.say("SENS1:FREQ:CENT 19E9;SPAN 8E9")
    assert client.say("SENS1:FREQ:STAR?;STOP?;SPAN?") == "18000000000;20000000000;2000000000"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("SENS1:FREQ:STAR 21E9", -222),
        ("SENS1:SWE:POIN 0", -222),
        ("SOUR1:POW 30", -222),
        ("SENS7:SWE:POIN 5", -114),
        ("SENS1:CORR:EDEL3:TIME 0", -114),
        ("CALC1:PAR:SDEF 'x','S31'", -224),
        ("CALC1:PAR:SEL 'nobody'", -224),
        ("CALC2:PAR:SDEF 'Trc1','S21'", -224),
        ("CALC1:FORM CIRC", -141),
        ("FORM REAL,16", -224),
        ("SENS1:SWE:TYPE SEGM", -141),
        ("CALC1:DATA?", -109),
        ("CALC1:PAR:DEL:ALL;:CALC1:FORM?", -200),
        ("SENS1:NONSENSE", -113),
    ],
)
def test_what_it_cannot_do_is_refused_and_changes_nothing_else(client, command, code):
    client.say("*CLS")
    client.say(command)
    assert client.say("SYST:ERR?").startswith(f"{code},")
    assert client.say("SYST:ERR?") == '0,"No error"'
    assert client.say("SENS1:SWE:POIN?;:SOUR1:POW?") == "11;-10"


def test_without_output_only_noise_is_seen(client):
    client.say("OUTP1 OFF;:INIT1;*WAI")
    client.later(2)
    assert np.all(abs(client.trace()) < 1e-5)


def test_a_preset_forgets_and_draws_other_noise(client, network):
    network.noise_w_per_hz = 1e-9
    seen = []
    for _ in range(2):
        client.say(f"*RST;{SETUP};:INIT1;*WAI")
        client.later(2)
        seen.append(client.trace())
    assert not np.any(seen[0] == seen[1])
    assert client.say("*RST;:SENS1:SWE:POIN?;:CALC1:PAR:CAT?") == "201;'Trc1,S21'"


def test_what_the_vendor_s_examples_send_is_known(client):
    """Of Rohde-Schwarz/Examples on GitHub: S21 to a CSV file, and the S2P file up to its file."""
    for text in (
        "SENSe1:FREQuency:STARt 0.01GHZ",
        "SENSe1:FREQuency:STOP 1.0GHZ",
        "SENSe1:SWEep:POINts 401",
        'CALCulate1:PARameter:MEASure "Trc1", "S21"',
        "DISPlay:WINDow1:TRACe1:Y:SCALe:AUTO ONCE",
        "INIT1:CONT OFF",
        "SYSTEM:DISPLAY:UPDATE ON",
        "SENSe1:FREQuency:Start 700e6",
        'CALCulate1:PARameter:MEAsure "Trc1", "S11"',
        "CALCulate1:Format MAGNitude",
        'CALCulate1:PARameter:SDEFine "Trc2", "S11"',
        "CALCulate1:Format PHASe",
        'DISPlay:WINDow1:TRACe2:FEED "Trc2"',
        "DISPlay:WINDow2:STATe ON",
        "DISPLAY:WINDOW1:TRACE:EFEED 'Trc1'",
        "SENSe:SWEep:TIME:AUTO ON",
        "TRIGger:SEQuence:SOURce IMMediate",
        "AVERage OFF",
        "SENS:SWE:COUN 1",
        "INIT1:IMMediate",
    ):
        assert client.say(f"{text};*OPC?") in ("1", "")
        client.later(100)
    assert client.say("SYST:ERR?") == '0,"No error"'
    assert client.say("CALC1:DATA? FDAT").count(",") == 400
    assert len(client.say("FORM REAL,32;CALCulate1:DATA? SDATa")) > 8 * 401
    assert client.twin.tallies()["unknown"] == 0
