"""Fits chevrons: two levels that a pulse brings together exchange an excitation."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares

Array = NDArray[np.float64]

RATES = np.array([0.6, 0.75, 0.88, 1.0, 1.13, 1.3, 1.6])
"""Where a fit begins: on the rate of exchange that is expected."""
SLOPES = (0.85, 1.0, 1.15)
"""The same, on the slope."""
PLACES = 31
"""The same, over the scan: a chevron is narrow."""
LEAST_CONTRAST = 0.4
"""Of a whole excitation: a chevron in which less is exchanged is not one of these two levels."""


def kept(duration_s: Array, detuning_hz: Array, half_rate_hz: float) -> Array:
    """Return how much of a state is still there after a pulse.

    ``half_rate_hz``: J in ``H/h = [[0, J], [J, detuning]]``: Rabi's formula, with
    ``1 - 4 J^2 / W^2 sin^2(pi W t)`` and ``W^2 = detuning^2 + 4 J^2``.
    """
    squared = detuning_hz**2 + 4 * half_rate_hz**2
    angle = np.pi * np.sqrt(squared) * duration_s
    return np.asarray(1 - 4 * half_rate_hz**2 / squared * np.sin(angle) ** 2)


def detuning_hz(amplitude: Array, values: Mapping[str, float]) -> Array:
    """Return the detuning near the resonance, Hz: ``place``, ``slope`` as of :func:`fit_chevron`.

    As that of a transmon near the top of its arc: with the square of the amplitude.
    """
    away = amplitude - values["place"]
    return np.asarray(values["slope"] * away * (1 + away / (2 * values["place"])))


def chevron(duration_s: Array, amplitude: Array, values: Mapping[str, float]) -> Array:
    """Return the signal over points; ``values`` as of :func:`fit_chevron`."""
    stays = kept(duration_s, detuning_hz(amplitude, values), values["half_rate"])
    return values["base"] + values["contrast"] * stays


def fit_chevron(
    duration_s: Array,
    amplitude: Array,
    signal: Array,
    sigma: Array,
    half_rate_hz: float,
    slope_hz: float,
) -> Fit:
    """Fit a chevron; all points of shape (n,).

    ``half_rate_hz``: J as expected; ``slope_hz``: change of the detuning by a change of the
    amplitude by 1, as expected. Returns ``half_rate`` (Hz), ``place`` (the amplitude at which the
    levels meet), ``slope`` (Hz), ``contrast`` and ``base`` of the signal. Raises FitFailed.
    """

    def model(values: Mapping[str, float]) -> Array:
        return chevron(duration_s, amplitude, values)

    low, high = float(amplitude.min()), float(amplitude.max())
    starts = [
        {
            "half_rate": half_rate_hz * rate,
            "place": place,
            "slope": slope_hz * slope,
            "contrast": 0.95,
            "base": 0.0,
        }
        for place in np.linspace(low, high, PLACES).tolist()
        for rate in RATES
        for slope in SLOPES
    ]
    slopes = sorted((0.4 * slope_hz, 2.5 * slope_hz))
    bounds = {
        "half_rate": Bound(0.3 * half_rate_hz, 3 * half_rate_hz),
        "place": Bound(low, high),
        "slope": Bound(*slopes),
        "contrast": Bound(0.0, 1.5),
        "base": Bound(-0.5, 0.7),
    }
    found = fit_least_squares(model, signal, sigma, starts, bounds)
    if found.values["contrast"] < LEAST_CONTRAST:
        raise FitFailed(
            f"{found.values['contrast'] * 100:.0f} % of an excitation are exchanged: the levels do "
            "not meet within the scan, or something else does"
        )
    return found


def fit_carrier_chevron(
    duration_s: Array,
    carrier_hz: Array,
    moved: Array,
    sigma: Array,
    expected: Mapping[str, float],
) -> Fit:
    """Fit what a carrier on flux moves from one level to another; all points of shape (n,).

    ``moved``: share of an excitation; ``expected``: ``half_rate`` (J, Hz) and ``slope``, by which
    the levels' detuning goes with the carrier's frequency: its harmonic. Returns ``half_rate``,
    ``place`` (Hz, of the carrier), ``contrast`` and ``base``. Raises FitFailed.
    """
    slope = expected["slope"]

    def model(values: Mapping[str, float]) -> Array:
        away = slope * (carrier_hz - values["place"])
        gone = 1 - kept(duration_s, away, values["half_rate"])
        return np.asarray(values["base"] + values["contrast"] * gone)

    low, high = float(carrier_hz.min()), float(carrier_hz.max())
    starts = [
        {"half_rate": expected["half_rate"] * rate, "place": place, "contrast": 0.9, "base": 0.0}
        for place in np.linspace(low, high, PLACES).tolist()
        for rate in RATES
    ]
    bounds = {
        "half_rate": Bound(0.3 * expected["half_rate"], 3 * expected["half_rate"]),
        "place": Bound(low, high),
        "contrast": Bound(0.0, 1.5),
        "base": Bound(-0.5, 0.7),
    }
    found = fit_least_squares(model, moved, sigma, starts, bounds)
    if found.values["contrast"] < LEAST_CONTRAST:
        raise FitFailed(
            f"{found.values['contrast'] * 100:.0f} % of an excitation are exchanged: no carrier "
            "within the scan brings the levels together"
        )
    return found
