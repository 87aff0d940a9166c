"""Lines of the DiCon GP600."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.dicon_gp600 import (
    AskOutput,
    Connect,
    Fault,
    Question,
    Reset,
    SetAutoSave,
    SetWavelength,
    decode,
    encode,
    error_text,
    numbers_of,
)

numbers = st.integers(0, 9999)
commands = st.one_of(
    st.sampled_from(Question),
    st.builds(AskOutput, numbers),
    st.builds(Connect, numbers, numbers),
    st.builds(SetAutoSave, st.booleans()),
    st.builds(SetWavelength, st.sampled_from([1310.0, 1550.0, 1064.5])),
    st.just(Reset()),
)


@given(commands)
def test_a_command_is_read_as_it_was_written(command) -> None:
    assert decode(encode(command)) == command
    assert decode(f"  {encode(command).lower()} ".replace(" ", "  ")) == command


@pytest.mark.parametrize("line", ["SYSTem:ERRor?", "syst:err?", "SYST:ERROR?"])
def test_small_letters_are_optional(line) -> None:
    assert decode(line) == Question.ERROR


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("", -113),
        (":SYST:ERR?", -113),
        ("X2 CH 1 2", -113),
        ("X1CH 1 2", -113),
        ("WEN 1?", -113),
        ("X1 CH 1", -109),
        ("X1 CH ?", -113),
        ("X1 W", -109),
        ("RESET 1", -108),
        ("X1 CH 1 2 3", -108),
        ("X1 CH 1 2?", -108),
        ("X1 CH 1,2", -109),
        ("X1 CH 1 -2", -222),
        ("X1 CH 1 99999", -222),
        ("WEN 2", -222),
        ("X1 W 1e3", -222),
        ("X1 CH " + "1" * 300, -113),
    ],
)
def test_what_is_wrong_has_its_code(line, code) -> None:
    with pytest.raises(Fault) as refused:
        decode(line)
    assert refused.value.code == code
    assert str(refused.value) == error_text(code)


@given(st.text("X1 CHWENSTR?*:;.-,0129\t\x00é", max_size=20))
def test_any_text_is_a_command_or_a_fault(text) -> None:
    with suppress(Fault):
        decode(text)


def test_answers_are_whole_numbers() -> None:
    assert numbers_of("3, 12", 2) == (3, 12)
    for text in ("3", "3, x", "3, -1", "", "1, 2, 3"):
        with pytest.raises(ValueError, match=r"whole number|2 numbers"):
            numbers_of(text, 2)
