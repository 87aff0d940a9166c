import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.quantity import (
    DIMENSIONS,
    UNITS,
    QuantityError,
    format_quantity,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("7.1 GHz", "Hz", 7.1e9),
        ("7.1GHz", "Hz", 7.1e9),
        ("-1.2 MHz", "Hz", -1.2e6),
        ("1e-3 GHz", "Hz", 1e6),
        ("33 us", "s", 3.3e-5),
        ("33 µs", "s", 3.3e-5),
        ("2 min", "s", 120.0),
        ("500 mV/s", "V/s", 0.5),
        ("-30 dBm", "dBm", -30.0),
        ("20 dB", "dB", 20.0),
        ("20 mK", "K", 0.02),
        (0.4, "1", 0.4),
        ("40 %", "1", 0.4),
    ],
)
def test_a_quantity_is_read_in_si_rounded_once(text: str | float, unit: str, value: float) -> None:
    assert parse_quantity(text, unit) == value


@pytest.mark.parametrize(
    ("text", "unit", "says"),
    [
        ("7.1", "Hz", "no unit; a frequency is wanted, written like '7.1 GHz'"),
        (7.1, "Hz", "no unit"),
        ("7.1 ghz", "Hz", "did you mean '7.1 GHz'?"),
        ("1.2 A", "V", "is a current; a voltage is wanted"),
        ("1.2 V", "V/s", "is a voltage; a rate of voltage is wanted"),
        ("20 dBm", "dB", "is a power in dBm; a ratio in decibels is wanted"),
        ("3 furlong", "s", "a time is given in s, ms, us"),
        ("0.4 V", "1", "is a voltage; a plain number is wanted"),
        ("fast", "Hz", "'fast' is not a frequency"),
        ("1..2 V", "V", "is not a voltage"),
        ("nan V", "V", "is not a voltage"),
        ("1e400 V", "V", "too large"),
        (True, "1", "is not a plain number"),
        ("", "K", "is not a temperature"),
    ],
)
def test_what_is_not_a_quantity_is_refused_with_what_would_be_right(
    text: str | float, unit: str, says: str
) -> None:
    with pytest.raises(QuantityError) as refused:
        parse_quantity(text, unit)
    assert says in str(refused.value)


PREFIXES = {"G": 9, "M": 6, "k": 3, "h": 2, "": 0, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9}
PREFIXES |= {"p": -12, "f": -15}
OF_THEIR_OWN = {"min": 60.0, "h": 3600.0, "%": 0.01, "bar": 1e5, "mbar": 1e2}


@pytest.mark.parametrize(
    ("unit", "suffix"), [(unit, suffix) for unit, known in UNITS.items() for suffix in known]
)
def test_a_prefix_is_its_power_of_ten_in_every_unit(unit: str, suffix: str) -> None:
    factor = OF_THEIR_OWN.get(suffix)
    if factor is None:
        prefix = suffix.removesuffix(unit)
        assert suffix == f"{prefix}{unit}"
        factor = float(f"1e{PREFIXES[prefix]}")
    assert parse_quantity(f"1 {suffix}", unit) == factor
    assert parse_quantity(f"-2.5e1{suffix}", unit) == pytest.approx(-25 * factor, rel=1e-15)


@pytest.mark.parametrize("unit", sorted(UNITS.keys() - {"1"}))
def test_a_number_without_its_unit_is_refused_whatever_is_wanted(unit: str) -> None:
    for text in ("1200", 1200, 0, "0"):
        with pytest.raises(QuantityError, match="has no unit"):
            parse_quantity(text, unit)


def test_every_unit_has_a_word_for_what_it_measures() -> None:
    assert UNITS.keys() == DIMENSIONS.keys()


@given(
    st.floats(min_value=1e-12, max_value=1e12),
    st.sampled_from([-1.0, 1.0]),
    st.sampled_from(sorted(UNITS)),
)
def test_what_is_printed_for_people_reads_back_to_six_digits(
    magnitude: float, sign: float, unit: str
) -> None:
    value = sign * magnitude
    assert parse_quantity(format_quantity(value, unit), unit) == pytest.approx(value, rel=1e-5)


@given(st.text(max_size=12), st.sampled_from(sorted(UNITS)))
def test_any_text_is_a_quantity_or_a_quantity_error(text: str, unit: str) -> None:
    with contextlib.suppress(QuantityError):
        assert isinstance(parse_quantity(text, unit), float)
