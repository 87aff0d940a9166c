"""The line of a square pulse: where a transition is."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
    look_at,
)

Array = NDArray[np.float64]

SIGNIFICANT = 6.0
"""A line counts as seen when it stands out of the scatter by that many sigma: with 300 points of
Gaussian noise a false line appears in fewer than one of a million scans."""

SECOND = 0.5
"""A second line that is at least this high, of the first, makes it a guess which one is meant."""

TRUSTED = 0.006
"""A line is never known better than to this share of its width: other levels bend its shape."""


def pulse_line(frequency_hz: Array, values: Mapping[str, float], duration_s: float) -> Array:
    """Return ``offset + height * P(1)`` after a square pulse, over its frequency.

    Rabi's formula, P = (r / s)**2 sin(pi s t)**2, s**2 = r**2 + (f - centre)**2, with the Rabi
    frequency ``r`` (``rabi``, Hz); e.g. Foot, Atomic Physics (2005), Eq. 7.28.
    """
    rabi = values["rabi"]
    total = np.hypot(rabi, frequency_hz - values["centre"])
    excited = (rabi / total) ** 2 * np.sin(np.pi * total * duration_s) ** 2
    return np.asarray(values["offset"] + values["height"] * excited)


def scatter(signal: Array) -> float:
    """Return the standard deviation of noise on a smooth signal, from neighbours' differences."""
    bends = signal[2:] - 2 * signal[1:-1] + signal[:-2]
    return float(1.4826 * np.median(np.abs(bends)) / np.sqrt(6)) + 1e-300


def fit_pulse_line(frequency_hz: Array, signal: Array, duration_s: float) -> Fit:
    """Fit the line of a pulse of about pi. Shapes (n,); the line may have either sign.

    Returns ``centre`` and ``rabi`` (Hz), ``height`` and ``offset`` in the signal's unit; the sigma
    of the centre is at least :data:`TRUSTED` of the width. Raises FitFailed when no line is seen.
    """
    look_at(signal)
    noise = scatter(signal)
    offset = float(np.median(signal))
    away = signal - offset
    half_width = 0.4 / duration_s
    # A matched filter: each point is weighed as if a line stood at the point that is tried.
    distance = frequency_hz[:, None] - frequency_hz[None, :]
    shape = np.clip(1 - np.abs(distance) / (2 * half_width), 0, None)
    norm = np.sqrt(np.sum(shape**2, axis=1))
    seen = (shape @ away) / (norm * noise)
    k = int(np.argmax(np.abs(seen)))
    # Few points tell their own scatter badly: noise alone stands out further.
    noise *= 1 + 4 / np.sqrt(len(signal))
    seen = seen / (1 + 4 / np.sqrt(len(signal)))
    if abs(seen[k]) < SIGNIFICANT:
        raise FitFailed(
            f"no line between {frequency_hz[0] / 1e9:.6g} and {frequency_hz[-1] / 1e9:.6g} GHz: "
            f"the most likely one stands {abs(seen[k]):.1f} sigma out of the noise"
        )
    rabi = 0.5 / duration_s
    near = np.abs(frequency_hz - frequency_hz[k]) < half_width
    height = float(np.sign(seen[k]) * np.max(np.abs(away[near])))
    starts = [
        {
            "centre": float(frequency_hz[k]) + shift * half_width,
            "rabi": rabi * factor,
            "height": height,
            "offset": offset,
        }
        for shift in (0.0, -0.5, 0.5)
        for factor in (1.0, 0.7, 1.3)
    ]
    bounds = {
        "centre": Bound(float(frequency_hz[0]), float(frequency_hz[-1])),
        "rabi": Bound(0.3 * rabi, 1.7 * rabi),
        "height": Bound(min(0.3 * height, 4 * height), max(0.3 * height, 4 * height)),
    }
    fit = fit_least_squares(
        lambda v: pulse_line(frequency_hz, v, duration_s), signal, None, starts, bounds
    )
    if not fit.sigmas["centre"] < half_width:
        raise FitFailed(
            f"the line near {fit.values['centre'] / 1e9:.6g} GHz is only known to "
            f"{fit.sigmas['centre'] / 1e6:.2f} MHz"
        )
    left = signal - pulse_line(frequency_hz, fit.values, duration_s)
    left = np.where(np.abs(frequency_hz - fit.values["centre"]) < 4 * half_width, 0.0, left)
    others = (shape @ left) / norm
    other = int(np.argmax(np.abs(others)))
    first = abs(seen[k]) * noise
    if abs(others[other]) > max(SECOND * first, SIGNIFICANT * noise):
        raise FitFailed(
            f"two lines, at {fit.values['centre'] / 1e9:.6g} and "
            f"{frequency_hz[other] / 1e9:.6g} GHz: which one is meant cannot be told"
        )
    fit.sigmas["centre"] = float(np.hypot(fit.sigmas["centre"], TRUSTED * 2 * half_width))
    return fit
