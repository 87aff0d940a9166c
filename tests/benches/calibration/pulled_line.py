"""Solves the field of a resonator that a qubit pulls, from vacuum, in small steps: slow and plain.

``a' = -(kappa / 2 + 2 pi i (f - f_s)) a + kappa / 2``, in units of the steady field on resonance;
``f_s = bare + pull / sqrt(1 + n |a|**2)``, n the photons of that field, of the critical number
(Boissonneault, Gambetta, Blais, PRL 105, 100504 (2010)).
"""

import numpy as np

from podium.control.calibration.fits.resonator import ReadoutWindow

STEPS_PER_LIFETIME = 30


def mean_field(
    frequency_hz: np.ndarray,
    photons: np.ndarray,
    bare_hz: float,
    pull_hz: float,
    kappa_hz: float,
    window: ReadoutWindow,
) -> np.ndarray:
    """Return the field's mean over the window; shape of the arguments, which broadcast.

    By Runge and Kutta's method of fourth order and Simpson's rule.
    """
    half = np.pi * kappa_hz
    frequency, number = np.broadcast_arrays(frequency_hz, photons)

    def change(field: np.ndarray) -> np.ndarray:
        line = bare_hz + pull_hz / np.sqrt(1 + number * np.abs(field) ** 2)
        return np.asarray(half - (half + 2j * np.pi * (frequency - line)) * field)

    field = np.zeros(frequency.shape, complex)
    seen = np.zeros(frequency.shape, complex)
    for lasts_s, listens in ((window.opens_s, 0.0), (window.duration_s, 1.0)):
        steps = max(1, int(np.ceil(lasts_s * half * STEPS_PER_LIFETIME)))
        step = lasts_s / steps
        for _ in range(steps):
            one = change(field)
            two = change(field + 0.5 * step * one)
            three = change(field + 0.5 * step * two)
            four = change(field + step * three)
            middle = field + step * (5 * one + 4 * two + 4 * three - four) / 24
            end = field + step * (one + 2 * two + 2 * three + four) / 6
            seen += listens * step * (field + 4 * middle + end) / 6
            field = end
    return np.asarray(seen / window.duration_s)
