"""Flux pulses: what moves a qubit's levels for some nanoseconds, on top of its bias.

Volts of all flux lines add up in a qubit's loop as those of its biases do, unless the world says
otherwise; the levels follow the flux at once, each staying what it is (ASSUMED: pulses are slow
against the qubit's own frequency). What a line makes of a pulse: :mod:`.joint.line_output`; without
a response of its own it passes pulses undistorted, with the delay of the qubit's drive.
Jumps, dephasing and slow noise stay those of the bias (ASSUMED).

Flux and drive on one qubit at one time are one shape, in steps in which both are held.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import (
    clusters,
    distinct,
    number_stretches,
    phase_word,
)
from podium.sim_instruments.physics.defects import Defect
from podium.sim_instruments.physics.dressed_register import DressedRegister
from podium.sim_instruments.physics.drive_line import Drives, Shape, added, drives_of
from podium.sim_instruments.physics.evolution import Tables, moved_maps_of
from podium.sim_instruments.physics.flux_line import LineResponse
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.physics.worker_threads import share_out

VOLTS = 10.0
"""Volts for one square root of a watt, at 50 ohms: peak of a tone, and level at 0 Hz alike."""
NODES = 40
"""Fluxes at which levels are worked out where a pulse goes through more of them: the polynomial
through these is good to 1 kHz over half a flux quantum, and to 1 Hz over a fifth of one."""
GRID = 32
"""The range of the nodes ends at multiples of 1/32 of a flux quantum: that of most runs is one that
a run before had, whose levels are known."""

LONG_STEPS = 400
"""So many steps of all nodes of the slow noise are worth the way to other threads."""

Levels = Callable[[float], NDArray[np.float64]]
"""Levels, Hz, shape (L,), with so many flux quanta on top of the bias."""


class FluxLines(Protocol):
    """A chip, as far as flux pulses go."""

    @property
    def couplers(self) -> Collection[str]:
        """Return the names of tunable couplers, which no feedline reads."""
        ...

    def flux_shares(self, qubit: str) -> Mapping[str, float]:
        """Return the flux quanta that a volt on each flux line brings; empty: none can be moved."""
        ...

    def response_of(self, line: str) -> LineResponse | None:
        """Return how a flux line distorts pulses; None: not at all."""
        ...

    def element_at(self, name: str, biases_v: Mapping[str, float]) -> QubitPoint:
        """Return the operating point of one qubit, coupler or defect."""
        ...

    def defects_of(self, qubit: str) -> Sequence[Defect]:
        """Return the two-level defects beside a qubit."""
        ...

    def coupled_to(self, qubit: str) -> Mapping[str, float]:
        """Return the coupled qubits, and what multiplies the product of charges, Hz, signed."""
        ...

    def dressed_drives(
        self, names: Sequence[str], biases_v: Mapping[str, float], levels: NDArray[np.int64]
    ) -> DressedRegister:
        """Return dressed levels of coupled fluxoniums, the first after ``levels`` (D, M)."""
        ...

    def bare_at(
        self, qubit: str, biases_v: Mapping[str, float], quanta: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return levels (L,), Hz, and charge elements (L-1,) without what it is coupled to.

        ``quanta``: flux quanta on top of the biases.
        """
        ...

    def zz_hz(self, ends: tuple[str, str], biases_v: Mapping[str, float]) -> float:
        """Return by how much excitations of two qubits shift each other at rest, signed, Hz."""
        ...

    def moved_levels_hz(
        self, qubit: str, biases_v: Mapping[str, float], quanta: float
    ) -> NDArray[np.float64]:
        """Return the levels with so many flux quanta on top of the biases, Hz, shape (L,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FluxShift:
    """Flux pulses that move the levels of one qubit, and the levels that they lead to."""

    trains: tuple[PulseTrain, ...]
    """On all flux lines, in flux quanta of this qubit."""
    levels: Levels


def moving(
    lines: FluxLines, qubit: str, trains: Sequence[PulseTrain], biases_v: Mapping[str, float]
) -> FluxShift | None:
    """Return what of the trains on flux lines moves a qubit; None: nothing does."""
    if not any(train.start_ns.size for train in trains):
        return None
    shares = lines.flux_shares(qubit)
    scaled = tuple(
        _scaled(train, shares[train.line] * VOLTS) for train in trains if shares.get(train.line)
    )
    return FluxShift(scaled, lambda quanta: lines.moved_levels_hz(qubit, biases_v, quanta))


def with_flux(drives: Drives, by: FluxShift, levels_hz: NDArray[np.float64]) -> Drives:
    """Return drives and flux pulses of a qubit together; ``levels_hz``: at its bias."""
    fluxes = drives_of(by.trains)
    if not fluxes.start_ns.size:
        return drives
    count = len(drives.shapes)
    start = np.concatenate([drives.start_ns, fluxes.start_ns])
    end = np.concatenate([drives.end_ns, fluxes.end_ns])
    shape = np.concatenate([drives.shape, count + fluxes.shape])
    turns = np.concatenate([drives.phase_turns, np.zeros(fluxes.start_ns.size)])
    order = np.argsort(start, kind="stable")
    start, end, shape, turns = start[order], end[order], shape[order], turns[order]
    is_flux = shape >= count
    first = clusters(start, end)
    lengths = np.diff(np.append(first, start.size))
    offset = start - np.repeat(start[first], lengths)
    # Phases count from the first drive of a group; those of flux pulses mean nothing.
    group = np.repeat(np.arange(first.size), lengths)
    base, has = np.zeros(first.size), np.zeros(first.size, np.bool_)
    leading, row = np.unique(group[~is_flux], return_index=True)
    base[leading], has[leading] = turns[~is_flux][row], True
    relative = np.where(is_flux, 0.0, turns - base[group])
    found = number_stretches(first, [shape, offset, phase_word(relative)])
    shift_of = FluxValues.of(fluxes.shapes).level_shifts(by.levels, levels_hz)
    shapes: list[Shape] = []
    at_first = np.zeros(found.example.size)
    for number, g in enumerate(found.example):
        rows = np.arange(first[g], first[g] + lengths[g])
        played = rows[~is_flux[rows]]
        moved = [
            (shift_of[shape[k] - count].in_each_ns(), int(offset[k])) for k in rows[is_flux[rows]]
        ]
        if not moved:
            shapes.append(drives.shapes[shape[rows[0]]])
            continue
        driven = None
        if played.size:
            driven = added(
                [drives.shapes[shape[k]] for k in played],
                [int(offset[k] - offset[played[0]]) for k in played],
                [float(relative[k]) for k in played],
            )
            at_first[number] = offset[played[0]]
        duration = int((end[rows] - start[rows[0]]).max())
        shapes.append(_together(driven, int(at_first[number]), moved, duration, levels_hz))
    carriers = np.array([one.carrier_hz for one in shapes])[found.kind]
    before = (1e-9 * carriers * at_first[found.kind]) % 1.0
    phases = np.where(has, base - before, 0.0)
    return Drives(start[first], found.kind, phases, tuple(shapes))


def moved_maps(shape: Shape, tables: Tables) -> NDArray[np.float64]:
    """Return the maps, (K, L*L, L*L), of a shape that moves levels.

    Each step of a drive is held at the levels as they are then; each stretch without a drive is
    one, at their mean (:func:`.propagators.play_moved`).
    """
    assert shape.shift_hz is not None
    values = np.column_stack([shape.samples, shape.shift_hz])
    still = shape.samples == 0
    goes_on = np.all(values[1:] == values[:-1], axis=1) | (still[1:] & still[:-1])
    begins = np.append(np.flatnonzero(np.append(True, ~goes_on)), len(values))
    driven = ~still[begins[:-1]]
    shift = np.add.reduceat(shape.shift_hz, begins[:-1], axis=0) / np.diff(begins)[:, None]
    shift[driven] = shape.shift_hz[begins[:-1][driven]]
    size = tables.levels_hz.size**2
    whole = np.empty((tables.node_hz.size, size, size))

    def fill(share: slice) -> None:
        moved_maps_of(
            shape.samples[begins[:-1]],
            2e-9 * np.pi * shift,
            begins,
            float(shape.step_ns),
            float(shape.carrier_hz),
            tables._replace(node_hz=tables.node_hz[share]),
            whole[share],
        )

    share_out(fill, len(whole), worth=len(whole) * len(shift) > LONG_STEPS)
    return whole


def _scaled(train: PulseTrain, factor: float) -> PulseTrain:
    pieces = tuple(
        replace(piece, samples=piece.samples * factor, level=piece.level * factor)
        for piece in train.pieces
    )
    return replace(train, pieces=pieces)


def held(shape: Shape) -> NDArray[np.float64]:
    """Return a flux pulse in each nanosecond, in the unit of its samples."""
    found = np.full(shape.duration_ns, complex(shape.level).real)
    found[: shape.samples.size] = shape.samples.real
    return found


@dataclass(frozen=True, slots=True, eq=False)
class HeldShift:
    """Holds what a flux pulse makes of numbers, in C stretches."""

    values: NDArray[np.float64]
    """Shape (C, L)."""
    edges_ns: NDArray[np.int64]
    """Shape (C + 1,): where they begin, from 0 on, and the end."""

    def inside(self, part: slice) -> NDArray[np.int64]:
        """Return for how many ns of a part each stretch is held, (C,)."""
        stop = self.edges_ns[-1] if part.stop is None else part.stop
        return np.asarray(np.diff(np.clip(self.edges_ns, part.start, stop)))

    def in_each_ns(self, part: slice = slice(0, None)) -> NDArray[np.float64]:
        """Return the numbers in each nanosecond of a part, (ns, L)."""
        return np.repeat(self.values, self.inside(part), axis=0)

    def at(self, ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the numbers in these nanoseconds, (n, L)."""
        return self.values[np.searchsorted(self.edges_ns, ns, side="right") - 1]


