"""One qubit's drive line carries shapes during a run; no two of them overlap.

Several generators may share the line. Where their pieces overlap, the signals are added
into one shape on the first one's carrier, in steps short enough for the beat between the
carriers. Crosstalk of another line is added with the weights of the commutator-free Magnus method
of fourth order (Blanes and Moan, Appl. Numer. Math. 56, 1519 (2006)): two exponentials a part of
the beat. ASSUMED: an image's phase against the pulse that it is of is 0. It differs from shot to
shot, and the beat of the two, of tens to hundreds of MHz, averages over it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import clusters, number_stretches, phase_word
from podium.sim_instruments.physics.signals import Piece, PulseTrain

STEPS_A_BEAT = 256
"""Steps of a merged shape in one period of the beat between two carriers; within a step the
mean of the beat is held: populations are good to 1e-4."""

PARTS_A_BEAT = 32
"""Parts of a beat's period, of two steps each, by the method of fourth order."""
GAUSS = np.array([0.5 - np.sqrt(3) / 6, 0.5 + np.sqrt(3) / 6])
WEIGHT = np.array([0.5 + np.sqrt(3) / 3, 0.5 - np.sqrt(3) / 3])
"""Of the drive at the two Gauss points in the first of two exponentials; swapped in the second."""

IMAGE, CROSSTALK = 1, 2
SPURS = {"image": IMAGE, "crosstalk": CROSSTALK}
"""Kinds of signals that nobody asked for."""

SILENT = 5e-4
"""Of a shape's largest amplitude: what is smaller, before and behind it, turns a qubit by less than
1e-4 of what the shape does."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One stretch of drive: held samples, then a constant level."""

    carrier_hz: float
    samples: NDArray[np.complex128]
    step_ns: float
    """Duration of each sample."""
    level: complex
    duration_ns: int
    shift_hz: NDArray[np.float64] | None = None
    """Shape (samples, L): by how much flux moves each level in each sample; None: by nothing."""
    start_turns: float | None = None
    """About the carrier's phase at the start, where that counts (:mod:`.lab_frame`); None: the
    rotating-wave approximation holds."""

    @property
    def quiet(self) -> bool:
        """Return whether nothing is driven: levels are moved, and the phase means nothing."""
        return self.shift_hz is not None and not np.any(self.samples)

    @property
    def moves_hz(self) -> float:
        """Return by how much the 0-1 transition is moved at most."""
        return 0.0 if self.shift_hz is None else float(np.abs(self.shift_hz[:, 1]).max())

    @property
    def level_ns(self) -> float:
        """Return how long the level is held."""
        return self.duration_ns - self.samples.size * self.step_ns

    def held(self) -> NDArray[np.float64]:
        """Return a shape of a flux line, one value a nanosecond."""
        values = np.full(self.duration_ns, complex(self.level).real)
        values[: self.samples.size] = self.samples.real
        return values


@dataclass(frozen=True, slots=True, eq=False)
class Drives:
    """Shapes in the order in which they come; none overlaps another."""

    start_ns: NDArray[np.int64]
    """Shape (n,), ascending, at the source's connector."""
    shape: NDArray[np.int64]
    """Shape (n,): index into ``shapes``."""
    phase_turns: NDArray[np.float64]
    """Shape (n,): of the carrier at ``start_ns``."""
    shapes: tuple[Shape, ...]

    @property
    def end_ns(self) -> NDArray[np.int64]:
        """Return the ends, shape (n,)."""
        durations = np.array([shape.duration_ns for shape in self.shapes], np.int64)
        return self.start_ns + durations[self.shape] if self.shape.size else self.start_ns


def drives_of(trains: Sequence[PulseTrain], *, added: bool = True) -> Drives:
    """Return what the trains of one line carry together; silent pieces are left out.

    ``added``: where crosstalk overlaps anything, they are one shape; else each stays its own.
    """
    if not added:
        apart = [train for train in trains if train.spur == "crosstalk"]
        own = drives_of([train for train in trains if train.spur != "crosstalk"])
        return _beside(own, _laid(apart)[0]) if apart else own
    drives, spurs = _laid(trains)
    return _merged(drives, spurs == IMAGE, spurs == CROSSTALK)


