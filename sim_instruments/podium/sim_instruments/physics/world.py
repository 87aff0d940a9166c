"""The world: signals in, what the listeners record out.

Every qubit hears its own drive line, and of others' what crosstalk brings. It evolves alone, but
for those that share a state (:mod:`.joint`). All tones of a feedline act on all its resonators.
Drive lines' and feedlines' delays meet at the chip; their difference is rounded to whole ns.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.bath import Bath, warmed
from podium.sim_instruments.physics.cable import (
    Cable,
    CableSession,
    WhiteNoise,
    split_by_cable,
)
from podium.sim_instruments.physics.chip import Edge
from podium.sim_instruments.physics.drift import Drift
from podium.sim_instruments.physics.drive_crosstalk import NO_CROSSTALK, DriveCrosstalk
from podium.sim_instruments.physics.drive_line import is_heard
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.joint.plasmon_drive import is_plasmon
from podium.sim_instruments.physics.joint.played_gate import PlayedGate
from podium.sim_instruments.physics.joint.session_clusters import SessionChip
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.herald_clicks import HeraldClicks
from podium.sim_instruments.physics.meeting.kept_states import KeptState, KeptStates
from podium.sim_instruments.physics.meeting.meeting_run import (
    HeardFeedline,
    Known,
    MeetingRun,
    check_own_sidebands,
    ideal_run,
    levels_found,
    sidebands_played,
    with_cuts,
)
from podium.sim_instruments.physics.meeting.photon_channel import photon_channel
from podium.sim_instruments.physics.meeting.photon_session import LinkedWorld, PhotonSession
from podium.sim_instruments.physics.meeting.played_photons import PlayedPhoton, PlayedPhotons
from podium.sim_instruments.physics.meeting.session_meetings import SessionMeetings
from podium.sim_instruments.physics.meeting.window_channel import WindowChannel
from podium.sim_instruments.physics.met_qubits import check_alone
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)
from podium.sim_instruments.physics.spurs import without_faint_crosstalk

__all__ = ["Lines", "NotSimulated", "World"]


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a world, by name."""

    feedlines: frozenset[str]
    drives: frozenset[str]
    fluxes: frozenset[str] = frozenset()
    """Flux lines that take pulses."""
    feedline_of: Mapping[str, str] = field(default_factory=dict)
    """By qubit: of all that links end at."""


