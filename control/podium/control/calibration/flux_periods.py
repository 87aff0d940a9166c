"""Finds flux periods as well as they are known: measured, designed, and by the slope of an arc."""

import numpy as np

from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.flux import arc
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.facility.facility import Qubit

SPAN = np.geomspace(0.6, 1.7, 1101)
"""Of the known period, where that of a slope is looked for."""
NEAR = 0.005
"""Of a height, to both sides of it: there a slope is taken."""


def known_period_v(p: EdgePulses) -> float:
    """Return the flux period of the moved end, V: measured, or designed where that is surer."""
    bench, qubit = p.bench, p.moved.qubit
    if 0 < _designed(qubit, "flux_period") < _sigma(p):
        return bench.design(qubit, "flux_period").value
    return bench.best(qubit, "flux_period")


def period_of_slope_v(p: EdgePulses, amplitude: float, slope_hz: float, asymmetry: float) -> float:
    """Return the period with which f01 goes so steeply with a pulse's height, V.

    ``slope_hz``: by full scale, at ``amplitude``, both without sign. Raises FitFailed.
    """
    bench, qubit = p.bench, p.moved.qubit
    top, charging = bench.best(qubit, "f01"), -bench.best(qubit, "anharmonicity")
    periods = SPAN * bench.guess(qubit, "flux_period")
    volts = amplitude * p.full_scale_v * np.array([[1 - NEAR], [1 + NEAR]])
    low, high = arc(volts, top, charging, 0.0, periods, asymmetry)
    slopes = (low - high) / (2 * NEAR * amplitude)
    first = int(np.argmax(slopes))  # with shorter periods a pulse goes beyond the steepest place
    if not slopes[-1] < slope_hz < slopes[first]:
        raise FitFailed(
            f"{qubit.element} goes by {slope_hz / 1e9:.2f} GHz of full scale with a pulse of "
            f"{amplitude:.3f}, where its arc has {slopes[-1] / 1e9:.2f} to "
            f"{slopes[first] / 1e9:.2f}"
        )
    return float(np.interp(slope_hz, slopes[first:][::-1], periods[first:][::-1]))


def period_v(p: EdgePulses, amplitude: float, slope_hz: float) -> float:
    """Return the flux period of the moved end, V, with what its slope at a height tells.

    That tells it as well as the design knows the asymmetry; both are taken by their weights. Of
    a qubit without an asymmetry that is known so well, :func:`known_period_v`. Raises FitFailed.
    """
    qubit, known = p.moved.qubit, known_period_v(p)
    spread = _designed(qubit, "asymmetry")
    doubts = [one for one in (_sigma(p), _designed(qubit, "flux_period")) if one > 0]
    if qubit.kind == "fluxonium" or not spread or not doubts:
        return known
    asymmetry = p.bench.design(qubit, "asymmetry").value
    steep = period_of_slope_v(p, amplitude, slope_hz, asymmetry)
    doubt = period_of_slope_v(p, amplitude, slope_hz, asymmetry + spread) - steep
    weight = min(doubts) ** 2 / (min(doubts) ** 2 + doubt**2)
    return (1 - weight) * known + weight * steep


def _sigma(p: EdgePulses) -> float:
    entry = p.bench.record.get(f"{p.moved.qubit.name}.flux_period")
    return np.inf if entry is None else entry.sigma


def _designed(qubit: Qubit, quantity: str) -> float:
    """Return the spread of the design, 0 where it says nothing."""
    expected = qubit.design.get(quantity)
    return 0.0 if expected is None else expected.spread
