"""Gives f01's sigma the share of slow noise that a scan does not average out.

A qubit's frequency moves while it is measured. Shots tell its mean over the scan, and the truth is
the mean over all times: the shorter a scan, the farther they lie apart. That is in no scatter of
the points, since all of them move together.
"""

from math import pi, prod, sqrt

import numpy as np

from podium.control.compilers.placing import place_in_fs
from podium.control.program.program import Program
from podium.firmware_interfaces.exact_time import FS_PER_S

MEMORY_S = 0.4e-3
"""ASSUMED: after so long slow noise is another one. Noise as 1/f has no such time: what is slower
than a scan is drift, and no sigma of one scan can hold it."""


def played_s(program: Program) -> float:
    """Return how long the shots of a program take, all points together, s."""
    points = tuple(axis.count for axis in program.axes)
    each_fs = np.broadcast_to(place_in_fs(program).shot_fs, points)
    return program.shots * prod(points) * float(np.mean(each_fs)) / FS_PER_S


def slow_noise_hz(t2_s: float, gaussian: float) -> float:
    """Return the standard deviation of the frequency by its slow noise, Hz.

    Fringes fall as exp(-(1 - g) t / T2 - g (t / T2)**2), g the part ``gaussian``; of noise that
    stands still during a shot the second part is exp(-(2 pi sigma t)**2 / 2) (Ithier et al., Phys.
    Rev. B 72, 134519 (2005), Sec. III).
    """
    return sqrt(2 * max(gaussian, 0.0)) / (2 * pi * t2_s)


def mean_scatter_hz(t2_s: float, gaussian: float, duration_s: float) -> float:
    """Return how far the mean frequency over a scan lies from that over all times, Hz.

    One standard deviation, for exponential memory: of a mean over t it is sigma (2 memory / t)**0.5
    where t is much longer, and never more than sigma.
    """
    share = sqrt(2 * MEMORY_S / max(duration_s, 2 * MEMORY_S))
    return slow_noise_hz(t2_s, gaussian) * share
