from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import (
    Choice,
    Real,
    Switch,
    Text,
    Whole,
    in_unit,
)
from podium.firmware_interfaces.ieee4882.program_message import (
    Block,
    Empty,
    Expression,
    Number,
    Quoted,
    Word,
    units,
)

FREQUENCY = Real("HZ", Decimal("1E6"), Decimal("12.75E9"), Decimal("0.01"))


def parameter(text: str):
    (unit,) = units(f"X {text}".encode())
    return unit.parameters[0]


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.5 GHz", "HZ", "1.5E9"),
        ("10MHZ", "HZ", "10E6"),
        ("10 mahz", "HZ", "10E6"),
        ("2 MOHM", "OHM", "2E6"),
        ("100 mV", "V", "0.1"),
        ("3 MAV", "V", "3E6"),
        ("250us", "S", "250E-6"),
        ("-7 dBm", "DBM", "-7"),
        ("12", "HZ", "12"),
    ],
)
def test_a_number_is_taken_in_the_unit_that_is_written_beside_it(text, unit, value):
    assert in_unit(parameter(text), unit) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "unit", "code"),
    [("1 V", "HZ", -131), ("1 QHZ", "HZ", -131), ("1 MDBM", "DBM", -131), ("1 V", "", -138)],
)
def test_another_unit_is_refused(text, unit, code):
    with pytest.raises(ScpiError) as caught:
        in_unit(parameter(text), unit)
    assert caught.value.code == code


def test_limits_are_inclusive_and_beyond_them_is_out_of_range():
    assert FREQUENCY.take(parameter("12.75 GHz")) == Decimal("12.75E9")
    assert FREQUENCY.take(parameter("MAX")) == Decimal("12.75E9")
    assert FREQUENCY.take(Word("MINIMUM")) == Decimal("1E6")
    for text in ("12.75000001 GHz", "0", "1E300"):
        with pytest.raises(ScpiError) as caught:
            FREQUENCY.take(parameter(text))
        assert caught.value.code == -222


@given(st.decimals("1E6", "12.75E9", places=5))
def test_a_number_is_rounded_to_the_resolution_and_no_further(value):
    taken = FREQUENCY.take(Number(value))
    assert abs(taken - value) <= Decimal("0.005")
    assert taken % Decimal("0.01") == 0


@pytest.mark.parametrize(
    ("text", "value"), [("ON", True), ("0", False), ("2", True), ("0.4", False), ("OFF", False)]
)
def test_a_switch_takes_words_and_numbers(text, value):
    assert Switch().take(parameter(text)) is value


def test_a_choice_takes_both_forms_and_answers_the_short_one():
    choice = Choice(("VOLTage", "CURRent"))
    assert choice.take(Word("VOLTAGE")) == choice.take(Word("VOLT")) == "VOLT"
    for text in ("VOLTA", "WATT"):
        with pytest.raises(ScpiError) as caught:
            choice.take(Word(text))
        assert caught.value.code == -141
    assert Choice(("10MHZ", "100MHZ")).take(parameter("100MHz")) == "100MHZ"


def test_a_whole_number_is_rounded_and_kept_in_its_limits():
    assert Whole(0, 255).take(parameter("7.6")) == 8
    assert Whole(1, 59, digits=2).answer(7) == "07"
    for text in ("255.5", "-1", "1E99"):
        with pytest.raises(ScpiError) as caught:
            Whole(0, 255).take(parameter(text))
        assert caught.value.code == -222


@pytest.mark.parametrize("kind", [FREQUENCY, Switch(), Whole(0, 9), Choice(("AUTO",)), Text(3)])
@pytest.mark.parametrize(
    "wrong",
    [Number(Decimal(10**30), "V"), Word("XYZW"), Quoted("long"), Block(b""), Expression("(1)")],
)
def test_every_kind_refuses_what_is_not_of_it_with_an_error_of_the_standard(kind, wrong):
    with pytest.raises(ScpiError):
        kind.take(wrong)


def test_too_few_and_too_many_parameters_are_told_apart():
    command = Command("X", (Whole(0, 9), Whole(0, 9)), (), optional=1)
    assert command.take(False, (Number(Decimal(1)),)) == (1, None)
    with pytest.raises(ScpiError) as caught:
        command.take(False, ())
    assert caught.value.code == -109
    with pytest.raises(ScpiError) as caught:
        command.take(False, (Number(Decimal(1)),) * 3)
    assert caught.value.code == -108
    with pytest.raises(ScpiError) as caught:
        command.take(False, (Empty(),))
    assert caught.value.code == -109


def test_nothing_between_commas_keeps_a_field_only_where_the_instrument_says_so():
    lenient = Command("X", (Whole(0, 9), Whole(0, 9)), (), empty_keeps=True)
    assert lenient.take(False, (Empty(), Number(Decimal(1)))) == (None, 1)


def test_a_command_without_query_form_is_undefined_as_a_query():
    with pytest.raises(ScpiError) as caught:
        Command("X", ()).take(True, ())
    assert caught.value.code == -113
