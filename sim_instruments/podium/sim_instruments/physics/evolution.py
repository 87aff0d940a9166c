"""One qubit through a stretch of events: waits, drive shapes, photons of a readout.

States are kept in the laboratory frame of the qubit's levels (level n turns with E_n), one
stack of columns for each node of the slow noise. Carriers' phases enter by diagonal
conjugation, so maps of shapes are good for any phase.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.hermitian_coordinates import (
    map_columns,
    relax_columns,
    turn_phase,
)
from podium.sim_instruments.physics.jump_maps import (
    fade_rates,
    jump_maps,
)
from podium.sim_instruments.physics.noise import unit_circle
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.propagators import (
    held_map,
    play_moved,
    play_samples,
    samples_map,
)
from podium.sim_instruments.physics.small_matrices import copy_into

PULSE, DURING_READOUT, PART = 0, 1, 2
"""What an event is: a shape; a shape while photons are in the resonator; a stretch of a readout
with no drive."""
REUSED = 3
"""A shape that occurs at least so often is made into a map; else it is played each time."""


class Events(NamedTuple):
    """Events of one qubit in the order of time; all arrays have shape (R,)."""

    what: NDArray[np.int64]
    item: NDArray[np.int64]
    """Index of the shape, the map of a shape during a readout or the part."""
    gap: NDArray[np.int64]
    """Index of the wait before the event."""
    turns: NDArray[np.float64]
    """Phase of the carrier at the event's start (0 for parts)."""
    sampled: NDArray[np.bool_]
    """Whether the populations at the event's start are wanted."""


class Tables(NamedTuple):
    """Everything that :func:`evolve` looks up, for K nodes of the slow noise."""

    levels_hz: NDArray[np.float64]
    strength: NDArray[np.float64]
    """(L-1,): H[n+1, n] for a drive of 1 sqrt(W), rad/ns."""
    rates: NDArray[np.float64]
    """(L, L), 1/ns."""
    fading: NDArray[np.float64]
    """(L, L), 1/ns."""
    node_hz: NDArray[np.float64]
    """(K,): shift of the 0-1 transition."""
    weight: NDArray[np.float64]
    """(K,)."""
    samples: NDArray[np.complex128]
    """All shapes' samples in one row."""
    samples_from: NDArray[np.int64]
    """(S + 1,)."""
    step_ns: NDArray[np.float64]
    """(S,)."""
    carrier_hz: NDArray[np.float64]
    """(S,)."""
    duration_ns: NDArray[np.float64]
    """(S,)."""
    samples_map: NDArray[np.int64]
    """(S,): first of K maps for the shape's samples, or -1: play them."""
    level_map: NDArray[np.int64]
    """(S,): first of K maps for the shape's constant level, or -1: none."""
    maps: NDArray[np.float64]
    """(Q, L*L, L*L): maps of coordinates."""
    readout_map: NDArray[np.int64]
    """(Z,): first of K maps of each shape during a readout."""
    readout_shape: NDArray[np.int64]
    """(Z,): its shape."""
    part_ns: NDArray[np.float64]
    """(P,)."""
    part_factor: NDArray[np.complex128]
    """(P, L, L): what each part does to the coherences, but for the slow noise."""
    part_jumps: NDArray[np.float64]
    """(P, L, L): what the part does to the populations."""
    gap_ns: NDArray[np.float64]
    """(G,)."""
    gap_factor: NDArray[np.complex128]
    """(G, L, L), as of the parts."""
    gap_jumps: NDArray[np.float64]
    """(G, L, L)."""


@njit(cache=True, nogil=True)
def diagonal_in_frame(levels_hz: Any, carrier_hz: float, node_hz: float) -> Any:
    """Return 2 pi (E_n - n f_carrier + n noise) in rad/ns."""
    out = np.empty(levels_hz.size)
    for n in range(levels_hz.size):
        out[n] = 2e-9 * np.pi * (levels_hz[n] - n * carrier_hz + n * node_hz)
    return out


@njit(cache=True, nogil=True)
def fill_waits(span_ns: Any, tables: Any, factor: Any, jumps: Any) -> None:
    """Multiply ``factor`` and fill ``jumps``, (G, L, L) each, with what free waits do."""
    jump_maps(tables.rates, span_ns, jumps)
    for a in range(tables.levels_hz.size):
        for b in range(a):
            apart = 1e-9 * (tables.levels_hz[a] - tables.levels_hz[b])
            for g in range(span_ns.size):
                turns = apart * span_ns[g]
                turned = np.conj(unit_circle(turns - np.floor(turns)))
                turned *= np.exp(-tables.fading[a, b] * span_ns[g])
                factor[g, a, b] *= turned
                factor[g, b, a] *= np.conj(turned)


