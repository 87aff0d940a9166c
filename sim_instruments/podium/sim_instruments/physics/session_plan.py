"""The plan of a run that comes piece by piece says what its windows depend on, before any draw.

A plan is told what a session is told (:mod:`.session`), and answers each chunk with the steps that
lead to its windows: which segment each qubit lives through (:mod:`.qubit_states`), which integral
each window takes. What levels are found is not asked, so the same plan serves all shots that are
played alike. A plan can go back to a moment and on from there in another way.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from podium.sim_instruments.physics.drive_crosstalk import DriveCrosstalk
from podium.sim_instruments.physics.driven_feedline import DrivenFeedline, LevelPath
from podium.sim_instruments.physics.feedline_session import (
    FeedlineMoment,
    FeedlineSession,
    RequestedWindow,
)
from podium.sim_instruments.physics.qubit_states import QubitStates, Segment, StepRecorder
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, Window
from podium.sim_instruments.physics.trajectory import DrawnStates, Trajectory

OLDEST_NS: Final = -2_000_000
"""Windows are asked for less than 1 ms late: what was dark before that is dark."""

MILLI_HZ_NS: Final = 10**12
"""Product of a frequency in mHz and a time in ns that is one turn."""


class CannotPlan(Exception):
    """Shots of this run cannot be planned ahead: play it as it comes."""


@dataclass(frozen=True, slots=True)
class SegmentStep:
    """One qubit lives through a segment."""

    qubit: int
    """Number in :attr:`SessionPlan.qubits`."""
    segment: Segment


@dataclass(frozen=True, slots=True, eq=False)
class Integral:
    """A window over tones, at phases 0 and without noise."""

    qubits: tuple[int, ...]
    """Of the feedline, numbers in :attr:`SessionPlan.qubits`."""
    driven: DrivenFeedline
    window: Window
    number: int
    open_at: int
    gain: float

    @property
    def length(self) -> int:
        """Return from when on, since the first tone, what happens to a qubit is not seen."""
        return max(self.open_at + self.window.duration_ns, 1)

    def passed(self) -> complex:
        """Return what passes the resonators."""
        return complex(self.driven.passed(self.window, self.number, self.open_at))

    def taken(self, m: int, level: int) -> complex:
        """Return what the resonator of the feedline's m-th qubit takes of it at a level."""
        return complex(self.driven.taken_by(m, level, self.window, self.number, self.open_at))

    def along(self, paths: Sequence[LevelPath]) -> complex:
        """Return the integral for qubits that change their levels meanwhile."""
        return complex(self.driven.integrated(self.window, self.number, self.open_at, paths))


@dataclass(frozen=True, slots=True, eq=False)
class WindowStep:
    """One window is integrated."""

    train: int
    element: int
    place: int
    """Of the listener."""
    integral: Integral | None
    """None: it is dark."""
    turned: complex
    """Factor of the integral: phase of the tones against that of the window."""
    leaked: complex
    sigma: float
    noise_key: int
    asked: RequestedWindow
    feedline: str


@dataclass(frozen=True, slots=True, eq=False)
class PlanMoment:
    """Everything that a plan has come to."""

    feedlines: Mapping[str, FeedlineMoment]
    kept: Mapping[str, Sequence[PulseTrain]]


def _on_lines(
    carriers: Mapping[str, Sequence[float]], crosstalk: DriveCrosstalk
) -> dict[str, tuple[int, ...]]:
    """Return the oscillators that are heard on each line, mHz, its own ones first."""
    found = {line: [round(1e3 * hz) for hz in ones] for line, ones in carriers.items() if ones}
    own = {line: list(ones) for line, ones in found.items()}
    for line, reached in crosstalk.reached.items():
        for one in reached:
            found.setdefault(one.line, []).extend(own.get(line, ()))
    return {line: tuple(dict.fromkeys(ones)) for line, ones in found.items() if ones}


