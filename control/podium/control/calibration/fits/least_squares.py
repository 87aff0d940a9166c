"""Least squares with many starts, honest sigmas and a reason when it fails."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import lmfit
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Model = Callable[[Mapping[str, float]], Array]
"""Takes parameters by name and returns the model's values at all points, shape (n,)."""


class FitFailed(Exception):
    """The data do not carry what was asked of them. The message says what was seen."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Where a parameter may lie, in its own unit."""

    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The outcome of a fit."""

    values: dict[str, float]
    sigmas: dict[str, float]
    """One standard deviation each; from the curvature, times sqrt(chi2) where that exceeds what
    the stated noise explains."""
    covariance: Array
    """Shape (p, p), in the order of ``values``' free parameters (``names``)."""
    names: tuple[str, ...]
    chi2: float
    """Sum of squared weighted residuals per degree of freedom."""
    degrees: int

    def correlate(self, first: str, second: str) -> float:
        """Return the covariance of two parameters."""
        return float(self.covariance[self.names.index(first), self.names.index(second)])


def fit_least_squares(
    model: Model,
    data: Array,
    sigma: Array | float | None,
    starts: Sequence[Mapping[str, float]],
    bounds: Mapping[str, Bound] | None = None,
) -> Fit:
    """Fit ``model`` to ``data`` from every start and return the best.

    ``sigma``: standard deviation of each point, shape (n,) or one number; None where it is
    unknown: it is then taken from the residuals. Raises FitFailed if no start converges or the
    data do not fix a parameter.
    """
    bounds = bounds or {}
    weights = 1.0 if sigma is None else 1.0 / np.asarray(sigma, dtype=np.float64)
    best: lmfit.minimizer.MinimizerResult | None = None
    for start in starts:
        parameters = lmfit.Parameters()
        for name, value in start.items():
            bound = bounds.get(name, Bound())
            inside = float(np.clip(value, bound.low, bound.high))
            parameters.add(name, value=inside, min=bound.low, max=bound.high)

        def residuals(now: lmfit.Parameters) -> Array:
            values = now.valuesdict()
            return np.asarray((model(values) - data) * weights, dtype=np.float64)

        try:
            result = lmfit.minimize(residuals, parameters, nan_policy="raise", max_nfev=4000)
        except (ValueError, np.linalg.LinAlgError):
            continue
        if best is None or result.chisqr < best.chisqr:
            best = result
    if best is None:
        raise FitFailed(f"no fit from {len(starts)} starts came to an end")
    if best.covar is None or not np.all(np.isfinite(np.diag(best.covar))):
        raise FitFailed(
            "the data do not fix all of "
            + ", ".join(best.var_names)
            + "; wider range or more shots"
        )
    degrees = max(1, int(best.nfree))
    chi2 = float(best.chisqr) / degrees
    # lmfit has scaled the covariance by chi2; with a stated noise only an excess counts.
    covariance = np.asarray(best.covar, dtype=np.float64)
    if sigma is not None:
        excess = max(1.0, chi2) if _significant(chi2, degrees) else 1.0
        covariance = covariance / chi2 * excess
    names = tuple(best.var_names)
    values = {name: float(best.params[name].value) for name in best.params}
    sigmas = {name: float(np.sqrt(covariance[k, k])) for k, name in enumerate(names)}
    return Fit(values, sigmas, covariance, names, chi2, degrees)


def _significant(chi2: float, degrees: int) -> bool:
    """Tell whether chi2 per degree of freedom is above what noise gives in 1 of 1000 fits."""
    return chi2 > 1 + 3.1 * float(np.sqrt(2 / degrees))
