"""One qubit on its way through a run of which only the beginning is known.

It is read whenever a window of its feedline is asked for, as :mod:`.schedule` says: at the first
tone's arrival, or at the end of the last drive that begins before the middle of what is listened
to. From there its level jumps as :mod:`.walk` has it.

By the next drive a reading has left a share p of the coherences (of that pair of levels that keeps
most). With the probability 1 - p the qubit then goes on from the level that the shot has come to
(always where p is below :data:`.schedule.FORGOTTEN`, or where the record tells 0 and 1 apart, as
:data:`.schedule.TOLD` says), and else as if it had not been read, its coherences 1/p of what is
left of them. On average that is the dephasing: phase damping as a mixture of a projective
measurement and of none (Nielsen and Chuang, section 8.3.6).
"""

import bisect
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.branches import (
    GAP,
    KEPT,
    KEPT_STEP,
    PART,
    SHAPE,
    SHAPE_IN_READOUT,
    Branches,
    Stretch,
)
from podium.sim_instruments.physics.counter_based_random import key, uniform
from podium.sim_instruments.physics.deduplicate import PHASE_STEP
from podium.sim_instruments.physics.driven_feedline import DrivenFeedline, LevelPath
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.schedule import FORGOTTEN, TOLD
from podium.sim_instruments.physics.shots import thermal
from podium.sim_instruments.physics.walk import first_level, jumps_after, level_read

FOLDS: Final = float(-np.log(FORGOTTEN))
TOLD_FOLDS: Final = float(-np.log(TOLD))
_TURN: Final = round(1 / PHASE_STEP)
KEEPS: Final = 0x4B45
"""Sets the random numbers that decide about coherences apart from those of the levels."""
_ROOM: Final = 64
"""Jumps at a stretch; more are walked anew with more room."""


@dataclass(frozen=True, slots=True)
class Drive:
    """One shape on the qubit's drive line; times as on the feedline's connector."""

    start_ns: int
    end_ns: int
    shape: int
    turns: float


def phase_steps(turns: float) -> int:
    """Return a difference of phases in whole steps, 0 to a turn."""
    return round((turns % 1.0) / PHASE_STEP) % _TURN


def drive_stretch(shape: int, in_readout: tuple[int, int] | None, steps: int) -> Stretch:
    """Return a drive as a stretch of :mod:`.branches`."""
    if in_readout is None:
        return SHAPE, shape, steps
    return SHAPE_IN_READOUT, shape, *in_readout, steps


class ToneCluster:
    """Tones that follow one another before the feedline is dark again."""

    def __init__(self, origin_ns: int, turns: float, driven: DrivenFeedline, qubits: int) -> None:
        self.origin_ns = origin_ns
        self.turns = turns
        """Phase of the first tone's carrier at its start."""
        self._starts = [origin_ns]
        self._driven = [driven]
        self.paths: list[LevelPath | None] = [None] * qubits
        self.read_once: set[int] = set()
        """Numbers of qubits that a plan has read."""

    @property
    def driven(self) -> DrivenFeedline:
        """Return all tones so far."""
        return self._driven[-1]

    @property
    def dark_ns(self) -> int:
        """Return when the feedline is dark, if no other tone comes."""
        return self.origin_ns + self.driven.length

    def add(self, start_ns: int, driven: DrivenFeedline) -> None:
        """Note that another tone has begun."""
        self._starts.append(start_ns)
        self._driven.append(driven)

    def copy(self) -> "ToneCluster":
        """Return the same tones; nobody has read a level of theirs."""
        found = ToneCluster(self.origin_ns, self.turns, self._driven[0], len(self.paths))
        found._starts, found._driven = list(self._starts), list(self._driven)
        found.read_once = set(self.read_once)
        return found

    def content(self, at_ns: int) -> tuple[tuple[int, int], ...]:
        """Return when each tone began, from a time on, and the tones until then."""
        both = zip(self._starts, self._driven, strict=True)
        return tuple((start - at_ns, driven.number) for start, driven in both)

    def before(self, at_ns: int) -> DrivenFeedline:
        """Return the tones that began before a time (the first one at least)."""
        return self._driven[max(bisect.bisect_left(self._starts, at_ns) - 1, 0)]


@dataclass(slots=True, eq=False)
class _Fork:
    """Behind a reading: what goes on is decided when the next drive comes."""

    level: int
    """Where the shot has come to."""
    waits: list[Stretch] = field(default_factory=list)
    """From there on."""
    since: list[Stretch] = field(default_factory=list)
    """Since the first reading behind the last drive, as if nothing had been read."""
    lost: NDArray[np.float64] | float = 0.0
    """E-folds of each coherence since then; inf: the record has told the level."""
    heard: float = 0.0
    """E-folds of the coherence of 0 and 1 in what was listened to."""

    def wait(self, stretch: Stretch, lost: NDArray[np.float64]) -> None:
        """Note a stretch without a drive."""
        self.since.append(stretch)
        self.lost = self.lost + lost

    def listen(self, stretch: Stretch, lost: NDArray[np.float64]) -> None:
        """Note a stretch that makes a record."""
        self.wait(stretch, lost)
        self.heard += float(lost[0])
        if self.heard >= TOLD_FOLDS:
            self.lost = np.inf


