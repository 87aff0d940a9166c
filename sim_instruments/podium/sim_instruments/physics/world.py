"""The world: signals in, what the listeners record out.

Every qubit hears its own drive line only (no crosstalk between drive lines yet) and evolves alone:
couplings between qubits move its levels and lines, but no excitation hops. All tones of a feedline
act on all its resonators. Drive lines' and feedlines' delays meet at the chip; their difference is
rounded to whole ns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.bath import Bath, warmed
from podium.sim_instruments.physics.cable import (
    Cable,
    CableSession,
    WhiteNoise,
    split_by_cable,
)
from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.drift import Drift, slow_noise
from podium.sim_instruments.physics.drive_line import Drives, drives_of
from podium.sim_instruments.physics.episodes import Episodes, NotSimulated, episodes_of
from podium.sim_instruments.physics.fast_flux import FluxLines, moving, with_flux
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.grouped_shots import (
    DrawnLevels,
    GroupedShots,
    ShownEpisodes,
    draw_levels,
)
from podium.sim_instruments.physics.noise import gaussians
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import flight, noise_sigma
from podium.sim_instruments.physics.records import integrate
from podium.sim_instruments.physics.schedule import Schedule, schedule_of
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.short_run import (
    feedline_trains,
    later_ns,
    short_run,
    step_tables,
)
from podium.sim_instruments.physics.shot_kinds import shot_kinds
from podium.sim_instruments.physics.shots import PreparedShots, prepare, shots_of
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)
from podium.sim_instruments.physics.spurs import HeardSpurs, felt, parted, pumped
from podium.sim_instruments.physics.trace import trace_of

__all__ = ["Lines", "NotSimulated", "World"]


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a world, by name."""

    feedlines: frozenset[str]
    drives: frozenset[str]
    fluxes: frozenset[str] = frozenset()
    """Flux lines that take pulses."""


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
    ):
        """``chip_at`` tells the operating point at biases (volts by flux line), of all feedlines.

        With ``lines`` it is asked for the feedlines alone that a run listens to, as a second
        argument: a facility of many nodes need not be diagonalised for a run on one of them.
        ``flux_lines`` tells what pulses on them do; ``drift`` tells the operating point in the
        place of ``chip_at``, over the time of a run, or at the start of one played in pieces.
        ``cables``: lines from an output to an input, with names of their own.
        """
        self._cables = {cable.name: cable for cable in cables}
        self._drift = drift
        self._flux_lines = flux_lines
        self._chip_at = chip_at
        self._seed = seed
        self._lines = lines

    def play(self, signals: RunSignals) -> tuple[CaptureAnswer, ...]:
        """Return the answer to each capture train of the run, in their order.

        The same signals and run number give the same answer. Raises NotSimulated for lines
        that the world does not have and signals that it cannot simulate.
        """
        named = {train.line for train in signals.drives}
        named |= {capture.line for capture in signals.captures}
        if named & self._cables.keys():
            return self._play_with_cables(signals)
        span_s = 1e-15 * signals.start_tai_fs, 1e-9 * signals.duration_ns
        if self._lines is None:
            feedlines = self._point(signals.biases_v, None, *span_s)
            feedlines = warmed(feedlines, signals.baths)
            driven = {f"{q.name}.drive" for feedline in feedlines for q in feedline.qubits}
            lines = Lines(frozenset(f.name for f in feedlines), frozenset(driven))
            _check_lines(signals.drives, signals.captures, lines)
        else:
            _check_lines(signals.drives, signals.captures, self._lines)
            heard = {capture.line for capture in signals.captures}
            feedlines = self._point(signals.biases_v, heard, *span_s)
            feedlines = warmed(feedlines, signals.baths)
        integrated = [np.zeros(train.start_ns.size, np.complex128) for train in signals.captures]
        traces: list[NDArray[np.complex128] | None] = [None] * len(signals.captures)
        for feedline in feedlines:
            mine = [i for i, train in enumerate(signals.captures) if train.line == feedline.name]
            if mine:
                self._listen(signals, feedline, mine, integrated, traces)
        return tuple(
            CaptureAnswer(values, trace, _trace_hz(train))
            for values, trace, train in zip(integrated, traces, signals.captures, strict=True)
        )

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

        def feedline_at(line: str) -> FeedlinePoint:
            if line not in points:
                found = self._point(beginning.biases_v, {line}, start_s, 0.0)
                found = warmed(found, beginning.baths)
                points.update({one.name: one for one in found})
            return points[line]

        def check(drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain]) -> None:
            _check_lines(drives, captures, known)
            for train in drives:
                if train.line in known.fluxes:
                    raise NotSimulated(
                        f"a pulse on {train.line} in a run in which what is played hangs on what "
                        "was measured: flux pulses are simulated in runs that are known as a whole"
                    )

        cables = self._cable_sessions(beginning.run)
        return Session(feedline_at, check, check_alone, self._seed, beginning, cables)

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

    def _listen(
        self,
        signals: RunSignals,
        feedline: FeedlinePoint,
        mine: list[int],
        integrated: list[NDArray[np.complex128]],
        traces: list[NDArray[np.complex128] | None],
    ) -> None:
        captures = [signals.captures[i] for i in mine]
        mine_too = (train for train in signals.drives if train.line == feedline.name)
        tones, heard = parted(feedline, mine_too)
        spurs = HeardSpurs(feedline)
        spurs.add(heard)
        if not any(capture.start_ns.size for capture in captures):
            return
        values = [integrated[i] for i in mine]
        shown = self._grouped(signals, feedline, tones, captures, spurs, values)
        if shown is None:
            shown = self._one_by_one(signals, feedline, tones, captures, spurs, values)
        for place, (i, capture) in enumerate(zip(mine, captures, strict=True)):
            if not capture.start_ns.size:
                continue
            if spurs:
                values[place] += spurs.means(capture)
            if capture.scope:
                trace = trace_of(
                    feedline,
                    shown[place].episodes,
                    tones,
                    capture,
                    place,
                    shown[place].paths,
                    shown[place].reading_of,
                    key(self._seed, feedline.name, f"trace {place}"),
                    signals.run,
                )
                if spurs:
                    last = capture.windows[capture.window[-1]]
                    trace = trace + spurs.trace(
                        int(capture.start_ns[-1]),
                        trace.size,
                        last.demod_hz,
                        float(capture.phase_turns[-1]),
                    )
                traces[i] = trace
                values[place][-1] = _integral(trace, capture)

    def _one_by_one(
        self,
        signals: RunSignals,
        feedline: FeedlinePoint,
        tones: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        spurs: HeardSpurs,
        values: Sequence[NDArray[np.complex128]],
    ) -> dict[int, ShownEpisodes]:
        """Fill ``values`` event by event; return what a trace of each listener is made of."""
        _, fraction = flight(feedline)
        episodes = episodes_of(feedline, tones, captures, _driven_ns(signals, feedline))
        paths, reading_of = [], []
        for qubit, schedule, prepared in self._qubits(signals, feedline, episodes, spurs, None):
            levels = key(self._seed, qubit.name, "levels")
            paths.append(shots_of(qubit, prepared, fraction, levels, signals.run))
            reading_of.append(schedule.episode)
        integrate(feedline, episodes, fraction, paths, reading_of, values)
        for place, capture in enumerate(captures):
            sigma = np.array([noise_sigma(feedline, window) for window in capture.windows])
            if capture.start_ns.size:
                noise = gaussians(self._noise_key(feedline, place), signals.run, values[place].size)
                values[place] += sigma[capture.window] * noise
        whole = ShownEpisodes(episodes, paths, reading_of)
        return dict.fromkeys(range(len(captures)), whole)

    def _grouped(
        self,
        signals: RunSignals,
        feedline: FeedlinePoint,
        tones: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        spurs: HeardSpurs,
        values: Sequence[NDArray[np.complex128]],
    ) -> dict[int, ShownEpisodes] | None:
        """Do the same by kinds of shots; None (and nothing filled) where they do not repeat."""
        fluxes = () if self._lines is None else self._lines.fluxes
        lines = feedline_trains(feedline, tones, captures, signals.drives, fluxes)
        kinds = shot_kinds(lines)
        if kinds is None:
            return None
        short = short_run(kinds)
        brief = [short.shortened(one) for one in lines]
        kept = [one for one in signals.drives if one.spur == "carrier"]
        played = [one for one in brief if isinstance(one, PulseTrain)]
        brief_signals = replace(signals, drives=(*played, *kept), captures=())
        _, fraction = flight(feedline)
        drawn: list[DrawnLevels] = []
        try:
            episodes = episodes_of(
                feedline,
                [one for one in played if one.line == feedline.name],
                [one for one in brief if isinstance(one, CaptureTrain)],
                _driven_ns(brief_signals, feedline),
            )
            found = list(self._qubits(brief_signals, feedline, episodes, spurs, False))
        except NotSimulated:
            return None  # the whole run says it in its own times
        for qubit, schedule, prepared in found:
            tables = step_tables(short, schedule, prepared)
            if tables is None:
                return None
            levels = key(self._seed, qubit.name, "levels")
            drawn.append(
                draw_levels(qubit, prepared, tables, kinds.step, fraction, levels, signals.run)
            )
        leading = [one for one in lines if one.leads]
        shots = GroupedShots(feedline, short, episodes, leading, fraction, drawn)
        shown: dict[int, ShownEpisodes] = {}
        for place, capture in enumerate(captures):
            if capture.start_ns.size:
                noise = self._noise_key(feedline, place)
                shots.listen(place, capture, noise, signals.run, values[place])
                if capture.scope:
                    shown[place] = shots.last_shown(place, capture)
        return shown

    def _noise_key(self, feedline: FeedlinePoint, place: int) -> int:
        return key(self._seed, feedline.name, f"noise {place}")

    def _qubits(
        self,
        signals: RunSignals,
        feedline: FeedlinePoint,
        episodes: Episodes,
        spurs: HeardSpurs,
        each_for_itself: bool | None,
    ) -> Iterator[tuple[QubitPoint, Schedule, PreparedShots]]:
        """Yield each qubit with what it meets in a run."""
        for at_rest in feedline.qubits:
            on_its_line = [t for t in signals.drives if t.line == f"{at_rest.name}.drive"]
            qubit = pumped(at_rest, on_its_line)
            drives = self._drives_on(signals, qubit, on_its_line)
            if drives.start_ns.size:
                check_alone(qubit)
                spurs.refuse_light(qubit)
            schedule = schedule_of(drives, later_ns(qubit, feedline), episodes)
            mean_hz, stray_hz = slow_noise(qubit, self._seed).over(
                1e-15 * signals.start_tai_fs, 1e-9 * signals.duration_ns
            )
            slow = mean_hz, float(np.hypot(stray_hz, qubit.stray_hz))
            yield (
                qubit,
                schedule,
                prepare(qubit, schedule, episodes, drives, slow, each_for_itself),
            )

    def _drives_on(
        self, signals: RunSignals, qubit: QubitPoint, trains: Sequence[PulseTrain]
    ) -> Drives:
        drives = drives_of(felt(qubit, trains))
        if self._flux_lines is None or self._lines is None:
            return drives
        pulses = [train for train in signals.drives if train.line in self._lines.fluxes]
        by = moving(self._flux_lines, qubit.name, pulses, signals.biases_v)
        return drives if by is None else with_flux(drives, by, qubit.levels_hz)


