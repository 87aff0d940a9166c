"""Follows a skew between measurements: a Kalman filter with an honest sigma.

The skew at time t and temperature T is offset(t) + coefficient * (T - T0). The offset goes on with
a rate; offset and rate walk at random. A measurement adds the systematic error of its way, which
is the same each time, and a random one. State: offset, rate, coefficient, and one error for each
way; fs, fs/s, fs/K, fs. Walks: continuous white noise on rate and on its derivative, so that for a
step dt the offset gains the variance a^2 dt + b^2 dt^3 / 3 (Bar-Shalom, Li, Kirubarajan:
Estimation with Applications to Tracking and Navigation, section 6.2, for the second term; a clock
model of the same form: Galleani and Tavella, IEEE Trans. UFFC 50, 1453, 2003).
"""

import math
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair, Skew, SkewMeasured
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

JUMP_SIGMA = 6.0
"""A measurement further than this from what was expected is a jump: 2e-9 by chance."""

Array = NDArray[np.float64]


class SkewJumped(ValueError):
    """A measurement that no drift explains, though no epoch has moved. It was not taken.

    Look for a loose cable or a re-lock that nobody noted; then begin the pair anew.
    """


class OutOfOrder(ValueError):
    """A time before the latest measurement was asked for, or measured. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class DriftModel:
    """Gives the drift of a skew between measurements, one sigma each.

    ASSUMED: electronics in a rack behind a White Rabbit switch, 20 ps in an hour, 1 ps/K of coax
    and up to some 10 ps/K of electronics; to be replaced by what a facility's ledger shows.
    """

    offset_walk_fs: float = 300.0
    """fs/sqrt(s)."""
    rate_walk_fs_s: float = 0.003
    """fs/s per sqrt(s)."""
    rate_fs_s: float = 5.0
    """Of the rate before anything is known, fs/s."""
    coefficient_fs_k: float = 30_000.0
    """Of the temperature coefficient before anything is known, fs/K."""
    temperature_k: float = 0.1
    """Of a temperature that is not measured at the time, but expected; K."""
    measured_k: float = 0.0
    """Of the temperature that a measurement is said to have been made at; K."""


NOMINAL_ROOM_K = 295.0
NO_THERMOMETER = DriftModel(temperature_k=0.3, measured_k=0.3)
"""Where nobody measures the room's temperature: every skew counts as measured at
:data:`NOMINAL_ROOM_K`, and what the room may do stands in the sigma. ASSUMED: air conditioning
holds the air within half a kelvin of its mean."""


@dataclass(frozen=True, slots=True, eq=False)
class DriftFilter:
    """Estimates one pair's skew under one set of epochs and of trigger delays.

    Never changed, only followed.
    """

    pair: Pair
    model: DriftModel
    epochs: Epochs
    at: Tai
    """Of the latest measurement."""
    origin_fs: int
    """The offset is counted from here, so that floats need hold differences only."""
    origin_k: float
    ways: tuple[str, ...]
    state: Array = field(repr=False)
    """Shape (3 + ways,)."""
    covariance: Array = field(repr=False)
    """Shape (3 + ways, 3 + ways)."""
    delays_ns: tuple[int, int] | None = None
    """As of :class:`.SkewMeasured`."""

    @classmethod
    def begin(cls, first: SkewMeasured, model: DriftModel | None = None) -> Self:
        """Return what one measurement tells."""
        model = model or DriftModel()
        noise = first.random_fs**2 + (model.coefficient_fs_k * model.measured_k) ** 2
        variances = [model.rate_fs_s**2, model.coefficient_fs_k**2, first.systematic_fs**2]
        covariance = np.diag([noise + first.systematic_fs**2, *variances])
        covariance[0, 3] = covariance[3, 0] = -(first.systematic_fs**2)
        return cls(
            first.pair,
            model,
            first.epochs,
            first.at,
            first.value_fs,
            first.temperature_k,
            (first.way,),
            np.zeros(4),
            covariance,
            first.delays_ns,
        )

    def after(self, measured: SkewMeasured) -> "DriftFilter":
        """Return what is known after one more measurement.

        Under new epochs, or with other delays of the triggers, offset and rate are begun anew;
        temperature coefficient and the errors of the ways are kept, as cables and boxes are the
        same. Raises ``SkewJumped`` and ``OutOfOrder``.
        """
        if measured.pair != self.pair:
            raise ValueError(f"{measured.pair} was measured; this is {self.pair}")
        known = self._with_way(measured)
        anew = (measured.epochs, measured.delays_ns) != (self.epochs, self.delays_ns)
        state, covariance = known._at(measured.at)
        if anew:
            state, covariance = _forgotten(state, covariance, self.model)
        row = np.zeros(len(state))
        row[0], row[2] = 1.0, measured.temperature_k - self.origin_k
        row[3 + known.ways.index(measured.way)] = 1.0
        found_fs = float(measured.value_fs - self.origin_fs)
        coefficient = state[2] ** 2 + covariance[2, 2]
        noise = measured.random_fs**2 + coefficient * self.model.measured_k**2
        if anew:
            # Nothing is known of the offset: it is what makes the measurement true.
            unit = np.zeros(len(state))
            unit[0] = 1.0
            rest = row - unit
            state[0] = found_fs - rest @ state
            transfer = np.eye(len(state))
            transfer[0] = -rest
            covariance = transfer @ covariance @ transfer.T
            covariance[0, 0] += noise
        else:
            innovation = found_fs - row @ state
            variance = row @ covariance @ row + noise
            if abs(innovation) > JUMP_SIGMA * math.sqrt(variance):
                raise SkewJumped(
                    f"skew of {self.pair}: {measured.value_fs} fs was measured, "
                    f"{measured.value_fs - innovation:.0f} fs +- {math.sqrt(variance):.0f} fs were "
                    f"expected, and the epochs are the same ({dict(self.epochs.numbers)})"
                )
            gain = covariance @ row / variance
            state = state + gain * innovation
            keep = np.eye(len(state)) - np.outer(gain, row)
            covariance = keep @ covariance @ keep.T + noise * np.outer(gain, gain)  # Joseph
        return replace(
            known,
            epochs=measured.epochs,
            delays_ns=measured.delays_ns,
            at=measured.at,
            state=state,
            covariance=covariance,
        )

    def skew(self, at: Tai, temperature_k: float, epochs: Epochs, sigma_k: float = -1.0) -> Skew:
        """Return the skew to be expected; ``EpochMoved`` if it was known under other epochs.

        ``sigma_k``: how well the temperature is known; without, what the model says.
        """
        self.epochs.check(epochs, f"skew of {self.pair}")
        state, covariance = self._at(at)
        row = np.zeros(len(state))
        row[0], row[2] = 1.0, temperature_k - self.origin_k
        sigma_k = self.model.temperature_k if sigma_k < 0 else sigma_k
        # The coefficient itself is not sharp: E[c^2] = c^2 + var(c).
        of_temperature = (state[2] ** 2 + covariance[2, 2]) * sigma_k**2
        variance = float(row @ covariance @ row + of_temperature)
        value_fs = self.origin_fs + round(float(row @ state))
        return Skew(self.pair, value_fs, math.sqrt(variance), at, temperature_k, epochs)

    def _with_way(self, measured: SkewMeasured) -> "DriftFilter":
        """Return the same, with the error of the measurement's way among the unknown."""
        if measured.way in self.ways:
            return self
        size = len(self.state)
        covariance = np.zeros((size + 1, size + 1))
        covariance[:size, :size] = self.covariance
        covariance[size, size] = measured.systematic_fs**2
        return replace(
            self,
            ways=(*self.ways, measured.way),
            state=np.append(self.state, 0.0),
            covariance=covariance,
        )

    def _at(self, at: Tai) -> tuple[Array, Array]:
        """Return state and covariance at a later time."""
        dt_s = (at - self.at) / FS_PER_S
        if dt_s < 0:
            raise OutOfOrder(
                f"skew of {self.pair}: {at} lies {-dt_s:.3g} s before the latest measurement "
                f"({self.at}), and what is known now was not known then"
            )
        step = np.eye(len(self.state))
        step[0, 1] = dt_s
        offset, rate = self.model.offset_walk_fs**2, self.model.rate_walk_fs_s**2
        covariance = step @ self.covariance @ step.T
        covariance[0, 0] += offset * dt_s + rate * dt_s**3 / 3
        covariance[0, 1] += rate * dt_s**2 / 2
        covariance[1, 0] += rate * dt_s**2 / 2
        covariance[1, 1] += rate * dt_s
        return step @ self.state, covariance


def _forgotten(state: Array, covariance: Array, model: DriftModel) -> tuple[Array, Array]:
    """Return what is left when offset and rate are not known any longer."""
    state, covariance = state.copy(), covariance.copy()
    state[:2] = 0.0
    covariance[:2, :] = covariance[:, :2] = 0.0
    covariance[1, 1] = model.rate_fs_s**2
    return state, covariance
