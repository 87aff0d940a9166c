"""All shots of one qubit in one run: prepare what repeats, then walk from shot to shot."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import firsts, offsets, rows_of
from podium.sim_instruments.physics.drive_during_readout import readout_drive_maps
from podium.sim_instruments.physics.drive_line import Drives
from podium.sim_instruments.physics.episodes import Episodes, NotSimulated
from podium.sim_instruments.physics.evolution import (
    PART,
    PULSE,
    Events,
    Tables,
    bare_tables,
    evolve_each,
    fading_of,
    with_shapes,
    with_waits,
)
from podium.sim_instruments.physics.exposure import (
    STRIDE_NS,
    Exposure,
    exposure_of,
    jumps_during,
)
from podium.sim_instruments.physics.fast_flux import moved_maps
from podium.sim_instruments.physics.lab_frame import laboratory_maps
from podium.sim_instruments.physics.noise import Quadrature, quadrature
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.relaxation import equilibrium
from podium.sim_instruments.physics.schedule import FORGOTTEN, TOLD, Blocks, Schedule, blocks_of
from podium.sim_instruments.physics.walk import Pace, Paths, Readings, walk, wander

MOVED_LIT_HZ = 2e6
"""A qubit may be moved by so much while photons are in its resonator: crosstalk. ASSUMED: its
resonator, which moves by less than a hundredth of it, is where it was."""
SLOW = 0x510
"""Sets the random numbers of the slow noise apart from those of the levels."""
MOST_KNOWN = 1024
"""Equilibria that are kept: rates seldom change from run to run."""
WORTH_COUNTING = 4096
"""Runs of fewer events are always sorted by kinds of blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class PreparedShots:
    """Everything that the shots of one qubit in one run share."""

    blocks: Blocks
    tables: Tables
    events: Events
    readings: Readings
    pace: Pace
    matrices: NDArray[np.float64]
    """Shape (readings of all kinds of blocks, L, L), [to, from]: probability of each level at a
    reading, given the level at the block's start. Empty when hardly any two blocks are alike:
    then each is evolved for itself,
    at one node of the slow noise, which wanders from shot to shot."""
    matrix_first: NDArray[np.int64]
    """Shape (kinds of blocks,): the first reading of each."""
    reading_ns: NDArray[np.int64]
    """Shape (S,): time of each reading."""
    told: NDArray[np.bool_]
    """Shape (S,): whether the record alone ends a block, whatever follows."""
    lost: NDArray[np.float64]
    """Shape (S,): e-folds that the coherence of 0 and 1 loses after each reading."""
    part: NDArray[np.int64]
    """Shape (S,): the part of the readout that follows each reading."""
    part_factors: NDArray[np.complex128]
    """Shape (parts, L, L): what the photons of a part do to coherences."""


@dataclass(frozen=True, slots=True, eq=False)
class MetPhotons:
    """Photons of readouts act on one qubit in one run, and leave blocks that start anew."""

    exposures: dict[int, Exposure]
    """By kind of episode; with exponents where something is driven in it, and for that long."""
    factors: NDArray[np.complex128]
    """Shape (parts, L, L): what the photons of a part do to coherences."""
    loss: NDArray[np.float64]
    """Shape (parts, L, L): e-folds lost in all."""
    blocks: Blocks
    told: NDArray[np.bool_]
    """Shape (S,): whether the record of a reading alone ends a block, whatever follows."""


def photons_met(
    qubit: QubitPoint,
    schedule: Schedule,
    episodes: Episodes,
    drives: Drives,
    *,
    coherent: bool = False,
) -> MetPhotons:
    """Return what photons do to a qubit; ``coherent``: as :func:`prepare` has it."""
    coherent = coherent or bool(np.any(schedule.what != PART))
    fading, levels = fading_of(qubit), qubit.levels_hz.size
    factors = np.ones((len(schedule.parts), levels, levels), np.complex128)
    loss = np.zeros((len(schedule.parts), levels, levels))
    exposures: dict[int, Exposure] = {}
    for kind, parts in _parts_of(schedule).items():
        stride = 1 if schedule.during_readout else STRIDE_NS
        exposure = exposure_of(qubit, episodes.kinds[kind], coherent, stride)
        if parts:
            spans = np.array([schedule.parts[p][1:] for p in parts], np.int64)
            factors[parts], loss[parts] = _parts_lit(exposure, spans, fading)
        exposures[kind] = exposure.holding(*_driven_ns(schedule, drives, kind))
    lost = loss[schedule.item[schedule.sampled], 1, 0]
    told = schedule.heard[schedule.sampled] & (lost >= -np.log(TOLD))
    return MetPhotons(exposures, factors, loss, blocks_of(schedule, loss, fading), told)