def _driven_ns(signals: RunSignals, feedline: FeedlinePoint) -> NDArray[np.int64]:
    """Return when drives of the feedline's qubits begin, in the time of its tones."""
    later = {f"{qubit.name}.drive": later_ns(qubit, feedline) for qubit in feedline.qubits}
    begins = [train.start_ns + later[train.line] for train in signals.drives if train.line in later]
    return np.concatenate([np.zeros(0, np.int64), *begins])


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


ALONE = 0.9
"""A qubit of a register is driven where at least so much of its excited state is its own."""


def check_alone(qubit: QubitPoint) -> None:
    """Raise NotSimulated for a drive on an excitation that several qubits share."""
    if qubit.alone < ALONE:
        raise NotSimulated(
            f"{qubit.name} is driven where its neighbours share its excitation (its own part is "
            f"{qubit.alone:.0%}): excitations that move between qubits are not simulated; bias "
            "their lines farther apart"
        )


def _trace_hz(train: CaptureTrain) -> float:
    if not train.scope or not train.start_ns.size:
        return 0.0
    return float(train.windows[train.window[-1]].demod_hz)


def _integral(trace: NDArray[np.complex128], capture: CaptureTrain) -> complex:
    window = capture.windows[capture.window[-1]]
    heard = trace[: window.duration_ns]
    if window.weights is not None:
        heard = heard * window.weights
    return complex(np.sum(heard) / window.duration_ns)
