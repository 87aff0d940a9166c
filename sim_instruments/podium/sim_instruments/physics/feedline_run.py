"""A run that is known as a whole is played on one feedline and its qubits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.brief_run import in_brief
from podium.sim_instruments.physics.chip import Edge
from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.deduplicate import ascending
from podium.sim_instruments.physics.drift import slow_noise
from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.episodes import (
    Episodes,
    NotSimulated,
    episodes_of,
)
from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.flux_arrival import arrived, distorted_lines
from podium.sim_instruments.physics.grouped_shots import (
    DrawnLevels,
    GroupedShots,
    ShownEpisodes,
    draw_levels,
    drawn_levels,
)
from podium.sim_instruments.physics.joint.cluster_point import cluster_point, gate_members
from podium.sim_instruments.physics.joint.joint_run import (
    ClusterMember,
    PreparedCluster,
    clusters_of,
    played_to,
    prepare_cluster,
    with_static_pairs,
)
from podium.sim_instruments.physics.joint.line_output import Before
from podium.sim_instruments.physics.joint.played_gate import PlayedGate, judge_played
from podium.sim_instruments.physics.joint.reached_defects import reached_defects
from podium.sim_instruments.physics.met_qubits import FeedlineQubits, MetQubit
from podium.sim_instruments.physics.noise import gaussians
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import flight, noise_sigma
from podium.sim_instruments.physics.records import integrate
from podium.sim_instruments.physics.short_run import (
    StepTables,
    driven_ns,
    later_ns,
    readings_of,
    step_tables,
)
from podium.sim_instruments.physics.shots import (
    PreparedShots,
    prepare,
    shots_of,
)
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.physics.spurs import HeardSpurs, felt, parted, pumped
from podium.sim_instruments.physics.trace import trace_of
from podium.sim_instruments.physics.walk import Paths

FIRST_READOUTS = 3
"""Of a run that is kept for its gates, which the line remembers; and what comes before the next."""
NOTHING_KNOWN: Mapping[str, tuple[NDArray[np.int64], Paths]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class FeedlineRun:
    """One feedline in a run; raises NotSimulated for signals that cannot be simulated."""

    feedline: FeedlinePoint
    signals: RunSignals
    seed: int
    fluxes: Collection[str]
    """Names of flux lines that take pulses."""
    flux_lines: FluxLines | None
    before: Mapping[str, Before] = field(default_factory=dict)
    """Of a part of a run: what came earlier on flux lines, by line."""
    has_arrived: bool = False
    """Whether flux pulses are as their lines deliver them."""

    def listen(
        self,
        mine: Sequence[int],
        integrated: Sequence[NDArray[np.complex128]],
        traces: list[NDArray[np.complex128] | None],
        known: Mapping[str, tuple[NDArray[np.int64], Paths]] = NOTHING_KNOWN,
    ) -> None:
        """Fill what the run's captures of numbers ``mine`` hear: values, and traces asked for.

        ``known``: of qubits that were evolved elsewhere, the episode (S,) of each reading and the
        levels found.
        """
        feedline, signals = self.feedline, self.signals
        captures = [signals.captures[i] for i in mine]
        tones, spurs = self._tones()
        if not any(capture.start_ns.size for capture in captures):
            return
        run = self.as_arrived(tones, captures)
        values = [integrated[i] for i in mine]
        pulses = run._pulses(run.signals)
        together = clusters_of(feedline, run.signals, self.flux_lines, pulses)
        together = _unknown(together, known)
        shown = None
        if self.flux_lines is not None and not known:
            wider = with_static_pairs(together, feedline, run.signals, self.flux_lines)
            if wider != together:
                shown = run._tried(tones, captures, spurs, values, wider)
        if shown is None and not known:
            shown = run._grouped(tones, captures, spurs, values, together)
        if shown is None:
            shown = run._one_by_one(tones, captures, spurs, values, together, known)
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
                    key(self.seed, feedline.name, f"trace {place}"),
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

    def _tones(self) -> tuple[list[PulseTrain], HeardSpurs]:
        """Return the tones on the feedline, and what of mixers' spurs is heard beside them."""
        own = (train for train in self.signals.drives if train.line == self.feedline.name)
        tones, heard = parted(self.feedline, own)
        spurs = HeardSpurs(self.feedline)
        spurs.add(heard)
        return tones, spurs

    def _tried(
        self,
        tones: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        spurs: HeardSpurs,
        values: Sequence[NDArray[np.complex128]],
        together: Sequence[tuple[str, ...]],
    ) -> dict[int, ShownEpisodes] | None:
        """Listen with pairs that drives make one; None (and nothing filled) where that is refused.

        Drives that photons meet are played to lone qubits alone.
        """
        try:
            shown = self._grouped(tones, captures, spurs, values, together)
            if shown is None:
                shown = self._one_by_one(tones, captures, spurs, values, together, NOTHING_KNOWN)
        except NotSimulated:
            return None
        return shown

    def as_arrived(
        self, tones: Sequence[PulseTrain], captures: Sequence[CaptureTrain]
    ) -> "FeedlineRun":
        """Return the run with flux pulses as their lines deliver them."""
        if self.has_arrived:
            return self
        distorted = distorted_lines(self.signals, self.fluxes, self.flux_lines, self.before)
        if not distorted:
            return self
        assert self.flux_lines is not None
        driven = driven_ns(self.signals, self.feedline)
        episodes = episodes_of(self.feedline, tones, captures, driven)
        as_they_come = arrived(
            self.feedline, self.signals, distorted, self.flux_lines, episodes, self.before
        )
        return replace(self, signals=as_they_come, has_arrived=True)

    def _one_by_one(
        self,
        tones: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        spurs: HeardSpurs,
        values: Sequence[NDArray[np.complex128]],
        together: Sequence[tuple[str, ...]],
        known: Mapping[str, tuple[NDArray[np.int64], Paths]],
    ) -> dict[int, ShownEpisodes]:
        """Fill ``values`` event by event; return what a trace of each listener is made of.

        ``together``: qubits and couplers that share a state, by name; ``known``: as :meth:`listen`.
        """
        feedline, signals = self.feedline, self.signals
        _, fraction = flight(feedline)
        episodes = episodes_of(feedline, tones, captures, driven_ns(signals, feedline))
        found = dict(known)
        """By qubit: the episode of each of its readings, and the levels found in them."""
        for names in together:
            cluster = self._cluster(signals, names, episodes, spurs)
            paths = cluster.draw(fraction, self.seed, signals.run)
            read = zip(names, cluster.schedules, paths, strict=False)
            found |= {name: (schedule.episode, path) for name, schedule, path in read}
        for qubit in feedline.qubits:
            if qubit.name not in found:
                found[qubit.name] = self._alone(qubit, episodes, spurs)
        paths = [found[qubit.name][1] for qubit in feedline.qubits]
        reading_of = [found[qubit.name][0] for qubit in feedline.qubits]
        integrate(feedline, episodes, fraction, paths, reading_of, values)
        for place, capture in enumerate(captures):
            sigma = np.array([noise_sigma(feedline, window) for window in capture.windows])
            if capture.start_ns.size:
                noise = gaussians(self._noise_key(place), signals.run, values[place].size)
                values[place] += sigma[capture.window] * noise
        whole = ShownEpisodes(episodes, paths, reading_of)
        return dict.fromkeys(range(len(captures)), whole)

    def _grouped(
        self,
        tones: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        spurs: HeardSpurs,
        values: Sequence[NDArray[np.complex128]],
        together: Sequence[tuple[str, ...]],
    ) -> dict[int, ShownEpisodes] | None:
        """Do the same by kinds of shots; None (and nothing filled) where they do not repeat."""
        feedline, signals = self.feedline, self.signals
        _, fraction = flight(feedline)
        drawn: dict[str, DrawnLevels] = {}
        try:
            brief = in_brief(self._qubits, signals, tones, captures, spurs, together)
            if brief is None:
                return None
            short, episodes, kinds = brief.short, brief.episodes, brief.short.kinds
            found: list[tuple[QubitPoint, PreparedShots, StepTables]] = []
            for one in brief.alone:
                prepared = self._prepared(brief.signals, one, episodes, False)
                tables = step_tables(short, one.schedule, prepared)
                if tables is None:
                    return None
                found.append((one.qubit, prepared, tables))
            clusters = [self._cluster(brief.signals, one, episodes, spurs) for one in together]
        except NotSimulated:
            return None  # the whole run says it in its own times
        if any(cluster.kept is not None for cluster in clusters):
            return None
        for names, cluster in zip(together, clusters, strict=True):
            readings = readings_of(short, cluster.schedules[0])
            if readings is None:
                return None
            paths = cluster.draw(fraction, self.seed, signals.run, readings)
            drawn |= {name: drawn_levels(path) for name, path in zip(names, paths, strict=False)}
        for qubit, prepared, tables in found:
            levels = key(self.seed, qubit.name, "levels")
            drawn[qubit.name] = draw_levels(
                qubit, prepared, tables, kinds.step, fraction, levels, signals.run
            )
        leading = [line for line in brief.lines if line.leads]
        each = [drawn[qubit.name] for qubit in feedline.qubits]
        shots = GroupedShots(feedline, short, episodes, leading, fraction, each)
        shown: dict[int, ShownEpisodes] = {}
        keys = [self._noise_key(place) for place in range(len(captures))]
        shots.listen(captures, keys, signals.run, values)
        for place, capture in enumerate(captures):
            if capture.start_ns.size and capture.scope:
                shown[place] = shots.last_shown(place, capture)
        return shown

    @property
    def _qubits(self) -> FeedlineQubits:
        return FeedlineQubits(self.feedline, self.fluxes, self.flux_lines)

    def _noise_key(self, place: int) -> int:
        return key(self.seed, self.feedline.name, f"noise {place}")

    def _alone(
        self, at_rest: QubitPoint, episodes: Episodes, spurs: HeardSpurs
    ) -> tuple[NDArray[np.int64], Paths]:
        """Return the episode (S,) of each reading of a qubit, and its levels at them.

        All else that is worked out for a qubit is freed before the next: it is most of the memory
        of a long run.
        """
        one = self._qubits.met(self.signals, at_rest, episodes, spurs)
        prepared = self._prepared(self.signals, one, episodes, None)
        qubit, episode = one.qubit, one.schedule.episode
        del one
        _, fraction = flight(self.feedline)
        levels = key(self.seed, qubit.name, "levels")
        return episode, shots_of(qubit, prepared, fraction, levels, self.signals.run)

    def _prepared(
        self,
        signals: RunSignals,
        one: MetQubit,
        episodes: Episodes,
        each_for_itself: bool | None,
    ) -> PreparedShots:
        """Work out what the shots of a qubit share in a run."""
        return prepare(
            one.qubit,
            one.schedule,
            episodes,
            one.drives,
            self.slow_hz(signals, one.qubit),
            each_for_itself,
            met=one.photons,
        )

    def _cluster(
        self, signals: RunSignals, names: Sequence[str], episodes: Episodes, spurs: HeardSpurs
    ) -> PreparedCluster:
        """Return qubits that share a state, and couplers behind them, in a run."""
        assert self.flux_lines is not None
        members = [self._member(signals, name, spurs) for name in names]
        pulses = self._pulses(signals)
        return prepare_cluster(self.feedline, signals, self.flux_lines, pulses, episodes, members)

    def _member(self, signals: RunSignals, name: str, spurs: HeardSpurs) -> ClusterMember:
        """Return a qubit, coupler or defect of a cluster with what is played to it."""
        assert self.flux_lines is not None
        if name not in {qubit.name for qubit in self.feedline.qubits}:
            coupler = self.flux_lines.element_at(name, signals.biases_v)
            later = later_ns(coupler, self.feedline)
            slow_hz = self.slow_hz(signals, coupler)
            return ClusterMember(coupler, drives_of([]), later, slow_hz, read=False)
        (at_rest,) = (qubit for qubit in self.feedline.qubits if qubit.name == name)
        on_its_line = [t for t in signals.drives if t.line == f"{at_rest.name}.drive"]
        qubit = pumped(at_rest, on_its_line)
        drives = drives_of(felt(qubit, on_its_line), added=False)
        if drives.start_ns.size:
            spurs.refuse_light(qubit)
        later = later_ns(qubit, self.feedline)
        return ClusterMember(qubit, drives, later, self.slow_hz(signals, qubit))

    def first_shots(self) -> "FeedlineRun":
        """Return its beginning, as far as it has a few readouts: each shot plays the same."""
        signals = self.signals
        mine = [one.start_ns for one in signals.captures if one.line == self.feedline.name]
        readouts = ascending(np.concatenate([np.zeros(0, np.int64), *mine]))
        if readouts.size <= FIRST_READOUTS:
            return self
        cut = int(readouts[FIRST_READOUTS])

        def early(one: PulseTrain | CaptureTrain) -> slice:
            return slice(0, int(np.searchsorted(one.start_ns, cut)))

        kept = replace(
            signals,
            drives=tuple(one.only(early(one)) for one in signals.drives),
            captures=tuple(one.only(early(one)) for one in signals.captures),
        )
        return replace(self, signals=kept)

    def played_gate(
        self, edge: Edge, phases: tuple[float, float] | None = None
    ) -> PlayedGate | None:
        """Return how the run's gates of an edge were as played; None: it played none.

        ``phases``: as of :func:`.judge_played`.
        """
        assert self.flux_lines is not None
        tones, spurs = self._tones()
        mine = [one for one in self.signals.captures if one.line == self.feedline.name]
        signals = self.as_arrived(tones, mine).signals
        names = gate_members(self.flux_lines, edge.ends)
        pulses = self._pulses(signals)
        names += [
            one.name
            for end in edge.ends
            for one in reached_defects(self.flux_lines, end, None, pulses, signals.biases_v)
        ]
        members = [self._member(signals, name, spurs) for name in names]
        played = played_to(members, self.flux_lines, signals, pulses)
        qubits = [one.qubit for one in members]
        point = cluster_point(qubits, self.flux_lines, signals.biases_v)
        sigmas_hz = [float(np.hypot(one.slow_sigma_hz, one.stray_hz)) for one in qubits]
        return judge_played(point, edge, played, sigmas_hz, phases)

    def slow_hz(self, signals: RunSignals, qubit: QubitPoint) -> tuple[float, float]:
        """Return the mean of a qubit's slow noise over the run, and how far it strays in it."""
        mean_hz, stray_hz = slow_noise(qubit, self.seed).over(
            1e-15 * signals.start_tai_fs, 1e-9 * signals.duration_ns
        )
        return mean_hz, float(np.hypot(stray_hz, qubit.stray_hz))

    def _pulses(self, signals: RunSignals) -> list[PulseTrain]:
        """Return what is played on flux lines."""
        pulses = [train for train in signals.drives if train.line in self.fluxes]
        return [train for train in pulses if train.start_ns.size]


def _unknown(
    together: Sequence[tuple[str, ...]], known: Mapping[str, tuple[NDArray[np.int64], Paths]]
) -> list[tuple[str, ...]]:
    """Return the clusters that were not evolved elsewhere, where photons of a link are.

    Raises NotSimulated for one of which some members were.
    """
    left = []
    for names in together:
        met = sorted(known.keys() & set(names))
        if not met:
            left.append(names)
        elif len(met) < len(names):
            raise NotSimulated(
                f"{met[0]} sends or catches photons over a link in a run in which flux pulses and "
                f"shared excitations couple it to {', '.join(set(names) - {met[0]})}: that is not "
                "simulated; play gates of its chip in a run of their own"
            )
    return left


def _integral(trace: NDArray[np.complex128], capture: CaptureTrain) -> complex:
    window = capture.windows[capture.window[-1]]
    heard = trace[: window.duration_ns]
    if window.weights is not None:
        heard = heard * window.weights
    return complex(np.sum(heard) / window.duration_ns)