def prepare(
    qubit: QubitPoint,
    schedule: Schedule,
    episodes: Episodes,
    drives: Drives,
    noise_hz: tuple[float, float],
    each_for_itself: bool | None = None,
    *,
    coherent: bool = False,
    met: MetPhotons | None = None,
) -> PreparedShots:
    """Work out once what the shots share.

    ``noise_hz``: mean of the slow noise over the run, and how far it strays in it.
    ``each_for_itself``: evolve block after block instead of once for each kind of block (None:
    what is cheaper). ``coherent``: whether coherences count although nothing is driven here.
    ``met``: what :func:`photons_met` says, where it is known.
    """
    levels = qubit.levels_hz.size
    if met is None:
        met = photons_met(qubit, schedule, episodes, drives, coherent=coherent)
    exposures, factors, loss, blocks = met.exposures, met.factors, met.loss, met.blocks
    fading = fading_of(qubit)
    nodes = nodes_of(qubit, schedule, blocks, drives, fading, noise_hz[1])
    tables = bare_tables(qubit, noise_hz[0] + noise_hz[1] * nodes.node, nodes.weight)
    _check_not_moved(qubit, schedule, drives)
    during_readout = [
        (shape, readout_drive_maps(drives.shapes[shape], exposures[kind], offset, tables))
        for shape, kind, offset in schedule.during_readout
    ]
    rows, starts = _example_rows(schedule, blocks)
    if each_for_itself is None:
        each_for_itself = rows.size * levels > max(schedule.what.size, WORTH_COUNTING)
    used = np.arange(schedule.what.size) if each_for_itself else rows
    shapes = schedule.item[used][schedule.what[used] == PULSE]
    uses = np.bincount(shapes, minlength=len(drives.shapes))
    moved = _own_maps(qubit, drives, uses, tables)
    tables = with_shapes(tables, drives.shapes, uses, during_readout, moved)
    tables = with_waits(
        tables,
        schedule.gaps_ns,
        np.array([end - begin for _, begin, end in schedule.parts], np.int64),
        factors,
        _part_jumps(schedule, blocks, exposures, tables.rates),
    )
    events = schedule.events()
    matrices = np.zeros((0, levels, levels))
    if not each_for_itself:
        matrices = _matrices(events, rows, starts, tables, levels)
    counts = np.diff(blocks.first_reading)[blocks.alike.example]
    table = np.array(schedule.parts, np.int64).reshape(-1, 3)
    part = schedule.item[schedule.sampled]
    return PreparedShots(
        blocks=blocks,
        tables=tables,
        events=events,
        readings=Readings(*(np.ascontiguousarray(column[part]) for column in table.T)),
        pace=_pace(exposures, len(episodes.kinds)),
        matrices=matrices,
        matrix_first=offsets(counts)[:-1],
        reading_ns=schedule.start_ns[schedule.sampled],
        told=met.told,
        lost=loss[part, 1, 0],
        part=part,
        part_factors=factors,
    )


def _check_not_moved(qubit: QubitPoint, schedule: Schedule, drives: Drives) -> None:
    """Raise :class:`.NotSimulated` where a flux pulse moves the qubit among photons."""
    for shape, _, _ in schedule.during_readout:
        if drives.shapes[shape].moves_hz > MOVED_LIT_HZ:
            raise NotSimulated(
                f"a flux pulse moves {qubit.name} while there are photons in the resonators of its "
                "feedline: that is not simulated; let it end before a readout, and begin when that "
                "has rung down"
            )


def _matrices(
    events: Events,
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    tables: Tables,
    levels: int,
) -> NDArray[np.float64]:
    """Return the matrix of each reading of the blocks that begin at ``starts`` of ``rows``."""
    picked = Events(
        events.what[rows],
        events.item[rows],
        events.gap[rows],
        events.turns[rows],
        events.sampled[rows],
    )
    matrices = np.zeros((int(np.count_nonzero(picked.sampled)), levels, levels))
    evolve_each(picked, starts, tables, matrices)
    return matrices


def shots_of(
    qubit: QubitPoint, prepared: PreparedShots, fraction: float, key: int, run: int
) -> Paths:
    """Return the levels at all readings and the jumps after them.

    ``fraction``: see :func:`.readout.flight`; ``key``: of the random numbers.
    """
    count = prepared.readings.kind.size
    node_at = np.zeros(count + 1, np.int64)
    if not prepared.matrices.size:
        wander(
            prepared.reading_ns,
            prepared.tables.weight,
            1e9 * qubit.slow_memory_s,
            np.uint64(key ^ SLOW),
            np.uint64(run),
            node_at,
        )
    level = np.zeros(count, np.int64)
    room = 64 + count
    while True:
        jumps = np.zeros((room, 3), np.int64)
        happened = walk(
            prepared.matrices,
            prepared.matrix_first,
            prepared.blocks.alike.kind,
            prepared.blocks.first,
            prepared.blocks.first_reading,
            prepared.events,
            prepared.tables,
            prepared.readings,
            node_at,
            prepared.pace,
            thermal(qubit),
            fraction,
            np.uint64(key),
            np.uint64(run),
            level,
            jumps,
        )
        if happened <= room:
            return Paths(level, *(np.ascontiguousarray(column) for column in jumps[:happened].T))
        room = happened


def thermal(qubit: QubitPoint) -> NDArray[np.float64]:
    """Return the populations in equilibrium; the ground state when nothing jumps."""
    if not np.any(qubit.rates_1_s):
        return np.asarray(np.eye(qubit.levels_hz.size)[0])
    return _equilibrium(np.asarray(qubit.rates_1_s, np.float64).tobytes()).copy()


