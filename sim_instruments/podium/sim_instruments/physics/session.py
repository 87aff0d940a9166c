"""A run comes to the world piece by piece, and the world answers as it goes.

Where what is played next depends on what was measured, a run cannot be played as a whole
(:meth:`.World.play`). A session is given what is played, in the order of time, and windows as soon
as all is known that plays until they close; it answers each with the value of this one shot, and
goes on from the levels that the shot has come to. Same signals, statistically the same answers.
Carriers that leak into drive lines come in the first chunk and act from then on.

Windows that overlap are read together, as :mod:`.schedule` says; what follows before the feedline
is dark again is another reading of the same cluster of tones: the fields are followed from the
first tone on, along the levels that were read. ASSUMED: between two such readings a level changes
at the later one.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.cable import CableSession, split_by_cable
from podium.sim_instruments.physics.drive_crosstalk import NO_CROSSTALK, DriveCrosstalk
from podium.sim_instruments.physics.drive_pieces import Contents
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.feedline_session import (
    FeedlineSession,
    RequestedWindow,
    RunStart,
)
from podium.sim_instruments.physics.joint.session_clusters import SessionChip
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
)
from podium.sim_instruments.physics.spurs import felt, parted, pumped, refuse_more_pump
from podium.sim_instruments.physics.trajectory import DrawnStates


class Session:
    """One run that comes piece by piece. Belongs to one thread at a time."""

    def __init__(
        self,
        feedline_at: Callable[[str], FeedlinePoint],
        check: Callable[[Sequence[PulseTrain], Sequence[CaptureTrain]], None],
        check_drive: Callable[[QubitPoint], None],
        seed: int,
        beginning: RunStart,
        cables: Mapping[str, CableSession],
        chip: SessionChip | None = None,
        crosstalk: DriveCrosstalk = NO_CROSSTALK,
    ) -> None:
        """``feedline_at`` tells the operating point; the checks raise NotSimulated.

        ``chip``: behind the flux lines; None: there are none that take pulses. ``crosstalk``: of
        drive lines.
        """
        self._chip = chip
        self._crosstalk = crosstalk
        self._fluxes: dict[str, list[PulseTrain]] = {}
        """By feedline: flux pulses that it has not met yet."""
        self._early: list[PulseTrain] = []
        """Flux pulses since somebody listened last, for feedlines that nobody listened to yet."""
        self._pulsed: set[str] = set()
        """Flux lines that were played on before somebody listened last."""
        self._cables = cables
        self._feedline_at = feedline_at
        self._check = check
        self._check_drive = check_drive
        self._seed = seed
        self._beginning = beginning
        self._contents = Contents()
        self._feedlines: dict[str, FeedlineSession] = {}
        self._at_rest: dict[str, tuple[QubitPoint, ...]] = {}
        """By feedline: its qubits without the carriers that leak into their lines."""
        self._kept: dict[str, list[PulseTrain]] = {}
        """By line: what was played on a feedline, or a qubit of it, that nobody listened to yet."""
        self._counts: dict[int, int] = {}

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[CaptureAnswer, ...]:
        """Play one more chunk and answer windows.

        ``drives``: all that begins later than in the chunks before, up to a time behind the
        end of all windows asked for. ``captures``: windows that were not asked for before;
        ``listeners``: a number for whoever listens by each, the same throughout the run.
        """
        named = {train.line for train in drives} | {capture.line for capture in captures}
        if named & self._cables.keys():
            return split_by_cable(self._cables, self.go_on, drives, captures, listeners)
        values: list[NDArray[np.complex128]] = [
            np.zeros(capture.start_ns.size, np.complex128) for capture in captures
        ]
        for session, asked in self.asked(drives, captures, listeners):
            for one, value in session.answer(asked):
                values[one.train][one.element] = value
        return tuple(CaptureAnswer(one, None) for one in values)

    @property
    def meets(self) -> bool:
        """Tell whether others may share photons with it: not here."""
        return False

    def say(self, drives: Sequence[PulseTrain], until_ns: int) -> None:
        """Hear all that begins before a time: nobody else needs it."""
        raise NotImplementedError("this session meets nobody")

    def asks(self, captures: Sequence[CaptureTrain]) -> bool:
        """Tell whether windows may be answered: always."""
        del captures
        return True

    @property
    def may_go_on(self) -> bool:
        """Tell whether windows that others were waited for may be answered now."""
        return True

    def end(self, at_ns: int) -> None:
        """Hear when the run is over."""

    def shares(self, drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain]) -> bool:
        """Tell whether qubits share photons or a state from now on: not here."""
        del drives, captures
        return False

    def asked(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> Iterator[tuple[FeedlineSession, list[RequestedWindow]]]:
        """Take note of a chunk; yield each feedline that is listened to and its windows."""
        self._check(drives, captures)
        fluxes = []
        for train in self._crosstalk.spread(drives):
            if self._chip is not None and train.line in self._chip.names:
                fluxes.append(train)
            else:
                self._kept.setdefault(train.line, []).append(train)
        for own in self._fluxes.values():
            own.extend(fluxes)
        self._early += fluxes
        asked: dict[str, list[RequestedWindow]] = {}
        for number, (capture, place) in enumerate(zip(captures, listeners, strict=True)):
            if capture.start_ns.size:
                session = self._feedline(capture.line)
                mine = self._asked(session.whole_ns, capture, number, place)
                asked.setdefault(capture.line, []).extend(mine)
        if asked:
            self._pulsed |= {train.line for train in self._early if train.start_ns.size}
            self._early = []
        for line, ones in asked.items():
            session = self._feedlines[line]
            self._hand_over(session)
            yield session, ones

    @property
    def crosstalk(self) -> DriveCrosstalk:
        """Return the drive lines that reach other qubits than their own."""
        return self._crosstalk

    @property
    def feedlines(self) -> Mapping[str, FeedlineSession]:
        """Return the feedlines that were listened to, by name."""
        return self._feedlines

    @property
    def cables(self) -> frozenset[str]:
        """Return the names of the lines that lead from an output straight to an input."""
        return frozenset(self._cables)

    @property
    def flux_lines(self) -> Collection[str]:
        """Return the names of flux lines that take pulses."""
        return () if self._chip is None else self._chip.names

    @property
    def early_fluxes(self) -> Sequence[PulseTrain]:
        """Return the flux pulses since somebody listened last, or since the run began."""
        return tuple(self._early)

    @property
    def run(self) -> int:
        """Return the serial number of the run."""
        return self._beginning.run

    def forget_unheard(self) -> None:
        """Drop what was played on lines of feedlines that nobody has listened to."""
        heard = set(self._feedlines)
        for one in self._feedlines.values():
            heard |= {line.line for line, _ in one.qubits}
        self._kept = {line: trains for line, trains in self._kept.items() if line in heard}

    def kept(self) -> dict[str, list[PulseTrain]]:
        """Return what is kept for who will listen, by line."""
        return {line: list(trains) for line, trains in self._kept.items()}

    def piece(self, train: PulseTrain, element: int) -> int:
        """Return the number of what a train plays, the same for equal pieces."""
        return self._contents.piece(train.pieces[int(train.piece[element])])

    def keep(self, trains: Mapping[str, Sequence[PulseTrain]]) -> None:
        """Go back to what was kept."""
        self._kept = {line: list(ones) for line, ones in trains.items()}

    def trace(self, listener: int) -> tuple[NDArray[np.complex128], float] | None:
        """Return the trace of a listener's last window; None for one that never listened."""
        lines: list[FeedlineSession | CableSession] = [*self._feedlines.values()]
        lines += self._cables.values()
        return next((one for line in lines if (one := line.trace(listener)) is not None), None)

    def populations(self, line: str, at_ns: int) -> dict[str, NDArray[np.float64]]:
        """Return the populations of each qubit of a feedline at a time of the run, (L,), by name.

        They are those of this one shot, from the levels that were read last. Drives that are over
        by then count, and photons of tones in windows that were answered. The session goes on to
        that time.
        """
        session = self._feedline(line)
        self._hand_over(session)
        found: dict[str, NDArray[np.float64]] = {}
        rows = zip(session.feedline.qubits, session.qubits, strict=True)
        for number, (qubit, (_, trajectory)) in enumerate(rows):
            joint = None if session.members is None else session.members.trajectory_of(number)
            later_ns = round(qubit.drive_delay_ns - session.feedline.delay_in_ns)
            if joint is not None:
                found[qubit.name] = joint.populations_of(qubit.name, at_ns + later_ns)
                continue
            trajectory.rest_until(at_ns + later_ns, session.cluster)
            if isinstance(trajectory.follower, DrawnStates):
                found[qubit.name] = trajectory.follower.populations()
        return found

    def _feedline(self, line: str) -> FeedlineSession:
        if line not in self._feedlines:
            feedline = self._feedline_at(line)
            self._at_rest[line] = feedline.qubits
            qubits = tuple(
                pumped(qubit, self._kept.get(f"{qubit.name}.drive", ()))
                for qubit in feedline.qubits
            )
            feedline = replace(feedline, qubits=qubits)
            self._refuse_late(feedline)
            self._fluxes[line] = list(self._early)
            self._feedlines[line] = FeedlineSession(
                feedline, self._contents, self._seed, self._beginning, self._chip
            )
        return self._feedlines[line]

    def _hand_over(self, session: FeedlineSession) -> None:
        tones, heard = parted(session.feedline, self._kept.pop(session.feedline.name, ()))
        session.play(tones)
        session.spurs.add(heard)
        at_rest = self._at_rest[session.feedline.name]
        fluxes = self._fluxes[session.feedline.name]
        felt_by: list[list[PulseTrain]] = []
        for still, qubit, (line, _) in zip(
            at_rest, session.feedline.qubits, session.qubits, strict=True
        ):
            played = self._kept.pop(line.line, ())
            refuse_more_pump(still, qubit, played)
            felt_by.append(felt(qubit, played))
        together = session.share([*fluxes, *(train for one in felt_by for train in one)])
        for number, trains in enumerate(felt_by):
            if not trains:
                continue
            qubit, (line, trajectory) = session.feedline.qubits[number], session.qubits[number]
            session.spurs.refuse_light(qubit)
            if number in together:
                fluxes.extend(trains)
                continue
            self._check_drive(qubit)
            if session.members is not None:
                session.members.note(number, trajectory, trains)
            trajectory.drives.extend(line.drives(trains))
        if session.members is not None:
            session.members.play(fluxes)
        fluxes.clear()

    def _refuse_late(self, feedline: FeedlinePoint) -> None:
        """Raise NotSimulated for a feedline whose qubits were moved before anybody listened."""
        if self._chip is None or not self._pulsed:
            return
        for qubit in feedline.qubits:
            shares = self._chip.flux_lines.flux_shares(qubit.name)
            moved = sorted(line for line in self._pulsed if shares.get(line))
            if moved:
                raise NotSimulated(
                    f"{moved[0]} has moved {qubit.name} before {feedline.name} was listened to for "
                    "the first time, in a run in which what is played depends on what was "
                    "measured: that is not simulated; read all feedlines of a chip from the first "
                    "readout on"
                )

    def _asked(
        self, whole_ns: int, capture: CaptureTrain, train: int, place: int
    ) -> Iterator[RequestedWindow]:
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
            yield RequestedWindow(
                open_ns, end_ns, windows[window], turns, train, element, place, index
            )
