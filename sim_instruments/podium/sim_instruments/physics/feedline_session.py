"""One feedline and its qubits play a run that comes piece by piece: see :mod:`.session`."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.bath import Bath
from podium.sim_instruments.physics.branches import Branches
from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.deduplicate import PHASE_STEP
from podium.sim_instruments.physics.drift import slow_noise
from podium.sim_instruments.physics.drive_pieces import Contents, QubitLine
from podium.sim_instruments.physics.driven_feedline import DrivenFeedlines, LevelPath, Tone
from podium.sim_instruments.physics.episodes import (
    CALM_NS,
    LONGEST_NS,
    RING_DOWN_FOLDS,
    Episodes,
    NotSimulated,
    ring_down_ns,
)
from podium.sim_instruments.physics.joint.joint_trajectory import JointTrajectory
from podium.sim_instruments.physics.joint.session_clusters import SessionChip
from podium.sim_instruments.physics.joint.session_members import SessionMembers
from podium.sim_instruments.physics.noise import gaussian_at
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.readout import flight, noise_sigma
from podium.sim_instruments.physics.signals import (
    CaptureTrain,
    PulseTrain,
    Window,
)
from podium.sim_instruments.physics.spurs import HeardSpurs
from podium.sim_instruments.physics.trace import trace_of
from podium.sim_instruments.physics.trajectory import DrawnStates, ToneCluster, Trajectory
from podium.sim_instruments.physics.walk import Paths

KEPT_NS = 1_000_000
"""So long what mixers added is kept behind a window: others that overlap may still be asked for."""
LITS_MAX = 4_000
"""Different tones of a feedline that one run may have: each has fields of its own."""


@dataclass(frozen=True, slots=True)
class RunStart:
    """Everything known of a run before any of it is played."""

    run: int
    """Serial number: keys the random numbers."""
    start_tai_fs: int
    biases_v: dict[str, float]
    baths: Mapping[str, Bath] = field(default_factory=dict)
    """By node: its mixing chamber as the run begins; those not named are cold."""
    reached: frozenset[str] | None = None
    """Lines that the run's instrument drives; None: all."""
    instrument: str = ""
    late_fs: Callable[[NDArray[np.int64]], NDArray[np.int64]] | None = None
    """By how much later its clock has times (n,), ns, than an ideal one, fs (n,); None: not."""


@dataclass(frozen=True, slots=True)
class RequestedWindow:
    """One window to integrate; times as at the source's connector."""

    open_ns: int
    end_ns: int
    window: int
    turns: float
    train: int
    element: int
    place: int
    index: int


@dataclass(frozen=True, slots=True)
class _Tone:
    start_ns: int
    piece: int
    turns: float


@dataclass(frozen=True, slots=True, eq=False)
class FeedlineMoment:
    """Everything that one feedline of a plan has come to."""

    tones: tuple[_Tone, ...]
    cluster: ToneCluster | None
    dark_before_ns: int
    spurs: HeardSpurs
    qubits: tuple[tuple[QubitLine, Trajectory], ...]


