"""Twin of the N5222B: its modes of sweeping, the order of bytes, refusals."""

import numpy as np
import pytest
from tests.benches.servers.hanger_network import HangerNetwork, hanger
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.keysight_n5222b import KeysightN5222B

S_FS = 10**15
SETUP = (
    "SENS:SWE:MODE HOLD;:CALC:PAR:MOD:EXT 'S21';:SENS:SWE:POIN 11;:SENS:BAND 10;"
    ":SENS:FREQ:STAR 7.255E9;STOP 7.265E9"
)
SWEEP_S = 11 * (0.1 + 20e-6)
FREQUENCY_HZ = np.linspace(7.255e9, 7.265e9, 11)


@pytest.fixture
def client():
    made = TwinConversation(KeysightN5222B("MY1", HangerNetwork(), noise_seed=3))
    assert made.say(SETUP) == ""
    return made


def test_a_single_sweep_ends_in_hold(client):
    client.say("SENS:SWE:MODE SING")
    assert client.say("SENS:SWE:MODE?") == "SING"
    client.later(0.99 * SWEEP_S)
    assert client.say("SENS:SWE:MODE?") == "SING"
    client.later(0.02 * SWEEP_S)
    assert client.say("SENS:SWE:MODE?") == "HOLD"


def test_a_group_is_so_many_sweeps(client):
    client.say("SENS:SWE:GRO:COUN 5;:SENS:SWE:MODE GRO")
    client.later(4.9 * SWEEP_S)
    assert client.say("SENS:SWE:MODE?") == "GRO"
    client.later(0.2 * SWEEP_S)
    assert client.say("SENS:SWE:MODE?") == "HOLD"


def test_the_order_of_bytes_is_what_is_set(client):
    client.say("SENS:SWE:MODE SING;*WAI")
    client.later(2)
    for order, kind in (("NORM", ">"), ("SWAP", "<")):
        for bits, name in ((32, "c8"), (64, "c16")):
            client.say(f"FORM REAL,{bits};:FORM:BORD {order}")
            length = 11 * bits // 4
            raw = client.session.feed(b"CALC:DATA? SDATA\n", client.now_fs)
            head = f"#{len(str(length))}{length}".encode()
            assert raw.startswith(head)
            found = np.frombuffer(raw[len(head) : -1], kind + name)
            assert np.allclose(found, hanger(FREQUENCY_HZ), atol=1e-5)


def test_an_electrical_delay_turns_the_formatted_data_alone(client):
    client.say("SENS:SWE:MODE SING;*WAI")
    client.later(2)
    raw = client.say("CALC:FORM POL;:CALC:DATA? SDATA")
    client.say("CALC:CORR:EDEL:TIME 25E-9")
    assert client.say("CALC:DATA? SDATA") == raw
    values = np.array([float(one) for one in client.say("CALC:DATA? FDATA").split(",")])
    turned = hanger(FREQUENCY_HZ) * np.exp(2j * np.pi * FREQUENCY_HZ * 25e-9)
    assert np.allclose(values[0::2] + 1j * values[1::2], turned, atol=1e-5)


def test_numbers_are_written_as_the_box_writes_them(client):
    assert client.say("SENS:FREQ:STAR?") == "+7.25500000000E+009"
    assert client.say("SENS:SWE:POIN?") == "+11"
    assert client.say("FORM?") == "ASC,+0"
    assert client.say("*OPT?") == '"419"'


def test_an_empty_preset_leaves_no_measurement(client):
    client.say("SYST:FPR")
    assert client.say("CALC:PAR:CAT:EXT?") == '"NO CATALOG"'
    client.say("CALC:PAR:DEF:EXT 'mine','S21';:CALC:PAR:SEL 'mine'")
    assert client.say("CALC:PAR:CAT:EXT?;:CALC:PAR:MNUM?") == '"mine,S21";+1'


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("SENS:FREQ:STAR 1E6", -222),
        ("SENS:SWE:POIN 100002", -222),
        ("SENS2:SWE:POIN 5", -114),
        ("CALC2:DATA? SDATA", -114),
        ("CALC:PAR:MOD:EXT 'S51'", -224),
        ("CALC:PAR:SEL 'nobody'", -224),
        ("CALC:PAR:MNUM 7", -224),
        ("CALC:PAR:DEL:ALL;:CALC:DATA? SDATA", -221),
        ("SENS:SWE:MODE CONT;:INIT", -213),
        ("SENS:SWE:TYPE SEGM", -141),
        ("FORM REAL,8", -224),
        ("CALC:NONSENSE", -113),
    ],
)
def test_what_it_cannot_do_is_refused(client, command, code):
    client.say("*CLS")
    client.say(command)
    assert client.say("SYST:ERR?").startswith(f"{code},")
    assert client.say("SYST:ERR?") == '+0,"No error"'
