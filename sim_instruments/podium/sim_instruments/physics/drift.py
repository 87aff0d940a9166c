"""Drift: what of a chip moves in world time, slower than a shot and down to hours.

Each is a sum of :class:`.noise.SlowNoise`, one for each decade of memory, which has a 1/f spectrum
over these decades: a function of world time and seed in closed form, so that a run's mean is known
at once and looking changes nothing. Of a qubit (constants with their sources in
:data:`.sampling.DRIFT_SPREADS`):

- f01: Gaussian, ``frequency`` in each decade from 10 ms to a day. Its mean over a run moves the
  levels, what it strays within the run adds to the slow noise.
- T1: the rates of all jumps are multiplied by exp(x), x Gaussian with ``loss`` in each decade from
  100 s to 10,000 s, and by 1 + ``defect_loss`` while a two-level defect is in resonance: while a
  noise with a memory of 1,000 s is above DEFECT_ABOVE standard deviations (5 % of the time).
- Flux: ``flux`` in each decade from 1 s to a day, on top of what its sources bring.

Of a feedline: the chain's ``gain`` and the ``delay`` of the way back, in each decade from 100 s to
10,000 s. A run that is played piece by piece (feedback) has the values of its start throughout.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint, frozen

if TYPE_CHECKING:
    from podium.sim_instruments.physics.noise import SlowNoise

FREQUENCY_MEMORIES_S = (1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5)
LOSS_MEMORIES_S = (1e2, 1e3, 1e4)
FLUX_MEMORIES_S = (1.0, 1e1, 1e2, 1e3, 1e4, 1e5)
CHAIN_MEMORIES_S = (1e2, 1e3, 1e4)
DEFECT_MEMORY_S = 1e3
DEFECT_ABOVE = 1.645
FLUX_STEP = 5e-7
"""Flux quanta: a chip is diagonalised anew for each step; at the steepest flank one is some kHz."""


@dataclass(frozen=True, slots=True)
class QubitDrift:
    """Drift of one qubit: standard deviations for each decade of memory."""

    frequency_hz: float
    loss: float
    """Of the logarithm of its loss rate."""
    defect_loss: float
    """Loss that a defect in resonance adds, over the loss without."""
    flux: float
    """Flux quanta."""


@dataclass(frozen=True, slots=True)
class FeedlineDrift:
    """Drift of one feedline's chain: standard deviations for each decade of memory."""

    gain_db: float
    delay_ns: float


ChipAt = Callable[
    [Mapping[str, float], Collection[str] | None, Mapping[str, float]], tuple[FeedlinePoint, ...]
]
"""Biases, V; feedlines, None: all; flux quanta on top by qubit: the operating point."""


class Drift:
    """Tells a chip's operating point over a stretch of world time. Safe to share by threads."""

    def __init__(
        self,
        chip_at: ChipAt,
        seed: int,
        qubits: Mapping[str, QubitDrift],
        feedlines: Mapping[str, FeedlineDrift],
    ) -> None:
        """``qubits`` and ``feedlines`` by full name; those not named do not drift."""
        self._chip_at = chip_at
        self._seed = seed
        self._qubits = dict(qubits)
        self._feedlines = dict(feedlines)

    def at(
        self,
        biases_v: Mapping[str, float],
        feedlines: Collection[str] | None,
        start_s: float,
        duration_s: float,
    ) -> tuple[FeedlinePoint, ...]:
        """Return the mean operating point over ``duration_s`` from ``start_s`` (TAI) on."""
        flux = self.flux(start_s, duration_s)
        return tuple(
            self._feedline(point, start_s, duration_s)
            for point in self._chip_at(biases_v, feedlines, flux)
        )

    def flux(self, start_s: float, duration_s: float) -> dict[str, float]:
        """Return by how many flux quanta each qubit's flux has drifted, in whole steps."""
        return {
            name: FLUX_STEP
            * round(
                self._mean(name, "flux", drift.flux, FLUX_MEMORIES_S, start_s, duration_s)
                / FLUX_STEP
            )
            for name, drift in self._qubits.items()
        }

    def _feedline(self, point: FeedlinePoint, start_s: float, duration_s: float) -> FeedlinePoint:
        qubits = tuple(self._qubit(qubit, start_s, duration_s) for qubit in point.qubits)
        drift = self._feedlines.get(point.name)
        if drift is None:
            return replace(point, qubits=qubits)

        def mean(what: str, sigma: float) -> float:
            return self._mean(point.name, what, sigma, CHAIN_MEMORIES_S, start_s, duration_s)

        gain = 10 ** (mean("gain", drift.gain_db) / 20)
        return replace(
            point,
            qubits=qubits,
            gain_out=point.gain_out * gain,
            noise_w_per_hz=point.noise_w_per_hz * gain**2,
            delay_out_ns=max(0.0, point.delay_out_ns + mean("delay", drift.delay_ns)),
        )

    def _qubit(self, point: QubitPoint, start_s: float, duration_s: float) -> QubitPoint:
        drift = self._qubits.get(point.name)
        if drift is None:
            return point
        means, strays = zip(
            *(
                noise.over(start_s, duration_s)
                for noise in self._noises(
                    point.name, "frequency", drift.frequency_hz, FREQUENCY_MEMORIES_S
                )
            ),
            strict=True,
        )
        number = np.arange(point.levels_hz.size)
        return replace(
            point,
            levels_hz=frozen(point.levels_hz + math.fsum(means) * number),
            stray_hz=math.hypot(*strays),
            rates_1_s=frozen(point.rates_1_s * self._loss(point.name, drift, start_s, duration_s)),
        )

    def _loss(self, name: str, drift: QubitDrift, start_s: float, duration_s: float) -> float:
        """Return what the loss is multiplied by: ASSUMED, as by its means over the run."""
        log = self._mean(name, "loss", drift.loss, LOSS_MEMORIES_S, start_s, duration_s)
        defect = self._mean(name, "defect", 1.0, (DEFECT_MEMORY_S,), start_s, duration_s)
        added = drift.defect_loss if defect > DEFECT_ABOVE else 0.0
        return math.exp(log) * (1 + added)

    def _mean(
        self,
        name: str,
        what: str,
        sigma: float,
        memories_s: Sequence[float],
        start_s: float,
        duration_s: float,
    ) -> float:
        noises = self._noises(name, what, sigma, memories_s)
        return math.fsum(noise.over(start_s, duration_s)[0] for noise in noises)

    def _noises(
        self, name: str, what: str, sigma: float, memories_s: Sequence[float]
    ) -> "list[SlowNoise]":
        from podium.sim_instruments.physics.noise import SlowNoise  # compiled: see .noise

        return [
            SlowNoise(sigma, memory_s, key(self._seed, name, f"drift of {what} {memory_s:g} s"))
            for memory_s in memories_s
        ]


def slow_noise(qubit: QubitPoint, seed: int) -> "SlowNoise":
    """Return the frequency noise that changes within a few shots, which every world has."""
    from podium.sim_instruments.physics.noise import SlowNoise  # compiled: see .noise

    return SlowNoise(qubit.slow_sigma_hz, qubit.slow_memory_s, key(seed, qubit.name, "slow"))
