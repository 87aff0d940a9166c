"""What an instrument says is shown; what it would do to a terminal is named."""

import pytest

from podium.drivers.errors import InstrumentError, Refused
from podium.firmware_interfaces.printable_text import printable


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("-222,Out of range", "-222,Out of range"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\rb\x00\x7f\x9b", "a\\rb\\x00\\x7f\\x9b"),
        ("one\n\ttwo µ", "one\n\ttwo µ"),
        ("\u202eright to left", "\\u202eright to left"),
    ],
)
def test_control_characters_are_named(said: str, shown: str) -> None:
    assert printable(said) == shown


@pytest.mark.parametrize("kind", [InstrumentError, Refused])
def test_no_error_of_an_instrument_carries_them(kind: type[InstrumentError]) -> None:
    error = kind("box said \x1b[2J")
    assert str(error) == "box said \\x1b[2J"
    assert error.args == ("box said \\x1b[2J",)
