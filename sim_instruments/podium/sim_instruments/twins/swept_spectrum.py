"""A swept spectrum: tones and white noise behind a Gaussian filter and a detector.

A tone beside the filter's center by d is weaker by ``2**(-(2 d / B)**2)``, B the filter's width at
-3 dB. Noise has the power density times the filter's noise bandwidth, ``B sqrt(pi / ln 2) / 2``;
its power without averaging is exponentially distributed, that of a tone in noise as a noncentral
chi-square, and the mean over k independent samples has 2 k degrees of freedom.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOISE_BANDWIDTH = math.sqrt(math.pi / math.log(2)) / 2
"""Of a Gaussian filter over its width at -3 dB: 1.064."""
WIDTH_AT_3_DB = {"DB3": 1.0, "DB6": 1 / math.sqrt(2), "NOIS": 1 / NOISE_BANDWIDTH, "IMP": 1 / 1.505}
"""Width at -3 dB for a width of one as it is stated; 1.505: of the voltage, a Gaussian's."""
LOG_NOISE_DB = -2.506
"""How far below its power noise lies in the mean of decibels."""
VOLTAGE_NOISE_DB = -1.049
"""The same in the mean of voltages."""
AVERAGED_MAX = 1e6
PEAKS_MAX = 64
"""Most draws of which the largest or the smallest is taken. ASSUMED: more change little."""
DRAWS_MAX = 100_000
"""Of all points together: a socket's loop draws them."""


@dataclass(frozen=True, slots=True)
class SpectrumSettings:
    """Settings of one sweep."""

    frequency_hz: NDArray[np.float64]
    """Shape (n,): of each point."""
    bandwidth_hz: float
    """Of the resolution filter at -3 dB."""
    video_hz: float
    sweep_s: float
    detector: str
    """``NORM``, ``AVER``, ``POS``, ``SAMP``, ``NEG``."""
    average: str
    """``LOG``, ``RMS``, ``SCAL``."""
    noise_w_per_hz: float
    """Density at the input, of the analyzer's own noise and of what comes in."""


Tones = Sequence[tuple[float, float]]
"""Frequency, Hz, and power at the input, W, of each."""


def spectrum_dbm(
    settings: SpectrumSettings, tones: Tones, drawn: np.random.Generator
) -> NDArray[np.float64]:
    """Return the trace in dBm, shape (n,)."""
    tones_w = _tones_w(settings, tones)
    noise_w = settings.noise_w_per_hz * settings.bandwidth_hz * NOISE_BANDWIDTH
    dwell_s = settings.sweep_s / settings.frequency_hz.size
    in_a_point = max(1.0, settings.bandwidth_hz * dwell_s)
    smoothed = min(AVERAGED_MAX, max(1.0, settings.bandwidth_hz / settings.video_hz))
    if settings.detector == "AVER":
        smoothed = min(AVERAGED_MAX, max(smoothed, in_a_point))
    bias = {"LOG": LOG_NOISE_DB, "SCAL": VOLTAGE_NOISE_DB}.get(settings.average, 0.0)
    if smoothed > 1:
        noise_w *= 10 ** (bias / 10 * (1 - 1 / smoothed))
    most = min(PEAKS_MAX, max(2, DRAWS_MAX // settings.frequency_hz.size))
    peaks = min(most, max(1, round(in_a_point / smoothed)))
    if settings.detector in ("SAMP", "AVER"):
        peaks = 1
    found = _powers_w(tones_w, noise_w, smoothed, drawn)
    low = found
    for _ in range(peaks - 1):
        more = _powers_w(tones_w, noise_w, smoothed, drawn)
        found, low = np.maximum(found, more), np.minimum(low, more)
    if settings.detector == "NEG":
        found = low
    elif settings.detector == "NORM":  # where only noise is, peaks and pits in turn
        alone = tones_w < noise_w
        alone[1::2] = False
        found = np.where(alone, low, found)
    return np.asarray(10 * np.log10(np.maximum(found, 1e-30) / 1e-3))


def _tones_w(settings: SpectrumSettings, tones: Tones) -> NDArray[np.float64]:
    """Return the power of tones behind the filter at each point, shape (n,)."""
    at = settings.frequency_hz
    half = 0.5 * (at[1] - at[0]) if at.size > 1 else 0.0
    total = np.zeros(at.size)
    for frequency_hz, power_w in tones:
        off = np.abs(at - frequency_hz)
        if settings.detector in ("NORM", "POS"):
            total += power_w * _passed(np.maximum(off - half, 0.0), settings.bandwidth_hz)
        elif settings.detector == "AVER":
            steps = np.linspace(-half, half, 9)
            inside = _passed(at[:, None] + steps - frequency_hz, settings.bandwidth_hz)
            total += power_w * inside.mean(axis=1)
        else:
            total += power_w * _passed(off, settings.bandwidth_hz)
    return total


def _passed(off_hz: NDArray[np.float64], bandwidth_hz: float) -> NDArray[np.float64]:
    return np.asarray(np.exp2(-np.minimum((2 * off_hz / bandwidth_hz) ** 2, 1000.0)))


def _powers_w(
    tones_w: NDArray[np.float64], noise_w: float, averaged: float, drawn: np.random.Generator
) -> NDArray[np.float64]:
    freedom = 2 * averaged
    off_center = freedom * tones_w / noise_w
    return np.asarray(noise_w / freedom * drawn.noncentral_chisquare(freedom, off_center))
