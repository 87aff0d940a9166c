"""A fit that is repeated with something shifted begins from what it found before."""

import numpy as np
import pytest

from podium.control.calibration.fits import least_squares
from podium.control.calibration.fits.least_squares import (
    Bound,
    FitFailed,
    Solution,
    Solutions,
    fit_least_squares,
    near,
    solutions_noted,
    starts_of_next,
)

X = np.linspace(0.0, 1.0, 60)


def decaying(at):
    amplitude, rate, frequency, offset = at
    return amplitude * np.exp(-rate * X) * np.cos(2 * np.pi * frequency * X) + offset


def two_wells(values):
    x = values["x"]
    return np.array([x * x - 1.0, 0.3 * (x - 1.0)])


def test_a_fit_near_an_earlier_one_stays_in_its_minimum() -> None:
    """Of two minima near -1 and at 1 the one at 1 is lower; the shifted data lower the other."""
    starts = [{"x": -1.5}, {"x": 1.5}]
    with solutions_noted() as solutions:
        first = fit_least_squares(two_wells, np.zeros(2), 1.0, starts)
    assert first.values["x"] == pytest.approx(1.0)
    shifted = np.array([0.0, -0.6])
    assert fit_least_squares(two_wells, shifted, 1.0, starts).values["x"] < 0
    with near(solutions):
        assert fit_least_squares(two_wells, shifted, 1.0, starts).values["x"] > 0
    with near(solutions):  # and again: nothing was used up
        assert fit_least_squares(two_wells, shifted, 1.0, starts).values["x"] > 0


def test_a_second_fit_has_its_own_predecessor_and_a_third_has_none() -> None:
    def line(values):
        return values["a"] * X + values["b"]

    with solutions_noted() as solutions:
        fit_least_squares(two_wells, np.zeros(2), 1.0, [{"x": 1.5}])
        fit_least_squares(line, 2 * X + 1, 1.0, [{"a": 0.0, "b": 0.0}])
    assert [one and one.names for one in solutions.found] == [("x",), ("a", "b")]
    with near(solutions):
        fit_least_squares(two_wells, np.zeros(2), 1.0, [{"x": -1.5}])
        again = fit_least_squares(line, 3 * X + 1, 1.0, [{"a": 0.0, "b": 0.0}])
        third = fit_least_squares(two_wells, np.zeros(2), 1.0, [{"x": -1.5}])
    assert again.values["a"] == pytest.approx(3.0)
    assert third.values["x"] < 0
    assert len(solutions.found) == 2


def test_a_parameter_is_fitted_up_to_its_bound() -> None:
    with pytest.raises(FitFailed, match="do not fix"):
        fit_least_squares(
            lambda v: v["a"] * X * 0 + v["b"], X * 0 + 1 + 0.1 * X, 1.0, [{"a": 1.0, "b": 1.0}]
        )
    fit = fit_least_squares(lambda v: v["a"] * X, 2 * X, 0.01, [{"a": 0.5}], {"a": Bound(0.0, 1.0)})
    assert fit.values["a"] == pytest.approx(1.0, abs=1e-5)


def test_where_a_slope_vanishes_the_other_starts_are_tried_again() -> None:
    def model(values):
        return values["a"] + max(values["w"], 0.0) * X

    slopes = np.column_stack([np.ones(X.size), np.zeros(X.size)])
    with near(Solutions([Solution(("a", "w"), np.array([1.0, -1.0]), X * 0, slopes, None)])):
        again = fit_least_squares(model, 1 + 0.5 * X, 0.01, [{"a": 0.8, "w": 0.7}])
    assert again.values["w"] == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_that_is_repeated_moves_as_one_from_the_start_and_asks_its_model_rarely(
    seed: int,
) -> None:
    """What a known frequency's sigma does to amplitude and rate, by both ways."""
    asked = 0

    def model(values, frequency):
        nonlocal asked
        asked += 1
        return decaying((values["amplitude"], values["rate"], frequency, values["offset"]))

    noise = 0.02 * np.random.default_rng(seed).standard_normal(X.size)
    data = decaying((1.0, 1.2, 3.0, 0.1)) + noise
    starts = [{"amplitude": 0.8, "rate": 1.0, "offset": 0.0}]
    with solutions_noted() as solutions:
        first = fit_least_squares(lambda v: model(v, 3.0), data, 0.02, starts)
    full = fit_least_squares(lambda v: model(v, 3.02), data, 0.02, starts)
    asked = 0
    with near(solutions):
        quick = fit_least_squares(lambda v: model(v, 3.02), data, 0.02, starts)
    assert asked <= 8
    for name, value in first.values.items():
        moved = full.values[name] - value
        assert quick.values[name] - value == pytest.approx(
            moved, abs=0.1 * abs(moved) + 0.02 * first.sigmas[name]
        )


