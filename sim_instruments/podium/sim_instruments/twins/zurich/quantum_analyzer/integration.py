"""Settings of integrators, and from their results to states: the readout mode.

Limits are those of the node documentation that zhinst-core 26.7 carries: weights lie within -1
and 1, a length is at most 4096 samples, delays have steps of 2 ns, thresholds are on the real axis.

ASSUMED: a result is the plain sum of products. The documentation says Vs of thresholds, which would
be 2 GHz less; but zhinst-utils 0.7.2 (``shfqa/multistate.py``) computes the thresholds that it
writes as sums of traces in volts, and it is used with instruments.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    UNITS,
    Complexes,
)

MAX_LENGTH: Final = 4096
LENGTH_STEP: Final = 4
"""ASSUMED: results come with a clock of 500 MHz, and zhinst-timing-models steps by four samples."""
DELAY_STEP: Final = 4
"""Samples: 2 ns."""


class BadReadout(ValueError):
    """Settings that no readout can have. The message names the setting and what fits."""


@dataclass(frozen=True, slots=True, eq=False)
class ReadoutSettings:
    """The nodes under ``readout/``, times in samples at 2 GSa/s."""

    length: int
    """Samples that are integrated."""
    delay: int = 0
    """Samples from the trigger to the first of them."""
    weights: tuple[Complexes, ...] = ()
    """Of each integrator; shorter ones end with zeros."""
    thresholds: tuple[float, ...] = ()
    """Of each integrator; zero where there is none."""
    downsampling: int = 1
    """So many samples have one weight (option LRT); lengths and weights are given in samples."""

    def __post_init__(self) -> None:
        """Refuse what no readout can have: :class:`BadReadout`."""
        step, longest = LENGTH_STEP * self.downsampling, MAX_LENGTH * self.downsampling
        if not step <= self.length <= longest or self.length % step:
            raise BadReadout(
                f"integration length {self.length}: {step} to {longest} samples, in steps of {step}"
            )
        if self.delay < 0 or self.delay % DELAY_STEP:
            raise BadReadout(
                f"integration delay {self.delay}: 0 or more, in steps of {DELAY_STEP} samples"
            )
        if len(self.weights) > UNITS:
            raise BadReadout(f"{len(self.weights)} integrators; there are {UNITS}")
        for index, weights in enumerate(self.weights):
            if len(weights) > longest:
                raise BadReadout(f"weights {index} have {len(weights)} samples, {longest} at most")
            if len(weights) and max(np.abs(weights.real).max(), np.abs(weights.imag).max()) > 1:
                raise BadReadout(f"weights {index} go beyond 1")


def discriminate(results: Complexes, settings: ReadoutSettings) -> NDArray[np.uint8]:
    """Return the states that results tell, of the same shape: 1 above its threshold.

    ASSUMED: a result at the threshold is below it.
    """
    thresholds = np.zeros(results.shape[1])
    given = np.array(settings.thresholds[: results.shape[1]])
    thresholds[: len(given)] = given
    return (results.real > thresholds).astype(np.uint8)
