"""A run of which the world is told piece by piece, and which it answers as it goes.

Where what is played next hangs on what was measured, a run cannot be played as a whole
(:meth:`.World.play`). A session is given what is played, in the order of time, and windows as soon
as all is known that plays until they close; it answers each with the value of this one shot, and
goes on from the levels that the shot has come to. Same signals, statistically the same answers.

Windows that overlap are read together, as :mod:`.schedule` says; what follows before the feedline
is dark again is another reading of the same cluster of tones: the fields are followed from the
first tone on, along the levels that were read. ASSUMED: between two such readings a level changes
at the later one.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.alike import PHASE_STEP
from podium.sim_instruments.physics.branches import Branches
from podium.sim_instruments.physics.drive_line import Shape, drives_of
from podium.sim_instruments.physics.episodes import (
    CALM_NS,
    LONGEST_NS,
    RING_DOWN_FOLDS,
    NotSimulated,
    ring_down_ns,
)
from podium.sim_instruments.physics.lit import Lits, Tone
from podium.sim_instruments.physics.noise import SlowNoise, gaussian_at, key
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import flight, noise_sigma
from podium.sim_instruments.physics.signals import (
    Captured,
    CaptureTrain,
    Piece,
    PulseTrain,
    Window,
)
from podium.sim_instruments.physics.trajectory import Cluster, Drive, Trajectory

LITS_MAX = 4_000
"""Different tones of a feedline that one run may have: each has fields of its own."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is known of a run before anything of it is played."""

    run: int
    """Serial number: keys the random numbers."""
    start_tai_fs: int
    biases_v: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One window, times as at the source's connector."""

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


