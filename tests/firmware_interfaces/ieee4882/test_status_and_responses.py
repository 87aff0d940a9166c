from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.ieee4882.errors import STANDARD_TEXTS, Event, ScpiError
from podium.firmware_interfaces.ieee4882.responses import (
    engineering,
    nr3,
    plain,
    quoted,
    split_response,
)
from podium.firmware_interfaces.ieee4882.status import StatusRegisters

finite = st.decimals(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)


@pytest.mark.parametrize(
    ("code", "event"),
    [
        (-113, Event.COMMAND_ERROR),
        (-222, Event.EXECUTION_ERROR),
        (-350, Event.DEVICE_ERROR),
        (-410, Event.QUERY_ERROR),
    ],
)
def test_each_class_of_errors_sets_its_own_event_bit(code, event):
    registers = StatusRegisters()
    registers.take_events()
    registers.report(ScpiError(code))
    assert registers.take_events() == event
    assert registers.take_events() == 0


def test_power_on_is_seen_once():
    registers = StatusRegisters()
    assert registers.take_events() == Event.POWER_ON
    assert registers.take_events() == 0


def test_a_full_queue_ends_with_queue_overflow_and_keeps_the_oldest():
    registers = StatusRegisters(queue_length=3)
    for _ in range(5):
        registers.report(ScpiError(-113))
    codes = []
    while (error := registers.take_error()) is not None:
        codes.append(error.code)
    assert codes == [-113, -113, -350]


@given(st.lists(st.sampled_from(sorted(STANDARD_TEXTS)), max_size=8), st.integers(0, 255))
def test_the_master_summary_follows_the_enabled_bits(codes, enabled):
    registers = StatusRegisters()
    registers.clear()
    registers.event_enable = 255
    registers.service_enable = enabled
    for code in codes:
        registers.report(ScpiError(code))
    byte = registers.status_byte(message_available=False)
    assert bool(byte & 4) == bool(codes)
    assert bool(byte & 32) == bool(codes)
    assert bool(byte & 64) == bool(byte & enabled & 0b1011_1111)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", "+1E+0"), ("30", "+30E+0"), ("0.100", "+100E-3"), ("0", "+0E+0"), ("-12.5", "-12.5E+0")],
)
def test_engineering_numbers_are_those_of_the_gs200s_manual(value, expected):
    assert engineering(Decimal(value)) == expected


@given(finite)
def test_a_number_is_the_same_after_it_was_written(value):
    for style in (engineering, nr3, plain):
        assert Decimal(style(value)) == value


@given(st.lists(st.text("a;\"',", max_size=6), min_size=1, max_size=4))
def test_a_response_is_taken_apart_where_the_units_meet(texts):
    parts = [quoted(text) for text in texts]
    assert split_response(";".join(parts)) == parts
