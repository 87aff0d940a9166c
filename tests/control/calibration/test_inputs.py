"""The doubt of what a fit takes from elsewhere is in its result, by one rule."""

import numpy as np
import pytest

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.inputs import Inputs, propagate
from podium.control.parameters.entry import Measured


def product(shifts: dict[str, float], inputs: Inputs | None = None) -> dict[str, Measured]:
    """A fit that takes a = 3 ± 0.3 and b = 5 ± 0.1, and finds their product."""
    taken = inputs or Inputs(shifts=shifts)
    a, b = taken.take("a", 3.0, 0.3), taken.take("b", 5.0, 0.1)
    return {"product": Measured(a * b, 0.2, "1"), "own": Measured(7.0, 0.2, "1")}


def test_what_was_taken_is_noted_and_its_doubt_added_in_quadrature() -> None:
    inputs = Inputs()
    found = propagate(product({}, inputs), inputs, product)
    assert inputs.sigmas == {"a": 0.3, "b": 0.1}
    assert found["product"].sigma == pytest.approx(np.sqrt(0.2**2 + 1.5**2 + 0.3**2))
    assert found["product"].value == 15.0


def test_a_result_that_does_not_depend_on_an_input_keeps_its_sigma() -> None:
    inputs = Inputs()
    assert propagate(product({}, inputs), inputs, product)["own"].sigma == 0.2


def test_propagated_sigmas_are_the_scatter_of_a_monte_carlo() -> None:
    random = np.random.default_rng(5)
    inputs = Inputs()
    sigma = propagate(product({}, inputs), inputs, product)["product"].sigma
    drawn = (3 + 0.3 * random.standard_normal(20_000)) * (5 + 0.1 * random.standard_normal(20_000))
    scatter = np.hypot(np.std(drawn), 0.2)
    assert sigma == pytest.approx(scatter, rel=0.03)  # 6 sigma of the scatter of 20,000


def test_a_fit_that_fails_with_an_input_higher_is_tried_with_it_lower() -> None:
    def refit(shifts: dict[str, float]) -> dict[str, Measured]:
        if shifts.get("a", 0.0) > 0:
            raise FitFailed("too high")
        return product(shifts)

    inputs = Inputs()
    assert propagate(product({}, inputs), inputs, refit)["product"].sigma == pytest.approx(
        np.sqrt(0.2**2 + 1.5**2 + 0.3**2)
    )


def test_a_fit_that_holds_only_for_one_value_of_an_input_fails() -> None:
    def refit(shifts: dict[str, float]) -> dict[str, Measured]:
        raise FitFailed("nothing is seen")

    inputs = Inputs()
    with pytest.raises(FitFailed, match=r"holds only for a as it is, which is known to 0\.3"):
        propagate(product({}, inputs), inputs, refit)
