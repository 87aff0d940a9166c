"""One atom of a meeting by itself: waits and drive shapes as superoperators of three levels.

They are the channels of :mod:`..propagators` and :mod:`..evolution`, as complex matrices that act
on the flat density matrix: element ``[a, b]`` has the number ``LEVELS * a + b``. Frames are those
of :mod:`..evolution`: level n turns with its energy.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.evolution import REUSED, bare_tables, fill_waits, with_shapes
from podium.sim_instruments.physics.hermitian_coordinates import hermitian_basis
from podium.sim_instruments.physics.noise import Quadrature
from podium.sim_instruments.physics.operating_point import QubitPoint

LEVELS = 3
"""Of each atom in a meeting: g, e, f."""
SIZE = LEVELS * LEVELS
_ROW, _COLUMN = np.divmod(np.arange(SIZE), LEVELS)


def three_levels(qubit: QubitPoint) -> QubitPoint:
    """Return a qubit without its levels above the third, and without the jumps that reach them."""
    return replace(
        qubit,
        levels_hz=qubit.levels_hz[:LEVELS].copy(),
        ladder=qubit.ladder[: LEVELS - 1].copy(),
        rates_1_s=np.ascontiguousarray(qubit.rates_1_s[:LEVELS, :LEVELS]),
        resonator_hz=qubit.resonator_hz[:LEVELS].copy(),
    )


def phases(turns: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return factors (..., 9) of a density matrix whose level n is turned by ``turns`` (..., 3)."""
    apart = turns[..., _ROW] - turns[..., _COLUMN]
    return np.asarray(np.exp(2j * np.pi * (apart % 1.0)))


class AtomMaps:
    """Superoperators (K, 9, 9) of one atom, K nodes of its slow noise."""

    def __init__(self, qubit: QubitPoint, shapes: Sequence[Shape], nodes: Quadrature) -> None:
        """``qubit`` has three levels; ``nodes``: of its slow noise, Hz."""
        self.weight = nodes.weight
        bare = bare_tables(qubit, nodes.node, nodes.weight)
        self._tables = with_shapes(bare, shapes, np.full(len(shapes), REUSED))
        self._noise = np.outer(nodes.node, np.arange(LEVELS))
        self._mean_hz = float(nodes.node @ nodes.weight / nodes.weight.sum())
        self._waits: dict[int, NDArray[np.complex128]] = {}
        self._drives: dict[int, NDArray[np.complex128]] = {}
        units = hermitian_basis(LEVELS).reshape(SIZE, SIZE).T
        self._units, self._coordinates = units, np.linalg.inv(units)

    def wait(self, span_ns: int) -> NDArray[np.complex128]:
        """Return what a wait does."""
        if span_ns not in self._waits:
            factor = np.ones((1, LEVELS, LEVELS), np.complex128)
            jumps = np.empty((1, LEVELS, LEVELS))
            fill_waits(np.array([float(span_ns)]), self._tables, factor, jumps)
            found = factor[0].reshape(-1) * phases(-1e-9 * span_ns * self._noise)
            out = np.zeros((*found.shape, SIZE), np.complex128)
            out[:, np.arange(SIZE), np.arange(SIZE)] = found
            level = np.arange(LEVELS) * (LEVELS + 1)
            out[:, level[:, None], level[None, :]] = jumps[0]
            self._waits[span_ns] = out
        return self._waits[span_ns]

    def gap(self, span_ns: float, stray_hz: float) -> NDArray[np.complex128]:
        """Return what a wait (9, 9) of any length does, averaged over slow noise of its own.

        ``stray_hz``: how far that strays (one sigma) from the mean of the nodes.
        """
        factor = np.ones((1, LEVELS, LEVELS), np.complex128)
        jumps = np.empty((1, LEVELS, LEVELS))
        fill_waits(np.array([span_ns]), self._tables, factor, jumps)
        spread = 2e-9 * np.pi * stray_hz * span_ns * (_ROW - _COLUMN)
        mean = phases(-1e-9 * span_ns * self._mean_hz * np.arange(LEVELS, dtype=np.float64))
        out = np.diag(factor[0].reshape(-1) * mean * np.exp(-0.5 * spread**2))
        level = np.arange(LEVELS) * (LEVELS + 1)
        out[level[:, None], level[None, :]] = jumps[0]
        return out

    def drive(self, shape: int, turns: float) -> NDArray[np.complex128]:
        """Return what a shape does that begins with its carrier at a phase."""
        if shape not in self._drives:
            self._drives[shape] = self._played(shape)
        tables = self._tables
        lasts = float(tables.carrier_hz[shape] * 1e-9 * tables.duration_ns[shape]) % 1.0
        number = np.arange(LEVELS, dtype=np.float64)
        after, before = phases(-(turns + lasts) * number), phases(turns * number)
        return np.asarray(after[:, None] * self._drives[shape] * before)

    def stray(self, span_ns: float) -> NDArray[np.complex128]:
        """Return the factors (K, 9) by which the slow noise alone turns the atom over a span."""
        return phases(-1e-9 * span_ns * self._noise)

    def _played(self, shape: int) -> NDArray[np.complex128]:
        tables, count = self._tables, self.weight.size
        out = np.broadcast_to(np.eye(SIZE), (count, SIZE, SIZE))
        for first in (tables.samples_map[shape], tables.level_map[shape]):
            if first >= 0:
                out = tables.maps[first : first + count] @ out
        return np.asarray(self._units @ out @ self._coordinates)