class Follower(Protocol):
    """Follows what happens to one qubit; times are those of its trajectory."""

    def copy(self) -> "Follower":
        """Return one that goes on from here by itself."""
        ...

    def wait(self, stretch: Stretch) -> None:
        """Let a gap or a part of a readout pass without a drive."""
        ...

    def play(self, drive: Drive, now_ns: int, in_readout: tuple[int, int] | None, /) -> None:
        """Play a drive; what was read before is decided at ``now_ns``.

        ``in_readout``: number of the driven feedline and offset in it, where it meets photons.
        """
        ...

    def read(self, cluster: ToneCluster, begin: int, end: int, /) -> None:
        """Find the level at ``begin`` of a cluster and follow its jumps to ``end``."""
        ...


class Trajectory:
    """The times of one qubit of a feedline in one run; a follower knows its states."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.drives: deque[Drive] = deque()
        """Those that are to come, in the order of time."""
        self._now_ns: int | None = None

    @property
    def now_ns(self) -> int | None:
        """Return the time it has come to; None: nothing has happened yet."""
        return self._now_ns

    def copy(self) -> "Trajectory":
        """Return a trajectory that goes on from here by itself."""
        found = Trajectory(self.follower.copy())
        found.drives, found._now_ns = deque(self.drives), self._now_ns
        return found

    def idle_until(self, at_ns: int, cluster: ToneCluster | None) -> None:
        """Let time pass without a drive, with the photons of a cluster."""
        now, wait = self._now_ns, self.follower.wait
        if now is None or at_ns <= now:
            self._now_ns = at_ns if now is None else now
            return
        if cluster is None or now >= cluster.dark_ns or at_ns <= cluster.origin_ns:
            wait((GAP, at_ns - now))
        else:
            lit_ns, dark_ns = max(now, cluster.origin_ns), min(at_ns, cluster.dark_ns)
            if lit_ns > now:
                wait((GAP, lit_ns - now))
            number = cluster.before(dark_ns).number
            origin = cluster.origin_ns
            wait((PART, number, lit_ns - origin, dark_ns - origin))
            if at_ns > dark_ns:
                wait((GAP, at_ns - dark_ns))
        self._now_ns = at_ns

    def drive(self, cluster: ToneCluster | None) -> None:
        """Play the next of the drives."""
        drive = self.drives.popleft()
        self.idle_until(drive.start_ns, cluster)
        met = cluster is not None and (
            drive.end_ns > cluster.origin_ns and drive.start_ns < cluster.dark_ns
        )
        in_readout = None
        if cluster is not None and met:
            offset = drive.start_ns - cluster.origin_ns
            in_readout = cluster.before(drive.end_ns).number, offset
        self.follower.play(drive, self._now_ns or 0, in_readout)
        self._now_ns = max(drive.end_ns, self._now_ns or drive.end_ns)

    def leave(self, cluster: ToneCluster | None, until_ns: int) -> None:
        """Finish a cluster, as another one begins at ``until_ns``: drives that overlap stay."""
        while self.drives and self.drives[0].end_ns <= until_ns:
            self.drive(cluster)
        if cluster is not None and self._now_ns is not None:
            self.idle_until(min(until_ns, max(cluster.dark_ns, self._now_ns)), cluster)

    def rest_until(self, at_ns: int, cluster: ToneCluster | None) -> None:
        """Play drives that are over by a time, and let time pass until then."""
        while self.drives and self.drives[0].end_ns <= at_ns:
            self.drive(cluster)
        self.idle_until(at_ns, cluster)

    def read(self, cluster: ToneCluster, middle_ns: int, end_ns: int) -> None:
        """Find the level for windows that end at ``end_ns``."""
        while self.drives and self.drives[0].start_ns < middle_ns:
            self.drive(cluster)
        now = self._now_ns
        at_ns = cluster.origin_ns if now is None else max(now, cluster.origin_ns)
        self.idle_until(at_ns, cluster)
        until_ns = max(at_ns, min([end_ns, *(d.start_ns for d in list(self.drives)[:1])]))
        begin, end = at_ns - cluster.origin_ns, min(until_ns, cluster.dark_ns) - cluster.origin_ns
        self.follower.read(cluster, begin, end)
        self._now_ns = cluster.origin_ns + max(begin, end)


class DrawnStates:
    """The states of one qubit in one run: levels, jumps and forks are drawn as they come."""

    def __init__(
        self,
        qubit: QubitPoint,
        number: int,
        branches: Branches,
        fraction: float,
        seed: int,
        run: int,
        start_s: float,
    ) -> None:
        self._number = number
        self.levels = qubit.levels_hz.size
        self._branches = self.branches = branches
        self._fraction = self.fraction = fraction
        self._key = self.key = np.uint64(key(seed, qubit.name, "levels"))
        self._run = np.uint64(run)
        self._start_s = self.start_s = start_s
        self._readings = 0
        self._fork: _Fork | None = None
        self._stretches: list[Stretch] = []
        self._turns = 0.0
        self._driven_ns: int | None = None
        self._level = self.first_level = int(first_level(thermal(qubit), self._key, self._run))
        self._branch = branches.root(self._level)

    def copy(self) -> "DrawnStates":
        """Raise TypeError: what was drawn happens once."""
        raise TypeError("levels that are drawn belong to one trajectory")

    def _begin(self, level: int, now_ns: int) -> None:
        """Go on from a level that is known."""
        self._branches.reach(now_ns, self._start_s)
        self._level = level
        self._stretches = []
        self._driven_ns = None
        self._branch = self._branches.root(level)

    def _push(self, stretch: Stretch) -> None:
        self._stretches.append(stretch)
        self._branch = self._branches.then(self._branch, stretch)

    def wait(self, stretch: Stretch) -> None:
        """Let a gap or a part of a readout pass without a drive."""
        if self._fork is None:
            self._push(stretch)
        else:
            self._fork.waits.append(stretch)
            self._fork.wait(stretch, self._branches.loss(stretch))

    def _join(self, now_ns: int) -> None:
        """Decide how it goes on behind the last reading."""
        fork, self._fork = self._fork, None
        if fork is None:
            return
        least = float(np.min(fork.lost))
        if least < FOLDS and -np.log(self._chance()) > least:
            for stretch in fork.since:
                self._push(stretch)
            self._push((KEPT, round(least / KEPT_STEP)))
            return
        self._begin(fork.level, now_ns)
        for stretch in fork.waits:
            self._push(stretch)

    def _chance(self) -> float:
        """Return a number in (0, 1) that belongs to the last reading."""
        return uniform(int(self._key) ^ KEEPS, int(self._run) << 32 ^ self._readings)

    def play(self, drive: Drive, now_ns: int, in_readout: tuple[int, int] | None, /) -> None:
        """Play a drive."""
        self._join(now_ns)
        if self._driven_ns is None:
            self._driven_ns, self._turns = drive.start_ns, drive.turns
        if self._branches.lengthen(drive.end_ns - self._driven_ns, drive.shape):
            self._branch = self._branches.root(self._level)
            for stretch in self._stretches:
                self._branch = self._branches.then(self._branch, stretch)
        steps = phase_steps(drive.turns - self._turns)
        self._push(drive_stretch(drive.shape, in_readout, steps))

    def populations(self) -> NDArray[np.float64]:
        """Return the populations now, (L,), from the level that was read last."""
        branch = self._branch
        if self._fork is not None:
            branch = self._branches.root(self._fork.level)
            for stretch in self._fork.waits:
                branch = self._branches.then(branch, stretch)
        return self._branches.populations(branch)

    def level_now(self) -> int | None:
        """Return the level that the shot has come to; None: it may be in a superposition.

        A record that tells the level, as :data:`.schedule.TOLD` says, leaves it in that.
        """
        if self._fork is not None:
            told = float(np.min(self._fork.lost)) >= TOLD_FOLDS
            return self._fork.level if told or self._driven_ns is None else None
        return None if self._driven_ns is not None or self._stretches else self._level

    def read(self, cluster: ToneCluster, begin: int, end: int, /) -> None:
        """Find the level and follow its jumps; note them in the cluster's path."""
        found, fork = self.populations(), self._fork or _Fork(0)
        reading, self._readings = self._readings, self._readings + 1
        level, u = level_read(found, self._key, self._run, reading)
        path = cluster.paths[self._number]
        if path is None:
            path = cluster.paths[self._number] = LevelPath(int(level))
        path.change(int(np.ceil(begin - self._fraction)), int(level))
        fork.level, fork.waits = int(level), []
        if end > begin:
            driven = cluster.before(cluster.origin_ns + end)
            fork.level = self._walk(driven, int(level), begin, end, reading, u, path)
            walked = PART, driven.number, begin, end
            fork.listen(walked, self._branches.loss(walked))
        self._fork = fork

    def _walk(
        self,
        driven: DrivenFeedline,
        level: int,
        begin: int,
        end: int,
        reading: int,
        u: float,
        path: LevelPath,
    ) -> int:
        room = _ROOM
        while True:
            jumps = np.zeros((room, 3), np.int64)
            last, count = jumps_after(
                level,
                0,
                float(begin),
                float(end),
                self._branches.rates,
                driven.pace(self._number),
                self._fraction,
                self._key,
                self._run,
                reading,
                u,
                jumps,
                0,
            )
            if count <= room:
                break
            room = count
        for _, at, to in jumps[:count].tolist():
            path.change(at, to)
        return int(last)
