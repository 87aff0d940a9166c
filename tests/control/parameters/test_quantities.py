"""What is printed of a parameter can be given back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.parameters.quantities import parse_told, told
from podium.firmware_interfaces.quantity import QuantityError

UNITS = ("Hz", "s", "V", "K", "W", "1", "Hz/V")


@given(
    value=st.floats(1e-9, 1e12) | st.floats(-1e12, -1e-9),
    share=st.floats(1e-7, 0.9),
    unit=st.sampled_from(UNITS),
    percent=st.booleans(),
)
def test_what_is_printed_is_read_as_what_it_was(
    value: float, share: float, unit: str, percent: bool
) -> None:
    sigma = abs(value) * share
    percent = percent and unit == "1"
    found, doubt = parse_told(told(value, sigma, unit, percent=percent), unit)
    assert found == pytest.approx(value, abs=0.06 * sigma, rel=1e-12)
    assert doubt == pytest.approx(sigma, rel=0.06)


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (-221.0, 124_836.0, "0 ± 125 kHz"),
        (0.0, 26e-3, "0 ± 26 mHz"),
        (3e-6, 0.0, "3.000 ± 0.000 µHz"),
    ],
)
def test_the_larger_of_value_and_sigma_tells_the_prefix(
    value: float, sigma: float, text: str
) -> None:
    assert told(value, sigma, "Hz") == text


@pytest.mark.parametrize(
    ("text", "unit", "value", "sigma"),
    [
        ("33.2 ± 1.4 µs", "s", 33.2e-6, 1.4e-6),
        ("33.2 +- 1.4 us", "s", 33.2e-6, 1.4e-6),
        ("6.02134 GHz ± 12 Hz", "Hz", 6.02134e9, 12.0),
        ("-1.2 MHz", "Hz", -1.2e6, None),
        ("99.12 ± 0.07 %", "1", 0.9912, 7e-4),
        ("0.25", "1", 0.25, None),
        ("1e3 Hz", "Hz", 1e3, None),
    ],
)
def test_numbers_as_people_write_them(
    text: str, unit: str, value: float, sigma: float | None
) -> None:
    found, doubt = parse_told(text, unit)
    assert found == pytest.approx(value)
    assert doubt == (None if sigma is None else pytest.approx(sigma))


@pytest.mark.parametrize(
    ("text", "unit"), [("6", "Hz"), ("6 V", "Hz"), ("± 3 Hz", "Hz"), ("6 ± ", "Hz"), ("x", "Hz/V")]
)
def test_what_is_no_quantity_is_refused(text: str, unit: str) -> None:
    with pytest.raises(QuantityError):
        parse_told(text, unit)
