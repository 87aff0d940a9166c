"""Fits the decay of a qubit that is sent over a link and back between random Cliffords.

Each sequence is played to both ends, 0 and 1: what a way does that is no mixture of turns, as where
photons are lost, is no offset then, and the difference decays by one factor for each round trip.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Bound, FitFailed, fit_least_squares

Array = NDArray[np.float64]
SEEN = 5.0


@dataclass(frozen=True, slots=True)
class RoundTripDecay:
    """Holds what random sequences find of a round trip, preparation and readout apart."""

    height: float
    """Of the decay without a round trip; ideal pulses and readout have 1."""
    height_sigma: float
    decay: float
    """By a round trip."""
    decay_sigma: float

    @property
    def process_fidelity(self) -> float:
        """Fidelity of a round trip with the way that changes nothing: ``(1 + 3 p) / 4``."""
        return (1 + 3 * self.decay) / 4

    @property
    def process_fidelity_sigma(self) -> float:
        """One standard deviation of it."""
        return 0.75 * self.decay_sigma

    @property
    def transfer_fidelity(self) -> float:
        """Process fidelity of one of two like transfers, were both mixed by Cliffords.

        Of lost photons, 30 % each, it is 0.002 too low.
        """
        return float((1 + 3 * np.sqrt(max(self.decay, 0.0))) / 4)

    @property
    def transfer_fidelity_sigma(self) -> float:
        """One standard deviation of it."""
        return float(0.375 * self.decay_sigma / np.sqrt(max(self.decay, 1e-9)))


def returned(ones: NDArray[np.bool_], targets: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the signals of sequences, and their variance by shots, (sequences,) each.

    ``ones``: what was read, (shots, 2 sequences); ``targets``: 0, 1, 0, 1, ... The signal is
    how much more often 1 is read where it should be.
    """
    mean = ones.mean(axis=0)
    variance = mean * (1 - mean) / len(ones)
    if targets.tolist() != [0, 1] * (targets.size // 2):
        raise ValueError(
            f"sequences come in twos, to 0 and to 1, and these go to {targets.tolist()}"
        )
    return mean[1::2] - mean[::2], variance[1::2] + variance[::2]


def fit_round_trips(lengths: Array, signals: Sequence[tuple[Array, Array]]) -> RoundTripDecay:
    """Fit ``height * decay ** length`` to the means of each length; raises FitFailed.

    ``signals``: of each length, those of all its sequences and their variances by shots. All
    states go on the way in each length: the means scatter by shots alone.
    """
    mean = np.array([values.mean() for values, _ in signals])
    spread = np.array([np.sqrt(max(v.mean(), 1e-9) / v.size) for _, v in signals])

    def model(v: Mapping[str, float]) -> Array:
        return np.asarray(v["height"] * v["decay"] ** lengths)

    starts = [{"height": float(mean[0]), "decay": decay} for decay in (0.8, 0.4, 0.1)]
    bounds = {"height": Bound(-0.5, 1.5), "decay": Bound(0.0, 1.02)}
    found = fit_least_squares(model, mean, spread, starts, bounds)
    v, s = found.values, found.sigmas
    if v["height"] < SEEN * s["height"]:
        raise FitFailed(
            f"sequences come back no more often than by chance: {v['height']:.3f} ± "
            f"{s['height']:.3f} in place of 1"
        )
    if v["decay"] < SEEN * s["decay"]:
        raise FitFailed(
            f"nothing of a qubit comes back over the link: {v['decay']:.3f} ± {s['decay']:.3f} is "
            "left by a round trip"
        )
    return RoundTripDecay(v["height"], s["height"], v["decay"], s["decay"])
