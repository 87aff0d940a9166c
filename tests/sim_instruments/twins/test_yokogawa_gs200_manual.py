"""The twin of the GS200 against its user's manual, IM GS210-01EN: status reports and examples.

Pages 13-1, 13-3, 13-12 and 13-29 to 13-31 could be read. What they print as an example is sent as
printed; the codes of a conflict of settings are those of SCPI, of the class that page 13-29 gives.
"""

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.yokogawa_gs200 import EXTENDED_EVENT_SUMMARY, Condition
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200

POWER_ON, COMMAND, EXECUTION = 128, 32, 16
QUEUE = 20


@pytest.fixture
def source() -> TwinConversation:
    return TwinConversation(YokogawaGS200("91T1"))


@pytest.mark.parametrize(
    ("example", "query", "answer"),
    [
        (":SOURce:FUNCtion VOLTage;RANGe 100E-3", ":SOURce:FUNCtion?;RANGe?", "VOLT;+100E-3"),
        (":SOURce:FUNCtion VOLTage", ":SOURce:FUNCtion?", "VOLT"),
        (":SOUR:LEV:AUTO 1.5", ":SOUR:LEV:AUTO?", "+1.5000E+0"),
        (":SOUR:PROT:VOLT 14", ":SOUR:PROT:VOLT?", "+14E+0"),
    ],
)
def test_what_the_manual_prints_as_an_example_is_taken(
    source: TwinConversation, example: str, query: str, answer: str
) -> None:
    """Pages 13-1, 13-2 and 13-12."""
    assert source.say(example) == ""
    assert source.say(query) == answer
    assert source.say(":SYST:ERR?") == '0,"No error"'


def test_the_level_with_its_range_goes_to_the_ends_of_the_largest(source: TwinConversation) -> None:
    """Page 13-12: MINimum and MAXimum set the largest range; asked, they are its ends."""
    source.say(":SOUR:LEV:AUTO 0.05")
    assert source.say(":SOUR:RANG?") == "+100E-3"
    assert source.say(":SOUR:LEV:AUTO? MIN;AUTO? MAX") == "-32.000E+0;+32.000E+0"
    for word, level in (("MIN", "-32.000E+0"), ("MAX", "+32.000E+0")):
        source.say(f":SOUR:LEV:AUTO {word}")
        assert source.say(":SOUR:RANG?;LEV?") == f"+30E+0;{level}"


def test_limiters_have_the_limits_of_the_manual(source: TwinConversation) -> None:
    """Page 13-12: 1 V to 30 V, 1 mA to 200 mA."""
    for quantity, least, most in (("VOLT", "1", "30"), ("CURR", "1E-3", "200E-3")):
        assert source.say(f":SOUR:PROT:{quantity} {least};{quantity} {most}") == ""
        assert source.say(":SYST:ERR?") == '0,"No error"'
        source.say(f":SOUR:PROT:{quantity} 0;{quantity} 31")
        assert source.say(":SYST:ERR?") == source.say(":SYST:ERR?") == '-222,"Data out of range"'


def test_a_wrong_header_is_the_error_that_the_manual_names(source: TwinConversation) -> None:
    """Page 13-31: -113, "Undefined header", read from the oldest on by :SYSTem:ERRor?."""
    source.say("*CLS")
    source.say(":NONSense")
    source.say(":SOUR:LEV 99")
    assert source.say("*ESR?") == str(COMMAND | EXECUTION)
    assert source.say(":SYSTem:ERRor?") == '-113,"Undefined header"'
    assert source.say(":SYSTem:ERRor?") == '-222,"Data out of range"'
    assert source.say(":SYSTem:ERRor?") == '0,"No error"'


def test_a_queue_that_overflows_ends_with_350(source: TwinConversation) -> None:
    """Page 13-31: the last message is replaced; *CLS clears the queue."""
    for _ in range(QUEUE + 5):
        source.say(":NONSense")
    found = [source.say(":SYST:ERR?") for _ in range(QUEUE + 1)]
    assert found == [*['-113,"Undefined header"'] * (QUEUE - 1), '-350,"Queue overflow"', found[-1]]
    assert found[-1] == '0,"No error"'
    source.say(":NONSense")
    source.say("*CLS")
    assert source.say(":SYST:ERR?;*STB?") == '0,"No error";16'


def test_an_event_that_is_enabled_reaches_the_status_byte(source: TwinConversation) -> None:
    """Page 13-29, "Example": an event, its bit, and bit 5 of the status byte if it is enabled."""
    assert source.say("*ESR?") == str(POWER_ON)
    assert source.say("*ESE?") == "0"
    source.say(":NONSense")
    assert int(source.say("*STB?")) & 32 == 0  # masked
    source.say("*ESE 32")
    assert int(source.say("*STB?")) & 32
    source.say("*ESE 0")  # masks it again
    assert int(source.say("*STB?")) & 32 == 0
    assert source.say("*ESR?") == str(COMMAND)
    assert source.say("*ESR?") == "0"


def test_what_cannot_be_done_in_the_present_state_is_an_execution_error(
    source: TwinConversation,
) -> None:
    """Page 13-29, bit 4: the syntax is correct, the command cannot be executed."""
    source.say("*CLS")
    source.say(":PROGram:RUN")
    assert source.say("*ESR?") == str(EXECUTION)


def test_the_condition_register_is_read_as_often_as_one_likes(source: TwinConversation) -> None:
    """Page 13-30: bits 0, 2, 3, 4 and 8 are 1 while nothing is measured, stored or got ready."""
    assert source.say(":STATus:CONDition?") == source.say(":STATus:CONDition?") == "285"
    assert 285 & (Condition.SOURCE_CHANGED | Condition.END_OF_STEP | Condition.END_OF_PROGRAM) == 0


@pytest.mark.parametrize("clearing", [":STATus:EVENt?", "*CLS"])
def test_the_extended_event_register_is_cleared_as_the_manual_says(
    source: TwinConversation, clearing: str
) -> None:
    """Page 13-31; bit 5 of it (13-30) is set when the source's value changes."""
    source.say(":STATus:ENABle 32;:SOUR:LEV 1")
    assert int(source.say("*STB?")) & EXTENDED_EVENT_SUMMARY
    source.say(clearing)
    assert source.say(":STATus:EVENt?") == "0"
    assert int(source.say("*STB?")) & EXTENDED_EVENT_SUMMARY == 0
