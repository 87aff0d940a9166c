"""The broken time axis: nothing that happens is cut, order and scale hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.pictures.time_axis import CUT_WIDTH, say_time, time_axis
from podium.control.pictures.view import Lane, Opening, PulseStretch, Tuning, View


def view(*pulses: tuple[int, int, bool], duration_ns: int, window: tuple[int, int] | None = None):
    """Return one lane with pulses (start, length, whether flat)."""
    stretches = tuple(
        PulseStretch(
            start,
            np.ones(n, complex) if flat else np.hanning(n + 2)[1:-1] + 0j,
            0.0,
            5e9,
            "pulse",
        )
        for start, n, flat in pulses
    )
    openings = () if window is None else (Opening(*window, "q0", 5e9, 0.0),)
    lane = Lane("f", "p", "c", 5e9, (Tuning(0, 5e9),), stretches, openings)
    return View("program", duration_ns, (lane,))


def test_a_long_wait_is_cut_and_what_happens_is_not() -> None:
    axis = time_axis([view((200_000, 40, False), duration_ns=200_200)], 100, 1000)
    (cut,) = axis.cuts
    assert cut.end_ns - cut.start_ns > 190_000
    assert axis.x(0) == 100
    assert axis.x(200_200) == pytest.approx(1100)
    assert axis.x(200_040) - axis.x(200_000) == pytest.approx(40 * axis.per_ns)


def test_a_level_that_is_held_and_a_window_that_stays_open_can_be_cut() -> None:
    long = view((0, 40, False), (100, 500_000, True), duration_ns=500_200, window=(200, 499_000))
    axis = time_axis([long], 0, 1000)
    assert sum(cut.end_ns - cut.start_ns for cut in axis.cuts) > 490_000
    assert axis.x(40) - axis.x(0) > 20, "the short pulse is seen"
    for edge in (0, 40, 100, 200, 499_200, 500_100, 500_200):
        assert any(part.start_ns <= edge <= part.end_ns for part in axis.parts), edge


def test_what_is_of_one_size_is_not_cut() -> None:
    axis = time_axis(
        [view((0, 40, False), (300, 400, True), duration_ns=1000, window=(350, 300))], 0, 1000
    )
    assert axis.cuts == ()


def test_an_empty_shot_has_an_axis() -> None:
    assert time_axis([view(duration_ns=0)], 0, 1000).x(0) == 0
    assert time_axis([view(duration_ns=10**9)], 0, 1000).x(10**9) == pytest.approx(1000)


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 3000), st.booleans()), max_size=8))
def test_any_shot_keeps_its_events_in_view_in_order_and_in_scale(pulses) -> None:
    end_ns = max((start + n for start, n, _ in pulses), default=0) + 10
    axis = time_axis([view(*pulses, duration_ns=end_ns)], 50, 900)
    shown = sum(part.width for part in axis.parts) + CUT_WIDTH * len(axis.cuts)
    assert shown == pytest.approx(900)
    assert len(axis.cuts) == len(axis.parts) - 1
    for start, n, _ in pulses:
        for edge in (start, start + n):
            assert any(p.start_ns - 1e-6 <= edge <= p.end_ns + 1e-6 for p in axis.parts)
    times = sorted({0, end_ns, *(start for start, _, _ in pulses)})
    places = [axis.x(time) for time in times]
    assert places == sorted(places)
    for part in axis.parts:
        assert part.width == pytest.approx((part.end_ns - part.start_ns) * axis.per_ns)
    ticks = axis.ticks()
    assert ticks == sorted(ticks)
    assert all(50 - 1e-6 <= axis.x(tick) <= 950 + 1e-6 for tick in ticks)


@pytest.mark.parametrize(
    ("ns", "said"), [(0, "0 ns"), (40, "40 ns"), (1204, "1.204 µs"), (2e5, "200 µs"), (5e9, "5 s")]
)
def test_times_are_said_in_the_unit_that_fits(ns: float, said: str) -> None:
    assert say_time(ns) == said
