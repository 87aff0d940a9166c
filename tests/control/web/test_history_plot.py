"""A quantity over days, as the page draws it."""

import re

import pytest

from podium.control.web.history_plot import Point, plot

DAY_S = 86400.0


def circles(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)]


def texts(svg: str) -> list[str]:
    return re.findall(r">([^<]+)</text>", svg)


def test_later_is_right_and_more_is_up() -> None:
    svg = str(plot([Point(0, 1.0), Point(DAY_S, 3.0), Point(2 * DAY_S, 2.0)], "K", "fridge"))
    (x0, y0), (x1, y1), (x2, y2) = circles(svg)
    assert x0 < x1 < x2
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y1 < y2 < y0
    assert y2 == pytest.approx((y0 + y1) / 2, abs=0.2)


def test_a_sigma_is_a_bar_of_its_length() -> None:
    svg = str(plot([Point(0, 1.0, 0.5), Point(1, 3.0, 0.5)], "s", "t1"))
    bars = [(float(a), float(b)) for a, b in re.findall(r'd="M[\d.]+ ([\d.]+)V([\d.]+)"', svg)]
    (_, y0), (_, y1) = circles(svg)
    for top, bottom in bars:
        assert bottom - top == pytest.approx((y0 - y1) / 2, abs=0.2)


def test_small_changes_of_a_large_number_are_told_from_the_latest() -> None:
    svg = str(plot([Point(0, 6.02e9 + 40.0, 5.0), Point(1, 6.02e9, 5.0)], "Hz", "f01"))
    assert "latest" in texts(svg)
    assert "+20 Hz" in texts(svg)


def test_a_fridge_that_cools_down_is_on_a_logarithmic_axis() -> None:
    svg = str(plot([Point(0, 300.0), Point(1, 4.0), Point(2, 0.012)], "K", "fridge"))
    assert {"100 K", "1 K", "100 mK"} <= set(texts(svg))


def test_one_value_and_none_are_no_plot() -> None:
    assert str(plot([Point(0, 1.0)], "K", "x")) == ""
    assert str(plot([Point(0, 1.0), Point(1, float("nan"))], "K", "x")) == ""


def test_values_that_are_all_the_same_are_drawn() -> None:
    svg = str(plot([Point(5, 0.0), Point(5, 0.0)], "V", "<x>"))
    assert len(circles(svg)) == 2
    assert "<x>" not in svg


def test_of_very_many_the_newest_is_among_those_that_are_drawn() -> None:
    svg = str(plot([Point(n, float(n)) for n in range(5000)], "K", "x"))
    drawn = circles(svg)
    assert len(drawn) <= 400
    assert drawn[-1] == max(drawn)
