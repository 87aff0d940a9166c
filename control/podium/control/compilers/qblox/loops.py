"""Pass 4: a nest of loops over the axes, and what changes in each of them.

An axis becomes one loop where all its points have the same pattern and every quantity is a sum
of terms that depend on one axis each; otherwise it falls into several loops, or single points.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.points import IntArray
from podium.control.compilers.qblox.forks import check_room, fork_hold_ns, ways_of
from podium.control.compilers.qblox.gates import FORK_NS, SKIPPED_NS, Gate
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS, Event
from podium.control.compilers.qblox.rounding import PHASE_STEPS
from podium.control.compilers.qblox.schedule import Schedule
from podium.control.compilers.qblox.sources import Setting, Source, Word, source_of
from podium.control.program.program import Value, parameter_in

WAIT_MAX_NS = 65_535
"""Longest duration of one real-time instruction (operand of ``wait``: 16 bit)."""
WAIT_CHUNK_NS = 60_000
"""Longer ones are made of these."""

Box: TypeAlias = tuple[tuple[int, int], ...]
"""First and last-but-one index along each axis."""


class Kind(Enum):
    """Names the quantity in a register."""

    TIME = "ns"
    GAIN = "gain"
    LEVEL = "level"
    FREQUENCY = "0.25 Hz"
    PHASE = "1e-9 turn"


@dataclass(frozen=True, slots=True)
class Term:
    """Holds one axis's part of a quantity. Equal terms share a register."""

    kind: Kind
    axis: int
    values: tuple[int, ...]
    """One for each point of the loop."""


@dataclass(frozen=True, slots=True)
class Swept:
    """A quantity that changes from point to point: the sum of its terms (phases: modulo 1)."""

    kind: Kind
    terms: tuple[Term, ...]
    low: int
    """Smallest value over the points."""
    high: int


Quantity: TypeAlias = int | Swept


@dataclass(frozen=True, slots=True)
class Moment:
    """All that happens at one instant, and the time to the next."""

    notes: tuple[str, ...]
    reset: bool
    tune: Quantity | None
    level: Quantity | None
    gain: Quantity | None
    phase: Quantity | None
    wave: tuple[int, int | None] | None
    acquisition: int | None
    hold_ns: int
    """Duration of the instruction that makes the settings take hold."""
    wait_ns: Quantity
    """From its end to the next moment; 0 or at least 4."""
    delta: Quantity | None = None
    """Added to the phase."""
    gate: Gate | None = None
    """What must have been measured for the instruction; settings are made in any case."""
    else_ns: int = 0
    """Duration of the instruction where that was not measured."""
    forgets: bool = False
    """The instruction resets the latches."""
    pauses: bool = False
    """The instruction is a wait: nothing takes hold."""

    @property
    def quantities(self) -> tuple[Quantity | None, ...]:
        """All that may be swept."""
        return (self.tune, self.level, self.gain, self.phase, self.delta, self.wait_ns)


