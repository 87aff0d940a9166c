"""The twin of the N5183B (keysight_n5183b) against the X-Series SCPI Command Reference.

Pages 6 to 11, 17 and 67 of the manual could be read where others publish it. What they print as
an example is sent as printed.
"""

import re

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.keysight_n5183b import KeysightN5183B

FINE = '+0,"No error"'


@pytest.fixture
def source() -> TwinConversation:
    return TwinConversation(KeysightN5183B("MY53270001"))


def test_common_commands_leave_the_path(source: TwinConversation) -> None:
    """Page 6: they mean the same "regardless of the current path setting"."""
    source.say(":POW:ALC:LEV 3;*ESE 32;SEAR OFF")
    assert source.error() == FINE
    assert source.say("POW:ALC:SEAR?;LEV?") == "0;+3.00000000E+000"


def test_the_path_begins_at_the_root_with_each_message(source: TwinConversation) -> None:
    """Page 7: a newline, power and *RST set it there; :POWer:ALC:SOURce? is its example."""
    assert source.say(":POWer:ALC:SOURce?") == "INT"
    source.say(":POW:ALC:LEV 3")
    source.say("LEV 4")
    assert source.error().startswith("-113,")
    assert source.say(":POW:ALC:SOUR?;SEAR?") == "INT;1"


@pytest.mark.parametrize(
    ("written", "hertz"),
    [
        ("100000000", 100e6),  # page 8: no decimal point required
        ("100000000.", 100e6),  # fractional digits optional
        ("4.56E 9", 4.56e9),  # space allowed after the E
        ("7.89e+009", 7.89e9),  # either E or e
        ("+256E6", 256e6),  # leading + allowed
        (".5E9", 0.5e9),  # digits left of the point optional
        ("1.2GHz", 1.2e9),  # page 9
        ("200MHz", 200e6),
        ("MINimum", 9e3),
        ("MAXimum", 20e9),
        ("DEFault", 20e9),
        ("#HFFFFFF", 16777215),  # page 17
        ("#Q77777777", 16777215),
        ("#B111111111111111111111111", 16777215),
    ],
)
def test_numbers_may_be_written_as_the_manual_says(
    source: TwinConversation, written: str, hertz: float
) -> None:
    source.say(f"FREQ {written}")
    assert source.error() == FINE
    assert source.number("FREQ?") == hertz


def test_a_number_of_another_base_has_no_unit(source: TwinConversation) -> None:
    """Page 17: ":POW #H000A" is 10 dBm; a unit "will not work"."""
    source.say(":POW #H000A")
    assert (source.error(), source.number("POW?")) == (FINE, 10)
    source.say(":POW #H0005 dBm")
    assert source.error().startswith("-1")
    assert source.number("POW?") == 10


def test_angles_may_be_in_degrees(source: TwinConversation) -> None:
    """Page 9: "10DEG" is ten degrees."""
    source.say("PHAS 10DEG")
    assert source.error() == FINE
    assert source.number("PHAS?") == pytest.approx(0.1745, abs=6e-4)


@pytest.mark.parametrize(
    "wrong", ["FREQ UP", "FREQ ON", "POW 1 mV", "OUTP MAYBE", "PULM:SOUR INTE"]
)
def test_what_is_left_out_or_wrong_is_refused(source: TwinConversation, wrong: str) -> None:
    """UP and DOWN, and other units of power, are left out."""
    before = source.say("FREQ?;:POW?;:OUTP?;:PULM:SOUR?")
    source.say(wrong)
    assert source.error().startswith("-1")
    assert source.say("FREQ?;:POW?;:OUTP?;:PULM:SOUR?") == before


@pytest.mark.parametrize(
    ("written", "state"), [("ON", "1"), ("on", "1"), ("Off", "0"), ("1", "1"), ("0", "0")]
)
def test_switches_take_four_words_and_answer_in_numbers(
    source: TwinConversation, written: str, state: str
) -> None:
    """Pages 10 and 11."""
    source.say("OUTP 1" if state == "0" else "OUTP 0")
    source.say(f"OUTP {written}")
    assert source.say("OUTP?") == state


@pytest.mark.parametrize("written", ["EXTernal", "EXT", "ext", "External"])
def test_words_are_answered_in_their_short_form(source: TwinConversation, written: str) -> None:
    """Pages 9 and 11: short form or long form, in any case; answered in upper case."""
    source.say(f"PULM:SOUR {written}")
    assert source.say("PULM:SOUR?") == "EXT"


def test_real_numbers_are_answered_with_three_digits_of_exponent(source: TwinConversation) -> None:
    """Page 10: such as +4.0000000000000E+010."""
    source.say("FREQ 4 GHZ;:POW -9.99")
    assert source.say("FREQ?") == "+4.0000000000000E+009"
    assert source.say("POW?") == "-9.99000000E+000"
    for query in ("PHAS?", "POW:ALC:LEV?", "FREQ? MIN"):
        assert re.fullmatch(r"[+-]\d\.\d+E[+-]\d{3}", source.say(query))


def test_the_alc_is_as_page_67_has_it(source: TwinConversation) -> None:
    """Sent: :POW:ALC:LEV 10DB. *RST 1, from -20 to 20; the search is on, off or once."""
    assert source.say("POW:ALC:LEV?") == "+1.00000000E+000"
    source.say(":POW:ALC:LEV 10DB")
    assert (source.error(), source.number("POW:ALC:LEV?")) == (FINE, 10)
    for beyond in ("20.01", "-20.01"):
        source.say(f"POW:ALC:LEV {beyond}")
        assert source.error().startswith("-222,")
    assert [source.number(f"POW:ALC:LEV? {word}") for word in ("MIN", "MAX", "DEF")] == [-20, 20, 1]
    assert source.say("POW:ALC:SEAR?") == "1"
    source.say("POW:ALC:SEAR OFF;SEAR ONCE")
    assert (source.error(), source.say("POW:ALC:SEAR?")) == (FINE, "0")
    for word in ("RMS", "FIXed", "MANual", "MODulated"):
        source.say(f"POW:ALC:SEAR:REF {word}")
        assert source.say("POW:ALC:SEAR:REF?") == word[:3].upper()
    source.say("*RST")
    assert source.say("POW:ALC:LEV?;SEAR?") == "+1.00000000E+000;1"


def test_errors_wait_in_the_order_in_which_they_came(source: TwinConversation) -> None:
    source.say("FREQ 21E9;:NONSENSE;:FREQ")
    codes = [source.error().split(",")[0] for _ in range(4)]
    assert codes == ["-222", "-113", "-109", "+0"]
    source.say("NONSENSE")
    source.say("*RST")
    assert source.error().startswith("-113,")
    source.say("NONSENSE;*CLS")
    assert source.error() == FINE
