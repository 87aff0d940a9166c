"""The states that one qubit can come to in a run, numbered; a shot walks from one to the next.

What happens to a qubit from one reading to the next is a segment: waits, drives, and a reading at
its end or none. A state and a segment give one or two outcomes: the qubit goes on from the level
that the shot has come to, or as if it had not been read (:mod:`.trajectory`). An outcome has
populations, and from each level that the shot is in behind the reading another state follows.
States are kept by what they are made of and hold no time: a state that is met again has its number
already, and where slow noise changes only populations are worked out anew.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.branches import KEPT, KEPT_STEP, PART, Stretch
from podium.sim_instruments.physics.trajectory import (
    FOLDS,
    TOLD_FOLDS,
    DrawnStates,
    Drive,
    ToneCluster,
    drive_stretch,
    phase_steps,
)

PHASE_DIGITS: Final = 10
"""Of a difference of phases in turns."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch without a drive."""

    stretch: Stretch


@dataclass(frozen=True, slots=True)
class Play:
    """A drive."""

    shape: int
    duration_ns: int
    in_readout: tuple[int, int] | None
    since_ns: int
    """From the start of the drive before it, if that still counts."""
    turned: float
    """Phase against that of the drive before it, turns."""


@dataclass(frozen=True, slots=True)
class Read:
    """A reading at ``begin`` of a cluster of tones, followed to ``end``."""

    begin: int
    end: int
    driven: int
    """Number of the tones that began before the end."""
    fresh: bool
    """Whether it is the first of its cluster."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Evolution of a qubit up to a reading, or to no reading."""

    steps: tuple[Wait | Play, ...]
    read: Read | None
    joins_ns: int | None
    """When its first drive begins; as the plan counts. None: it has none."""


class StepRecorder:
    """Notes what happens to a qubit, as a follower of its trajectory."""

    def __init__(self, number: int, states: "QubitStates") -> None:
        self._number = number
        self._states = states
        self._steps: list[Wait | Play] = []
        self._joins_ns: int | None = None
        self._last: Drive | None = None
        self._lost: NDArray[np.float64] | None = None
        """E-folds of the coherences since the first reading behind the last drive."""
        self._heard = 0.0
        """Of that of 0 and 1 in what was listened to since then."""

    def copy(self) -> "StepRecorder":
        """Return a recorder that goes on from here."""
        found = StepRecorder(self._number, self._states)
        found._steps, found._joins_ns = list(self._steps), self._joins_ns
        found._last, found._lost, found._heard = self._last, self._lost, self._heard
        return found

    def content(self, at_ns: int, turns: float) -> tuple[object, ...]:
        """Return what of the past counts at a time; ``turns``: phase of a carrier then."""
        if self._last is None:
            return ()
        lost: tuple[float, ...] = ()
        if self._lost is not None:
            lost = round(self._heard, 9), *self._lost.round(9).tolist()
        return self._last.start_ns - at_ns, round(turns, PHASE_DIGITS) % 1.0, lost

    @property
    def last(self) -> Drive | None:
        """Return the last drive, None where it no longer counts."""
        return self._last

    def wait(self, stretch: Stretch) -> None:
        """Note a gap or a part of a readout."""
        self._steps.append(Wait(stretch))
        self._lose(stretch)

    def _lose(self, stretch: Stretch) -> None:
        if self._lost is not None:
            self._lost = self._lost + self._states.branches.loss(stretch)
            if self._lost.min() >= FOLDS:
                self._last = None

    def play(self, drive: Drive, now_ns: int, in_readout: tuple[int, int] | None, /) -> None:
        """Note a drive."""
        before = self._last
        since_ns, turned = 0, 0.0
        if before is not None:
            since_ns = drive.start_ns - before.start_ns
            turned = round((drive.turns - before.turns) % 1.0, PHASE_DIGITS)
        if self._joins_ns is None:
            self._joins_ns = now_ns
        duration_ns = drive.end_ns - drive.start_ns
        self._steps.append(Play(drive.shape, duration_ns, in_readout, since_ns, turned))
        self._last, self._lost, self._heard = drive, None, 0.0

    def read(self, cluster: ToneCluster, begin: int, end: int, /) -> None:
        """Note a reading."""
        driven = cluster.before(cluster.origin_ns + end).number
        fresh = self._number not in cluster.read_once
        cluster.read_once.add(self._number)
        self._states.read.append(self.take(Read(begin, end, driven, fresh)))
        if self._lost is None:
            self._lost = np.zeros(1)
        if end > begin:
            walked = PART, driven, begin, end
            self._lose(walked)
            self._heard += float(self._states.branches.loss(walked)[0])
            if self._heard >= TOLD_FOLDS:
                self._last = None

    def take(self, read: Read | None = None) -> Segment:
        """Return the segment that ends here, and begin another."""
        found = Segment(tuple(self._steps), read, self._joins_ns)
        self._steps, self._joins_ns = [], None
        return found

    @property
    def pending(self) -> bool:
        """Tell whether something was noted that no segment holds yet."""
        return bool(self._steps)


@dataclass(frozen=True, slots=True)
class _Fork:
    """Behind a reading, as in :mod:`.trajectory`."""

    level: int
    waits: tuple[Stretch, ...]
    since: tuple[Stretch, ...]
    lost: tuple[float, ...] | None
    """None: nothing is left of the coherences, or the record has told the level."""
    heard: float = 0.0
    """E-folds of the coherence of 0 and 1 in what was listened to."""