class _Contents:
    """Numbers for things that are equal, whoever made them."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.windows: list[Window] = []
        self._piece_of: dict[tuple[object, ...], int] = {}
        self._window_of: dict[tuple[object, ...], int] = {}

    def piece(self, piece: Piece) -> int:
        """Return the number of a piece, -1: it is silent."""
        content = piece.carrier_hz, piece.samples.tobytes(), piece.level, piece.duration_ns
        number = self._piece_of.get(content)
        if number is None:
            sounds = piece.duration_ns > 0 and (piece.level != 0 or bool(np.any(piece.samples)))
            number = len(self.pieces) if sounds else -1
            if sounds:
                self.pieces.append(piece)
            self._piece_of[content] = number
        return number

    def window(self, window: Window) -> int:
        """Return the number of a window."""
        weights = None if window.weights is None else window.weights.tobytes()
        content = window.demod_hz, window.duration_ns, weights
        number = self._window_of.setdefault(content, len(self.windows))
        if number == len(self.windows):
            self.windows.append(window)
        return number


class _QubitLine:
    """From what a drive line carries to the drives of its qubit."""

    def __init__(self, qubit: QubitPoint, later_ns: int, contents: _Contents) -> None:
        self.line = f"{qubit.name}.drive"
        self.shapes: list[Shape] = []
        self._later_ns = later_ns
        self._contents = contents
        self._of_piece: dict[int, int] = {}
        self._of_content: dict[tuple[object, ...], int] = {}

    def drives(self, trains: Sequence[PulseTrain]) -> Iterator[Drive]:
        """Return the drives of one chunk in the order of time."""
        found = sorted(self._single(trains), key=lambda drive: drive.start_ns)
        ends = [drive.end_ns for drive in found]
        if any(end > later.start_ns for end, later in zip(ends, found[1:], strict=False)):
            yield from self._merged(trains)
        else:
            yield from found

    def _single(self, trains: Sequence[PulseTrain]) -> Iterator[Drive]:
        for train in trains:
            number = [self._contents.piece(piece) for piece in train.pieces]
            rows = zip(
                train.start_ns.tolist(),
                train.piece.tolist(),
                train.phase_turns.tolist(),
                strict=True,
            )
            for start, piece, turns in rows:
                if number[piece] >= 0:
                    begin = start + self._later_ns
                    end = begin + train.pieces[piece].duration_ns
                    yield Drive(begin, end, self._shape_of(number[piece]), turns)

    def _shape_of(self, number: int) -> int:
        if number not in self._of_piece:
            piece = self._contents.pieces[number]
            samples = np.array(piece.samples, np.complex128)
            self.shapes.append(
                Shape(piece.carrier_hz, samples, 1.0, complex(piece.level), piece.duration_ns)
            )
            self._of_piece[number] = len(self.shapes) - 1
        return self._of_piece[number]

    def _merged(self, trains: Sequence[PulseTrain]) -> Iterator[Drive]:
        drives = drives_of(trains)
        numbers: list[int] = []
        for shape in drives.shapes:
            content = (
                shape.carrier_hz,
                shape.samples.tobytes(),
                shape.step_ns,
                shape.level,
                shape.duration_ns,
            )
            number = self._of_content.setdefault(content, len(self.shapes))
            if number == len(self.shapes):
                self.shapes.append(shape)
            numbers.append(number)
        rows = zip(
            drives.start_ns.tolist(),
            drives.shape.tolist(),
            drives.phase_turns.tolist(),
            strict=True,
        )
        for start, shape_, turns in rows:
            begin = start + self._later_ns
            duration = drives.shapes[shape_].duration_ns
            yield Drive(begin, begin + duration, numbers[shape_], turns)


class FeedlineSession:
    """One feedline and its qubits in one run."""

    def __init__(
        self, feedline: FeedlinePoint, contents: _Contents, seed: int, beginning: Beginning
    ) -> None:
        self.feedline = feedline
        self._contents = contents
        self._run = np.uint64(beginning.run)
        self._seed = seed
        self.whole_ns, fraction = flight(feedline)
        self._lits = Lits(feedline, contents.pieces)
        self._tones: deque[_Tone] = deque()
        self._cluster: Cluster | None = None
        self._dark_before_ns = -(1 << 62)
        """Nothing of what a cluster before this time played is known any more."""
        self._ring_down_ns = [ring_down_ns(feedline, folds) for folds in RING_DOWN_FOLDS]
        self._sigmas: dict[int, float] = {}
        self._keys: dict[int, np.uint64] = {}
        start_s = 1e-15 * beginning.start_tai_fs
        self.qubits: list[tuple[_QubitLine, Trajectory]] = []
        for number, qubit in enumerate(feedline.qubits):
            line = _QubitLine(qubit, round(qubit.drive_delay_ns - feedline.delay_in_ns), contents)
            noise = SlowNoise(
                qubit.slow_sigma_hz, qubit.slow_memory_s, key(seed, qubit.name, "slow")
            )
            branches = Branches(qubit, number, line.shapes, self._lits, noise)
            branches.reach(0, start_s)
            self.qubits.append(
                (
                    line,
                    Trajectory(
                        qubit,
                        number,
                        branches,
                        line.shapes,
                        fraction,
                        seed,
                        beginning.run,
                        start_s,
                    ),
                )
            )

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

    def answer(self, asked: Sequence[_Asked]) -> Iterator[tuple[_Asked, complex]]:
        """Return the value of each window; all that plays until they close is known."""
        waiting = deque(sorted(asked, key=lambda one: one.open_ns))
        while waiting:
            group = [waiting.popleft()]
            end_ns = group[0].end_ns
            while waiting and waiting[0].open_ns < end_ns:
                group.append(waiting.popleft())
                end_ns = max(end_ns, group[-1].end_ns)
            while self._tones and self._tones[0].start_ns < end_ns:
                self._light(self._tones.popleft())
            for one, value in zip(group, self._read(group, end_ns), strict=True):
                yield one, value + self._noise(one)

    def _light(self, tone: _Tone) -> None:
        cluster = self._cluster
        if cluster is None or self._is_dark(cluster, tone.start_ns):
            for _, trajectory in self.qubits:
                trajectory.leave(cluster, tone.start_ns)
            if cluster is not None:
                self._dark_before_ns = cluster.origin_ns + cluster.lit.played_ns
            lit = self._lits.after(None, Tone(tone.piece, 0, 0))
            self._cluster = Cluster(tone.start_ns, tone.turns, lit, len(self.qubits))
        else:
            steps = round(((tone.turns - cluster.turns) % 1.0) / PHASE_STEP) % round(1 / PHASE_STEP)
            offset = tone.start_ns - cluster.origin_ns
            after = self._lits.after(cluster.lit, Tone(tone.piece, offset, steps))
            cluster.add(tone.start_ns, after)
        if len(self._lits.all) > LITS_MAX:
            raise NotSimulated(
                f"{self.feedline.name} carries more than {LITS_MAX} different sequences of tones "
                "in a run that hangs on what it measures; let the resonators ring down between "
                "readouts, and start all tones of a readout with equal phases against each other"
            )

    def _is_dark(self, cluster: Cluster, at_ns: int) -> bool:
        """Tell whether what was played before counts no more when a tone comes."""
        since = at_ns - cluster.origin_ns - cluster.lit.played_ns
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

    def _read(self, group: Sequence[_Asked], end_ns: int) -> list[complex]:
        open_ns = min(one.open_ns for one in group)
        cluster = self._cluster
        if open_ns < self._dark_before_ns:
            raise NotSimulated(
                f"a window on {self.feedline.name} is open over tones that are too far apart to "
                "be simulated together where the run hangs on what it measures"
            )
        if cluster is None or end_ns <= cluster.origin_ns or open_ns >= cluster.dark_ns:
            return [0j] * len(group)
        middle_ns = (max(open_ns, cluster.origin_ns) + end_ns) // 2
        if open_ns < cluster.origin_ns:
            middle_ns = (open_ns + end_ns) // 2
        for _, trajectory in self.qubits:
            trajectory.read(cluster, middle_ns, end_ns)
        values: list[complex] = []
        for one in group:
            window = self._contents.windows[one.window]
            at = one.open_ns - cluster.origin_ns
            value = cluster.before(one.end_ns).integrated(window, one.window, at, cluster.paths)
            turns = (cluster.turns - one.turns) % 1.0
            values.append(value * complex(np.exp(2j * np.pi * turns)))
        return values

    def _noise(self, one: _Asked) -> complex:
        if one.window not in self._sigmas:
            window = self._contents.windows[one.window]
            self._sigmas[one.window] = noise_sigma(self.feedline, window)
        if one.place not in self._keys:
            number = key(self._seed, self.feedline.name, f"noise {one.place}")
            self._keys[one.place] = np.uint64(number)
        drawn = gaussian_at(self._keys[one.place], self._run, np.uint64(one.index))
        return self._sigmas[one.window] * complex(drawn)


class Session:
    """One run, told piece by piece. Belongs to one thread at a time."""

    def __init__(
        self,
        feedline_at: Callable[[str], FeedlinePoint],
        check: Callable[[Sequence[PulseTrain], Sequence[CaptureTrain]], None],
        check_drive: Callable[[QubitPoint], None],
        seed: int,
        beginning: Beginning,
    ) -> None:
        """``feedline_at`` tells the operating point; the others raise NotSimulated."""
        self._feedline_at = feedline_at
        self._check = check
        self._check_drive = check_drive
        self._seed = seed
        self._beginning = beginning
        self._contents = _Contents()
        self._feedlines: dict[str, FeedlineSession] = {}
        self._kept: dict[str, list[PulseTrain]] = {}
        """By line: what was played on a feedline, or a qubit of it, that nobody listened to yet."""
        self._counts: dict[int, int] = {}

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[Captured, ...]:
        """Play one more chunk and answer windows.

        ``drives``: all that begins later than in the chunks before, up to a time behind the
        end of all windows asked for. ``captures``: windows that were not asked for before;
        ``listeners``: a number for whoever listens by each, the same throughout the run.
        """
        self._check(drives, captures)
        for train in drives:
            self._kept.setdefault(train.line, []).append(train)
        values: list[NDArray[np.complex128]] = [
            np.zeros(capture.start_ns.size, np.complex128) for capture in captures
        ]
        asked: dict[str, list[_Asked]] = {}
        for number, (capture, place) in enumerate(zip(captures, listeners, strict=True)):
            if capture.start_ns.size:
                session = self._feedline(capture.line)
                mine = self._asked(session.whole_ns, capture, number, place)
                asked.setdefault(capture.line, []).extend(mine)
        for line, ones in asked.items():
            session = self._feedlines[line]
            self._hand_over(session)
            for one, value in session.answer(ones):
                values[one.train][one.element] = value
        return tuple(Captured(one, None) for one in values)

    def _feedline(self, line: str) -> FeedlineSession:
        if line not in self._feedlines:
            feedline = self._feedline_at(line)
            self._feedlines[line] = FeedlineSession(
                feedline, self._contents, self._seed, self._beginning
            )
        return self._feedlines[line]

    def _hand_over(self, session: FeedlineSession) -> None:
        session.play(self._kept.pop(session.feedline.name, ()))
        for qubit, (line, trajectory) in zip(session.feedline.qubits, session.qubits, strict=True):
            trains = self._kept.pop(line.line, None)
            if trains:
                self._check_drive(qubit)
                trajectory.drives.extend(line.drives(trains))

    def _asked(
        self, whole_ns: int, capture: CaptureTrain, train: int, place: int
    ) -> Iterator[_Asked]:
        windows = [self._contents.window(window) for window in capture.windows]
        rows = zip(
            capture.start_ns.tolist(),
            capture.window.tolist(),
            capture.phase_turns.tolist(),
            strict=True,
        )
        for element, (start, window, turns) in enumerate(rows):
            open_ns = start - whole_ns
            end_ns = open_ns + capture.windows[window].duration_ns
            index = self._counts.get(place, 0)
            self._counts[place] = index + 1
            yield _Asked(open_ns, end_ns, windows[window], turns, train, element, place, index)