@pytest.mark.parametrize("seed", range(5))
def test_a_fit_that_moves_by_little_asks_its_model_once(seed: int) -> None:
    """A shift of a fifth of a sigma goes by the slopes that are known, another by new ones."""
    asked = 0

    def model(values, frequency):
        nonlocal asked
        asked += 1
        return decaying((values["amplitude"], values["rate"], frequency, values["offset"]))

    noise = 0.02 * np.random.default_rng(seed).standard_normal(X.size)
    data = decaying((1.0, 1.2, 3.0, 0.1)) + noise
    starts = [{"amplitude": 0.8, "rate": 1.0, "offset": 0.0}]
    with solutions_noted() as solutions:
        first = fit_least_squares(lambda v: model(v, 3.0), data, 0.02, starts)
    for shift, most in ((3e-4, 1), (0.05, 20)):
        full = fit_least_squares(lambda v, at=3.0 + shift: model(v, at), data, 0.02, [first.values])
        asked = 0
        with near(solutions):
            quick = fit_least_squares(lambda v, at=3.0 + shift: model(v, at), data, 0.02, starts)
        assert 1 <= asked <= most
        for name, value in first.values.items():
            moved = full.values[name] - value
            assert quick.values[name] - value == pytest.approx(
                moved, abs=0.1 * abs(moved) + 0.01 * first.sigmas[name]
            )


def test_a_fit_whose_residuals_have_not_moved_is_what_it_was_to_the_bit() -> None:
    asked = []

    def model(values):
        asked.append(values)
        return values["a"] * np.exp(-values["rate"] * X)

    data = np.exp(-2 * X) + 0.01 * np.random.default_rng(3).normal(size=X.size)
    with solutions_noted() as solutions:
        first = fit_least_squares(model, data, 0.01, [{"a": 0.9, "rate": 1.0}])
    asked.clear()
    with near(solutions):
        again = fit_least_squares(model, data, 0.01, [{"a": 0.9, "rate": 1.0}])
    assert again.values == first.values
    assert again.sigmas == first.sigmas
    assert len(asked) == 1


def test_what_lies_at_its_bound_stays_there_while_its_data_push_it_outwards() -> None:
    """By its slopes alone it would move inwards with the data, and its sigma would grow by that."""
    noise = 0.01 * np.random.default_rng(4).normal(size=X.size)
    bounds = {"a": Bound(0.0, 1.0)}
    with solutions_noted() as solutions:
        first = fit_least_squares(lambda v: v["a"] * X, 2 * X + noise, 0.01, [{"a": 0.5}], bounds)
    with near(solutions):
        again = fit_least_squares(
            lambda v: v["a"] * X, 1.9995 * X + noise, 0.01, [{"a": 0.5}], bounds
        )
    assert again.values["a"] == pytest.approx(first.values["a"], abs=1e-5)


def test_where_a_fit_is_repeated_nothing_is_searched_for() -> None:
    searched = []

    def search():
        searched.append(1)
        return [{"x": 1.5}]

    def fit(data):
        return fit_least_squares(two_wells, data, 1.0, starts_of_next(search)).values["x"]

    with solutions_noted() as solutions:
        first, second = fit(np.zeros(2)), fit(np.array([0.1, 0.0]))
    assert len(searched) == 2
    with near(solutions):
        assert fit(np.zeros(2)) == pytest.approx(first)
        assert fit(np.array([0.1, 0.0])) == pytest.approx(second)
        assert len(searched) == 2
        fit(np.zeros(2))  # a third one, which the first time had not
    assert len(searched) == 3


def test_a_start_that_leads_to_a_known_end_is_given_up_on_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four starts in one basin find what they find to their ends, and ask the model less."""
    asked = []

    def model(values):
        asked.append(values)
        return decaying([values[name] for name in ("amplitude", "rate", "frequency", "offset")])

    data = decaying([1.0, 2.0, 3.0, 0.2]) + 0.02 * np.random.default_rng(5).normal(size=X.size)
    starts = [
        {"amplitude": 0.8 * more, "rate": 1.0 * more, "frequency": 2.9, "offset": 0.0}
        for more in (1.0, 0.95, 1.05, 1.1)
    ]
    given_up = fit_least_squares(model, data, 0.02, starts)
    few = len(asked)
    asked.clear()
    monkeypatch.setattr(least_squares, "BESIDE", 0.0)
    to_the_end = fit_least_squares(model, data, 0.02, starts)
    assert few < 0.85 * len(asked)
    for name, value in to_the_end.values.items():
        assert given_up.values[name] == pytest.approx(value, abs=0.02 * to_the_end.sigmas[name])


@pytest.mark.parametrize("first", [-1.0, 1.0])
def test_a_better_end_is_found_behind_a_worse_one(first: float) -> None:
    """The start that lies lower leads into the higher of two wells, and the other one counts."""

    def wells(values):
        x = values["x"]
        return np.array([x * x - 1.0, 0.1 * (x - 1.0)])

    starts = [{"x": first * 1.3}, {"x": -first * 1.3}]
    assert fit_least_squares(wells, np.zeros(2), 1.0, starts).values["x"] == pytest.approx(1.0)