class World:
    """Plays runs on chips. Values in, values out; may be called from several threads."""

    def __init__(
        self,
        chip_at: Callable[..., tuple[FeedlinePoint, ...]],
        seed: int,
        lines: Lines | None = None,
        flux_lines: FluxLines | None = None,
        drift: Drift | None = None,
        cables: Sequence[Cable] = (),
        links: Sequence[Link] = (),
        channel: WindowChannel = photon_channel,
        crosstalk: DriveCrosstalk = NO_CROSSTALK,
    ):
        """``chip_at`` tells the operating point at biases (volts by flux line), of all feedlines.

        With ``lines`` it is asked for the feedlines alone that a run listens to, as a second
        argument: a facility of many nodes need not be diagonalised for a run on one of them.
        ``flux_lines`` tells what pulses on them do; ``drift`` tells the operating point in the
        place of ``chip_at``, over the time of a run, or at the start of one played in pieces.
        ``cables``: lines from an output to an input, with names of their own. ``links``: between
        qubits of its chips; ``channel`` evolves their photons. ``crosstalk``: of
        drive lines.
        """
        self.links = tuple(links)
        """Over which its chips' qubits exchange photons."""
        self._channel = PlayedPhotons(channel)
        self._crosstalk = crosstalk
        self._cables = {cable.name: cable for cable in cables}
        self._drift = drift
        self._flux_lines = flux_lines
        self._chip_at = chip_at
        self._seed = seed
        self._lines = lines
        self.kept = KeptStates()
        """Those that qubits of several nodes share between runs."""
        self.session_meetings = SessionMeetings()
        """Runs that come piece by piece, at ends of links."""
        self._pulsed: dict[str, FeedlineRun] = {}
        """By flux line: the beginning of the latest whole run that pulsed it."""
        self._feedline_of = dict(lines.feedline_of) if lines is not None else {}
        """Of qubits that were played."""

    def play(self, signals: RunSignals) -> tuple[CaptureAnswer, ...]:
        """Return the answer to each capture train of the run, in their order.

        The same signals and run number give the same answer. Raises NotSimulated for lines
        that the world does not have and signals that it cannot simulate.
        """
        named = {train.line for train in signals.drives}
        named |= {capture.line for capture in signals.captures}
        if named & self._cables.keys():
            return self._play_with_cables(signals)
        (answers,) = self.meet([ideal_run(signals)])
        return answers

    def meet(
        self, runs: Sequence[MeetingRun], clicks: list[HeraldClicks] | None = None
    ) -> list[tuple[CaptureAnswer, ...]]:
        """Return the answers to each of several runs that share photons of links.

        A run that shares none is answered as by :meth:`play`. Same errors. ``clicks``: takes those
        of herald stations.
        """
        if not self.links:
            listened = [self._feedline_runs(one.signals) for one in runs]
            return _listened(runs, listened, [{} for one in listened for _ in one])
        self._channel.begin()
        drives = [train for one in runs for train in one.signals.drives]
        played = sidebands_played(self.links, drives)
        shared = {end.qubit for link in self.links for end in link.ends if end.sideband in played}
        start_fs = min(one.signals.start_tai_fs for one in runs)
        taken = self.kept.take(self._touched(runs), start_fs)
        left: Sequence[KeptState] = taken
        shared |= {name for state in taken for name in state.names}
        try:
            listened = [self._feedline_runs(one.signals, shared) for one in runs]
            known: list[Known] = [{} for one in listened for _ in one]
            if shared:
                heard = [
                    HeardFeedline(feedline, mine, one.late_fs)
                    for one, feedlines in zip(runs, listened, strict=True)
                    for feedline, mine in feedlines
                ]
                points = [[feedline.feedline for feedline, mine in one if mine] for one in listened]
                check_own_sidebands(self.links, runs, points)
                known, left = levels_found(
                    *(with_cuts(self.links, runs), self._channel, heard, played, self._seed, taken),
                    clicks=clicks,
                )
            return _listened(runs, listened, known)
        except BaseException:
            left = taken  # nothing was played
            raise
        finally:
            self.kept.give(taken, left)

    def _touched(self, runs: Sequence[MeetingRun]) -> set[str]:
        """Return qubits that share a state from an earlier run, and that runs do anything to."""
        names = {name for state in self.kept.states for name in state.names} | self.kept.taken
        mentioned = {train.line for one in runs for train in one.signals.drives if not train.spur}
        mentioned |= {capture.line for one in runs for capture in one.signals.captures}
        ends = [end for link in self.links for end in link.ends if end.sideband in mentioned]
        driven = {end.qubit for end in ends}
        return {
            name
            for name in names
            if name in driven
            or f"{name}.drive" in mentioned
            or self._feedline_of.get(name) in mentioned
        }

    def _feedline_runs(
        self, signals: RunSignals, shared: Collection[str] = ()
    ) -> list[tuple[FeedlineRun, list[int]]]:
        """Return each feedline that a run listens to, and the numbers of its captures there.

        Those of qubits that share photons or a state, and that the run drives, are among them.
        """
        span_s = 1e-15 * signals.start_tai_fs, 1e-9 * signals.duration_ns
        sidebands = {end.sideband for link in self.links for end in link.ends}
        played = {train.line for train in signals.drives if not train.spur}
        driven = {e.qubit for link in self.links for e in link.ends if e.sideband in played}
        driven |= {name for name in shared if f"{name}.drive" in played}
        driven &= set(shared)
        if self._lines is None:
            feedlines = self._point(signals.biases_v, None, *span_s)
            feedlines = warmed(feedlines, signals.baths)
            drives = {f"{q.name}.drive" for feedline in feedlines for q in feedline.qubits}
            lines = Lines(frozenset(f.name for f in feedlines), frozenset(drives | sidebands))
            _check_lines(signals.drives, signals.captures, lines)
        else:
            lines = replace(self._lines, drives=self._lines.drives | sidebands)
            _check_lines(signals.drives, signals.captures, lines)
            heard = {capture.line for capture in signals.captures}
            known = self._feedline_of
            heard |= {known[name] for name in driven if name in known}
            heard |= {known[name] for name in shared if known.get(name) in played}
            feedlines = self._point(signals.biases_v, heard, *span_s)
            feedlines = warmed(feedlines, signals.baths)
        fluxes = () if self._lines is None else self._lines.fluxes
        spread = self._crosstalk.spread(signals.drives)
        found = []
        for feedline in feedlines:
            names = {qubit.name for qubit in feedline.qubits}
            self._feedline_of |= dict.fromkeys(names, feedline.name)
            toned = feedline.name in played and not names.isdisjoint(shared)
            mine = [i for i, train in enumerate(signals.captures) if train.line == feedline.name]
            if mine or toned or not names.isdisjoint(driven):
                arriving = tuple(without_faint_crosstalk(feedline, spread))
                run = FeedlineRun(
                    feedline,
                    replace(signals, drives=arriving),
                    *(self._seed, fluxes, self._flux_lines),
                )
                found.append((run, mine))
                self._keep_pulsed(run, fluxes)
        return found

    def _keep_pulsed(self, run: FeedlineRun, fluxes: Collection[str]) -> None:
        """Keep a run for :meth:`played_gate` by the lines of its own chip that it pulsed."""
        names = {f"{qubit.name}.flux" for qubit in run.feedline.qubits}
        if self._flux_lines is not None:
            near = (self._flux_lines.coupled_to(qubit.name) for qubit in run.feedline.qubits)
            couplers = set(self._flux_lines.couplers)
            names |= {f"{name}.flux" for one in near for name in one if name in couplers}
        drives = (one for one in run.signals.drives if one.line in names and one.line in fluxes)
        pulsed = {one.line for one in drives if is_heard(one)}
        pulsed |= {
            f"{qubit.name}.drive"
            for qubit in run.feedline.qubits
            for one in run.signals.drives
            if one.line == f"{qubit.name}.drive" and one.start_ns.size
            if any(is_plasmon(qubit, piece.carrier_hz) for piece in one.pieces)
        }
        if pulsed:
            self._pulsed |= dict.fromkeys(pulsed, run.first_shots())

    def played_gate(
        self, edge: Edge, phases: tuple[float, float] | None = None
    ) -> PlayedGate | None:
        """Return the gates of the latest run that pulsed an edge, as the chip received them.

        Of runs that are known as a whole. ``phases``: by which its frames are turned behind a CZ,
        turns; None: free. None where no such run was. Raises NotSimulated.
        """
        run = self._pulsed.get(f"{edge.pulsed}.{'drive' if edge.driven else 'flux'}")
        if run is None or edge.gate not in ("cz", "iswap"):
            return None
        return run.played_gate(edge, phases)

    def played_photon(self, link: str) -> PlayedPhoton | None:
        """Return a link's photon of the latest run that carried some, of the setting that absorbed
        most; None where no such run was."""
        return self._channel.best(link)

    def begin(self, beginning: RunStart) -> Session:
        """Begin a run that comes piece by piece; same errors as :meth:`play`.

        The same signals in the same pieces give the same answers.
        """
        points: dict[str, FeedlinePoint] = {}
        start_s = 1e-15 * beginning.start_tai_fs

        def lines() -> Lines:
            if self._lines is not None:
                return self._lines
            found = self._point(beginning.biases_v, None, start_s, 0.0)
            found = warmed(found, beginning.baths)
            points.update({one.name: one for one in found})
            driven = {f"{qubit.name}.drive" for one in points.values() for qubit in one.qubits}
            return Lines(frozenset(points), frozenset(driven))

        known = lines()

        def point(line: str) -> FeedlinePoint:
            if line not in points:
                found = self._point(beginning.biases_v, {line}, start_s, 0.0)
                found = warmed(found, beginning.baths)
                points.update({one.name: one for one in found})
            return points[line]

        sidebands = {end.sideband for link in self.links for end in link.ends}

        def check(drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain]) -> None:
            _check_lines(drives, captures, replace(known, drives=known.drives | sidebands))
            for train in drives:
                if train.line in known.fluxes and self._flux_lines is None:
                    raise NotSimulated(
                        f"a pulse on {train.line}: this world knows no chip behind its flux lines"
                    )

        cables = self._cable_sessions(beginning.run)
        chip = None
        if self._flux_lines is not None:
            chip = SessionChip(self._flux_lines, known.fluxes, beginning.biases_v)
        if not self.links:
            return Session(
                *(point, check, check_alone, self._seed, beginning, cables, chip, self._crosstalk)
            )
        qubits = {end.qubit for link in self.links for end in link.ends}
        if self._flux_lines is not None:
            ends = sorted(qubits)
            qubits |= {near for name in ends for near in self._flux_lines.coupled_to(name)}
        feedline_of = {
            **{qubit.name: one.name for one in points.values() for qubit in one.qubits},
            **known.feedline_of,
        }
        self._channel.begin()
        linked = LinkedWorld(
            self.links,
            self._channel,
            self.kept,
            {name: line for name, line in feedline_of.items() if name in qubits},
            point,
            self._flux_lines,
            self.session_meetings,
        )
        return PhotonSession(
            *(point, check, check_alone, self._seed, beginning, cables, chip, linked),
            crosstalk=self._crosstalk,
        )

    def point_of(
        self,
        feedline: str,
        biases_v: Mapping[str, float],
        baths: Mapping[str, Bath],
        start_s: float,
        duration_s: float,
    ) -> FeedlinePoint:
        """Return the mean operating point of one feedline over a stretch of world time (TAI).

        ``biases_v``: by flux line; ``baths``: by node, those not named are cold. Raises
        NotSimulated for a feedline that there is not.
        """
        for point in warmed(self._point(biases_v, {feedline}, start_s, duration_s), baths):
            if point.name == feedline:
                return point
        raise NotSimulated(f"the world has no feedline {feedline!r}")

    def _play_with_cables(self, signals: RunSignals) -> tuple[CaptureAnswer, ...]:
        def others(
            drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain], _: Sequence[int]
        ) -> tuple[CaptureAnswer, ...]:
            return self.play(replace(signals, drives=tuple(drives), captures=tuple(captures)))

        sessions, who = self._cable_sessions(signals.run), range(len(signals.captures))
        return split_by_cable(sessions, others, signals.drives, signals.captures, who)

    def _cable_sessions(self, run: int) -> dict[str, CableSession]:
        return {
            name: CableSession(cable, WhiteNoise(self._seed, name, "noise", run))
            for name, cable in self._cables.items()
        }

    def _point(
        self,
        biases_v: Mapping[str, float],
        lines: set[str] | None,
        start_s: float,
        duration_s: float,
    ) -> tuple[FeedlinePoint, ...]:
        if self._drift is not None:
            return self._drift.at(biases_v, lines, start_s, duration_s)
        return self._chip_at(biases_v) if lines is None else self._chip_at(biases_v, lines)


