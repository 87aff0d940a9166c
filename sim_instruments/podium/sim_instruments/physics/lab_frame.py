"""Drives of a fluxonium without the rotating-wave approximation.

At 0.2 to 1.3 GHz the counter-rotating half of a drive counts, and the drive reaches 0-3 and the
plasmon lines as well. So the charge operator as a whole is driven,

    H = E_n + 2 strength Re(a exp(2j pi (f t + phase))) M,

by a product formula (Strang) of :data:`SUBSTEPS` parts a nanosecond: the levels, and the drive in
the basis of M. What such a shape does depends on its carrier's phase at its start, in steps of
1 / :data:`PHASES` of a turn; the rotating part is turned by the phase as it is. A long level is
the power of its map over one period.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.drive_line import Drives, Shape
from podium.sim_instruments.physics.evolution import Tables
from podium.sim_instruments.physics.hermitian_coordinates import (
    apply_map,
    fill_relaxation,
    fill_turn,
)
from podium.sim_instruments.physics.jump_maps import jump_map
from podium.sim_instruments.physics.known_values import KnownValues
from podium.sim_instruments.physics.operating_point import frozen
from podium.sim_instruments.physics.small_matrices import copy_into

PHASES = 16
"""Classes of the carrier's phase at a shape's start: only the counter-rotating part is rounded, by
1/32 of a turn at most: 1e-5 of a population at 20 MHz on a line of 0.3 GHz."""
SUBSTEPS = 32
"""Parts of a nanosecond: populations are good to 1e-5 (see test_lab_frame.py)."""
FAST_HZ = 2e9
"""Elements between levels farther apart, and all of a drive of a higher carrier, get the strength
with which a kick in each part moves the levels as a continuous drive does."""
PERIODS = 8
"""A level of so many periods is a power of one."""
MOST_KNOWN = 512
"""Maps of pulses that are kept, 20 to 40 kB each."""
_KNOWN = KnownValues[NDArray[np.float64]](MOST_KNOWN, lambda _: 1)


def in_laboratory(drives: Drives) -> Drives:
    """Return drives whose shapes know with which phase, of :data:`PHASES`, they begin.

    Shapes that move levels stay in the rotating-wave approximation.
    """
    if not drives.start_ns.size:
        return drives
    phase = np.rint((drives.phase_turns % 1.0) * PHASES).astype(np.int64) % PHASES
    still = np.array([shape.shift_hz is None for shape in drives.shapes])[drives.shape]
    key = np.where(still, drives.shape * (PHASES + 1) + phase + 1, drives.shape * (PHASES + 1))
    kinds, number = np.unique(key, return_inverse=True)
    shapes = []
    for kind in kinds.tolist():
        shape, begins = drives.shapes[kind // (PHASES + 1)], kind % (PHASES + 1) - 1
        shapes.append(shape if begins < 0 else replace(shape, start_turns=begins / PHASES))
    return replace(drives, shape=number.astype(np.int64), shapes=tuple(shapes))


def laboratory_maps(
    shape: Shape, tables: Tables, elements: NDArray[np.complex128]
) -> NDArray[np.float64]:
    """Return the maps of a shape, (K, L*L, L*L), in its carrier's frame, for each slow noise.

    The last ones are kept: programs play the same pulses in run after run.
    """
    assert shape.start_turns is not None
    content = (
        shape.samples.tobytes(),
        (shape.step_ns, complex(shape.level), shape.duration_ns, shape.carrier_hz),
        shape.start_turns,
        *(np.ascontiguousarray(one).tobytes() for one in (elements, *_read_of(tables))),
    )
    return _KNOWN.find(content, lambda: frozen(_laboratory_maps(shape, tables, elements)))


def _read_of(tables: Tables) -> tuple[NDArray[np.float64], ...]:
    """Return what of the tables the maps depend on."""
    return tables.levels_hz, tables.node_hz, tables.rates, tables.fading, tables.strength


def _laboratory_maps(
    shape: Shape, tables: Tables, elements: NDArray[np.complex128]
) -> NDArray[np.float64]:
    assert shape.start_turns is not None
    levels, nodes = tables.levels_hz.size, tables.node_hz.size
    values, vectors = np.linalg.eigh(elements * _kicked(tables.levels_hz, shape.carrier_hz))
    known = (values, np.ascontiguousarray(vectors), tables)
    turns, begun = shape.start_turns, 1e-9 * shape.carrier_hz
    out = np.broadcast_to(np.eye(levels**2), (nodes, levels**2, levels**2)).copy()
    if shape.samples.size:
        out = _map(shape.samples, shape.step_ns, begun, turns, *known)
    if shape.level_ns > 0:
        turns += begun * (shape.samples.size * shape.step_ns)
        out = _level(complex(shape.level), shape.level_ns, begun, turns, *known) @ out
    first, last = np.eye(levels**2), np.eye(levels**2)
    _turned(-shape.start_turns, first)
    _turned(shape.start_turns + (begun * shape.duration_ns) % 1.0, last)
    return np.asarray(last @ out @ first)


def _kicked(levels_hz: NDArray[np.float64], carrier_hz: float) -> NDArray[np.float64]:
    """Return factors on elements, (L, L), with which kicks do what a continuous drive does.

    Second order: a line f is moved as 1 / (f - c) + 1 / (f + c) by a drive at c, and by kicks as
    the cotangents of half of what both turn in a part. On resonance that is the same.
    """
    turned = np.pi * 1e-9 / SUBSTEPS
    line, drive = turned * np.abs(levels_hz[:, None] - levels_hz), turned * carrier_hz
    less, more = np.abs(line - drive), line + drive
    fast = np.maximum(line, drive) > turned * FAST_HZ
    off = fast & (less > 1e-9) & (more < 1.4)
    less, more, sign = np.where(off, less, 0.1), np.where(off, more, 0.2), np.sign(line - drive)
    held = sign / less + 1 / more
    by_kicks = sign / np.tan(less) + 1 / np.tan(more)
    ratio = np.ones(line.shape)
    np.divide(held, by_kicks, out=ratio, where=off & (held * by_kicks > 0))
    return np.sqrt(ratio)


def _level(
    level: complex,
    span_ns: float,
    carrier_ghz: float,
    turns: float,
    values: NDArray[np.float64],
    vectors: NDArray[np.complex128],
    tables: Tables,
) -> NDArray[np.float64]:
    """Return the maps of a constant level."""
    period_ns = 1 / abs(carrier_ghz) if carrier_ghz else np.inf
    whole = int(span_ns // period_ns)
    if whole < PERIODS:
        return _held(level, span_ns, carrier_ghz, turns, values, vectors, tables)
    one = _held(level, period_ns, carrier_ghz, turns, values, vectors, tables)
    out = np.linalg.matrix_power(one, whole)
    left_ns = span_ns - whole * period_ns
    if left_ns > 0:
        out = _held(level, left_ns, carrier_ghz, turns, values, vectors, tables) @ out
    return np.asarray(out)


def _held(
    level: complex,
    span_ns: float,
    carrier_ghz: float,
    turns: float,
    values: NDArray[np.float64],
    vectors: NDArray[np.complex128],
    tables: Tables,
) -> NDArray[np.float64]:
    count = max(1, int(np.ceil(span_ns)))
    samples = np.full(count, level, np.complex128)
    return _map(samples, span_ns / count, carrier_ghz, turns, values, vectors, tables)


def _map(
    samples: NDArray[np.complex128],
    step_ns: float,
    carrier_ghz: float,
    turns: float,
    values: NDArray[np.float64],
    vectors: NDArray[np.complex128],
    tables: Tables,
) -> NDArray[np.float64]:
    """Return the maps of held samples in the laboratory frame."""
    size = tables.levels_hz.size**2
    out = np.zeros((tables.node_hz.size, size, size))
    strength = 2 * float(tables.strength[0])
    held = np.ascontiguousarray(samples)
    levels, nodes, rates, fading = tables.levels_hz, tables.node_hz, tables.rates, tables.fading
    played = float(step_ns), float(carrier_ghz), float(turns)
    _fill(held, *played, levels, nodes, strength, values, vectors, rates, fading, out)
    return out


@njit(cache=True, nogil=True)
def _fill(
    samples: Any,
    step: float,
    carrier: float,
    turns: float,
    levels_hz: Any,
    node_hz: Any,
    strength: float,
    values: Any,
    vectors: Any,
    rates: Any,
    fading: Any,
    out: Any,
) -> None:
    """Fill ``out`` (K, L*L, L*L) with what held samples of ``step`` ns do; ``carrier`` in GHz."""
    levels, nodes = levels_hz.size, node_hz.size
    parts = max(1, int(np.ceil(step * SUBSTEPS - 1e-9)))
    part = step / parts
    between = np.zeros((levels, levels), np.complex128)
    opened = np.zeros((levels, levels), np.complex128)
    closed = np.zeros((levels, levels), np.complex128)
    for i in range(levels):
        half = np.exp(-1j * np.pi * 1e-9 * levels_hz[i] * part)
        for j in range(levels):
            opened[j, i] = np.conj(vectors[i, j]) * half
            closed[i, j] = half * vectors[i, j]
    for i in range(levels):
        for j in range(levels):
            for n in range(levels):
                between[i, j] += opened[i, n] * closed[n, j]
    size = levels * levels
    jumps, fade = jump_map(rates, 0.5 * step), np.zeros((levels, levels), np.complex128)
    relaxed = np.empty((nodes, size, size))
    turn, spare = np.empty((size, size)), np.empty((size, size))
    for k in range(nodes):
        copy_into(np.eye(size), out[k])
        for i in range(levels):
            for j in range(levels):
                angle = 1e-9 * np.pi * (i - j) * node_hz[k] * step
                fade[i, j] = np.exp(-0.5 * fading[i, j] * step - 1j * angle)
        fill_relaxation(jumps, fade, relaxed[k])
    unitary = np.zeros((levels, levels), np.complex128)
    work = np.zeros((levels, levels), np.complex128)
    for s in range(samples.size):
        unitary[:] = opened
        for p in range(parts):
            at = carrier * (s * step + (p + 0.5) * part) + turns
            kick = part * strength * (samples[s] * np.exp(2j * np.pi * (at % 1.0))).real
            for i in range(levels):
                factor = np.exp(-1j * kick * values[i])
                for j in range(levels):
                    unitary[i, j] *= factor
            matrix = closed if p == parts - 1 else between
            for i in range(levels):
                for j in range(levels):
                    total = 0j
                    for n in range(levels):
                        total += matrix[i, n] * unitary[n, j]
                    work[i, j] = total
            unitary[:] = work
        fill_turn(unitary, turn)
        for k in range(nodes):
            apply_map(relaxed[k], out[k], spare)
            apply_map(turn, out[k], spare)
            apply_map(relaxed[k], out[k], spare)


def _turned(turns: float, out: NDArray[np.float64]) -> None:
    """Fill ``out`` (L*L, L*L) with the map that a turn of the carrier's phase is."""
    levels = round(out.shape[0] ** 0.5)
    apart = np.subtract.outer(np.arange(levels), np.arange(levels))
    fill_relaxation(np.eye(levels), np.exp(2j * np.pi * ((apart * turns) % 1.0)), out)