@dataclass(frozen=True, slots=True, eq=False)
class FluxValues:
    """Holds flux pulses, in flux quanta, by stretches of one value; equal ones are one."""

    values: NDArray[np.float64]
    which: NDArray[np.int32]
    """Of each stretch of all pulses, one behind the other."""
    edges_ns: list[NDArray[np.int64]]
    """Of each pulse: where its stretches begin, and its end."""

    @classmethod
    def of(cls, shapes: Sequence[Shape]) -> "FluxValues":
        """Return them of shapes with one sample a nanosecond (no beats: all at 0 Hz)."""
        stretches, edges = [], []
        for shape in shapes:
            quanta = held(shape) + 0.0  # of two zeros one
            begins = np.flatnonzero(np.append(True, quanta[1:] != quanta[:-1]))
            stretches.append(quanta[begins])
            edges.append(np.append(begins, quanta.size))
        every = np.concatenate(stretches)
        which, first = distinct(every.view(np.int64).reshape(-1, 1))
        return cls(every[first], which, edges)

    def level_shifts(self, levels: Levels, levels_hz: NDArray[np.float64]) -> list[HeldShift]:
        """Return by how much each pulse moves the levels, (L,), Hz."""
        values = self.values
        if values.size <= NODES:
            moved = np.array([levels(float(one)) for one in values]) - levels_hz
        else:
            low = float(np.floor(values.min() * GRID)) / GRID
            high = float(np.ceil(values.max() * GRID)) / GRID
            nodes = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
            at = low + (high - low) * (nodes + 1) / 2
            known = np.array([levels(float(one)) for one in at]) - levels_hz
            fit = np.polynomial.chebyshev.chebfit(nodes, known, NODES - 1)
            inside = 2 * (values - low) / (high - low) - 1
            moved = np.asarray(np.polynomial.chebyshev.chebval(inside, fit).T, np.float64)
        cuts = np.cumsum([one.size - 1 for one in self.edges_ns])[:-1]
        parts = np.split(np.ascontiguousarray(moved[self.which]), cuts)
        return [HeldShift(*one) for one in zip(parts, self.edges_ns, strict=True)]


def _together(
    driven: Shape | None,
    at_ns: int,
    moved: Sequence[tuple[NDArray[np.float64], int]],
    duration_ns: int,
    levels_hz: NDArray[np.float64],
) -> Shape:
    """Return one shape of a drive that begins at ``at_ns`` and flux pulses that do at theirs."""
    fine = 1 if driven is None else round(1 / driven.step_ns)
    samples = np.zeros(duration_ns * fine, np.complex128)
    carrier_hz = float(levels_hz[1])
    if driven is not None:
        carrier_hz = driven.carrier_hz
        samples[at_ns * fine : at_ns * fine + driven.samples.size] = driven.samples
    shift = np.zeros((duration_ns * fine, levels_hz.size))
    for values, begin in moved:
        each = np.repeat(values, fine, axis=0)
        shift[begin * fine : begin * fine + len(each)] = each
    return Shape(carrier_hz, samples, 1.0 / fine, 0j, duration_ns, shift)