def _laid(trains: Sequence[PulseTrain]) -> tuple[Drives, NDArray[np.int64]]:
    """Return shapes by their starts, however they overlap, and what kind of spur each is."""
    shapes: list[Shape] = []
    starts, kinds, phases, spurs = [], [], [], []
    for train in trains:
        number = np.full(len(train.pieces), -1, np.int64)
        for i, piece in enumerate(train.pieces):
            if _sounds(piece):
                number[i] = len(shapes)
                shapes.append(
                    Shape(
                        piece.carrier_hz,
                        np.array(piece.samples, np.complex128),
                        1.0,
                        complex(piece.level),
                        piece.duration_ns,
                    )
                )
        kind = number[train.piece]
        heard = kind >= 0
        starts.append(train.start_ns[heard].astype(np.int64))
        kinds.append(kind[heard])
        phases.append(train.phase_turns[heard].astype(np.float64))
        spurs.append(np.full(kind[heard].size, SPURS.get(train.spur, 0)))
    if not starts:
        none = np.zeros(0, np.int64)
        return Drives(none, none, np.zeros(0), ()), none
    start, kind, phase = np.concatenate(starts), np.concatenate(kinds), np.concatenate(phases)
    order = np.argsort(start, kind="stable")
    drives = Drives(start[order], kind[order], phase[order], tuple(shapes))
    return drives, np.concatenate(spurs)[order]


def _beside(one: Drives, other: Drives) -> Drives:
    """Return the shapes of both by their starts, however they overlap."""
    start = np.concatenate([one.start_ns, other.start_ns])
    order = np.argsort(start, kind="stable")
    return Drives(
        start[order],
        np.concatenate([one.shape, other.shape + len(one.shapes)])[order],
        np.concatenate([one.phase_turns, other.phase_turns])[order],
        one.shapes + other.shapes,
    )


def is_heard(train: PulseTrain) -> bool:
    """Tell whether a train carries more than silence."""
    sounds = np.array([_sounds(piece) for piece in train.pieces], np.bool_)
    if not train.start_ns.size or not sounds.any():
        return False
    return bool(sounds.all() or np.any(sounds[train.piece]))


def _sounds(piece: Piece) -> bool:
    return piece.duration_ns > 0 and (piece.level != 0 or bool(np.any(piece.samples)))


def without_silence(drives: Drives) -> Drives:
    """Return drives whose shapes begin and end with samples that are heard, to the nanosecond.

    Some generators play whole blocks of samples: what fills them up, and what a filter between
    samples and line makes of it, drives hardly anything. See :data:`SILENT`.
    """
    found = [_heard(shape) for shape in drives.shapes]
    later = np.array([later_ns for later_ns, _ in found], np.int64)[drives.shape]
    carrier = np.array([shape.carrier_hz for shape in drives.shapes])[drives.shape]
    turns = (drives.phase_turns + carrier * 1e-9 * later) % 1.0
    return Drives(
        drives.start_ns + later,
        drives.shape,
        np.where(later > 0, turns, drives.phase_turns),
        tuple(shape for _, shape in found),
    )


def _heard(shape: Shape) -> tuple[int, Shape]:
    """Return by how much later a shape is heard, ns, and what is heard of it."""
    size = np.abs(shape.samples)
    loudest = max(float(size.max(initial=0.0)), abs(shape.level))
    heard = np.flatnonzero(size > SILENT * loudest)
    if not heard.size or shape.shift_hz is not None:
        return 0, shape
    later_ns = floor(float(heard[0]) * shape.step_ns)
    is_held = abs(shape.level) > SILENT * loudest
    ends_ns = shape.duration_ns if is_held else ceil(float(heard[-1] + 1) * shape.step_ns)
    ends_ns = min(ends_ns, shape.duration_ns)
    if later_ns == 0 and ends_ns == shape.duration_ns:
        return 0, shape
    samples = shape.samples[round(later_ns / shape.step_ns) : round(ends_ns / shape.step_ns)]
    return later_ns, replace(shape, samples=samples, duration_ns=ends_ns - later_ns)


def joined(drives: Drives, gap_ns: int) -> Drives:
    """Return drives with shapes added into one that follow each other within less than a gap."""
    none = np.zeros(drives.start_ns.size, np.bool_)
    return _merged(drives, none, none, gap_ns)


