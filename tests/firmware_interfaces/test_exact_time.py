"""Exact time: whole femtoseconds, and grids that round nothing."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import (
    FS_PER_MS,
    FS_PER_NS,
    FS_PER_S,
    FS_PER_US,
    OffGridError,
    TickGrid,
)

RATES_HZ = (1_000_000_000, 2_400_000_000, 2_000_000_000, 999_999_937, 3)


def test_units_are_powers_of_a_thousand() -> None:
    assert (FS_PER_NS, FS_PER_US, FS_PER_MS, FS_PER_S) == (10**6, 10**9, 10**12, 10**15)


@given(st.sampled_from(RATES_HZ), st.integers(-(10**9), 10**9))
def test_a_second_has_as_many_ticks_as_the_rate_says(rate_hz: int, seconds: int) -> None:
    assert TickGrid.from_rate_hz(rate_hz).ticks(seconds * FS_PER_S) == seconds * rate_hz


@given(st.sampled_from(RATES_HZ), st.integers(-(10**18), 10**18))
def test_a_time_is_a_whole_number_of_ticks_or_refused(rate_hz: int, time_fs: int) -> None:
    grid = TickGrid.from_rate_hz(rate_hz)
    if (time_fs * rate_hz) % FS_PER_S == 0:
        assert grid.ticks(time_fs) == time_fs * rate_hz // FS_PER_S
    else:
        with pytest.raises(OffGridError):
            grid.ticks(time_fs)


def test_a_time_between_two_ticks_names_both() -> None:
    grid = TickGrid(Fraction(FS_PER_NS))
    with pytest.raises(OffGridError) as refused:
        grid.ticks(12_500)
    assert str(refused.value) == "12500 fs is between tick 0 (0 fs) and tick 1 (1000000 fs)"
    with pytest.raises(OffGridError, match=r"tick -1 \(-1000000 fs\) and tick 0 \(0 fs\)"):
        grid.ticks(-1)


def test_three_samples_of_2_4_gsa_are_1_25_ns_and_one_is_refused() -> None:
    grid = TickGrid.from_rate_hz(2_400_000_000)
    assert grid.period_fs == Fraction(1_250_000, 3)
    assert grid.ticks(1_250_000) == 3
    for time_fs in (416_666, 416_667):
        with pytest.raises(OffGridError):
            grid.ticks(time_fs)
