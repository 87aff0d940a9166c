"""Drives while photons are in the resonator: both act in each time step.

The fields are those of a level kept throughout (:mod:`.exposure`), though the drive changes
the level: good for a pulse that is short against the resonator's response or against
the photons' effect (Gambetta et al., PRA 77, 012112 (2008), section V).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.evolution import Tables, diagonal_in_frame
from podium.sim_instruments.physics.exposure import Exposure
from podium.sim_instruments.physics.hermitian_coordinates import (
    apply_map,
    fill_relaxation,
    fill_turn,
)
from podium.sim_instruments.physics.jump_maps import jump_map
from podium.sim_instruments.physics.propagators import held_unitary


@njit(cache=True, nogil=True)
def readout_drive_kernel(
    samples: Any,
    step: float,
    exponent: Any,
    pace: Any,
    carrier_hz: float,
    node_hz: float,
    tables: Any,
) -> Any:
    """Return the real map of the coordinates for samples, (n,), of ``step`` ns each.

    ``exponent`` (n, L, L): what the photons add to the logarithm of each coherence in each
    step; ``pace`` (n, L): by how much ``1 + n/n_crit`` grows in each step, ns.
    """
    diagonal = diagonal_in_frame(tables.levels_hz, carrier_hz, node_hz)
    levels = diagonal.size
    size = levels * levels
    unitary = np.empty((levels, levels), np.complex128)
    work = np.empty((levels, levels), np.complex128)
    rates = np.empty((levels, levels))
    fade = np.empty((levels, levels), np.complex128)
    turn, relaxed, spare = np.empty((size, size)), np.empty((size, size)), np.empty((size, size))
    out = np.eye(size)
    for k in range(samples.size):
        if k == 0 or samples[k] != samples[k - 1]:
            held_unitary(diagonal, tables.strength * np.conj(samples[k]), step, unitary, work)
            fill_turn(unitary, turn)
        for a in range(levels):
            for b in range(levels):
                rates[a, b] = tables.rates[a, b] * 0.5 * pace[k, b]
                fade[a, b] = np.exp(0.5 * exponent[k, a, b] - 0.5 * tables.fading[a, b] * step)
        fill_relaxation(jump_map(rates, 1.0), fade, relaxed)
        apply_map(relaxed, out, spare)
        apply_map(turn, out, spare)
        apply_map(relaxed, out, spare)
    return out


def readout_drive_maps(
    shape: Shape, exposure: Exposure, offset_ns: int, tables: Tables
) -> NDArray[np.float64]:
    """Return the maps, (K, L*L, L*L), of a shape that starts ``offset_ns`` into an episode.

    Before the episode and after its end the resonator is empty.
    """
    step = min(1.0, shape.step_ns)
    per_sample = round(shape.step_ns / step)
    total = round(shape.duration_ns / step)
    samples = np.full(total, shape.level, np.complex128)
    held = np.repeat(shape.samples, per_sample)
    samples[: held.size] = held
    edge = offset_ns + step * np.arange(total + 1)
    grid = exposure.stride_ns * np.arange(exposure.pace.shape[1])
    inside = np.clip(edge, 0.0, grid[-1])
    of_exponent = grid[exposure.first : exposure.first + exposure.exponent.shape[2]]
    levels = exposure.pace.shape[0]
    exponent = np.empty((total, levels, levels), np.complex128)
    pace = np.empty((total, levels))
    for a in range(levels):
        grown = np.interp(inside, grid, exposure.pace[a]) + (edge - inside)
        pace[:, a] = np.diff(grown)
        for b in range(levels):
            exponent[:, a, b] = np.diff(np.interp(inside, of_exponent, exposure.exponent[a, b]))
    whole: NDArray[np.float64] | None = None
    for first, end, there in _stretches(shape, total, tables):
        part = slice(first, end)
        maps = np.array(
            [
                readout_drive_kernel(
                    samples[part],
                    step,
                    exponent[part],
                    pace[part],
                    shape.carrier_hz,
                    float(node),
                    there,
                )
                for node in tables.node_hz
            ]
        )
        whole = maps if whole is None else maps @ whole
    assert whole is not None
    return whole


def _stretches(shape: Shape, total: int, tables: Tables) -> Iterator[tuple[int, int, Tables]]:
    """Yield stretches of samples in which flux holds the levels where they are, and those."""
    if shape.shift_hz is None:
        yield 0, total, tables
        return
    shift = shape.shift_hz
    begins = np.flatnonzero(np.append(True, np.any(shift[1:] != shift[:-1], axis=1)))
    for first, end in zip(begins.tolist(), [*begins[1:].tolist(), total], strict=True):
        yield first, end, tables._replace(levels_hz=tables.levels_hz + shift[first])
