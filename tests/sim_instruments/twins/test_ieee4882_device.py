"""The common firmware, seen through the GS200, which has an operation that takes time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.twins.ieee4882_device import UNITS_AT_ONCE
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200

S = 10**15


class Client:
    def __init__(self, twin) -> None:
        self.session = twin.open("scpi")

    def say(self, message: str, at_s: float = 0.0) -> str:
        return self.session.feed(message.encode() + b"\n", int(at_s * S)).decode()

    def later(self, at_s: float) -> str:
        return self.session.feed(b"", int(at_s * S)).decode()


@pytest.fixture
def twin():
    return YokogawaGS200("91T1")


@pytest.fixture
def client(twin):
    return Client(twin)


RAMP = "OUTP 1;:PROG:SLOP 2;:PROG:INT 2;:PROG:EDIT:STAR;:SOUR:LEV 1;:PROG:EDIT:END;:PROG:RUN"


def test_answers_of_one_message_come_in_one_line(client):
    assert client.say("*IDN?;:OUTP?;*OPT?") == "YOKOGAWA,GS210,91T1,2.02;0;0\n"


def test_a_message_without_query_has_no_answer(client):
    assert client.say("*CLS;:OUTP 1") == ""


def test_an_empty_line_is_not_answered(client):
    assert client.say("") == client.say("\r") == client.say(";;") == ""


def test_an_unknown_command_goes_into_the_error_queue_and_is_counted(client, twin):
    assert client.say("NO:SUCH:THING?") == ""
    assert client.say("*ESR?") == "160\n"  # power on, command error
    assert client.say(":SYST:ERR?") == '-113,"Undefined header"\n'
    assert client.say(":SYST:ERR?") == '0,"No error"\n'
    assert twin.tallies() == {"commands": 4, "unknown": 1, "unmeant": 0}


def test_the_status_byte_tells_of_errors_messages_and_events(client):
    client.say("*CLS;*ESE 32;*SRE 36;*ESE?")
    assert client.say("*STB?") == "0\n"
    client.say("NONSENSE")
    assert client.say("*STB?") == "100\n"  # error available 4, event 32, master summary 64
    assert client.say("*IDN?;*STB?").endswith(";116\n")  # and a message available 16
    assert client.say("*CLS;*STB?;*ESE?;*SRE?") == "0;32;36\n"


@pytest.mark.parametrize("message", ["*ESE 256", "*ESE", "*SRE 1,2", "*RST 1", "*ESE 'a'"])
def test_bad_parameters_of_common_commands_are_refused(client, message):
    client.say("*CLS")
    client.say(message)
    assert client.say(":SYST:ERR?") != '0,"No error"\n'


def test_opc_query_answers_when_the_ramp_has_ended_and_later_messages_wait_behind_it(client):
    client.say(RAMP)
    assert client.say("*OPC?;:SOUR:LEV?", 0.5) == ""
    assert client.say("*IDN?", 0.6) == ""
    assert client.later(1.999) == ""
    assert client.later(2.0) == "1;+1.0000E+0\nYOKOGAWA,GS210,91T1,2.02\n"


def test_wait_holds_up_its_own_connection_and_no_other(client, twin):
    client.say(RAMP)
    assert client.say("*WAI;:SOUR:LEV?", 0.5) == ""
    assert Client(twin).say(":SOUR:LEV?", 1.0) == "+500.0E-3\n"
    assert client.later(2.5) == "+1.0000E+0\n"


def test_opc_sets_its_bit_when_the_ramp_has_ended(client):
    client.say(RAMP + ";*CLS;*OPC")
    assert client.say("*ESR?", 1.0) == "0\n"
    assert client.say("*ESR?", 2.0) == "1\n"


def test_opc_without_anything_pending_is_complete_at_once(client):
    assert client.say("*CLS;*OPC;*ESR?;*OPC?") == "1;1\n"


def test_each_connection_has_its_own_input_buffer(twin):
    one, other = twin.open("scpi"), twin.open("scpi")
    assert one.feed(b"*ID", 0) == other.feed(b"OUT", 0) == b""
    assert one.feed(b"N?\n", 0).startswith(b"YOKOGAWA")
    assert other.feed(b"P?\n", 0) == b"0\n"


def test_a_port_that_is_not_there_is_named(twin):
    with pytest.raises(KeyError, match="scpi"):
        twin.open("telnet")


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_garbage_never_stops_the_firmware(chunks):
    session = YokogawaGS200("91T1").open("scpi")
    for chunk in chunks:
        session.feed(chunk, 0)
    session.feed(b"\n", 0)
    session.feed(b" '\"\n", 0)
    assert session.feed(b"*IDN?\n", 0).endswith(b"YOKOGAWA,GS210,91T1,2.02\n")


COMMANDS = (
    "*RST *CLS *OPC? OUTP :SOUR:LEV LEV :SOUR:RANG RANG? :PROG:RUN :PROG:EDIT:STAR :PROG:EDIT:END "
    ":PROG:PAUS :PROG:CONT :PROG:HOLD :STAT:EVEN? :SYST:ERR? 0 1 -0.5 1.2 MAX UP ON , ; ;"
)
WORDS = st.sampled_from((*COMMANDS.split(), "\n", "\n"))


@given(st.lists(WORDS, max_size=30))
def test_any_order_of_real_commands_is_executed_or_refused_and_never_fails(words):
    session = YokogawaGS200("91T1").open("scpi")
    for tick, word in enumerate(words):
        session.feed(word.encode() + b" ", tick * S // 3)
    session.feed(b"\n", len(words) * S)
    assert session.feed(b"\n*IDN?\n", 10**6 * S).endswith(b"YOKOGAWA,GS210,91T1,2.02\n")


def test_a_long_message_is_carried_out_in_turns_with_others(twin):
    long, other = Client(twin), Client(twin)
    count = 4 * UNITS_AT_ONCE
    before = twin.tallies()["commands"]
    assert long.say(";".join(["*OPC?"] * count)) == ""
    assert twin.tallies()["commands"] - before == UNITS_AT_ONCE
    assert other.say("*OPC?") == "1\n"
    answers = [long.later(0.0) for _ in range(5)]
    assert [answer for answer in answers if answer] == [";".join("1" * count) + "\n"]
