"""The errors of the SG384 (srs_sg384) as the manual's list has them."""

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.sim_instruments.twins.srs_sg384 import SrsSg384


@pytest.fixture
def source() -> TwinConversation:
    source = TwinConversation(SrsSg384("00112233"))
    source.say("*CLS")
    return source


@pytest.mark.parametrize(
    ("message", "number", "event"),
    [
        ("FREQ 9E9", 10, 16),  # illegal value
        ("AMPR 17", 10, 16),
        ("TYPE 7", 10, 16),
        ("FREQUENCY 1E9", 110, 32),  # illegal command: four letters, or a star and three
        ("XY?", 110, 32),
        ("BLAH 1", 111, 32),  # undefined command
        ("BLAH?", 111, 32),
        ("LERR 1", 113, 32),  # illegal set
        ("TYPE 1,2", 115, 32),  # extra parameters
        ("TYPE", 116, 32),  # missing parameters
        ("OPTN 1", 113, 32),
        ("RPHS?", 112, 32),  # illegal query
        ("FREQ ABC", 118, 32),  # invalid floating point number
        ("TYPE ABC", 120, 32),  # invalid integer
        ("TYPE 1.5", 120, 32),
        ("FREQ 1 V", 127, 32),  # illegal units
    ],
)
def test_an_error_has_its_number_and_its_event_bit(
    source: TwinConversation, message: str, number: int, event: int
) -> None:
    before = source.say("FREQ?;TYPE?;AMPR?")
    assert source.say(message) == ""
    assert source.say("*ESR?") == str(event)
    assert source.say("LERR?") == str(number)
    assert source.say("LERR?") == "0"
    assert source.say("FREQ?;TYPE?;AMPR?") == before


def test_units_that_the_manual_has_are_taken(source: TwinConversation) -> None:
    for written, hertz in (("10 MHz", 1e7), ("2.5 GHZ", 2.5e9), ("1E6", 1e6), ("950 kHz", 9.5e5)):
        source.say(f"FREQ {written}")
        assert float(source.say("FREQ?")) == hertz
    assert source.say("LERR?") == "0"


def test_a_full_buffer_ends_with_too_many_errors(source: TwinConversation) -> None:
    for _ in range(25):
        source.say("BLAH")
    found = [source.say("LERR?") for _ in range(21)]
    assert found == [*["111"] * 19, "254", "0"]


def test_its_status_byte_has_no_bit_for_errors(source: TwinConversation) -> None:
    source.say("BLAH")
    assert source.say("*STB?") == "0"
    source.say("*ESE 32;*SRE 32")
    assert source.say("*STB?") == "96"
