"""Clusters on a grid of 0-1 transitions and losses: runs that drift by less share their gates."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.known_values import KnownValues
from podium.sim_instruments.physics.operating_point import frozen

Array = NDArray[np.float64]
Shift = tuple[int, ...]
MOST, FEWER = 4, 3
"""Excitations of the states that maps have, and where these are more than :data:`LARGEST_KEPT`.
What leaves them does not come back: two transmons that leak 1e-5 a gate to level 2 lose some 1e-8 a
gate."""
LARGEST_KEPT = 20
"""States of the largest maps: 400 x 400 numbers."""
LEVEL_HZ = 20e3
"""Steps in which a reference has 0-1 transitions."""
LOSS = 0.05
"""Steps of the logarithm of a loss rate."""
DETUNED_HZ = 10e3
"""Detuning at which derivatives are taken."""
DIGITS = 1
"""Digits of the other levels against the 0-1 transition, and of exchanges, Hz, that tell
references apart: 0.05 Hz turn a gate of 50 ns by 2e-8 rad."""
POINTS_KEPT = 256

POINTS = KnownValues[ClusterPoint](POINTS_KEPT, lambda _: 1)


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """A cluster with 0-1 transitions and losses on a grid, which many runs share."""

    key: tuple[object, ...]
    point: ClusterPoint
    detuned_hz: Array
    """Shape (M,): by how much the 0-1 transitions of the run are higher."""
    higher_hz: Array
    """Shape (D,): by how much the dressed levels of the run are higher."""
    more_loss: Array
    """Shape (M,): by which part of itself the loss of the run is larger."""

    @property
    def kept(self) -> int:
        """Return how many states maps have: those with the fewest excitations."""
        block = self.point.basis.block
        whole, fewer = (int(block[min(most + 1, block.size - 1)]) for most in (MOST, FEWER))
        return whole if whole <= LARGEST_KEPT else fewer

    @property
    def is_whole(self) -> bool:
        """Tell whether these are those of :data:`MOST` excitations."""
        block = self.point.basis.block
        return self.kept == int(block[min(MOST + 1, block.size - 1)])

    def near(self, shift: Shift) -> ClusterPoint:
        """Return the cluster with members detuned by so many :data:`DETUNED_HZ`."""
        if not any(shift):
            return self.point
        return POINTS.find((self.key, shift), lambda: _moved(self.point, DETUNED_HZ, shift))


def _moved(point: ClusterPoint, step_hz: float, by: Sequence[float]) -> ClusterPoint:
    qubits = []
    for one, n in zip(point.qubits, by, strict=True):
        moved_hz: Array = one.levels_hz + step_hz * n * np.arange(float(one.levels_hz.size))
        qubits.append(replace(one, levels_hz=frozen(moved_hz)))
    return cluster_point(qubits, point.chip, point.biases_v)


def reference_of(point: ClusterPoint) -> Reference:
    """Return the reference of a cluster: the same for all that drift by less than a step."""
    qubits, key = [], list[object]()
    detuned, more = np.zeros(len(point.qubits)), np.zeros(len(point.qubits))
    for m, one in enumerate(point.qubits):
        number = np.arange(one.levels_hz.size, dtype=np.float64)
        f01 = float(one.levels_hz[1])
        rounded = LEVEL_HZ * round(f01 / LEVEL_HZ)
        loss = float(one.rates_1_s[0, 1])
        whole = float(np.exp(LOSS * round(np.log(loss) / LOSS))) if loss else 1.0
        pattern = one.rates_1_s / (loss or 1.0)
        ladder = point.cluster.elements[m].ladder
        detuned[m], more[m] = f01 - rounded, (loss / whole - 1.0) if loss else 0.0
        levels: Array = rounded * number + (one.levels_hz - f01 * number)
        qubits.append(replace(one, levels_hz=frozen(levels), rates_1_s=frozen(whole * pattern)))
        bend = np.round(one.levels_hz - f01 * number, DIGITS) + 0.0
        key += [one.name, rounded, bend.tobytes(), whole, np.round(pattern, 6).tobytes()]
        key += [f"{one.dephasing_1_s:.9g}", np.round(ladder, 7).tobytes()]
    for exchange in point.cluster.exchanges:
        key += [exchange.one, exchange.other, round(exchange.strength_hz, DIGITS)]
    whole_key = tuple(key)
    here = POINTS.find(whole_key, lambda: cluster_point(qubits, point.chip, point.biases_v))
    return Reference(whole_key, here, detuned, point.energies_hz - here.energies_hz, more)
