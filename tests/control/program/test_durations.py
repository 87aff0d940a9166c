"""Durations in nanoseconds: exact, or refused with the nearest that are."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.program.durations import NotATime, fs_of_ns
from podium.control.program.program import Affine, Capture, Delay, Linear, Table, Variable
from podium.control.program.waveforms import Drag, FlatTop, Gaussian, Square

NS = 10**6


@pytest.mark.parametrize(
    "ns", [40, 40.0, "40", Decimal(40), np.int64(40), np.float64(40), np.float32(40)]
)
def test_forty_nanoseconds_however_they_are_written(ns) -> None:
    assert Square(ns=ns) == Square(40 * NS)
    assert type(Square(ns=ns).duration_fs) is int


def test_a_number_counts_as_it_is_written_in_decimal() -> None:
    assert Square(ns=0.1).duration_fs == 100_000
    assert Square(ns="10.000001").duration_fs == 10_000_001


@given(st.integers(-(10**18), 10**18))
def test_every_femtosecond_can_be_written_in_nanoseconds(fs: int) -> None:
    assert fs_of_ns(Decimal(fs).scaleb(-6), "a time") == fs
    assert fs_of_ns(str(Decimal(fs).scaleb(-6)), "a time") == fs


@given(st.floats(-1e9, 1e9))
def test_a_float_is_exact_or_refused_and_never_rounded(ns: float) -> None:
    whole = Fraction(repr(ns)) * NS
    if whole.denominator == 1:
        assert fs_of_ns(ns, "a time") == whole
    else:
        with pytest.raises(NotATime, match="no whole number of femtoseconds; the nearest are"):
            fs_of_ns(ns, "a time")


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (0.1 + 0.2, r"Square ns = 0\.30000000000000004 ns .* the nearest are 0\.3 and 0\.300001"),
        ("40 ns", "'40 ns' is no number"),
        (True, "True is no number"),
        (float("nan"), "no finite number"),
        ("1e999999999", "no finite number"),
        (1e13, "more than a run can last"),
    ],
)
def test_what_is_no_time_is_refused_in_words(ns, said: str) -> None:
    with pytest.raises(NotATime, match=said):
        Square(ns=ns)


def test_a_time_is_given_once() -> None:
    with pytest.raises(NotATime, match="give one of the two"):
        Square(40 * NS, ns=40)
    with pytest.raises(NotATime, match="Gaussian sigma_ns is missing"):
        Gaussian(ns=40)
    with pytest.raises(TypeError, match="beta_s is missing"):
        Drag(ns=40, sigma_ns=10)


def test_pulses_captures_and_delays_are_the_same_in_both_units() -> None:
    assert Gaussian(ns=40, sigma_ns=10) == Gaussian(40 * NS, 10 * NS)
    assert Drag(ns=40, sigma_ns=10, beta_s=1e-9) == Drag(40 * NS, 10 * NS, 1e-9)
    assert FlatTop(ns=40, rise_ns="2.5") == FlatTop(40 * NS, 2_500_000)
    assert Capture("r", "q", ns=800, delay_ns=360) == Capture("r", "q", 800 * NS, 360 * NS)
    assert Capture("r", "q", ns=800).delay_fs == 0
    assert Delay(("r",), ns=12.5) == Delay(("r",), 12_500_000)


def test_what_is_swept_needs_no_unit() -> None:
    with pytest.raises(NotATime, match=r"Delay\(frames, Affine\("):
        Delay(("r",), ns=Affine("wait"))  # type: ignore[arg-type]


def test_a_sweep_is_written_by_its_ends() -> None:
    assert Linear(0, 0.3, 4) == Linear.steps(0, 0.1, 4)
    assert Linear(7.24e9, 7.28e9, 81) == Linear.steps(7.24e9, 0.5e6, 81)
    assert Linear(5, 5, 1) == Linear.steps(5, 0, 1)
    assert type(Linear(0, 100, 5).step) is int
    with pytest.raises(ValueError, match="its last word counts the values"):
        Linear(0, 1, 0.1)
    with pytest.raises(ValueError, match="one value cannot lie at both ends"):
        Linear(0, 1, 1)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.integers(2, 1000))
def test_a_sweep_ends_where_it_is_said_to(start: float, stop: float, count: int) -> None:
    swept = Variable("x", "Hz", Linear(start, stop, count))
    assert swept.value(0) == start
    assert swept.value(count - 1) == pytest.approx(stop, rel=1e-12, abs=1e-6)


def test_times_that_are_swept_may_be_nanoseconds() -> None:
    assert Variable("t", "ns", Linear(4, 120, 30)) == Variable(
        "t", "fs", Linear.steps(4 * NS, 4 * NS, 30)
    )
    assert Variable("t", "ns", Table((1, "2.5"))).values == Table((NS, 2_500_000))
    with pytest.raises(NotATime, match=r"variable 't' in steps of = 3\.448"):
        Variable("t", "ns", Linear(0, 100, 30))
