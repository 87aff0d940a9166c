"""Propagates the sigma of a fit's inputs into its result.

One rule for all routines: every value that a fit takes, measured earlier or expected by the
facility file, is shifted by its own sigma (spread), the fit is repeated, and the change of each
result is added to its sigma in quadrature. That is first-order propagation of errors (JCGM
100:2008, "GUM", Eq. 10, and Sec. 5.1.3, note 2: partial derivatives by evaluation), the inputs
taken as independent. A value that only starts the fit changes nothing, and adds nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import hypot

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.parameters.entry import Measured


@dataclass(slots=True)
class Inputs:
    """Values that a fit has taken, by name, and by how much one of them is shifted."""

    sigmas: dict[str, float] = field(default_factory=dict)
    """One standard deviation of each value taken, in its own unit."""
    shifts: Mapping[str, float] = field(default_factory=dict)
    """What is added to the value of that name, in its own unit."""

    def take(self, name: str, value: float, sigma: float) -> float:
        """Return the value as this fit sees it, and note that it was taken."""
        self.sigmas[name] = sigma
        return value + self.shifts.get(name, 0.0)


Values = Mapping[str, Measured]
"""What a fit has found, by quantity."""


def propagate(
    found: Values, inputs: Inputs, refit: Callable[[Mapping[str, float]], Values]
) -> dict[str, Measured]:
    """Return ``found`` with the doubt of ``inputs`` in its sigmas.

    ``refit`` fits the same data with some inputs shifted (by name, in their units). Where the fit
    fails with an input one sigma higher, one sigma lower is tried. Raises FitFailed where both
    fail: the result depends on that input more than the input is known.
    """
    total = dict(found)
    for name, sigma in inputs.sigmas.items():
        if not sigma > 0:
            continue
        try:
            shifted = refit({name: sigma})
        except FitFailed:
            try:
                shifted = refit({name: -sigma})
            except FitFailed as error:
                raise FitFailed(
                    f"the fit holds only for {name} as it is, which is known to {sigma:.3g}: "
                    f"shifted by that, {error}"
                ) from error
        for quantity, one in total.items():
            if quantity in shifted:
                change = shifted[quantity].value - found[quantity].value
                total[quantity] = replace(one, sigma=hypot(one.sigma, change))
    return total