class FeedlineSession:
    """One feedline and its qubits in one run."""

    def __init__(
        self,
        feedline: FeedlinePoint,
        contents: Contents,
        seed: int,
        beginning: RunStart,
        chip: SessionChip | None = None,
    ) -> None:
        """``chip``: behind its flux lines; None: all qubits stand alone."""
        self.feedline = feedline
        self._contents = contents
        self._run = np.uint64(beginning.run)
        self._seed = seed
        self.spurs = HeardSpurs(feedline)
        """What of mixers is heard on it."""
        self.whole_ns, fraction = flight(feedline)
        self._driven = DrivenFeedlines(feedline, contents.pieces)
        self._tones: deque[_Tone] = deque()
        self._cluster: ToneCluster | None = None
        self._dark_before_ns = -(1 << 62)
        """Nothing of what a cluster played before this time is still known."""
        self._ring_down_ns = [ring_down_ns(feedline, folds) for folds in RING_DOWN_FOLDS]
        self._last: dict[int, tuple[RequestedWindow, ToneCluster | None, complex]] = {}
        """By listener: the window that was answered last, its cluster and its value."""
        self._sigmas: dict[int, float] = {}
        self._keys: dict[int, np.uint64] = {}
        start_s = 1e-15 * beginning.start_tai_fs
        self.qubits: list[tuple[QubitLine, Trajectory]] = []
        for number, qubit in enumerate(feedline.qubits):
            line = QubitLine(qubit, round(qubit.drive_delay_ns - feedline.delay_in_ns), contents)
            noise = slow_noise(qubit, seed)
            branches = Branches(qubit, number, line.shapes, self._driven, noise)
            branches.reach(0, start_s)
            states = DrawnStates(qubit, number, branches, fraction, seed, beginning.run, start_s)
            self.qubits.append((line, Trajectory(states)))
        self.members = (
            None
            if chip is None
            else SessionMembers(feedline, chip, contents, fraction, seed, beginning.run, start_s)
        )
        """Qubits that share states; None: none ever does."""

    def share(self, trains: Sequence[PulseTrain]) -> frozenset[int]:
        """Let trains bring qubits together; return the numbers of those that share a state.

        ``trains``: on drive lines, and on flux lines. Raises NotSimulated.
        """
        if self.members is None:
            return frozenset()
        self.members.grow(trains, self._cluster, self.qubits)
        return self.members.numbers

    def _alone(self) -> Iterator[Trajectory]:
        """Yield the trajectories of qubits that share no state."""
        for number, (_, trajectory) in enumerate(self.qubits):
            if self.members is None or number not in self.members.numbers:
                yield trajectory

    def _joint(self) -> Sequence[JointTrajectory]:
        return () if self.members is None else self.members.trajectories

    def play(self, trains: Sequence[PulseTrain]) -> None:
        """Take note of the tones of a chunk."""
        tones: list[_Tone] = []
        for train in trains:
            number = [self._contents.piece(piece) for piece in train.pieces]
            for start, piece, turns in zip(
                train.start_ns.tolist(),
                train.piece.tolist(),
                train.phase_turns.tolist(),
                strict=True,
            ):
                if number[piece] >= 0:
                    tones.append(_Tone(start, number[piece], turns))
        self._tones.extend(sorted(tones, key=lambda tone: tone.start_ns))

    @property
    def cluster(self) -> ToneCluster | None:
        """Return the tones that came last."""
        return self._cluster

    def moment(self) -> FeedlineMoment:
        """Return what a plan has come to, a copy."""
        cluster = None if self._cluster is None else self._cluster.copy()
        qubits = tuple((line, trajectory.copy()) for line, trajectory in self.qubits)
        tones = tuple(self._tones)
        return FeedlineMoment(tones, cluster, self._dark_before_ns, self.spurs.copy(), qubits)

    def go_back(self, moment: FeedlineMoment) -> None:
        """Return to a moment of a plan."""
        self._tones = deque(moment.tones)
        self._cluster = None if moment.cluster is None else moment.cluster.copy()
        self._dark_before_ns = moment.dark_before_ns
        self.spurs = moment.spurs.copy()
        self.qubits = [(line, trajectory.copy()) for line, trajectory in moment.qubits]

    def content(
        self, at_ns: int, turns_at: Callable[[str, int], float], oldest_ns: int
    ) -> tuple[object, ...]:
        """Return what of the past counts at a time, times and phases as seen from it.

        ``turns_at``: phase of a line's carrier. What is older than ``oldest_ns`` is all one.
        """

        def turned(line: str, start_ns: int, turns: float) -> float:
            return round((turns - turns_at(line, start_ns)) % 1.0, 9) % 1.0

        name = self.feedline.name
        tones = tuple(
            (t.start_ns - at_ns, t.piece, turned(name, t.start_ns, t.turns)) for t in self._tones
        )
        cluster: tuple[object, ...] = ()
        if self._cluster is not None:
            origin_ns, turns = self._cluster.origin_ns, self._cluster.turns
            cluster = (
                self._cluster.content(at_ns),
                turned(name, origin_ns, turns),
                tuple(sorted(self._cluster.read_once)),
            )
        qubits = tuple(
            (
                None if path.now_ns is None else path.now_ns - at_ns,
                tuple(
                    (
                        d.start_ns - at_ns,
                        d.end_ns - at_ns,
                        d.shape,
                        turned(line.line, d.start_ns, d.turns),
                    )
                    for d in path.drives
                ),
            )
            for line, path in self.qubits
        )
        return tones, cluster, max(self._dark_before_ns - at_ns, oldest_ns), qubits

    def remember(
        self, place: int, one: RequestedWindow, paths: Sequence[LevelPath], found: complex
    ) -> None:
        """Take a window for the one that a listener has asked for last: see :meth:`trace`."""
        cluster = self._cluster
        if cluster is not None:
            cluster = cluster.copy()
            cluster.paths = list(paths)
        self._last[place] = one, cluster, found

    def answer(self, asked: Sequence[RequestedWindow]) -> Iterator[tuple[RequestedWindow, complex]]:
        """Return the value of each window; all that plays until they close is known."""
        for group, end_ns in self.groups(asked):
            for one, value in zip(group, self._read(group, end_ns), strict=True):
                found = value + self._noise(one) + self.leaked(one)
                self._last[one.place] = one, self._cluster, found
                yield one, found

    def groups(
        self, asked: Sequence[RequestedWindow]
    ) -> Iterator[tuple[list[RequestedWindow], int]]:
        """Yield windows that are read together, and when the last of them ends.

        Whoever asks takes each group as it comes: by then all tones are there that it hears.
        """
        waiting = deque(sorted(asked, key=lambda one: one.open_ns))
        while waiting:
            group = [waiting.popleft()]
            end_ns = group[0].end_ns
            while waiting and waiting[0].open_ns < end_ns:
                group.append(waiting.popleft())
                end_ns = max(end_ns, group[-1].end_ns)
            while self._tones and self._tones[0].start_ns < end_ns:
                self._light(self._tones.popleft())
            yield group, end_ns

    def leaked(self, one: RequestedWindow) -> complex:
        """Return what of mixers is heard in a window."""
        if not self.spurs:
            return 0j
        self.spurs.forget(one.open_ns - KEPT_NS)
        return complex(self.spurs.means(self._capture(one))[0])

    def _capture(self, one: RequestedWindow) -> CaptureTrain:
        return CaptureTrain(
            self.feedline.name,
            np.array([one.open_ns + self.whole_ns]),
            np.zeros(1, np.int32),
            np.array([one.turns]),
            (self._contents.windows[one.window],),
            scope=True,
        )

    def trace(self, place: int) -> tuple[NDArray[np.complex128], float] | None:
        """Return the trace of a listener's last window, and what it is demodulated to.

        See :func:`.trace_of`. Of tones it shows those of the window's own cluster, and what was
        told of later ones. ASSUMED: it is lifted to the mean that was answered before (the noise of
        both is drawn apart).
        """
        if place not in self._last:
            return None
        one, cluster, found = self._last[place]
        window = self._contents.windows[one.window]
        origin = one.open_ns if cluster is None else cluster.origin_ns
        none = np.zeros(0, np.int64)
        capture = self._capture(one)
        played = self._played(cluster)
        single, first = np.zeros(1, np.int64), np.zeros(1, np.int32)
        episodes = Episodes(
            np.array([origin]),
            single,
            (),
            np.zeros(1),
            np.array([0, 1]),
            first,
            first,
            np.zeros(1),
        )
        paths = [
            (cluster.paths[m] if cluster is not None else None) or LevelPath(0)
            for m in range(len(self.qubits))
        ]
        shown = trace_of(
            self.feedline,
            episodes,
            [played] if played.start_ns.size else [],
            capture,
            0,
            [
                Paths(
                    np.array([path.level]),
                    np.zeros(len(path.at), np.int64),
                    np.array([*path.at, *none], np.int64),
                    np.array([*path.to, *none], np.int64),
                )
                for path in paths
            ],
            [single] * len(paths),
            key(self._seed, self.feedline.name, f"trace {place}"),
            int(self._run),
        )
        if self.spurs:
            opened = one.open_ns + self.whole_ns
            shown = shown + self.spurs.trace(opened, shown.size, window.demod_hz, one.turns)
        if window.weights is None:
            shown = shown + (found - complex(np.mean(shown[: window.duration_ns])))
        return shown, window.demod_hz

    def _played(self, cluster: ToneCluster | None) -> PulseTrain:
        """Return the tones of a cluster, and those that have come since."""
        tones = [(tone.start_ns, tone.piece, tone.turns) for tone in self._tones]
        if cluster is not None:
            tones = [
                *(
                    (
                        cluster.origin_ns + t.offset_ns,
                        t.piece,
                        cluster.turns + t.phase_steps * PHASE_STEP,
                    )
                    for t in cluster.driven.tones
                ),
                *tones,
            ]
        return PulseTrain(
            self.feedline.name,
            np.array([start for start, _, _ in tones], np.int64),
            np.array([piece for _, piece, _ in tones], np.int32),
            np.array([turns for _, _, turns in tones], np.float64),
            tuple(self._contents.pieces),
        )

    def _light(self, tone: _Tone) -> None:
        cluster = self._cluster
        if cluster is None or self._is_dark(cluster, tone.start_ns):
            for trajectory in self._alone():
                trajectory.leave(cluster, tone.start_ns)
            for joint in self._joint():
                joint.leave(cluster)
            if cluster is not None:
                self._dark_before_ns = cluster.origin_ns + cluster.driven.played_ns
            driven = self._driven.after(None, Tone(tone.piece, 0, 0))
            self._cluster = ToneCluster(tone.start_ns, tone.turns, driven, len(self.qubits))
        else:
            steps = round(((tone.turns - cluster.turns) % 1.0) / PHASE_STEP) % round(1 / PHASE_STEP)
            offset = tone.start_ns - cluster.origin_ns
            after = self._driven.after(cluster.driven, Tone(tone.piece, offset, steps))
            cluster.add(tone.start_ns, after)
        if len(self._driven.all) > LITS_MAX:
            raise NotSimulated(
                f"{self.feedline.name} carries more than {LITS_MAX} different sequences of tones "
                "in a run that depends on what it measures; let the resonators ring down between "
                "readouts, and start all tones of a readout with equal phases against each other"
            )

    def _is_dark(self, cluster: ToneCluster, at_ns: int) -> bool:
        """Tell whether what was played before counts no more when a tone comes."""
        since = at_ns - cluster.origin_ns - cluster.driven.played_ns
        if since >= self._ring_down_ns[0]:
            return True
        if at_ns - cluster.origin_ns <= CALM_NS:
            return False
        if at_ns - cluster.origin_ns > LONGEST_NS:
            raise NotSimulated(
                f"{self.feedline.name} carries tones without a pause for "
                f"{at_ns - cluster.origin_ns} ns; at most {LONGEST_NS} ns are simulated: let the "
                "resonators ring down between readouts"
            )
        return any(since >= ring_down for ring_down in self._ring_down_ns[1:])

    def _read(self, group: Sequence[RequestedWindow], end_ns: int) -> list[complex]:
        cluster = self.levels_read(group, end_ns)
        if cluster is None:
            return [0j] * len(group)
        values: list[complex] = []
        for one in group:
            window = self._contents.windows[one.window]
            at = one.open_ns - cluster.origin_ns
            value = cluster.before(one.end_ns).integrated(window, one.window, at, cluster.paths)
            turns = (cluster.turns - one.turns) % 1.0
            values.append(value * complex(np.exp(2j * np.pi * turns)))
        return values

    def levels_read(self, group: Sequence[RequestedWindow], end_ns: int) -> ToneCluster | None:
        """Read all qubits for windows that end at ``end_ns``; None: it is dark meanwhile."""
        open_ns = min(one.open_ns for one in group)
        cluster = self._cluster
        if open_ns < self._dark_before_ns:
            raise NotSimulated(
                f"a window on {self.feedline.name} is open over tones that are too far apart to "
                "be simulated together where the run depends on what it measures"
            )
        if cluster is None or end_ns <= cluster.origin_ns or open_ns >= cluster.dark_ns:
            return None
        middle_ns = (max(open_ns, cluster.origin_ns) + end_ns) // 2
        if open_ns < cluster.origin_ns:
            middle_ns = (open_ns + end_ns) // 2
        for trajectory in self._alone():
            trajectory.read(cluster, middle_ns, end_ns)
        for joint in self._joint():
            joint.read(cluster, end_ns)
        return cluster

    def window(self, number: int) -> Window:
        """Return a window by its number."""
        return self._contents.windows[number]

    def noise_of(self, window: int, place: int) -> tuple[float, np.uint64]:
        """Return the size of the noise in a window, and the key of a listener's noise."""
        if window not in self._sigmas:
            self._sigmas[window] = noise_sigma(self.feedline, self._contents.windows[window])
        if place not in self._keys:
            number = key(self._seed, self.feedline.name, f"noise {place}")
            self._keys[place] = np.uint64(number)
        return self._sigmas[window], self._keys[place]

    def _noise(self, one: RequestedWindow) -> complex:
        sigma, noise_key = self.noise_of(one.window, one.place)
        return sigma * complex(gaussian_at(noise_key, self._run, np.uint64(one.index)))
