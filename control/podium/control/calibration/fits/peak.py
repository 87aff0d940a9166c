"""One line on a flat background: where it is and how wide."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares

Array = NDArray[np.float64]

SIGNIFICANT = 5.0
"""A line counts as seen when its height is that many times the scatter of the rest: with 300
points of Gaussian noise a false line appears in fewer than one of 5000 scans."""


def lorentzian(frequency_hz: Array, values: Mapping[str, float]) -> Array:
    """Return ``offset + height / (1 + (2 (f - centre) / width)**2)``; width is the full one."""
    x = 2 * (frequency_hz - values["centre"]) / values["width"]
    return np.asarray(values["offset"] + values["height"] / (1 + x**2))


def scatter(signal: Array) -> float:
    """Return the standard deviation of noise on a smooth signal, from neighbours' differences."""
    steps = np.diff(signal)
    return float(1.4826 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2)) + 1e-300


def fit_peak(frequency_hz: Array, signal: Array) -> Fit:
    """Fit a Lorentzian line of either sign. Shapes (n,). Raises FitFailed when none stands out.

    Returns ``centre`` and ``width`` in Hz, ``height`` and ``offset`` in the signal's unit.
    """
    noise = scatter(signal)
    offset = float(np.median(signal))
    smooth = np.convolve(signal - offset, np.ones(3) / 3, mode="same")
    k = int(np.argmax(np.abs(smooth)))
    height = float(signal[k] - offset)
    if abs(smooth[k]) < SIGNIFICANT * noise / np.sqrt(3):
        raise FitFailed(
            f"no line between {frequency_hz[0] / 1e9:.6g} and {frequency_hz[-1] / 1e9:.6g} GHz: "
            f"the highest point is {abs(smooth[k]) / noise * np.sqrt(3):.1f} times the noise"
        )
    step = float(np.median(np.abs(np.diff(frequency_hz))))
    above = np.abs(signal - offset) > abs(height) / 2
    width = max(1.5 * step, step * float(np.count_nonzero(above)))
    starts = [
        {"centre": float(frequency_hz[k]), "width": w, "height": height, "offset": offset}
        for w in (width, 3 * width, width / 3)
    ]
    span = float(frequency_hz[-1] - frequency_hz[0])
    bounds = {
        "centre": Bound(float(frequency_hz[0]), float(frequency_hz[-1])),
        "width": Bound(step, 2 * span),
    }
    fit = fit_least_squares(lambda v: lorentzian(frequency_hz, v), signal, None, starts, bounds)
    if not fit.sigmas["centre"] < max(2 * step, fit.values["width"]):
        raise FitFailed(
            f"the line near {fit.values['centre'] / 1e9:.6g} GHz is only known to "
            f"{fit.sigmas['centre'] / 1e6:.2f} MHz"
        )
    return fit
