"""What happens to a qubit and its resonator while it is read, and the fidelity that is left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """What happens to a qubit and its resonator while it is read, by time."""

    t1_s: float
    arrives_s: float
    """From when the state was there to the arrival of the pulse."""
    opens_s: float
    """From there to the opening of the window; it closes with the pulse."""
    fills_s: float
    """In which the resonator's field comes within 1/e of where it goes: 1 / (pi kappa)."""
    critical_amplitude: float
    """At which photons about double the decay: as many as the critical number. ASSUMED: strong
    probes pull the line towards them, so that they are on resonance wherever they are."""
    ground_hz: float
    """The resonator's line with the qubit in 0."""

    def photons(self, frequency_hz: Array, rate: Array) -> Array:
        """Return the photons in the resonator with the qubit in 1, up to a factor.

        ``rate``: distance over :meth:`grown`. Fields of 0 and 1 under one drive e are a0 = e /
        (kappa / 2 + i d0) and likewise a1, d0 and d1 from the lines to the probe. They differ by
        a1 (d1 - d0) / (kappa / 2 + i d0), which is what is read: so |a1|**2 goes as the square of
        that times |kappa / 2 + i d0|**2, also where photons pull the lines.
        """
        detuning = np.pi * self.fills_s * (frequency_hz - self.ground_hz)
        return np.asarray(rate**2 * (0.25 + detuning**2))

    def grown(self, length_s: Array) -> Array:
        """Return the distance of 0 and 1 for pulses of that length, up to a factor.

        The mean over the window of a field that fills, times the root of the window's length.
        """
        window = np.maximum(length_s - self.opens_s, 1e-10)
        missing = np.exp(-self.opens_s / self.fills_s) - np.exp(-length_s / self.fills_s)
        return np.asarray((window - self.fills_s * missing) / np.sqrt(window))

    def lit_s(self, until_s: Array | float) -> Array:
        """Return the time in which full photons do what those that fill the resonator do.

        Photons go as the square of a field that fills; ``until_s``: from the pulse's arrival.
        """
        missing = 1 - np.exp(-np.asarray(until_s) / self.fills_s)
        return np.asarray(until_s - self.fills_s * (2 * missing - missing * (2 - missing) / 2))

    def decayed(self, until_s: Array | float, growth: Array | float) -> Array:
        """Return the share of 1 that has decayed by then.

        ``growth``: by how much photons hasten the decay once the resonator is full, in its rate.
        """
        folds = self.arrives_s + until_s + growth * self.lit_s(until_s)
        return np.asarray(1 - np.exp(-folds / self.t1_s))


def overlap_of(distance: Array) -> Array:
    """Return the share of a Gaussian cloud beyond the middle between two, for their distance."""
    from scipy.special import ndtr  # heavy

    return np.asarray(ndtr(-distance / 2))


def expected_fidelity(distance: Array, early: Array, late: Array) -> Array:
    """Return 1 - (P(1|0) + P(0|1)) / 2 with the best threshold between the clouds.

    ``early``: share of 1 that has decayed when the window opens, which is read as 0; ``late``: when
    it closes. What decays within lies evenly between both clouds (Gambetta et al., Phys. Rev. A
    76, 012325 (2007), Sec. III), so the best threshold is nearer to 0 than to 1.
    """
    from scipy.special import ndtr  # heavy

    distance = np.maximum(distance, 1e-3)
    middle = distance / 2
    within = late - early
    # Density of what lies between, over that of either cloud in the middle; there the threshold
    # takes as many from one as it gives to the other. Two steps of a fixed point.
    between = within / (2 * distance * np.maximum(_normal(middle), 1e-300))
    nearer = np.arcsinh(between) / middle
    nearer = np.arcsinh(between * np.exp(np.minimum(nearer, middle) ** 2 / 2)) / middle
    place = middle - np.minimum(nearer, 0.9 * middle)
    zero, one = ndtr(place), ndtr(place - distance)
    # Of what lies evenly between the clouds: the integral of ndtr(x) is x ndtr(x) + normal(x).
    below = place * (zero - one) + distance * one + _normal(place) - _normal(place - distance)
    wrong_one = (1 - late) * one + within * below / distance + early * zero
    return np.asarray(1 - (1 - zero + wrong_one) / 2)


def _normal(place: Array) -> Array:
    """Return the density of a normal distribution."""
    return np.asarray(np.exp(-(place**2) / 2) / np.sqrt(2 * np.pi))
