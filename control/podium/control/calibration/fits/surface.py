"""The top of a smooth hill from noisy samples of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import FitFailed

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Top:
    """Where a hill is highest."""

    at: Array
    """Position, shape (d,)."""
    height: float
    sigma: Array
    """Standard deviation of the position from the samples' noise, shape (d,)."""


def top_of_hill(points: Array, height: Array, sigma: Array, near: float) -> Top:
    """Fit a quadratic form to the samples within ``near`` of the highest and return its top.

    ``points`` (n, d), ``height`` and ``sigma`` (n,). Which samples are near is decided by a first
    fit, so that single lucky samples do not choose. Where the form has no top among the samples
    used, the one at which it is highest is returned. Raises FitFailed for too few samples, or
    samples that lie on too few lines to tell a form (two values of a coordinate tell no curvature).
    """
    if not np.all(np.isfinite(height)):
        raise FitFailed(f"{np.count_nonzero(~np.isfinite(height))} samples are not numbers (NaN)")
    scale = np.std(points, axis=0)
    if not np.all(scale > 0):
        raise FitFailed("samples that all share a coordinate tell no hill")
    middle = points[int(np.argmax(height))]
    x = (points - middle) / scale
    basis = _terms(x)
    enough = 2 * basis.shape[1]
    if len(height) < enough:
        raise FitFailed(f"{len(height)} samples cannot tell a hill; {enough} could")
    smooth = height
    for _ in range(3):
        order = np.argsort(smooth)[::-1]
        high = float(np.mean(smooth[order[: max(3, len(order) // 40)]]))
        use = smooth > high - near
        use[order[:enough]] = True
        _add_until_told(basis, order, use)
        weight = 1 / sigma[use]
        coefficients, *_ = np.linalg.lstsq(
            basis[use] * weight[:, None], height[use] * weight, rcond=None
        )
        # Far away the form means nothing: only samples that are not far below stay candidates.
        smooth = np.where(height > high - 3 * near, basis @ coefficients, -1e300)
    d = points.shape[1]
    slope, hessian = _derivatives(np.asarray(coefficients, dtype=np.float64), d)
    covariance = np.linalg.inv((basis[use] * weight[:, None] ** 2).T @ basis[use])
    low, high = x[use].min(axis=0), x[use].max(axis=0)
    highest = x[use][int(np.argmax((basis @ coefficients)[use]))]
    spread = (high - low) ** 2 / 12
    if np.all(np.linalg.eigvalsh(hessian) < 0):
        top = np.linalg.solve(hessian, -slope)
        if np.all((top >= low) & (top <= high)):
            highest = top
            inverse = np.linalg.inv(hessian)
            spread = np.diag(inverse @ covariance[1 : d + 1, 1 : d + 1] @ inverse.T)
    best = float((_terms(highest[None]) @ coefficients)[0])
    return Top(middle + highest * scale, best, np.sqrt(spread) * scale)


def _add_until_told(basis: Array, order: NDArray[np.intp], use: NDArray[np.bool_]) -> None:
    """Use more samples, the highest first, until every term of the form is told by them."""
    terms = basis.shape[1]
    rest = order[~use[order]]
    while np.linalg.matrix_rank(basis[use]) < terms:
        if len(rest) == 0:
            raise FitFailed(
                f"{len(order)} samples lie on too few lines to tell a hill: each coordinate needs "
                "three values"
            )
        use[rest[:terms]] = True
        rest = rest[terms:]


def _terms(x: Array) -> Array:
    """Return 1, x_i, and x_i x_j (i <= j) of each row."""
    d = x.shape[1]
    columns = [np.ones(len(x)), *x.T]
    columns += [x[:, i] * x[:, j] for i in range(d) for j in range(i, d)]
    return np.stack(columns, axis=1)


def _derivatives(coefficients: Array, d: int) -> tuple[Array, Array]:
    slope = coefficients[1 : d + 1]
    hessian = np.zeros((d, d))
    k = d + 1
    for i in range(d):
        for j in range(i, d):
            hessian[i, j] += coefficients[k]
            hessian[j, i] += coefficients[k]
            k += 1
    return slope, hessian
