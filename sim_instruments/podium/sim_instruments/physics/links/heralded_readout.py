"""Measures heralded pairs as an experiment does: each along one of three axes, by perfect readout.

The fidelity with ``(|01> + s |10>)/sqrt 2`` is ``(1 - <ZZ> + s <XX> + s <YY>)/4``. Pairs are read
along Z, X and Y in turn.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.heralded_attempts import SampledAttempts

AXES = 3


@dataclass(frozen=True, slots=True)
class MeasuredFidelity:
    """A fidelity from counts."""

    value: float
    sigma: float
    pairs: int


def measured_fidelity(sampled: SampledAttempts, seed: int) -> MeasuredFidelity:
    """Return the fidelity of all announced pairs from one readout of each.

    The sigma is that of the three means; NaN where an axis has no pair.
    """
    rho, sign = sampled.states(), sampled.sign[sampled.sign != 0]
    if len(sign) < AXES:
        return MeasuredFidelity(math.nan, math.nan, len(sign))
    drawn = np.random.Generator(np.random.Philox(key=[seed, 2**63])).random(len(sign))
    axis = np.arange(len(sign)) % AXES
    agrees = np.where(axis == 0, -_zz(rho), sign * np.where(axis == 1, *_xx_yy(rho)))
    result = np.where(drawn < (1.0 + agrees) / 2.0, 1.0, -1.0)
    means = [float(result[axis == one].mean()) for one in range(AXES)]
    counts = [int(np.count_nonzero(axis == one)) for one in range(AXES)]
    # A mean of n results +-1 that are alike is not known better than to 1/n.
    variance = sum(max(1.0 - m**2, 1.0 / n) / n for m, n in zip(means, counts, strict=True))
    return MeasuredFidelity((1.0 + sum(means)) / 4.0, math.sqrt(variance) / 4.0, len(sign))


def _zz(rho: NDArray[np.complex128]) -> NDArray[np.float64]:
    found = rho[:, 0, 0] - rho[:, 1, 1] - rho[:, 2, 2] + rho[:, 3, 3]
    return np.asarray(found.real, dtype=np.float64)


def _xx_yy(rho: NDArray[np.complex128]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    odd, even = 2.0 * rho[:, 1, 2].real, 2.0 * rho[:, 0, 3].real
    return odd + even, odd - even
