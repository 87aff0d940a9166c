"""The twin of the 33512B (keysight_33512b) against the 33500 Series Operating and Service Guide.

Pages 61, 69, 157, 167, 177, 219, 264, 318 and 323 of the manual could be read where others publish
it, and the page of bursts where Keysight does. What they print as an example is sent as printed.
"""

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.keysight_33512b import Keysight33512B

S = 10**15
FINE = '+0,"No error"'
CONFLICT = '-221,"Settings conflict"'


@pytest.fixture
def box() -> TwinConversation:
    return TwinConversation(Keysight33512B("MY1"))


@pytest.mark.parametrize(
    ("example", "query", "answer"),
    [
        ("BURS:GATE:POL INV", "BURS:GATE:POL?", "INV"),  # page 177
        ("BURS:INT:PER 12", "BURS:INT:PER?", "+1.200000000000000E+01"),
        ("OUTP:TRIG:SLOP NEG", "OUTP:TRIG:SLOP?", "NEG"),  # page 264
        ("OUTP:TRIG:SOUR CH2", "OUTP:TRIG:SOUR?", "CH2"),
        ("TRIG2:TIM 0.3", "TRIG2:TIM?", "+3.000000000000000E-01"),  # page 318
        ("FUNC:PULS:DCYC 50", "FUNC:PULS:DCYC?", "+5.000000000000000E+01"),  # page 219
        ("*RST; *CLS; *ESE 32; *OPC?", "*ESE?", "32"),  # page 153
    ],
)
def test_what_the_guide_prints_as_an_example_is_taken(
    box: TwinConversation, example: str, query: str, answer: str
) -> None:
    assert box.say(example) in ("", "1")
    assert box.say(query) == answer
    assert box.error() == FINE


def test_the_guides_bit_sequence_is_bounded_by_3_volts(box: TwinConversation) -> None:
    """Page 167: "APPL:PRBS 5 KHZ, 3.0 V, -2.5 V"."""
    box.say("APPL:PRBS 5 KHZ, 3.0 V, -2.5 V")
    assert box.error() == FINE
    assert (box.number("VOLT?"), box.number("VOLT:OFFS?"), box.number("FREQ?")) == (3, -2.5, 5e3)
    assert box.say("FUNC?;:OUTP?;:BURS:STAT?") == "PRBS;1;0"


def test_the_guides_first_trigger_is_over_before_the_second_comes(box: TwinConversation) -> None:
    """Page 318: "TRIG:SOUR BUS;*TRG;*WAI;*TRG;*WAI", here with bursts of a second."""
    box.say("FREQ 10;:BURS:STAT ON;NCYC 10")
    box.error()
    assert box.say("TRIG:SOUR BUS;*TRG;*WAI;*TRG;*WAI;*OPC?", 1) == ""
    assert box.session.feed(b"", round(1.5 * S)) == b""
    assert box.session.feed(b"", 2 * S) == b"", "the second one begins when the first is over"
    assert box.session.feed(b"", round(2.9 * S)) == b""
    assert box.session.feed(b"", 3 * S) == b"1\n"


def test_keysights_example_of_a_burst_runs(box: TwinConversation) -> None:
    """The web page's code: three periods of 100 kHz every 44 us."""
    for line in (
        "APPLy:SIN 1e5,3 VPP,0",
        "BURS:MODE TRIG",
        "BURS:NCYC 3",
        "BURS:INT:PER 4.4e-5",
        "BURS:PHAS 0",
        "TRIG:SOUR IMM",
        "BURS:STAT ON",
        "OUTP1 ON",
    ):
        assert box.say(line) == ""
        assert box.error() == FINE, line
    assert box.number("BURS:INT:PER?") == pytest.approx(4.4e-5)
    assert box.say("BURS:STAT?;:OUTP1?") == "1;1"


@pytest.mark.parametrize("function", ["DC", "NOIS"])
def test_what_cannot_come_in_counted_bursts_ends_them(box: TwinConversation, function: str) -> None:
    """Noise comes "only in the gated burst mode", DC "is not allowed"."""
    box.say(f"FUNC {function};:BURS:STAT ON")
    assert box.error() == CONFLICT
    assert box.say("BURS:STAT?") == "0"
    box.say(f"FUNC SIN;:BURS:STAT ON;:FUNC {function}")
    assert box.error() == CONFLICT
    assert box.say("BURS:STAT?") == "0"
    box.say("BURS:MODE GAT;STAT ON")
    assert box.say("BURS:STAT?") == ("0" if function == "DC" else "1")


def test_above_6_megahertz_a_burst_has_no_end(box: TwinConversation) -> None:
    box.say("BURS:NCYC INF;STAT ON;:FREQ 7 MHZ")
    assert (box.error(), box.number("FREQ?")) == (FINE, 7e6)
    box.say("BURS:NCYC 3")
    assert (box.error(), box.number("FREQ?")) == (CONFLICT, 6e6)
    box.say("FREQ 8 MHZ")
    assert (box.error(), box.number("FREQ?")) == (CONFLICT, 6e6)
    box.say("BURS:STAT OFF;:FREQ 8 MHZ")
    assert (box.error(), box.number("FREQ?")) == (FINE, 8e6)


