"""Gives f01's sigma the share of slow noise that a scan does not average out.

A qubit's frequency moves while it is measured. Shots tell its mean over the scan, and the truth is
the mean over all times: the shorter a scan, the farther they lie apart. That is in no scatter of
the points, since all of them move together. Points at which fringes have decayed tell nothing of
the frequency: a scan far beyond T2 is short.
"""

from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.placing import place_in_fs
from podium.control.program.program import Program
from podium.firmware_interfaces.exact_time import FS_PER_S

Array = NDArray[np.float64]

MEMORY_S = 0.4e-3
"""ASSUMED: after so long slow noise is another one. Noise as 1/f has no such time: what is slower
than a scan is drift, and no sigma of one scan can hold it."""


def begins_s(program: Program) -> Array:
    """Return when the shots of all points begin in one round of them, s, shape (points,).

    In the order of the axes, the last one fastest; as one more entry, when the next round begins.
    """
    points = tuple(axis.count for axis in program.axes)
    each_fs = np.broadcast_to(place_in_fs(program).shot_fs, points).ravel()
    return np.concatenate([[0.0], np.cumsum(each_fs / FS_PER_S)])


def slow_noise_hz(t2_s: float, gaussian: float) -> float:
    """Return the standard deviation of the frequency by its slow noise, Hz.

    Fringes fall as exp(-(1 - g) t / T2 - g (t / T2)**2), g the part ``gaussian``; of noise that
    stands still during a shot the second part is exp(-(2 pi sigma t)**2 / 2) (Ithier et al., Phys.
    Rev. B 72, 134519 (2005), Sec. III).
    """
    return sqrt(2 * max(gaussian, 0.0)) / (2 * pi * t2_s)


def shares_of(by_frequency: Array, by_phase: Array, sigma: Array) -> Array:
    """Return what share each point has in a fitted frequency, shape (n,), together 1.

    ``by_frequency``, ``by_phase``: slopes of the fringes at all points, shape (n,); a phase at no
    delay is fitted, too. Where fringes have decayed the share is 0: what the frequency does
    meanwhile is in no fit.
    """
    frequency, phase = by_frequency / sigma, by_phase / sigma
    free = frequency - phase * float(phase @ frequency) / max(float(phase @ phase), 1e-300)
    return np.asarray(free * frequency / float(free @ frequency))


def mean_scatter_hz(
    t2_s: float, gaussian: float, shares: Array, begins: Array, shots: int
) -> float:
    """Return how far a fitted frequency lies from the mean over all times by slow noise, Hz.

    One standard deviation, for exponential memory. ``shares``: of each point in the frequency,
    shape (n,), from :func:`shares_of`; ``begins``: from :func:`begins_s`, shape (n + 1,), s. Every
    point has ``shots``, one in each round.
    """
    apart = np.abs(begins[:-1, None] - begins[None, :-1])
    kept = np.exp(-apart / MEMORY_S)
    once = float(shares @ kept @ shares)
    if shots > 1:  # rounds that follow each other within the memory
        last = float(np.exp(-begins[-1] / MEMORY_S))
        ahead = shares @ np.exp(-(begins[-1] - begins[:-1]) / MEMORY_S)
        behind = shares @ np.exp(-begins[:-1] / MEMORY_S)
        turns = np.arange(1, shots)
        later = float(np.sum((1 - turns / shots) * last ** (turns - 1)))
        once += 2 * float(ahead * behind) * later
    return slow_noise_hz(t2_s, gaussian) * sqrt(max(once, 0.0) / shots)