def _listened(
    runs: Sequence[MeetingRun],
    listened: Sequence[Sequence[tuple[FeedlineRun, list[int]]]],
    known: Sequence[Known],
) -> list[tuple[CaptureAnswer, ...]]:
    """Return the answers to runs, given what some readings find on each feedline."""
    found, rest = [], iter(known)
    for one, feedlines in zip(runs, listened, strict=True):
        captures = one.signals.captures
        integrated = [np.zeros(train.start_ns.size, np.complex128) for train in captures]
        traces: list[NDArray[np.complex128] | None] = [None] * len(captures)
        for feedline, mine in feedlines:
            feedline.listen(mine, integrated, traces, next(rest))
        found.append(
            tuple(
                CaptureAnswer(values, trace, _trace_hz(train))
                for values, trace, train in zip(integrated, traces, captures, strict=True)
            )
        )
    return found


def _check_lines(
    drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain], lines: Lines
) -> None:
    """Raise NotSimulated for a line that the world does not have."""
    for train in drives:
        known = lines.feedlines | lines.drives | lines.fluxes
        if train.line not in known:
            raise NotSimulated(
                f"a signal was sent down line {train.line!r}; the world's lines are "
                f"{', '.join(sorted(known))}"
            )
    for capture in captures:
        if capture.line not in lines.feedlines:
            raise NotSimulated(
                f"line {capture.line!r} was listened to; the world's feedlines are "
                f"{', '.join(sorted(lines.feedlines))}"
            )
    samples = {train.line: train.samples_per_ns for train in drives}
    samples |= {capture.line: capture.samples_per_ns for capture in captures}
    for line, count in samples.items():
        if count != 1:
            raise NotSimulated(f"{count} samples a nanosecond on {line}, which takes one")


def _trace_hz(train: CaptureTrain) -> float:
    if not train.scope or not train.start_ns.size:
        return 0.0
    return float(train.windows[train.window[-1]].demod_hz)
