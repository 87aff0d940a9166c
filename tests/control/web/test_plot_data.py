"""Numbers of a plot are those that Python rounds to so many digits."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podium.control.bus.records import RunPreview, ValuePreview
from podium.control.web.plot_data import DIGITS, recorded


def drawn(values: list[float]) -> list[float | None]:
    one = ValuePreview(("x",), "V", np.array(values))
    plain = json.loads(recorded(RunPreview("1-1", "scan", True, (), {}, {"a": one})))
    found: list[float | None] = plain["values"]["a"]["values"]
    return found


@given(st.lists(st.floats(allow_subnormal=False), min_size=1, max_size=5))
def test_values_have_five_digits_and_what_is_no_number_is_null(values) -> None:
    for value, found in zip(values, drawn(values), strict=True):
        if not np.isfinite(value):
            assert found is None
            continue
        expected = float(f"{value:.{DIGITS}g}")
        # the last digit of a value half way between two may be either
        assert found is not None
        assert abs(found - expected) <= 1.001e-5 * abs(expected) or found == expected
        assert (
            len(f"{found:.15g}".replace("-", "").replace(".", "").partition("e")[0].strip("0"))
            <= DIGITS
        )


def test_the_least_numbers_there_are_stay() -> None:
    assert drawn([5e-324, -3e-310]) == [5e-324, -3e-310]  # subnormal: they have few digits anyway


def test_digits_are_not_lost_to_binary_fractions() -> None:
    assert drawn([0.123456, 1.1e-30, -98765.4321, 6.02e23]) == [0.12346, 1.1e-30, -98765.0, 6.02e23]