@dataclass(frozen=True, slots=True)
class State:
    """A state of the qubit, by how it came about."""

    level: int
    stretches: tuple[Stretch, ...] = ()
    driven_ns: int | None = None
    """From the start of the first drive to that of the last; None: there was none."""
    turned: float = 0.0
    """Phase of the last drive against the first one's."""
    fork: _Fork | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A state at the end of a segment, before the level is found."""

    state: State
    read: Read | None


@dataclass(frozen=True, slots=True)
class Move:
    """The outcomes that a segment has from a state."""

    kept: int
    """Number of the outcome where coherences were kept."""
    begun: int
    """Number of the outcome where the qubit goes on from its level."""
    least: float
    """E-folds of the least coherence lost: kept with the probability exp(-least); inf: never."""
    joins: bool
    """Whether it is decided here."""


class QubitStates:
    """All states of one qubit in one run, and all outcomes."""

    def __init__(self, drawn: DrawnStates) -> None:
        self.drawn = drawn
        self.branches = drawn.branches
        self.states: list[State] = [State(drawn.first_level)]
        self.outcomes: list[Outcome] = []
        self.read: list[Segment] = []
        """Segments that recorders have noted and nobody has taken yet."""
        self.renewals = 0
        """How often all populations have become others."""
        self._number_of: dict[State, int] = {self.states[0]: 0}
        self._outcome_of: dict[Outcome, int] = {}

    def reach(self, now_ns: int) -> None:
        """Let another epoch of the slow noise begin where it is time for it."""
        before = self.branches.epoch_end_ns
        self.branches.reach(now_ns, self.drawn.start_s)
        self.renewals += self.branches.epoch_end_ns != before

    def move(self, number: int, segment: Segment) -> Move:
        """Return what a segment does to a state."""
        state = self.states[number]
        joins = state.fork is not None and segment.joins_ns is not None
        begun = self._outcome(self._followed(state, segment, keeps=False))
        least, kept = float("inf"), begun
        if joins:
            lost = self._lost_at_join(state, segment)
            if lost is not None and min(lost) < FOLDS:
                least = min(lost)
                kept = self._outcome(self._followed(state, segment, keeps=True))
        return Move(kept, begun, least, joins)

    def _outcome(self, found: Outcome) -> int:
        number = self._outcome_of.setdefault(found, len(self.outcomes))
        if number == len(self.outcomes):
            self.outcomes.append(found)
        return number

    def _lost_at_join(self, state: State, segment: Segment) -> tuple[float, ...] | None:
        fork = state.fork
        for step in segment.steps:
            if fork is None or isinstance(step, Play):
                break
            fork = self._waited(fork, step.stretch)
        return None if fork is None else fork.lost

    def _waited(self, fork: _Fork, stretch: Stretch, *, walked: bool = False) -> _Fork:
        waits = fork.waits if walked else (*fork.waits, stretch)
        if fork.lost is None:
            return replace(fork, waits=waits)
        lost = np.asarray(fork.lost) + self.branches.loss(stretch)
        if lost.min() >= FOLDS:
            return _Fork(fork.level, waits, (), None)
        return replace(fork, waits=waits, since=(*fork.since, stretch), lost=tuple(lost.tolist()))

    def _listened(self, fork: _Fork, walked: Stretch) -> _Fork:
        """Return what is behind a stretch that makes a record."""
        if fork.lost is None:
            return fork
        heard = fork.heard + float(self.branches.loss(walked)[0])
        if heard >= TOLD_FOLDS:
            return _Fork(fork.level, fork.waits, (), None)
        return replace(fork, heard=heard)

    def _followed(self, state: State, segment: Segment, *, keeps: bool) -> Outcome:
        for step in segment.steps:
            if isinstance(step, Wait):
                if state.fork is None:
                    state = replace(state, stretches=(*state.stretches, step.stretch))
                else:
                    state = replace(state, fork=self._waited(state.fork, step.stretch))
                continue
            if state.fork is not None:
                state = self._joined(state, state.fork, keeps)
            driven_ns, turned = 0, 0.0
            if state.driven_ns is not None:
                driven_ns = state.driven_ns + step.since_ns
                turned = round((state.turned + step.turned) % 1.0, PHASE_DIGITS)
            if self.branches.lengthen(driven_ns + step.duration_ns, step.shape):
                self.renewals += 1
            played = drive_stretch(step.shape, step.in_readout, phase_steps(turned))
            state = State(state.level, (*state.stretches, played), driven_ns, turned)
        return Outcome(state, segment.read)

    @staticmethod
    def _joined(state: State, fork: _Fork, keeps: bool) -> State:
        if not keeps or fork.lost is None:
            return State(fork.level, fork.waits)
        kept = KEPT, round(min(fork.lost) / KEPT_STEP)
        stretches = (*state.stretches, *fork.since, kept)
        return replace(state, stretches=stretches, fork=None)

    def populations(self, number: int) -> NDArray[np.float64]:
        """Return the populations of an outcome, (L,)."""
        state = self.outcomes[number].state
        level, stretches = state.level, state.stretches
        if state.fork is not None:
            level, stretches = state.fork.level, state.fork.waits
        branch = self.branches.root(level)
        for stretch in stretches:
            branch = self.branches.then(branch, stretch)
        return self.branches.populations(branch)

    def after(self, number: int, level: int) -> int:
        """Return the state behind an outcome in which the shot has come to a level."""
        outcome = self.outcomes[number]
        state, read = outcome.state, outcome.read
        if read is not None:
            levels = self.drawn.levels
            zeros = (0.0,) * (levels * (levels - 1) // 2)
            before = state.fork or _Fork(0, (), (), zeros)
            fork = replace(before, level=level, waits=())
            if read.end > read.begin:
                walked = PART, read.driven, read.begin, read.end
                fork = self._listened(self._waited(fork, walked, walked=True), walked)
            state = State(0, fork=fork) if fork.lost is None else replace(state, fork=fork)
        found = self._number_of.setdefault(state, len(self.states))
        if found == len(self.states):
            self.states.append(state)
        return found
