"""Works out once what a group of pulses does to the states of a cluster.

Up to :data:`MAPPED` product states, a group that many states meet becomes a real matrix over
Hermitian matrices: what follows the first uses of a gate costs one product.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.density_evolution import (
    Steps,
    basis_of,
    channels,
    in_frame,
    mirrored,
    operators,
    pairs_for,
    pairs_of_blocks,
    spread_hz,
    states_by_ground,
)
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.group_kernels import fill_parts, play_parts

MAPPED = 16
"""Product states: two members of four levels; their map has 256 x 256 numbers."""
WORTH_A_MAP = 200
"""A group that so many states have met is made a map, which takes the time of 256 states: what is
met so often is a gate that is met much oftener."""
BEAT_ROWS = 24
"""Rows of a step in which carriers beat come in multiples of this: see :func:`parts_of`."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupPropagator:
    """A group at one node of the slow noise."""

    cluster: Cluster
    unitaries: NDArray[np.complex128]
    driven: NDArray[np.bool_]
    which: NDArray[np.int64]
    parts: int
    step_ns: float

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes."""
        return int(self.unitaries.nbytes + self.which.nbytes)

    def play(self, states: NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return what becomes of Hermitian states (C, D, D)."""
        basis = basis_of(self.cluster)
        part_ns = self.step_ns / self.parts
        spans = tuple(part_ns * weight / 3 for weight in (1, 4, 2))
        fade, jumps = channels(self.cluster, basis, spans)
        driven = bool(np.any(self.driven))
        pairs = pairs_of_blocks(basis, states[None], driven)
        after = np.array(states, np.complex128)
        decays = any(np.any(one.rates_1_s) or one.dephasing_1_s for one in self.cluster.elements)
        play_parts(
            self.unitaries,
            self.driven,
            self.which,
            pairs,
            basis.block,
            states_by_ground(basis, pairs),
            basis.with_level,
            fade,
            jumps,
            decays,
            self.parts,
            after,
        )
        return mirrored(after)


def propagator(cluster: Cluster, steps: Steps, beats: int, frame_hz: float) -> GroupPropagator:
    """Return the unitaries of the steps of one point; each step has ``beats`` rows of ``steps``."""
    basis = basis_of(cluster)
    diagonal, exchange, drive = in_frame(cluster, basis, steps, frame_hz)
    parts = parts_of(cluster, steps, beats)
    count = diagonal.shape[1] // beats
    found = count * parts if beats > 1 else count
    which = np.zeros(count * parts, np.int64)
    driven = np.zeros(found, np.bool_)
    unitaries = np.zeros((found, basis.size, basis.size), np.complex128)
    step_ns = steps.step_ns * beats
    used = fill_parts(
        diagonal,
        exchange,
        drive,
        *operators(cluster, basis),
        basis.block,
        beats,
        parts,
        step_ns,
        which,
        driven,
        unitaries,
    )
    return GroupPropagator(cluster, unitaries[:used].copy(), driven[:used], which, parts, step_ns)


def parts_of(cluster: Cluster, steps: Steps, beats: int) -> int:
    """Return into how many parts a step of ``beats`` rows is cut.

    An even number that leaves each part an even number of rows, two for each exponential of a beat.
    """
    if not any(np.any(one.rates_1_s) or one.dephasing_1_s for one in cluster.elements):
        return 2 if beats > 1 else 1
    wanted = 2 * pairs_for(cluster, spread_hz(cluster, steps), steps.step_ns * beats)
    if beats == 1:
        return wanted
    fitting = [n for n in range(2, beats // 2 + 1, 2) if beats % (2 * n) == 0]
    return next((n for n in fitting if n >= wanted), fitting[-1])


@lru_cache(maxsize=4)
def hermitian_units(size: int) -> NDArray[np.complex128]:
    """Return an orthonormal basis of Hermitian matrices, (D * D, D, D), as :func:`pack` counts."""
    low, high = np.tril_indices(size, -1)
    found = np.zeros((size * size, size, size), np.complex128)
    found[np.arange(size), np.arange(size), np.arange(size)] = 1
    real = size + np.arange(low.size)
    found[real, low, high] = found[real, high, low] = np.sqrt(0.5)
    imaginary = real + low.size
    found[imaginary, low, high], found[imaginary, high, low] = 1j * np.sqrt(0.5), -1j * np.sqrt(0.5)
    found.setflags(write=False)
    return found


def pack(states: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return Hermitian matrices (..., D, D) as real vectors (..., D * D)."""
    size = states.shape[-1]
    low, high = np.tril_indices(size, -1)
    lower = states[..., low, high] * np.sqrt(2)
    diagonal = np.einsum("...ii->...i", states).real
    return np.concatenate([diagonal, lower.real, lower.imag], axis=-1)


def unpack(vectors: NDArray[np.float64], size: int) -> NDArray[np.complex128]:
    """Return the Hermitian matrices of :func:`pack`."""
    low, high = np.tril_indices(size, -1)
    out = np.zeros((*vectors.shape[:-1], size, size), np.complex128)
    half = size + low.size
    lower = (vectors[..., size:half] + 1j * vectors[..., half:]) * np.sqrt(0.5)
    out[..., low, high], out[..., high, low] = lower, np.conj(lower)
    out[..., np.arange(size), np.arange(size)] = vectors[..., :size]
    return out