@njit(cache=True, nogil=True)
def rest(columns: Any, node: int, span_ns: float, factor: Any, jumps: Any, tables: Any) -> None:
    """Apply a wait or a part to (K, C, L, L) columns that belong to nodes ``node`` and on."""
    rest_at(columns, tables.node_hz[node:], span_ns, factor, jumps)


@njit(cache=True, nogil=True)
def rest_at(columns: Any, node_hz: Any, span_ns: float, factor: Any, jumps: Any) -> None:
    """Apply the same; ``node_hz`` (K,) or more: noise of the columns' nodes.

    A call that is handed all tables takes longer than what it does.
    """
    nodes, _, levels, _ = columns.shape
    if is_incoherent(columns):
        rest_populations(columns, jumps)
        return
    noisy = np.empty((levels, levels), np.complex128)
    work = np.empty((1, levels))
    for k in range(nodes):
        turns = node_hz[k] * 1e-9 * span_ns
        unit = np.conj(unit_circle(turns - np.floor(turns)))
        power = 1.0 + 0j
        for apart in range(levels):
            for b in range(levels - apart):
                noisy[b + apart, b] = factor[b + apart, b] * power
                noisy[b, b + apart] = factor[b, b + apart] * np.conj(power)
            power *= unit
        relax_columns(jumps, noisy, columns[k], work)


@njit(cache=True, nogil=True)
def is_incoherent(columns: Any) -> bool:
    """Tell whether (K, C, L, L) columns have no coherences, as before the first drive."""
    nodes, count, levels, _ = columns.shape
    for k in range(nodes):
        for c in range(count):
            for a in range(levels):
                for b in range(a):
                    if columns[k, c, a, b] != 0:
                        return False
    return True


@njit(cache=True, nogil=True)
def rest_populations(columns: Any, jumps: Any) -> None:
    """Apply a wait to the populations of (K, C, L, L) columns; their coherences stay."""
    nodes, count, levels, _ = columns.shape
    before = np.empty(levels)
    for k in range(nodes):
        for c in range(count):
            for n in range(levels):
                before[n] = columns[k, c, n, n].real
            for n in range(levels):
                total = 0.0
                for m in range(levels):
                    total += jumps[n, m] * before[m]
                columns[k, c, n, n] = total


@njit(cache=True, nogil=True)
def populations(columns: Any, weight: Any, out: Any) -> None:
    """Fill ``out`` (L, C) with the populations of each column, averaged over the nodes.

    Columns of a single node are taken as they are.
    """
    nodes, count, levels, _ = columns.shape
    for c in range(count):
        for n in range(levels):
            total = 0.0
            for k in range(nodes):
                share = weight[k] if nodes > 1 else 1.0
                total += share * columns[k, c, n, n].real
            out[n, c] = total


@njit(cache=True, nogil=True)
def evolve(
    events: Any,
    first: int,
    last: int,
    columns: Any,
    tables: Any,
    node_at: Any,
    reading: Any,
    out: Any,
) -> int:
    """Take (K, C, L, L) columns through events first ... last - 1; return how many samples.

    ``out`` (>= samples, L, C) receives the populations at the start of each sampled event.
    The last event is not played when it is a sampled part, and the wait before it changes nothing
    but populations: the columns are of no use then. With ``node_at`` (S + 1,) the
    columns belong to one node, which changes: node_at[i] rules before reading i of the run,
    and ``reading`` is the number of readings before the first event.
    """
    taken = 0
    node = node_at[reading] if node_at.size else 0
    for r in range(first, last):
        gap = events.gap[r]
        is_end = r == last - 1 and events.sampled[r] and events.what[r] == PART
        if tables.gap_ns[gap] > 0 and is_end:
            rest_populations(columns, tables.gap_jumps[gap])
        elif tables.gap_ns[gap] > 0:
            rest_at(
                columns,
                tables.node_hz[node:],
                tables.gap_ns[gap],
                tables.gap_factor[gap],
                tables.gap_jumps[gap],
            )
        item = events.item[r]
        if events.sampled[r]:
            populations(columns, tables.weight, out[taken])
            taken += 1
            if node_at.size:
                node = node_at[reading + taken]
        if events.what[r] == PART:
            if not is_end:
                rest_at(
                    columns,
                    tables.node_hz[node:],
                    tables.part_ns[item],
                    tables.part_factor[item],
                    tables.part_jumps[item],
                )
            continue
        during_readout = events.what[r] == DURING_READOUT
        shape = tables.readout_shape[item] if during_readout else item
        carrier = tables.carrier_hz[shape]
        turns_after = events.turns[r] + (carrier * 1e-9 * tables.duration_ns[shape]) % 1.0
        samples = tables.samples[tables.samples_from[shape] : tables.samples_from[shape + 1]]
        for k in range(columns.shape[0]):
            turn_phase(events.turns[r], columns[k])
            if during_readout:
                map_columns(tables.maps[tables.readout_map[item] + node + k], columns[k])
            else:
                if tables.samples_map[shape] >= 0:
                    map_columns(tables.maps[tables.samples_map[shape] + node + k], columns[k])
                elif samples.size:
                    play_samples(
                        columns[k],
                        samples,
                        tables.step_ns[shape],
                        diagonal_in_frame(tables.levels_hz, carrier, tables.node_hz[node + k]),
                        tables.strength,
                        tables.rates,
                        tables.fading,
                    )
                if tables.level_map[shape] >= 0:
                    map_columns(tables.maps[tables.level_map[shape] + node + k], columns[k])
            turn_phase(-turns_after, columns[k])
    return taken