def test_bursts_that_begin_by_themselves_are_of_2_millihertz_at_least(
    box: TwinConversation,
) -> None:
    box.say("BURS:STAT ON;:FREQ 1e-3")
    assert (box.error(), box.number("FREQ?")) == (CONFLICT, 2.001e-3)
    box.say("TRIG:SOUR BUS;:FREQ 1e-3")
    assert (box.error(), box.number("FREQ?")) == (FINE, 1e-3)


@pytest.mark.parametrize(
    ("command", "low", "high"),
    [
        ("BURS:INT:PER", 1e-6, 8000),  # pages 157 and 177
        ("TRIG1:TIM", 1e-6, 8000),  # page 318
        ("BURS:NCYC", 1, 1e8),
        ("BURS:PHAS", -360, 360),
        ("OUTP1:LOAD", 1, 10e3),  # page 61
    ],
)
def test_numbers_go_to_the_ends_that_the_guide_gives(
    box: TwinConversation, command: str, low: float, high: float
) -> None:
    box.say("TRIG1:SOUR BUS;:FREQ 1 MHZ;:BURS:NCYC 1")
    assert [box.number(f"{command}? {word}") for word in ("MIN", "MAX")] == [low, high]
    box.say(f"{command} {high * 2}")
    assert box.error().startswith("-222,")
    assert box.number(f"{command}?") == high


def test_a_burst_period_that_is_too_short_is_lengthened(box: TwinConversation) -> None:
    """Page 177: "the instrument will increase it as needed ..., a Settings conflict"."""
    box.say("FREQ 1000;:BURS:NCYC 5;STAT ON;INT:PER 6e-3")
    assert box.error() == FINE
    box.say("BURS:INT:PER 4e-3")
    assert box.error() == CONFLICT
    assert box.number("BURS:INT:PER?") == pytest.approx(5e-3, rel=1e-3)


def test_a_pulse_leaves_16_nanoseconds_of_its_period(box: TwinConversation) -> None:
    """Page 69: the default is 100 us, width and gap are of 16 ns at least."""
    box.say("FUNC PULS")
    assert box.number("FUNC:PULS:WIDT?") == 100e-6
    assert box.number("FUNC:PULS:WIDT? MIN") == 16e-9
    assert box.number("FUNC:PULS:WIDT? MAX") == pytest.approx(1e-3 - 16e-9, abs=1e-12)
    box.say("FREQ 20 MHZ")
    assert box.error() == CONFLICT
    assert box.number("FUNC:PULS:WIDT?") == pytest.approx(34e-9)
    assert box.number("FUNC:PULS:DCYC?") == pytest.approx(68)


def test_duty_cycle_and_width_are_one_setting(box: TwinConversation) -> None:
    """Page 219: 100 x width / period; at 1 kHz from 0.002 to 99.998 percent; the width stays."""
    box.say("FUNC PULS;:FUNC:PULS:WIDT 250e-6")
    assert box.number("FUNC:PULS:DCYC?") == 25
    assert box.number("FUNC:PULS:DCYC? MIN") == pytest.approx(0.0016)
    assert box.number("FUNC:PULS:DCYC? MAX") == pytest.approx(99.9984)
    box.say("FUNC:PULS:DCYC 50;:FREQ 100")
    assert box.number("FUNC:PULS:WIDT?") == pytest.approx(500e-6)
    box.say("FUNC:PULS:DCYC 100")
    assert box.error().startswith("-222,")


def test_high_and_low_levels_set_amplitude_and_offset(box: TwinConversation) -> None:
    """Page 323: +2 V and -3 V are 5 Vpp with an offset of -500 mV."""
    box.say("VOLT:HIGH 2;LOW -3")
    assert box.error() == FINE
    assert (box.number("VOLT?"), box.number("VOLT:OFFS?")) == (5, -0.5)
    box.say("VOLT 1")
    assert (box.number("VOLT:HIGH?"), box.number("VOLT:LOW?")) == (0, -1)


@pytest.mark.parametrize(
    ("message", "high", "low", "error"),
    [
        ("VOLT:HIGH -1", -1, -1.001, "-221"),
        ("VOLT:LOW 1", 1.001, 1, "-221"),
        ("VOLT:HIGH -6", -4.999, -5, "-222"),
        ("VOLT:LOW 6", 5, 4.999, "-222"),
        ("VOLT:HIGH 6", 5, -0.05, "-222"),
    ],
)
def test_a_level_that_comes_past_the_other_takes_it_along(
    box: TwinConversation, message: str, high: float, low: float, error: str
) -> None:
    """Page 323: the other stays 1 mV away; beyond the output's limits, both end there."""
    box.say(message)
    assert box.error().startswith(error)
    assert box.number("VOLT:HIGH?") == pytest.approx(high)
    assert box.number("VOLT:LOW?") == pytest.approx(low)


def test_levels_into_an_open_circuit_are_twice_those_into_50_ohm(box: TwinConversation) -> None:
    """Pages 61 and 323: what is displayed doubles, what leaves the connector stays."""
    box.say("VOLT:HIGH 2;LOW -3;:OUTP1:LOAD INF")
    assert box.error() == FINE
    assert (box.number("VOLT:HIGH?"), box.number("VOLT:LOW?")) == (4, -6)
    assert box.number("VOLT:HIGH? MAX") == 10