@lru_cache(maxsize=MOST_KNOWN)
def _equilibrium(rates_1_s: bytes) -> NDArray[np.float64]:
    rates = np.frombuffer(rates_1_s)
    levels = math.isqrt(rates.size)
    return equilibrium(rates.reshape(levels, levels))


def nodes_of(
    qubit: QubitPoint,
    schedule: Schedule,
    blocks: Blocks,
    drives: Drives,
    fading: NDArray[np.float64],
    stray_hz: float,
) -> Quadrature:
    """Return enough nodes of the slow noise for the longest coherent stretch of any block."""
    driven = np.flatnonzero(schedule.what != PART)
    if not driven.size:
        return quadrature(0.0)
    block = np.searchsorted(blocks.first, driven, side="right")
    begin = firsts(block)
    end = np.append(begin[1:], driven.size) - 1
    spans = schedule.end_ns[driven[end]] - schedule.start_ns[driven[begin]]
    longest = float(np.max(spans, initial=0))
    memory = float(-np.log(FORGOTTEN) / fading[0, 1]) if fading[0, 1] > 0 else np.inf
    # a carrier at a higher transition makes coherences that move by more than once the noise
    higher = any(qubit.drives_to_2(one.carrier_hz) for one in drives.shapes)
    reach = 2e-9 * np.pi * stray_hz * min(longest, memory) * (2 if higher else 1)
    return quadrature(reach)


def _own_maps(
    qubit: QubitPoint, drives: Drives, uses: NDArray[np.int64], tables: Tables
) -> dict[int, NDArray[np.float64]]:
    """Return the maps of the shapes that :func:`.evolution.with_shapes` has none for."""
    elements = qubit.drive_elements
    found = {}
    for s, shape in enumerate(drives.shapes):
        if uses[s] and shape.shift_hz is not None:
            found[s] = moved_maps(shape, tables)
        elif uses[s] and shape.start_turns is not None and elements is not None:
            found[s] = laboratory_maps(shape, tables, elements)
    return found


def _parts_of(schedule: Schedule) -> dict[int, list[int]]:
    """Return the places of the parts of each kind of episode that the schedule meets."""
    met = {kind for kind, _, _ in schedule.parts} | {kind for _, kind, _ in schedule.during_readout}
    found: dict[int, list[int]] = {kind: [] for kind in sorted(met)}
    for p, (kind, _, _) in enumerate(schedule.parts):
        found[kind].append(p)
    return found


def _driven_ns(schedule: Schedule, drives: Drives, kind: int) -> tuple[float, float]:
    """Return the stretch of a kind of episode in which something is driven; (0, 0): nothing."""
    driven = [
        (float(offset), offset + drives.shapes[shape].duration_ns)
        for shape, where, offset in schedule.during_readout
        if where == kind
    ]
    return min((one[0] for one in driven), default=0.0), max(
        (one[1] for one in driven), default=0.0
    )


def _parts_lit(
    exposure: Exposure, spans_ns: NDArray[np.int64], fading: NDArray[np.float64]
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Return what the photons of parts do to coherences, and the e-folds lost in all; (P, L, L).

    ``spans_ns``: where each begins and ends, shape (P, 2).
    """
    at = exposure.exponent_at(spans_ns)
    change = at[:, 1] - at[:, 0]
    # what the field gives back as it rings down is not counted on
    change = np.minimum(change.real, 0.0) + 1j * change.imag
    lasts_ns = np.diff(spans_ns, axis=1)[..., None]
    return np.exp(change), fading * lasts_ns - change.real


def _part_jumps(
    schedule: Schedule,
    blocks: Blocks,
    exposures: dict[int, Exposure],
    rates: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the populations' map of each part that is evolved through (others stay zero)."""
    out = np.zeros((len(schedule.parts), *rates.shape))
    through = schedule.what == PART
    through[blocks.first[1:] - 1] = False
    through[-1:] = False
    for p in np.unique(schedule.item[through]):
        kind, begin, end = schedule.parts[p]
        out[p] = jumps_during(exposures[kind], rates, begin, end)
    return out


def _example_rows(
    schedule: Schedule, blocks: Blocks
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the events of one block of each kind, and where each begins among them."""
    ends = np.append(blocks.first[1:], schedule.what.size)
    example = blocks.alike.example
    first, last = blocks.first[example], ends[example]
    return rows_of(first, last - first), offsets(last - first)[:-1]


def _pace(exposures: dict[int, Exposure], kinds: int) -> Pace:
    first, count = np.zeros(kinds, np.int64), np.zeros(kinds, np.int64)
    stride = np.ones(kinds)
    values = [np.zeros(0)]
    place = 0
    for k, exposure in exposures.items():
        first[k], count[k] = place, exposure.pace.shape[1]
        stride[k] = exposure.stride_ns
        values.append(exposure.pace.reshape(-1))
        place += exposure.pace.size
    return Pace(np.concatenate(values), first, count, stride)