@njit(cache=True, nogil=True)
def pure_levels(nodes: int, levels: int) -> Any:
    """Return (K, L, L, L) columns: column n is the pure level n."""
    out = np.zeros((nodes, levels, levels, levels), np.complex128)
    for k in range(nodes):
        for n in range(levels):
            out[k, n, n, n] = 1.0
    return out


@njit(cache=True, nogil=True)
def evolve_each(events: Any, first: Any, tables: Any, out: Any) -> None:
    """Fill ``out`` (samples, L, L), [to, from], for the blocks that begin at ``first``.

    Each block starts from every pure level; the last one ends with the events.
    """
    levels = tables.levels_hz.size
    taken = 0
    no_node = np.zeros(0, np.int64)
    for b in range(first.size):
        last = first[b + 1] if b + 1 < first.size else events.what.size
        columns = pure_levels(tables.node_hz.size, levels)
        taken += evolve(events, first[b], last, columns, tables, no_node, np.int64(0), out[taken:])


@njit(cache=True, nogil=True)
def maps_of(
    samples: Any, step: float, level: complex, level_ns: float, carrier_hz: float, tables: Any
) -> Any:
    """Return (2, K, L*L, L*L): for each node the map of the samples and that of the level."""
    levels = tables.levels_hz.size
    size = levels * levels
    out = np.zeros((2, tables.node_hz.size, size, size))
    for k in range(tables.node_hz.size):
        diagonal = diagonal_in_frame(tables.levels_hz, carrier_hz, tables.node_hz[k])
        if samples.size:
            played = samples_map(
                samples, step, diagonal, tables.strength, tables.rates, tables.fading
            )
            copy_into(played, out[0, k])
        if level_ns > 0:
            held = held_map(level, level_ns, diagonal, tables.strength, tables.rates, tables.fading)
            copy_into(held, out[1, k])
    return out


@njit(cache=True, nogil=True)
def moved_maps_of(
    samples: Any, turning: Any, begins: Any, step: float, carrier_hz: float, tables: Any, out: Any
) -> None:
    """Fill ``out`` (K, L*L, L*L) with the maps of stretches at moved levels, for each node.

    ``samples``, ``turning`` and ``begins`` are those of :func:`.propagators.play_moved`.
    """
    for k in range(tables.node_hz.size):
        diagonal = diagonal_in_frame(tables.levels_hz, carrier_hz, tables.node_hz[k])
        copy_into(np.eye(out.shape[1]), out[k])
        play_moved(
            out[k],
            samples,
            turning,
            begins,
            step,
            diagonal,
            tables.strength,
            tables.rates,
            tables.fading,
        )


def fading_of(qubit: QubitPoint) -> NDArray[np.float64]:
    """Return how fast each coherence fades without photons, 1/ns, (L, L)."""
    rates = np.ascontiguousarray(1e-9 * qubit.rates_1_s)
    return np.asarray(fade_rates(rates, 1e-9 * qubit.dephasing_1_s))


