import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.sim_instruments.physics.clock_makes import SOURCE
from podium.sim_instruments.physics.clocks import Clock, LockState
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A, Tone
from podium.sim_instruments.twins.twin import IDLE


@pytest.fixture
def generator():
    return TwinConversation(RohdeSchwarzSGS100A("102345"))


def test_at_power_on_nothing_leaves_the_connector(generator):
    assert generator.twin.tone(0) is None
    assert generator.say("OUTP?;:FREQ?;:POW?;:IQ:STAT?") == "0;1000000000;-30;0"
    assert generator.twin.horizon(0) == IDLE


def test_units_and_optional_nodes_are_understood(generator):
    generator.say("SOURce:FREQuency:CW 4.9 GHz")
    generator.say("POW:LEV:IMM:AMPL -7.256dBm")
    generator.say(":OUTP ON")
    assert generator.twin.tone(0) == Tone(4.9e9, -7.26, iq=False)


def test_frequencies_are_kept_to_the_millihertz(generator):
    generator.say("FREQ 4.900000000001 GHZ")
    assert generator.say("FREQ?") == "4900000000.001"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("FREQ 12.76 GHZ", -222),
        ("FREQ 999 KHZ", -222),
        ("POW 25.1", -222),
        ("POW -121", -222),
        ("POW 1 V", -131),
        ("FREQ", -109),
        ("FREQ 1,2", -108),
        ("OUTP MAYBE", -141),
        ("FREQ 'high'", -158),
        ("SOUR:NONSENSE 1", -113),
    ],
)
def test_what_the_box_refuses_leaves_the_tone_and_names_the_error(generator, message, error):
    generator.say("FREQ 5 GHZ;POW 0;:OUTP 1")
    generator.say(message)
    assert generator.say("SYST:ERR:COUN?") == "1"
    assert generator.say("SYST:ERR?").startswith(f"{error},")
    assert generator.twin.tone(0) == Tone(5e9, 0.0, iq=False)


def test_all_errors_can_be_read_at_once(generator):
    generator.say("FREQ 1 HZ;NONSENSE")
    answer = generator.say("SYST:ERR:ALL?")
    assert answer.startswith('-222,"Data out of range;')
    assert '-113,"Undefined header;NONSENSE"' in answer
    assert generator.say("SYST:ERR:ALL?") == '0,"No error"'


def test_limits_can_be_asked(generator):
    assert generator.say("FREQ? MIN;FREQ? MAX;FREQ? DEF") == "1000000;12750000000;1000000000"


def test_the_modulator_does_not_go_below_its_lowest_frequency(generator):
    generator.say("IQ:STAT ON;:FREQ 50 MHZ")
    assert generator.say("SYST:ERR?").startswith("-221,")
    generator.say("IQ:STAT OFF;:FREQ 50 MHZ;:IQ:STAT ON")
    assert generator.say("SYST:ERR?").startswith("-221,")
    assert generator.say("FREQ?;:IQ:STAT?") == "50000000;0"


def test_reset_and_preset_switch_the_output_off(generator):
    for message in ("*RST", "SYST:PRES"):
        generator.say("FREQ 5 GHZ;:OUTP 1")
        generator.say(message)
        assert generator.say("OUTP?;:FREQ?") == "0;1000000000"


@given(st.decimals("1E6", "12.75E9", places=3), st.decimals(-120, 25, places=2), st.booleans())
def test_the_tone_is_what_was_set(frequency, power, modulated):
    generator = TwinConversation(RohdeSchwarzSGS100A("102345"))
    generator.say(f"FREQ {frequency};:POW {power};:OUTP 1")
    if frequency >= 80_000_000:
        generator.say(f"IQ:STAT {int(modulated)}")
        assert generator.twin.tone(0) == Tone(float(frequency), float(power), modulated)
    assert generator.say("SYST:ERR?") == '0,"No error"'


def test_switched_off_and_on_it_locks_anew_to_the_external_reference():
    clock = Clock(1, "source", SOURCE, Room(1))
    twin = RohdeSchwarzSGS100A("102345", clock)
    session = twin.open("scpi")
    session.feed(b"ROSC:SOUR INT;:OUTP ON\n", 0)
    assert clock.state(S) is LockState.FREE
    session.feed(b":OUTP ON\n", S)
    before = twin.tone(S).lock
    twin.power_cycle(S)
    assert twin.tone(S) is None
    assert clock.state(S) is not LockState.FREE
    session.feed(b":OUTP ON\n", S)
    assert twin.tone(S).lock != before
