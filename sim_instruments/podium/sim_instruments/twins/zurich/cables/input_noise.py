"""Noise of an analyser's own input, where no world adds any: white, over all of the 2 GHz.

ASSUMED, as no figure of the vendor's was found: in 1 Hz it is 140 dB below the range that is set,
as the converter and what is before it leave it, and no less than 10 dB above what 50 ohms have at
290 K. It is the same whether the input is on or off.
"""

from math import sqrt
from typing import Final

import numpy as np

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.physics.draw import generator
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
)

BELOW_RANGE_DB: Final = 140.0
"""In 1 Hz."""
LEAST_DBM_PER_HZ: Final = -164.0


def density_dbm_per_hz(range_dbm: float) -> float:
    """Return how much power there is in 1 Hz at an input range (``input/range``)."""
    powers = 10 ** (np.array([range_dbm - BELOW_RANGE_DB, LEAST_DBM_PER_HZ]) / 10)
    return float(10 * np.log10(powers.sum()))


def sigma_v(range_dbm: float) -> float:
    """Return the root of a sample's mean squared magnitude, V, at 2 GSa/s.

    As everywhere here a sample is the amplitude of a sine: half its square is power times 50 ohms.
    """
    watts = 10 ** (density_dbm_per_hz(range_dbm) / 10) * 1e-3 * SAMPLE_RATE_HZ
    return sqrt(2 * IMPEDANCE_OHM * watts)


class InputNoise:
    """Of one input, for one listener: the same numbers each time, however they are asked for."""

    def __init__(self, seed: int | None, *names: str) -> None:
        """``seed``: None has it silent."""
        self._random = None if seed is None else generator(seed, "/".join(names), "input noise")

    def volts(self, range_dbm: float, shape: tuple[int, ...]) -> Complexes:
        """Return samples, V."""
        if self._random is None:
            return np.zeros(shape, np.complex128)
        pairs = self._random.standard_normal((*shape, 2)) * (sigma_v(range_dbm) / sqrt(2))
        return np.asarray(pairs[..., 0] + 1j * pairs[..., 1], np.complex128)

    def sums(self, range_dbm: float, weights: tuple[Complexes, ...], count: int) -> Complexes:
        """Return the noise in integrators' results, shape (count, integrators).

        The law is that of the sums of samples, weight by weight, without the samples."""
        if self._random is None:
            return np.zeros((count, len(weights)), np.complex128)
        longest = max((len(one) for one in weights), default=0)
        table = np.zeros((longest, len(weights)), np.complex128)
        for unit, one in enumerate(weights):
            table[: len(one), unit] = one
        # Rows y of independent numbers times a root of the weights' products are distributed alike.
        values, vectors = np.linalg.eigh(table.conj().T @ table)
        root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.conj().T
        return np.asarray(self.volts(range_dbm, (count, len(weights))) @ root)


class InputNoises:
    """Of all inputs behind one data server."""

    def __init__(self, seed: int | None) -> None:
        """``seed``: None has none of them noisy."""
        self._seed = seed
        self._known: dict[tuple[str, int, str], InputNoise] = {}

    def of(self, device: str, channel: int, listener: str) -> InputNoise:
        """Return that of one input for one listener."""
        key = device, channel, listener
        if key not in self._known:
            self._known[key] = InputNoise(self._seed, device, str(channel), listener)
        return self._known[key]
