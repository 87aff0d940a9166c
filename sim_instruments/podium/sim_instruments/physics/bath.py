"""A warm mixing chamber acts on qubits by thermal photons and quasiparticles.

The twin file gives each qubit the effective temperature that it has in a cold fridge, which is far
above the fridge's own: lines and filters make it. A fridge that warms adds its own share:

- photons, by which jumps up and down both grow: ``n(T) - n(T_cold)`` with
  ``n = 1 / (exp(h f / k T) - 1)``, on every line;
- quasiparticles, by which neighbouring levels decay: ``sqrt(2 w D / hbar) x / pi`` with
  ``x = sqrt(2 pi k T / D) exp(-D / k T)`` (Catelani et al., Phys. Rev. B 84, 064517 (2011)).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.constants import Boltzmann, Planck
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint, frozen

GAP_HZ = 43.5e9
"""Of aluminium, over h: 180 ueV (films of 1.2 K; Catelani et al., table I)."""
HOTTEST_K = 0.3
"""Above it no coherence is left for a nanosecond's pulse: warmer baths count as this. ASSUMED."""
LEAST_PHOTONS = 1e-12
"""Fewer change nothing."""


@dataclass(frozen=True, slots=True)
class Bath:
    """The mixing chamber that a chip is mounted to."""

    now_k: float
    cold_k: float
    """In usual operation, to which the twin file's temperatures of qubits belong."""


def photons(frequency_hz: float, temperature_k: float) -> float:
    """Return the mean thermal photons of a mode."""
    exponent = Planck * frequency_hz / (Boltzmann * temperature_k)
    return 0.0 if exponent > 700 else 1.0 / math.expm1(exponent)


def quasiparticle_rate_1_s(frequency_hz: float, temperature_k: float) -> float:
    """Return the rate at which thermal quasiparticles take a transmon from 1 to 0, 1/s."""
    gap = Planck * GAP_HZ / (Boltzmann * temperature_k)
    density = math.sqrt(2 * math.pi / gap) * math.exp(-gap)
    return 2 * math.sqrt(2 * frequency_hz * GAP_HZ) * density


def warmed(
    feedlines: tuple[FeedlinePoint, ...], baths: Mapping[str, Bath]
) -> tuple[FeedlinePoint, ...]:
    """Return operating points with the baths of their nodes; by node, those not named are cold.

    Where nothing changes, the same objects come back.
    """
    if not baths:
        return feedlines
    return tuple(_with_bath(one, baths.get(one.name.partition(".")[0])) for one in feedlines)


def _with_bath(feedline: FeedlinePoint, bath: Bath | None) -> FeedlinePoint:
    if bath is None:
        return feedline
    now_k, cold_k = min(bath.now_k, HOTTEST_K), min(bath.cold_k, HOTTEST_K)
    if now_k <= cold_k:
        return feedline
    qubits = tuple(_warmed_qubit(qubit, now_k, cold_k) for qubit in feedline.qubits)
    if all(new is old for new, old in zip(qubits, feedline.qubits, strict=True)):
        return feedline
    return replace(feedline, qubits=qubits)


def _warmed_qubit(qubit: QubitPoint, now_k: float, cold_k: float) -> QubitPoint:
    levels_hz, rates = qubit.levels_hz, np.array(qubit.rates_1_s)
    line_hz = float(levels_hz[1])
    if photons(line_hz, now_k) - photons(line_hz, cold_k) < LEAST_PHOTONS:
        return qubit
    for m in range(levels_hz.size):
        for n in range(m):
            _add_photons(rates, n, m, float(levels_hz[m] - levels_hz[n]), now_k, cold_k)
    broken = quasiparticle_rate_1_s(line_hz, now_k) - quasiparticle_rate_1_s(line_hz, cold_k)
    for n in range(1, levels_hz.size):
        down = broken * float(qubit.ladder[n - 1]) ** 2
        step = Planck * float(levels_hz[n] - levels_hz[n - 1]) / (Boltzmann * now_k)
        rates[n - 1, n] += down
        rates[n, n - 1] += down * math.exp(-step)
    return replace(qubit, rates_1_s=frozen(rates))


def _add_photons(
    rates: NDArray[np.float64], low: int, high: int, line_hz: float, now_k: float, cold_k: float
) -> None:
    """Add thermal photons to the jumps between two levels, [to, from] in ``rates``."""
    down, up = float(rates[low, high]), float(rates[high, low])
    if down <= up:
        return
    spontaneous = down - up  # g (n + 1) less g n
    added = spontaneous * (photons(line_hz, now_k) - photons(line_hz, cold_k))
    rates[low, high] = down + added
    rates[high, low] = up + added