@dataclass(frozen=True, slots=True)
class Shot:
    """The code of one shot, for the points of ``box``."""

    box: Box
    moments: tuple[Moment, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """``count`` points of an axis, visited one after the other."""

    axis: int
    first: int
    count: int
    body: tuple["Node", ...]


Node: TypeAlias = Loop | Shot


def nest(schedule: Schedule, shape: tuple[int, ...], written: int = 0) -> tuple[Node, ...]:
    """Return the loops over all points, first axis outermost; raise :class:`DoesNotFit`.

    The innermost ``written`` axes are no loops: every point of them is written out.
    """
    varying: list[tuple[IntArray, Kind]] = [
        (row, Kind.TIME) for row in schedule.gap_ns if row.size > 1
    ]
    for event in schedule.events:
        for array, kind in (
            (event.tune, Kind.FREQUENCY),
            (event.level, Kind.LEVEL),
            (event.gain, Kind.GAIN),
            (event.phase, Kind.PHASE),
            (event.delta, Kind.PHASE),
        ):
            if array is not None and array.size > 1:
                varying.append((array, kind))
    return _nest(schedule, varying, 0, tuple((0, n) for n in shape), len(shape) - written)


def _nest(
    schedule: Schedule, varying: list[tuple[IntArray, Kind]], axis: int, box: Box, loops: int
) -> tuple[Node, ...]:
    if axis == len(box):
        return (_shot(schedule, box),)
    nodes: list[Node] = []
    first, last = box[axis]
    while first < last:
        end = first + 1 if axis >= loops else _run_end(schedule, varying, axis, box, first)
        within = (*box[:axis], (first, end), *box[axis + 1 :])
        inner = _nest(schedule, varying, axis + 1, within, loops)
        if end - first == 1:
            nodes += inner
        else:
            nodes.append(Loop(axis, first, end - first, inner))
        first = end
    return tuple(nodes)


def _run_end(
    schedule: Schedule,
    varying: list[tuple[IntArray, Kind]],
    axis: int,
    box: Box,
    first: int,
) -> int:
    """Return how far along ``axis`` one loop can go that begins at ``first``."""
    end = box[axis][1]
    rest = (*box[:axis], (first, end), *box[axis + 1 :])
    if schedule.pattern.shape[axis] > 1:
        pattern = np.moveaxis(_cut(schedule.pattern, rest), axis, 0)
        end = first + _leading((pattern == pattern[:1]).reshape(len(pattern), -1).all(axis=1))
    for array, kind in varying:
        if array.shape[axis] == 1 or sum(n > 1 for n in array.shape) == 1:
            continue
        values = np.moveaxis(_cut(array, rest), axis, 0)
        values = values.reshape(len(values), -1)
        difference = values - values[:1]
        if kind is Kind.PHASE:
            difference %= PHASE_STEPS
        additive = (difference == difference[:, :1]).all(axis=1)
        end = min(end, first + _leading(additive))
    return end


def _leading(mask: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    """Return how many entries are True before the first that is not."""
    return len(mask) if mask.all() else int(np.argmin(mask))


def _cut(array: IntArray, box: Box) -> IntArray:
    return array[
        tuple(
            slice(None) if n == 1 else slice(low, high)
            for n, (low, high) in zip(array.shape, box, strict=True)
        )
    ]


def _shot(schedule: Schedule, box: Box) -> Shot:
    """Return the code of the points of ``box``, which all have one pattern."""
    corner = tuple(low for low, _ in box)
    order = _at(schedule.order, corner)
    gaps = _at(schedule.gap_ns, corner)
    groups: list[tuple[list[Event], IntArray]] = []
    together: list[Event] = []
    for k, gap in enumerate(gaps):
        together.append(schedule.events[order[k]])
        if gap > 0:
            groups.append((together, schedule.gap_ns[k]))
            together = []
    if not any(event.gate or event.forgets for event in schedule.events):
        return Shot(box, tuple(_moment(schedule, one, gap_ns, box) for one, gap_ns in groups))
    return Shot(box, tuple(_branching(schedule, groups, box)))


def _branching(
    schedule: Schedule, groups: list[tuple[list[Event], IntArray]], box: Box
) -> Iterator[Moment]:
    """Yield the moments of a shot in which something depends on what is measured.

    Where two branches begin at one instant, both have an instruction; each skips the other's, and
    the first waits as long before as the second does for the skipping. Both are short: the
    condition is looked at again for the second.
    """
    ways = [ways_of(schedule.frame, events) for events, _ in groups]
    for k, (both, (events, gap_ns)) in enumerate(zip(ways, groups, strict=True)):
        ahead = k + 1 < len(groups) and len(ways[k + 1]) > 1
        left_ns = gap_ns - FORK_NS if ahead else gap_ns
        least_ns = int(_cut(left_ns, box).min())
        check_room(schedule.frame, events, least_ns, k == 0, len(both) > 1, ahead)
        hold_ns = fork_hold_ns(_cut(left_ns, box)) if len(both) > 1 else None
        made = [
            replace(_moment(schedule, chosen, left_ns, box, hold_ns), gate=gate)
            for gate, chosen in both
        ]
        if len(made) == 1:
            (one,) = made
            yield one if one.gate is None else replace(one, else_ns=one.hold_ns)
            continue
        first, second = made
        yield Moment(
            notes=("branches begin",),
            reset=False,
            tune=None,
            level=None,
            gain=None,
            phase=None,
            wave=None,
            acquisition=None,
            hold_ns=FORK_NS,
            wait_ns=0,
            gate=first.gate,
            pauses=True,
            else_ns=SKIPPED_NS,
        )
        yield replace(first, hold_ns=first.hold_ns - SKIPPED_NS, wait_ns=0, else_ns=SKIPPED_NS)
        yield replace(second, else_ns=SKIPPED_NS)


def _at(rows: IntArray, corner: tuple[int, ...]) -> list[int]:
    index = tuple(0 if n == 1 else i for n, i in zip(rows.shape[1:], corner, strict=True))
    return [int(value) for value in np.moveaxis(rows, 0, -1)[index]]


def _moment(
    schedule: Schedule,
    events: list[Event],
    gap_ns: IntArray,
    box: Box,
    hold_ns: int | None = None,
) -> Moment:
    """Return the sum of events at one instant; of two settings the later statement's counts."""
    tune = level = gain = phase = None
    wave: tuple[int, int | None] | None = None
    acquisition = None
    for event in events:
        tune = event.tune if event.tune is not None else tune
        level = event.level if event.level is not None else level
        gain = event.gain if event.gain is not None else gain
        phase = event.phase if event.phase is not None else phase
        wave = event.wave if event.wave is not None else wave
        if event.which is not None:  # the same at all points of a pattern
            wave = event.waves[int(_cut(event.which, box).flat[0])]
        acquisition = event.acquisition if event.acquisition is not None else acquisition
    sources = {
        setting: source_of(event.sources, setting)
        for event in events
        for setting in SETTINGS
        if getattr(event, setting) is not None
    }
    delta, sources["delta"] = _added_phase(events)
    notes = tuple(event.note for event in events)
    hold_ns = _hold_ns(_cut(gap_ns, box)) if hold_ns is None else hold_ns
    if wave is not None and acquisition is not None:
        raise DoesNotFit(
            f"{schedule.frame}: {' and '.join(notes)} at one instant; one sequencer starts a "
            "shaped pulse and a window at least 4 ns apart: set delay_fs of the capture to "
            "4 ns or more, or use a Square"
        )
    return Moment(
        notes=notes,
        reset=any(event.reset for event in events),
        tune=_quantity(tune, Kind.FREQUENCY, box, sources.get("tune")),
        level=_quantity(level, Kind.LEVEL, box, sources.get("level")),
        gain=_quantity(gain, Kind.GAIN, box, sources.get("gain")),
        phase=_quantity(phase, Kind.PHASE, box, sources.get("phase")),
        wave=wave,
        acquisition=acquisition,
        hold_ns=hold_ns,
        wait_ns=_required(gap_ns - hold_ns, Kind.TIME, box),
        delta=_quantity(delta, Kind.PHASE, box, sources.get("delta")),
        forgets=any(event.forgets for event in events),
    )


def _hold_ns(gap_ns: IntArray) -> int:
    low, high = int(gap_ns.min()), int(gap_ns.max())
    if low < high:
        return min(low - REAL_TIME_MIN_NS, WAIT_CHUNK_NS)
    return low if low <= WAIT_MAX_NS else WAIT_CHUNK_NS


def _added_phase(events: list[Event]) -> tuple[IntArray | None, Source | None]:
    """Return the sum of what events add to the phase, and how it depends on parameters."""
    total: IntArray | None = None
    values: list[Value] = []
    for event in events:
        if event.delta is None:
            continue
        total = event.delta if total is None else (total + event.delta) % PHASE_STEPS
        source = source_of(event.sources, "delta")
        values += [float(event.delta.flat[0]) / PHASE_STEPS] if source is None else source.values
    depends = any(parameter_in(value) is not None for value in values)
    return total, Source("delta", tuple(values)) if depends else None


SETTINGS: tuple[Setting, ...] = ("tune", "level", "gain", "phase")


def _quantity(
    array: IntArray | None, kind: Kind, box: Box, source: Source | None
) -> Quantity | None:
    if array is None:
        return None
    quantity = _required(array, kind, box)
    if source is not None and array.size == 1 and isinstance(quantity, int):
        return Word(quantity, source)
    return quantity


def _required(array: IntArray, kind: Kind, box: Box) -> Quantity:
    """Return ``array`` over ``box`` as a number or as a sum of terms.

    The first term carries the constant.
    """
    if array.size == 1:
        return int(array.flat[0])
    values = _cut(array, box)
    constant = int(values.flat[0])
    if (values == constant).all():
        return constant
    terms: list[Term] = []
    for axis in range(values.ndim):
        line = values[tuple(slice(None) if a == axis else 0 for a in range(values.ndim))]
        if (line == line[0]).all():
            continue
        along = line if not terms else line - constant
        if kind is Kind.PHASE:
            along = along % PHASE_STEPS
        terms.append(Term(kind, axis, tuple(along.tolist())))
    return Swept(kind, tuple(terms), int(values.min()), int(values.max()))


def shots_in(nodes: tuple[Node, ...]) -> Iterator[Shot]:
    """Yield the shots in ``nodes``, in the order of their points."""
    for node in nodes:
        if isinstance(node, Shot):
            yield node
        else:
            yield from shots_in(node.body)


def terms_of(loop: Loop) -> tuple[Term, ...]:
    """Return the terms of the shots in ``loop`` that change with its axis, each once."""
    found: dict[Term, None] = {}
    for shot in shots_in(loop.body):
        for moment in shot.moments:
            for quantity in moment.quantities:
                if isinstance(quantity, Swept):
                    found.update((t, None) for t in quantity.terms if t.axis == loop.axis)
    return tuple(found)
