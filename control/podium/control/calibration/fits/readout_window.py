"""Computes the fidelity of a readout from the decay of the qubit and the resonator's filling."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.driven_resonator import Integrated, KnownResonator

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShelvedOne:
    """Describes the level 1 of a qubit whose 1 is read as 2 (a fluxonium).

    2 decays to 1 and only from there to 0 (a parity keeps it from 0); and what is lifted from 0
    comes to 1. Where 1 lies is the readout's matter: often next to 2.
    """

    t1_s: float
    thermal_population: float
    line_hz: float
    """From the resonator's line in 0 to that in 1."""


@dataclass(frozen=True, slots=True, eq=False)
class ThirdLevel:
    """Holds what pulses integrate of a level 1 that is not the one that is read as 1."""

    place: Array
    """Of the way from 0 to 2."""
    lifted_from: Array
    """Of the way from 0 to 1 a shot that is lifted to it in this part has missed so much."""
    lit_0_s: Array
    """Photons with the qubit in 0, of the critical number, times time, in each part."""

    def of(self, settings: NDArray[np.bool_]) -> "ThirdLevel":
        """Return it of some settings and lengths: a mask of the shape of ``place``."""
        return ThirdLevel(self.place[settings], self.lifted_from[settings], self.lit_0_s[settings])


def _nothing() -> Array:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Clouds:
    """Holds where shots lie that were prepared in 0 and in 1; the last axis is that of jumps."""

    distance: Array
    """Of both clouds, in units of a shot's noise."""
    before: float
    """Share of 1 that has decayed when the pulse arrives, which is read as 0."""
    shares: Array
    """What of 1 jumps in each part of it ..."""
    place: Array
    """... and lies there: 0 at the one cloud, 1 at the other."""
    lifted: Array = field(default_factory=_nothing)
    """What of 0 jumps in each part ..."""
    lifted_to: Array = field(default_factory=_nothing)
    """... and lies there."""

    def fidelity(self, threshold: Array) -> Array:
        """Return 1 - (P(1|0) + P(0|1)) / 2 with a threshold, of the way from 0 to 1.

        (Gambetta et al., Phys. Rev. A 76, 012325 (2007), Sec. III, where all that decays lies
        evenly between.)
        """
        from scipy.special import ndtr  # heavy

        at = self.distance * threshold
        far = self.distance[..., None]
        zero, one = ndtr(at), ndtr(at - self.distance)
        decayed = np.sum(self.shares * ndtr(at[..., None] - far * self.place), axis=-1)
        left = 1 - self.before - np.sum(self.shares, axis=-1)
        beyond = zero[..., None] - ndtr(at[..., None] - far * self.lifted_to)
        lifted = np.sum(self.lifted * beyond, axis=-1)
        wrong = 1 - zero + lifted + left * one + decayed + self.before * zero
        return np.asarray(1 - wrong / 2)

    def best_threshold(self) -> Array:
        """Return the threshold that is wrong least often, of the way from 0 to 1."""
        tried = THRESHOLDS if not self.lifted.size else OF_SHELVED
        right = np.stack([self.fidelity(np.full_like(self.distance, one)) for one in tried])
        top = np.clip(np.argmax(right, axis=0), 1, len(tried) - 2)
        low, middle, high = (
            np.take_along_axis(right, (top + k)[None], axis=0)[0] for k in (-1, 0, 1)
        )
        bend = np.minimum(low - 2 * middle + high, -1e-12)
        step = tried[1] - tried[0]
        return np.asarray(tried[top] + step * np.clip(0.5 * (low - high) / bend, -1, 1))


