import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.report.plot_axis import PlotAxis, axis_over, between, edges_of


@pytest.mark.parametrize(
    ("low", "high", "most", "texts", "factor"),
    [
        (0, 1, 5, ("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"), ""),
        (-1.2, 1.2, 5, ("−1.0", "−0.5", "0.0", "0.5", "1.0"), ""),
        (7.25125, 7.25155, 5, ("7.2513", "7.2514", "7.2515"), ""),
        (0, 8.2e-16, 4, ("0.0", "2.5", "5.0", "7.5"), "1e−16"),
        (0, 3e7, 3, ("0", "1", "2", "3"), "1e7"),
        (-0.25, 0.5, 3, ("−0.25", "0.00", "0.25", "0.50"), ""),
    ],
)
def test_ticks_are_round_numbers_with_all_their_digits(low, high, most, texts, factor) -> None:
    ticks = PlotAxis(low, high).ticks(most)
    assert (ticks.texts, ticks.factor) == (texts, factor)
    step = np.diff(ticks.places)
    assert np.allclose(step, step[0])


@given(
    st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.integers(3, 9), st.sampled_from([1, 1e-15, 1e12])
)
def test_there_are_neither_few_nor_many_ticks_and_all_on_the_axis(low, span, most, unit) -> None:
    axis = between(low * unit, (low + span) * unit)
    ticks = axis.ticks(most)
    assert most / 3 - 1 <= len(ticks.places) <= most + 1
    share = axis.share(np.array(ticks.places))
    assert np.all((share >= -1e-6) & (share <= 1 + 1e-6))
    told = [float(text.replace("−", "-")) for text in ticks.texts]
    factor = float((ticks.factor or "1").replace("−", "-"))
    step = ticks.places[1] - ticks.places[0] if len(ticks.places) > 1 else axis.high - axis.low
    assert np.allclose(np.array(told) * factor, ticks.places, rtol=0, atol=2e-3 * step)


def test_a_logarithmic_axis_has_its_decades() -> None:
    axis = PlotAxis(0.005, 0.7, log=True)
    assert axis.ticks(5).texts == ("0.01", "0.1")
    assert PlotAxis(0.04, 0.7, log=True).ticks(5).texts == ("0.05", "0.1", "0.2", "0.5")
    assert axis.share(np.array([0.005, 0.7])) == pytest.approx([0, 1])
    assert axis.share(np.array([np.sqrt(0.005 * 0.7)])) == pytest.approx([0.5])


def test_all_data_lie_on_the_axis_with_room_at_both_ends() -> None:
    axis = axis_over([np.array([1.0, np.nan]), np.array([np.inf, 3.0])])
    assert (axis.low, axis.high) == pytest.approx((0.9, 3.1))
    assert axis_over([np.array([1.0, 3.0])], marks=[2.0]) == axis
    assert axis_over([np.array([1.0, 3.0])], marks=[5.0]).high > 5.0


@pytest.mark.parametrize("value", [0.0, 1.0, -7e9, 1e-30])
def test_one_number_has_an_axis_too(value: float) -> None:
    axis = axis_over([np.array([value])])
    assert axis.low < value < axis.high
    assert axis.share(np.array([value])) == pytest.approx([0.5])


def test_cells_meet_half_way_between_their_centres() -> None:
    assert edges_of(np.array([0.0, 1.0, 3.0])) == pytest.approx([-0.5, 0.5, 2.0, 4.0])
    assert edges_of(np.array([1.0, 100.0]), log=True) == pytest.approx([0.1, 10, 1000])
    for log in (False, True):
        low, high = edges_of(np.array([4.0]), log)
        assert low < 4 < high