class SessionPlan:
    """Everything that the world does in a run and that depends on no draw.

    It takes over a fresh session.
    """

    def __init__(
        self, session: Session, carriers: Mapping[str, Sequence[float]] | None = None
    ) -> None:
        """``carriers``: the oscillators behind each line, Hz; phases are 0 at time 0 of the run.

        Signals of one oscillator that follow each other at an equal distance have equal phases
        against it. Those of several come back to equal phases against each other by their beats.
        """
        self._session = session
        self._carriers = _on_lines(carriers or {}, session.crosstalk)
        """By line, mHz: phases are as against the first, the others beat with it."""
        self.qubits: list[QubitStates] = []
        self._first: dict[str, int] = {}
        """By feedline: number of its first qubit."""
        self._begun = False

    @property
    def run(self) -> int:
        """Return the serial number of the run."""
        return self._session.run

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
        at_ns: int,
    ) -> list[SegmentStep | WindowStep]:
        """Play one more chunk; return the steps to its windows. Segments count from ``at_ns``."""
        steps: list[SegmentStep | WindowStep] = []
        lines: list[FeedlineSession] = []
        for line, asked in self._asked(drives, captures, listeners):
            lines.append(line)
            for group, end_ns in line.groups(asked):
                cluster = line.levels_read(group, end_ns)
                steps += self._segments(line, at_ns)
                steps += [self._window(line, one, dark=cluster is None) for one in group]
        for line in lines:
            steps += self._segments(line, at_ns)
        self._session.forget_unheard()
        self._begun = True
        return steps

    def _asked(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> list[tuple[FeedlineSession, list[RequestedWindow]]]:
        lines = {train.line for train in drives} | {capture.line for capture in captures}
        on_cables = lines & self._session.cables
        if on_cables:
            raise CannotPlan(f"{', '.join(sorted(on_cables))}: no chip is on a cable")
        if self._session.shares(drives, captures):
            raise CannotPlan("states of several nodes: each shot by itself")
        pulsed = {one.line for one in drives if one.start_ns.size} & set(self._session.flux_lines)
        if pulsed:
            raise CannotPlan(f"{', '.join(sorted(pulsed))}: flux brings qubits together")
        known = set(self._session.feedlines)
        fresh = {capture.line for capture in captures if capture.start_ns.size} - known
        if fresh and self._begun:
            raise CannotPlan(f"{', '.join(sorted(fresh))}: listened to late in a run")
        found: list[tuple[FeedlineSession, list[RequestedWindow]]] = []
        for line, asked in self._session.asked(drives, captures, listeners):
            if line.feedline.name not in self._first:
                self._take_over(line)
            found.append((line, asked))
        return found

    def _take_over(self, line: FeedlineSession) -> None:
        """Let recorders follow the qubits of a feedline from its beginning on."""
        if line.members is not None and line.members.numbers:
            raise CannotPlan(f"qubits of {line.feedline.name} share a state")
        self._first[line.feedline.name] = len(self.qubits)
        for number, (of_line, trajectory) in enumerate(line.qubits):
            drawn = trajectory.follower
            if not isinstance(drawn, DrawnStates):
                raise TypeError("a plan takes a fresh session over")
            states = QubitStates(drawn)
            planned = Trajectory(StepRecorder(number, states))
            planned.drives.extend(trajectory.drives)
            line.qubits[number] = of_line, planned
            self.qubits.append(states)

    def _segments(self, line: FeedlineSession, at_ns: int) -> list[SegmentStep | WindowStep]:
        """Return the segments that were noted since the last call."""
        found: list[SegmentStep | WindowStep] = []
        first = self._first[line.feedline.name]
        for number, (_, trajectory) in enumerate(line.qubits):
            states, recorder = self.qubits[first + number], trajectory.follower
            if not isinstance(recorder, StepRecorder):
                raise TypeError("a recorder follows each qubit of a plan")
            segments, states.read = states.read, []
            if recorder.pending:
                segments.append(recorder.take())
            for one in segments:
                joins_ns = None if one.joins_ns is None else one.joins_ns - at_ns
                found.append(SegmentStep(first + number, replace(one, joins_ns=joins_ns)))
        return found

    def _window(self, line: FeedlineSession, one: RequestedWindow, *, dark: bool) -> WindowStep:
        sigma, noise_key = line.noise_of(one.window, one.place)
        integral, turned, cluster = None, 0j, line.cluster
        if not dark and cluster is not None:
            first = self._first[line.feedline.name]
            integral = Integral(
                tuple(range(first, first + len(line.qubits))),
                cluster.before(one.end_ns),
                line.window(one.window),
                one.window,
                one.open_ns - cluster.origin_ns,
                line.feedline.gain_out,
            )
            turned = complex(np.exp(2j * np.pi * ((cluster.turns - one.turns) % 1.0)))
        return WindowStep(
            one.train,
            one.element,
            one.place,
            integral,
            turned,
            line.leaked(one),
            sigma,
            int(noise_key),
            one,
            line.feedline.name,
        )

    def moment(self) -> PlanMoment:
        """Return what the plan has come to."""
        lines = {name: line.moment() for name, line in self._session.feedlines.items()}
        return PlanMoment(lines, self._session.kept())

    def go_back(self, moment: PlanMoment) -> None:
        """Return to a moment."""
        for name, one in moment.feedlines.items():
            self._session.feedlines[name].go_back(one)
        self._session.keep(moment.kept)

    def _turns_at(self, line: str, at_ns: int) -> float:
        """Return the phase of a line's oscillator at a time, turns."""
        own, *_ = self._carriers.get(line, (0,))
        return (own * at_ns % MILLI_HZ_NS) / MILLI_HZ_NS

    def _beats_at(self, at_ns: int) -> tuple[int, ...]:
        """Return the phases of further oscillators of lines against the first, in 1e-12 turns."""
        return tuple(
            (other - own) * at_ns % MILLI_HZ_NS
            for own, *others in self._carriers.values()
            for other in others
        )

    def content(self, at_ns: int) -> tuple[object, ...]:
        """Return what of the past counts at a time: equal contents go on in the same way."""
        turns_at = self._turns_at
        found: list[object] = [self._beats_at(at_ns)]
        for name, line in self._session.feedlines.items():
            found.append((name, line.content(at_ns, turns_at, OLDEST_NS)))
            for of_line, trajectory in line.qubits:
                recorder = trajectory.follower
                if isinstance(recorder, StepRecorder):
                    last, turned = recorder.last, 0.0
                    if last is not None:
                        turned = last.turns - turns_at(of_line.line, last.start_ns)
                    found.append(recorder.content(at_ns, turned % 1.0))
        for name, trains in self._session.kept().items():
            found.append((name, tuple(self._unheard(one, at_ns, turns_at) for one in trains)))
        return tuple(found)

    def _unheard(
        self, train: PulseTrain, at_ns: int, turns_at: Callable[[str, int], float]
    ) -> tuple[object, ...]:
        rows = zip(train.start_ns.tolist(), train.phase_turns.tolist(), strict=True)
        elements = tuple(
            (
                start - at_ns,
                self._session.piece(train, element),
                round((turns - turns_at(train.line, start)) % 1.0, 9) % 1.0,
            )
            for element, (start, turns) in enumerate(rows)
        )
        return train.spur, elements

    def remember(self, step: WindowStep, paths: Sequence[LevelPath], found: complex) -> None:
        """Take a window for the last that a listener has asked for, with the levels it saw."""
        self._session.feedlines[step.feedline].remember(step.place, step.asked, paths, found)

    @property
    def session(self) -> Session:
        """Return the session, which shows traces of windows that are remembered."""
        return self._session
