from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.timebase.start_grid import (
    LONGEST_FS,
    NoCommonGrid,
    StartGrid,
    least_common_multiple,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, TickGrid
from podium.firmware_interfaces.tai import Tai

fractions = st.fractions(min_value=Fraction(1, 1000), max_value=10**6, max_denominator=1000)
instants = st.builds(Tai, st.integers(0, 2**40), st.integers(0, FS_PER_S - 1))
NS = FS_PER_NS
QBLOX, WHITE_RABBIT = TickGrid(Fraction(4 * NS)), TickGrid(Fraction(8 * NS))
THREE_SAMPLES = TickGrid(3 * TickGrid.from_rate_hz(2_400_000_000).period_fs)


@given(fractions, fractions)
def test_the_common_multiple_is_the_smallest_that_both_divide(one, other) -> None:
    common = least_common_multiple(one, other)
    ratios = (common / one, common / other)
    assert all(ratio.denominator == 1 for ratio in ratios)
    # Were there a smaller one, the two ratios would have a common divisor.
    assert Fraction(*(ratio.numerator for ratio in ratios)).numerator == ratios[0].numerator


@given(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.integers(1, 50), instants)
def test_a_start_lies_on_a_tick_of_everything_that_takes_part(factors, lead_fs, now) -> None:
    grids = {str(n): TickGrid(Fraction(n * NS, 3)) for n in factors}
    grid = StartGrid.common(grids)
    start = grid.at_or_after(now, lead_fs)
    assert grid.holds(start)
    assert 0 <= start - now - lead_fs < grid.period_fs
    for each in grids.values():
        assert each.ticks(start.total_fs) >= 0  # raises where it lies between two ticks


@given(instants)
def test_an_instant_on_the_grid_is_its_own_next_start(now) -> None:
    grid = StartGrid.common({"qblox": QBLOX, "white_rabbit": WHITE_RABBIT, "zi": THREE_SAMPLES})
    assert grid.period_fs == 40 * NS  # of 4 ns, 8 ns and 1.25 ns
    start = grid.at_or_after(now)
    assert grid.at_or_after(start) == start
    assert grid.at_or_after(start, 1) - start == grid.period_fs


def test_thirds_of_a_femtosecond_meet_in_whole_ones() -> None:
    assert StartGrid.common({"zi": TickGrid.from_rate_hz(2_400_000_000)}).period_fs == 1_250_000


def test_instants_beyond_what_a_float_can_tell_apart_are_exact() -> None:
    now = Tai(1_900_000_000, 999_999_999_999_999)
    assert StartGrid(4 * NS).at_or_after(now) == Tai(1_900_000_001, 0)
    assert StartGrid(4 * NS).at_or_after(now, 2) == Tai(1_900_000_001, 4 * NS)


def test_hardware_that_hardly_ever_ticks_together_is_refused_by_name() -> None:
    odd = {"a": TickGrid.from_rate_hz(999_999_937), "b": TickGrid.from_rate_hz(10_000_000)}
    with pytest.raises(NoCommonGrid, match=r"a: 1000000000000000/999999937 fs, b: 100000000 fs"):
        StartGrid.common(odd)
    assert StartGrid.common({"a": TickGrid(Fraction(LONGEST_FS))}).period_fs == LONGEST_FS


def test_ticks_without_length_are_refused() -> None:
    with pytest.raises(NoCommonGrid, match="clock: a tick lasts longer than 0 fs"):
        StartGrid.common({"clock": TickGrid(Fraction(0))})
    with pytest.raises(ValueError, match="at least 1 fs"):
        StartGrid(0)