def bare_tables(
    qubit: QubitPoint, node_hz: NDArray[np.float64], weight: NDArray[np.float64]
) -> Tables:
    """Return tables that know the qubit and its slow noise and no events yet."""
    levels = qubit.levels_hz.size
    rates = np.ascontiguousarray(1e-9 * qubit.rates_1_s)
    none = np.zeros(0, np.int64)
    return Tables(
        levels_hz=np.array(qubit.levels_hz),
        strength=1e-9 * np.pi * qubit.rabi_hz_per_sqrt_w * np.array(qubit.ladder),
        rates=rates,
        fading=fade_rates(rates, 1e-9 * qubit.dephasing_1_s),
        node_hz=np.array(node_hz, np.float64),
        weight=np.array(weight, np.float64),
        samples=np.zeros(0, np.complex128),
        samples_from=np.zeros(1, np.int64),
        step_ns=np.zeros(0),
        carrier_hz=np.zeros(0),
        duration_ns=np.zeros(0),
        samples_map=none,
        level_map=none,
        maps=np.zeros((0, levels**2, levels**2)),
        readout_map=none,
        readout_shape=none,
        part_ns=np.zeros(0),
        part_factor=np.zeros((0, levels, levels), np.complex128),
        part_jumps=np.zeros((0, levels, levels)),
        gap_ns=np.zeros(0),
        gap_factor=np.zeros((0, levels, levels), np.complex128),
        gap_jumps=np.zeros((0, levels, levels)),
    )


def with_waits(
    tables: Tables,
    gap_ns: NDArray[np.int64],
    part_ns: NDArray[np.int64],
    photon_factor: NDArray[np.complex128],
    part_jumps: NDArray[np.float64],
) -> Tables:
    """Return tables that know waits (G,) and parts (P,).

    ``photon_factor`` (P, L, L): what the photons of each part do to the coherences;
    ``part_jumps`` (P, L, L): what each part does to the populations.
    """
    shape = tables.rates.shape
    spans = gap_ns.astype(np.float64), part_ns.astype(np.float64)
    gaps = np.ones((gap_ns.size, *shape), np.complex128)
    gap_jumps = np.empty((gap_ns.size, *shape))
    fill_waits(spans[0], tables, gaps, gap_jumps)
    parts = np.array(photon_factor, np.complex128)
    fill_waits(spans[1], tables, parts, np.empty((part_ns.size, *shape)))
    return tables._replace(
        part_ns=spans[1],
        part_factor=parts,
        part_jumps=part_jumps,
        gap_ns=spans[0],
        gap_factor=gaps,
        gap_jumps=gap_jumps,
    )


def with_shapes(
    tables: Tables,
    shapes: Sequence[Shape],
    uses: NDArray[np.int64],
    during_readout: Sequence[tuple[int, NDArray[np.float64]]] = (),
    moved: Mapping[int, NDArray[np.float64]] = MappingProxyType({}),
) -> Tables:
    """Return tables that know the shapes; ``uses`` says how often each is played.

    ``during_readout``: shape and (K, L*L, L*L) maps of each shape then; ``moved``: those
    of shapes that move levels.
    """
    maps: list[NDArray[np.float64]] = []
    count = tables.node_hz.size
    samples_map_, level_map = np.full(len(shapes), -1), np.full(len(shapes), -1)
    for s, shape in enumerate(shapes):
        if s in moved:
            samples_map_[s] = len(maps) * count
            maps.append(moved[s])
            continue
        many = shape.samples.size > 0 and uses[s] >= REUSED
        if uses[s] == 0 or not (many or shape.level_ns > 0):
            continue
        pair = maps_of(
            shape.samples if many else shape.samples[:0],
            shape.step_ns,
            shape.level,
            float(shape.level_ns),
            shape.carrier_hz,
            tables,
        )
        if many:
            samples_map_[s] = len(maps) * count
            maps.append(pair[0])
        if shape.level_ns > 0:
            level_map[s] = len(maps) * count
            maps.append(pair[1])
    readout_map = np.array([(len(maps) + z) * count for z in range(len(during_readout))], np.int64)
    maps.extend(each for _, each in during_readout)
    sizes = [shape.samples.size for shape in shapes]
    return tables._replace(
        samples=np.concatenate([np.zeros(0, np.complex128), *(s.samples for s in shapes)]),
        samples_from=np.cumsum([0, *sizes]).astype(np.int64),
        step_ns=np.array([shape.step_ns for shape in shapes], np.float64),
        carrier_hz=np.array([shape.carrier_hz for shape in shapes], np.float64),
        duration_ns=np.array([shape.duration_ns for shape in shapes], np.float64),
        samples_map=samples_map_.astype(np.int64),
        level_map=level_map.astype(np.int64),
        maps=np.concatenate([tables.maps, *maps]),
        readout_map=readout_map,
        readout_shape=np.array([shape for shape, _ in during_readout], np.int64),
    )