def _merged(
    drives: Drives, image: NDArray[np.bool_], crosstalk: NDArray[np.bool_], gap_ns: int = 0
) -> Drives:
    first = clusters(drives.start_ns, drives.end_ns + gap_ns)
    if first.size == drives.start_ns.size:
        return drives
    lengths = np.diff(np.append(first, drives.start_ns.size))
    offset = drives.start_ns - np.repeat(drives.start_ns[first], lengths)
    relative = drives.phase_turns - np.repeat(drives.phase_turns[first], lengths)
    relative[image] = 0.0
    found = number_stretches(first, [drives.shape, offset, phase_word(relative)])
    shapes = list(drives.shapes)
    number = np.empty(found.example.size, np.int64)
    for u, g in enumerate(found.example):
        rows = range(first[g], first[g] + lengths[g])
        if lengths[g] == 1:
            number[u] = drives.shape[first[g]]
            continue
        number[u] = len(shapes)
        add = added_finely if crosstalk[first[g] : first[g] + lengths[g]].any() else added
        shapes.append(
            add(
                [drives.shapes[drives.shape[row]] for row in rows],
                [int(offset[row]) for row in rows],
                [float(relative[row]) for row in rows],
            )
        )
    return Drives(
        drives.start_ns[first], number[found.kind], drives.phase_turns[first], tuple(shapes)
    )


def added(shapes: Sequence[Shape], offset_ns: Sequence[int], turns: Sequence[float]) -> Shape:
    """Add shapes that begin ``offset_ns`` after the first, with ``turns`` of phase against it."""
    base = shapes[0].carrier_hz
    beat = 1e-9 * max(abs(shape.carrier_hz - base) for shape in shapes)
    fine = max([1, int(np.ceil(STEPS_A_BEAT * beat)), *(round(1 / s.step_ns) for s in shapes)])
    duration = max(at + s.duration_ns for at, s in zip(offset_ns, shapes, strict=True))
    total = np.zeros(duration * fine, np.complex128)
    for shape, at, phase in zip(shapes, offset_ns, turns, strict=True):
        values = np.full(shape.duration_ns * fine, shape.level, np.complex128)
        held = np.repeat(shape.samples, round(fine * shape.step_ns))
        values[: held.size] = held
        apart = 1e-9 * (shape.carrier_hz - base)
        middle = (np.arange(values.size) + 0.5) / fine
        # the phase over the first one's carrier, at the middle of each step of this shape
        beat_turns = phase - (1e-9 * base * at) % 1.0 + apart * middle
        total[at * fine : at * fine + values.size] += (
            values * np.exp(2j * np.pi * beat_turns) * np.sinc(apart / fine)
        )
    return Shape(base, total, 1.0 / fine, 0j, duration)


def added_finely(
    shapes: Sequence[Shape], offset_ns: Sequence[int], turns: Sequence[float]
) -> Shape:
    """Add shapes as :func:`added` does, by the method of fourth order."""
    base = shapes[0].carrier_hz
    apart = [1e-9 * (shape.carrier_hz - base) for shape in shapes]
    least = max([1, *(round(1 / shape.step_ns) for shape in shapes)])
    parts = ceil(PARTS_A_BEAT * max(map(abs, apart)) / least)
    fine = 2 * parts * least if parts else least
    duration = max(at + s.duration_ns for at, s in zip(offset_ns, shapes, strict=True))
    total = np.zeros(duration * fine, np.complex128)
    for shape, at, phase, beat in zip(shapes, offset_ns, turns, apart, strict=True):
        values = np.full(shape.duration_ns * fine, shape.level, np.complex128)
        held = np.repeat(shape.samples, round(fine * shape.step_ns))
        values[: held.size] = held
        begins = phase - (1e-9 * base * at) % 1.0
        values *= beating(begins, beat, 2.0 / fine, values.size) if parts else turned(begins)
        total[at * fine : at * fine + values.size] += values
    return Shape(base, total, 1.0 / fine, 0j, duration)


def turned(turns: float) -> complex:
    """Return the factor of a phase."""
    return complex(np.exp(2j * np.pi * turns))


def beating(turns: float, apart: float, part_ns: float, count: int) -> NDArray[np.complex128]:
    """Return what a carrier is in each of ``count`` steps, two to a part, in another's frame.

    ``turns``: its phase there as the first part begins; ``apart``: how much faster it is, 1/ns.
    """
    begins = part_ns * np.arange(count // 2)
    at = np.exp(2j * np.pi * (turns + apart * (begins[:, None] + part_ns * GAUSS)))
    return np.stack([at @ WEIGHT, at @ WEIGHT[::-1]], axis=1).reshape(-1)
