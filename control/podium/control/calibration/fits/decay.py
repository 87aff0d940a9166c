"""Fits exponential decays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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

UNEXPLAINED = 0.5
"""A decay must leave less than this share of the data's variance: of 40 points of noise, three
parameters leave less in fewer than one of 100,000 fits (F-test)."""


@dataclass(frozen=True, slots=True)
class Ends:
    """Holds both ends of a decay, as measured by other shots."""

    start: float
    """Signal at delay 0."""
    end: float
    """Signal after all has decayed."""
    sigma: float
    """Standard deviation of each."""


def exponential(delay_s: Array, values: Mapping[str, float]) -> Array:
    """Return ``offset + amplitude * exp(-delay / decay)``."""
    return np.asarray(values["offset"] + values["amplitude"] * np.exp(-delay_s / values["decay"]))


def _plain(time: Array) -> Array:
    return np.asarray(np.exp(-time))


def fit_decay(
    delay_s: Array,
    signal: Array,
    sigma: Array | float | None,
    expected_s: float,
    offset: float | None = None,
    ends: Ends | None = None,
    shape: Callable[[Array], Array] = _plain,
) -> Fit:
    """Fit one decay; ``decay`` in s.

    ``shape``: what the decay is over its time in units of ``decay``, from 1 to 0; one exponential
    if nothing else is given. ``offset``: where it goes, where that is exact; ``ends``: what other
    runs say of both ends.

    Raises FitFailed when the decay is within the noise.
    """
    look_at(signal)
    measured = slice(0, len(signal))
    first, last = float(signal[np.argmin(delay_s)]), float(signal[np.argmax(delay_s)])
    if ends is not None:
        # They count as two more points of the scan: at no delay, and at an endless one.
        noise = np.broadcast_to(np.asarray(1.0 if sigma is None else sigma), signal.shape)
        delay_s = np.concatenate([delay_s, [0.0, 1e3 * expected_s]])
        signal = np.concatenate([signal, [ends.start, ends.end]])
        sigma = np.concatenate([noise, [ends.sigma, ends.sigma]])
    known = {} if offset is None else {"offset": offset}
    open_ = {"offset": last} if offset is None else {}
    height = first - (last if offset is None else offset)
    starts = [
        {**open_, "amplitude": height, "decay": expected_s * factor} for factor in (0.3, 1.0, 3.0)
    ]
    bounds = {"decay": Bound(expected_s / 100, expected_s * 100)}

    def model(values: Mapping[str, float]) -> Array:
        free = {**known, **values}
        return np.asarray(free["offset"] + free["amplitude"] * shape(delay_s / free["decay"]))

    fit = fit_least_squares(model, signal, sigma, starts, bounds)
    fit.values.update(known)
    if abs(fit.values["amplitude"]) < 5 * fit.sigmas["amplitude"]:
        raise FitFailed(
            f"the decay's amplitude is only "
            f"{abs(fit.values['amplitude']) / fit.sigmas['amplitude']:.1f} sigma"
        )
    # What other runs say of the ends must not make a decay of data that show none.
    here, fitted = signal[measured], model(fit.values)[measured]
    about = here - (offset if ends is None and offset is not None else np.mean(here))
    left = float(np.sum((here - fitted) ** 2) / np.sum(about**2))
    if left > UNEXPLAINED:
        raise FitFailed(
            f"the data do not decay: an exponential leaves {left * 100:.0f} % of their scatter"
        )
    return fit
