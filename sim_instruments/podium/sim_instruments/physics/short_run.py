"""A short run holds one shot of each kind of a long one, after the shot that it follows there.

All that does not depend on chance is worked out on it as on any other run: episodes, blocks and
their maps. :class:`StepTables` then say for each step of the long run (:mod:`.shot_kinds`) what
one qubit meets in it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import EqualArrays, offsets, rows_of
from podium.sim_instruments.physics.episodes import RING_DOWN_FOLDS, ring_down_ns
from podium.sim_instruments.physics.evolution import PART
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import flight
from podium.sim_instruments.physics.schedule import Blocks, Schedule
from podium.sim_instruments.physics.shot_kinds import LineTrain, ShotKinds
from podium.sim_instruments.physics.shots import WORTH_COUNTING, PreparedShots
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.physics.spurs import felt

FOR_EVER = np.int64(1 << 62)


@dataclass(frozen=True, slots=True, eq=False)
class ShortRun:
    """Some shots of a run, laid one after another; M of them."""

    kinds: ShotKinds
    shot: NDArray[np.int64]
    """Shape (M,): the shot of the long run."""
    begin_ns: NDArray[np.int64]
    """Shape (M,): when each begins here."""
    target: NDArray[np.int64]
    """Shape (C,): where the example of each step is."""
    followed: NDArray[np.bool_]
    """Shape (M,): whether the next shot here is the one that follows in the long run."""
    steps: NDArray[np.int64] = field(init=False)
    """Shape (C,): how often each step comes in the long run."""
    _known: dict[tuple[int, int], "_Elements"] = field(default_factory=dict, repr=False)
    """By the identity of a train's start times, which each entry keeps, and how late it is."""
    _bounds: NDArray[np.int64] = field(init=False, repr=False)
    """Shape (N + 1,): when each shot of the long run begins, and an end."""

    def __post_init__(self) -> None:
        """Count the steps, and note when the last shot ends."""
        steps = np.bincount(self.kinds.step, minlength=self.target.size)
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "_bounds", np.append(self.kinds.begin_ns, FOR_EVER))

    def rows(self, one: LineTrain) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where each shot begins and ends among a train's elements, shape (M,) each."""
        elements = self._elements(one)
        return elements.first, elements.last

    def counts(self, one: LineTrain) -> NDArray[np.int64]:
        """Return how many elements of a train the shot of each step has, shape (C,)."""
        elements = self._elements(one)
        return (elements.last - elements.first)[self.target]

    def shortened(self, one: LineTrain) -> PulseTrain | CaptureTrain:
        """Return a train with the elements of these shots alone, at their times here."""
        train, elements = one.train, self._elements(one)
        start, turns = elements.start_ns, train.phase_turns[elements.row]
        if isinstance(train, CaptureTrain):
            window = train.window[elements.row]
            return replace(train, start_ns=start, window=window, phase_turns=turns)
        return replace(train, start_ns=start, piece=train.piece[elements.row], phase_turns=turns)

    def _elements(self, one: LineTrain) -> "_Elements":
        """Return those of these shots; trains of a run often begin together."""
        key = id(one.train.start_ns), one.later_ns
        if key not in self._known:
            start = one.train.start_ns
            begin, end = self._bounds[self.shot], self._bounds[self.shot + 1]
            first = np.searchsorted(start, begin - one.later_ns, side="left")
            last = np.searchsorted(start, end - one.later_ns, side="left")
            count = last - first
            row = rows_of(first, count)
            moved = np.repeat(self.begin_ns - self.kinds.begin_ns[self.shot], count)
            self._known[key] = _Elements(start, first, last, row, start[row] + moved)
        return self._known[key]

    def place_of(self, at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return in which shot each time of this run lies."""
        return np.searchsorted(self.begin_ns, at_ns, side="right") - 1


def short_run(kinds: ShotKinds) -> ShortRun:
    """Lay the example of each step behind the shot that it follows."""
    laid: list[int] = []
    target = np.empty(kinds.example.size, np.int64)
    for step, shot in enumerate(kinds.example.tolist()):
        if shot and (not laid or laid[-1] != shot - 1):
            laid.append(shot - 1)
        laid.append(shot)
        target[step] = len(laid) - 1
    if laid[-1] + 1 < kinds.begin_ns.size:
        laid.append(laid[-1] + 1)  # what comes after the last step shows where that ends
    shot_ = np.array(laid, np.int64)
    # the last shot of a run has no end; it can only be the last here
    lasts = np.append(np.diff(kinds.begin_ns), 0)[shot_]
    begin = kinds.begin_ns[0] + offsets(lasts)[:-1]
    followed = np.append(np.diff(shot_) == 1, False)
    return ShortRun(kinds, shot_, begin, target, followed)


@dataclass(frozen=True, slots=True, eq=False)
class _Elements:
    """The elements of a train in a short run; K of them."""

    long_ns: NDArray[np.int64]
    """When all of the train's elements begin in the long run."""
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    """Shape (M,) each: where each shot begins and ends among those."""
    row: NDArray[np.int64]
    """Shape (K,): which of those these are."""
    start_ns: NDArray[np.int64]
    """Shape (K,): when they begin here."""


@dataclass(frozen=True, slots=True, eq=False)
class StepTables:
    """Readings and pulses of one qubit in each step; R readings of all steps together."""

    first: NDArray[np.int64]
    """Shape (C + 1,): first reading of each step."""
    begins: NDArray[np.bool_]
    """Shape (R,): whether a block begins before the reading."""
    matrix: NDArray[np.float64]
    """Shape (R, L, L), [from, to]: probabilities, given the level at the block's start."""
    kind: NDArray[np.int64]
    """Shape (R,): kind of the reading's episode."""
    begin_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    """Shape (R,) each: the stretch of the episode that follows the reading."""
    readings: int
    """In the whole of the long run."""


def readings_of(short: ShortRun, schedule: Schedule) -> NDArray[np.int64] | None:
    """Return which reading of the short run each of the long one is; None: a shot has none.

    ``schedule``: of the short run, of qubits whose levels are known at each reading.
    """
    place, shots = short.place_of(schedule.start_ns), short.shot.size
    ends = np.append(np.flatnonzero(np.diff(place)), place.size - 1)
    begins_alike = short.shot[0] == 0 and short.target[short.kinds.step[0]] == 0
    if ends.size != shots or not schedule.sampled[ends].all() or not begins_alike:
        return None
    reading_place = place[schedule.sampled]
    first, last = (np.searchsorted(reading_place, short.target, side) for side in ("left", "right"))
    step = short.kinds.step
    return rows_of(first[step], (last - first)[step])


def closed_shots(
    short: ShortRun, schedule: Schedule, blocks: Blocks, told: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """Tell of each shot of a short run whether nothing but a level is left behind its last reading.

    Shape (M,). None: some shot has no reading. ``told``: see :class:`.shots.MetPhotons`.
    """
    shots = np.arange(short.shot.size)
    place = short.place_of(schedule.start_ns)
    reading = np.flatnonzero(schedule.sampled)
    last_reading = np.searchsorted(place[reading], shots, side="right") - 1
    if not (np.diff(last_reading, prepend=-1) > 0).all():
        return None
    ends = np.isin(last_reading + 1, blocks.first_reading)
    # Where a reading itself does not tell the level, it is what follows that ends the block: that
    # is known up to the first drive of the rest of the shot, or of the one that follows in the long
    # run.
    driven = offsets(schedule.what != PART)
    if not driven[-1]:
        return ends
    rest = np.searchsorted(place, shots, side="right")
    drives_after = driven[rest] > driven[reading[last_reading]]
    drives_next = np.append(np.diff(driven[rest]), 0) > 0
    return np.asarray(ends & (told[last_reading] | drives_after | drives_next | ~short.followed))


def step_tables(short: ShortRun, schedule: Schedule, prepared: PreparedShots) -> StepTables | None:
    """Return a qubit's tables; None where its blocks are as long as the run.

    ``schedule``, ``prepared``: of the short run, of which all shots are closed
    (:func:`closed_shots`).
    """
    blocks, shots = prepared.blocks, short.shot.size
    place = short.place_of(schedule.start_ns)
    reading = np.flatnonzero(schedule.sampled)
    last_reading = np.searchsorted(place[reading], np.arange(shots), side="right") - 1
    sizes = np.diff(np.append(blocks.first, schedule.what.size))
    whole = int(np.bincount(place, minlength=shots)[short.target] @ short.steps)
    levels = prepared.tables.levels_hz.size
    if int(sizes[blocks.alike.example].sum()) * levels > max(whole, WORTH_COUNTING):
        return None
    is_first = np.zeros(reading.size + 1, np.bool_)
    is_first[blocks.first_reading] = True
    block = np.cumsum(is_first[:-1]) - 1
    row = prepared.matrix_first[blocks.alike.kind[block]]
    row = row + np.arange(reading.size) - blocks.first_reading[block]
    first_reading = np.append(0, last_reading[:-1] + 1)
    count = (last_reading + 1 - first_reading)[short.target]
    readings = rows_of(first_reading[short.target], count)
    return StepTables(
        first=offsets(count),
        begins=is_first[readings],
        matrix=np.ascontiguousarray(prepared.matrices[row[readings]].transpose(0, 2, 1)),
        kind=prepared.readings.kind[readings],
        begin_ns=prepared.readings.begin_ns[readings],
        end_ns=prepared.readings.end_ns[readings],
        readings=int(count @ short.steps),
    )


def later_ns(qubit: QubitPoint, feedline: FeedlinePoint) -> int:
    """Return how much longer a drive is under way to the chip than a tone, ns."""
    return round(qubit.drive_delay_ns - feedline.delay_in_ns)


def driven_ns(signals: RunSignals, feedline: FeedlinePoint) -> NDArray[np.int64]:
    """Return when drives of the feedline's qubits begin, in the time of its tones."""
    later = {f"{qubit.name}.drive": later_ns(qubit, feedline) for qubit in feedline.qubits}
    begins = [train.start_ns + later[train.line] for train in signals.drives if train.line in later]
    by_sideband = {f"{qubit.name}.sideband": later_ns(qubit, feedline) for qubit in feedline.qubits}
    begins += [
        train.start_ns + by_sideband[train.line]
        for train in signals.drives
        if train.line in by_sideband and not train.spur
    ]
    return np.concatenate([np.zeros(0, np.int64), *begins])


def feedline_trains(
    feedline: FeedlinePoint,
    tones: Sequence[PulseTrain],
    captures: Sequence[CaptureTrain],
    drives: Sequence[PulseTrain],
    fluxes: Collection[str],
    together: Sequence[Collection[str]] = (),
) -> list[LineTrain]:
    """Return all trains that a feedline and its qubits meet; ``fluxes``: names of flux lines.

    Those with equal times share them: most of what is asked of a train is known of the other then.

    ``together``: qubits that share a state; phases of their drives count against each other.
    """
    numbers = [qubit.name for qubit in feedline.qubits]
    for names in together:
        first = next(name for name in numbers if name in names)
        numbers = [first if name in names else name for name in numbers]
    lines = [numbers.index(name) for name in numbers]
    whole, _ = flight(feedline)
    ring = ring_down_ns(feedline, RING_DOWN_FOLDS[0])
    found = [LineTrain(one, 0, 0, ring, leads=True) for one in tones]
    found += [LineTrain(one, 1, -whole) for one in captures]
    later = [later_ns(qubit, feedline) for qubit in feedline.qubits]
    for number, qubit, more in zip(lines, feedline.qubits, later, strict=True):
        trains = felt(qubit, [one for one in drives if one.line == f"{qubit.name}.drive"])
        pulses = [one for one in trains if not one.spur]
        for one in trains:
            # the phase of an image against the pulse that it is of counts for nothing
            is_image = bool(one.spur) and any(
                np.array_equal(one.start_ns, other.start_ns) for other in pulses
            )
            found.append(LineTrain(one, 2 + number, more, phased=not is_image))
    moving = [one for one in drives if one.line in fluxes and one.start_ns.size]
    if moving and later:
        spread = max(later) - min(later)
        line = 2 + len(later)
        found += [LineTrain(one, line, min(later), spread, phased=False) for one in moving]
    arrays = EqualArrays()
    return [one.sharing(arrays) for one in found]