@dataclass(frozen=True, slots=True)
class Window:
    """Describes a readout in time: arrival, opening, decay of the qubit."""

    t1_s: float
    """Of the level that is read as 1."""
    arrives_s: float
    """From when the state was there to the arrival of the pulse."""
    opens_s: float
    """From there to the opening of the window; it closes with the pulse."""
    known: KnownResonator
    """The resonator, as far as it was known before."""
    shelved: ShelvedOne | None = None
    """1 is read as 2; None: as it is."""
    ill_prepared: float = 0.0
    """Share of 1 that was in 1 before its pulse, as the heat has it."""

    def clouds(
        self, distance: Array, pulse: Integrated, growth: Array | float, third: ThirdLevel | None
    ) -> Clouds:
        """Return where shots lie, and how many.

        ``growth``: by what share critical photons hasten jumps; shape of ``pulse``, or 1 for its
        last axis. ``third``: of a shelved qubit.
        """
        before, each = self.shares(pulse, growth)
        if self.shelved is None or third is None:
            return Clouds(distance, before, each, pulse.place)
        one = self.shelved
        folds_s = np.cumsum(pulse.waits_s + growth * pulse.lit_s, axis=-1)
        left_2 = np.exp(-folds_s / self.t1_s)
        fallen = -np.diff(left_2, axis=-1, prepend=1.0)
        still = (1 - before) * fallen * np.exp((folds_s - folds_s[..., -1:]) / one.t1_s)
        beside = 1 - (1 - pulse.place) * (1 - third.place[..., None])
        rate_1_s = one.thermal_population / one.t1_s
        lifted = rate_1_s * (pulse.waits_s + growth * third.lit_0_s)
        return Clouds(
            distance,
            before,
            np.concatenate([each, np.broadcast_to(still, each.shape)], axis=-1),
            np.concatenate([pulse.place, np.broadcast_to(beside, pulse.place.shape)], axis=-1),
            lifted,
            third.place[..., None] * (1 - third.lifted_from),
        )

    def shares(self, pulse: Integrated, growth: Array | float) -> tuple[float, Array]:
        """Return which share of 1 is in 0 before the pulse arrives, and comes there in each part.

        ``growth``: as of :meth:`clouds`.
        """
        if self.shelved is not None:
            folds_s = np.cumsum(pulse.waits_s + growth * pulse.lit_s, axis=-1)
            gone = both_decayed(folds_s, self.t1_s, self.shelved.t1_s)
            first = float(np.exp(-self.arrives_s / self.shelved.t1_s))
            return 1 - first, np.asarray(first * np.diff(gone, axis=-1, prepend=0.0))
        folds = self.arrives_s + np.cumsum(pulse.waits_s + growth * pulse.lit_s, axis=-1)
        alive = np.exp(-folds / self.t1_s)
        first = float(np.exp(-self.arrives_s / self.t1_s))
        each = -np.diff(alive, axis=-1, prepend=first)
        return 1 - first, np.asarray(each)

    def falling_1_s(self, pulse: Integrated) -> Array:
        """Return at what rate shots fall to 0 in the middle of each part, photons as expected."""
        before, each = self.shares(pulse, 1.0)
        if self.shelved is None:
            return np.asarray((1 - before - np.cumsum(each, axis=-1) + each / 2) / self.t1_s)
        part_s = pulse.waits_s + pulse.lit_s
        return np.asarray(each / np.maximum(part_s, 1e-15))


def both_decayed(folds_s: Array, first_s: float, second_s: float) -> Array:
    """Return the share that has made two decays, one after the other, of these lifetimes, s."""
    if abs(first_s - second_s) < 1e-6 * first_s:
        second_s = (1 + 1e-6) * first_s
    left = np.exp(-folds_s / first_s)
    between = second_s / (second_s - first_s) * (np.exp(-folds_s / second_s) - left)
    return np.asarray(1 - left - between)


def overlap_of(distance: Array) -> Array:
    """Return the share of a Gaussian cloud beyond the middle between two, for their distance."""
    from scipy.special import ndtr  # heavy

    return np.asarray(ndtr(-distance / 2))


THRESHOLDS = np.linspace(0.16, 0.52, 10)
"""Of the way from 0 to 1: what decays lies between, so the best is nearer to 0 ..."""
OF_SHELVED = np.linspace(0.16, 0.8, 17)
"""... and what is lifted, so that it may be nearer to 1 where little decays."""
