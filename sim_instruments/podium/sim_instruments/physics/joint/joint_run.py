"""Which qubits of a feedline share one state in a run, and what their readings find.

A cluster is made for a run: of the coupled qubits that a flux pulse moves by more than
:data:`MOVED_HZ`, those that are driven where neighbours share their excitation, and all that are
directly coupled to one of these; and of pairs that drives alone make one (:mod:`.static_pairs`).
The others stand alone: neighbours move their levels and no more. So does a neighbour that nothing
drives and that pulses pass less than :data:`PASSED` to.
At a reading a cluster parts, but for members that stay coherent: see :mod:`.joint_blocks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.drive_line import Drives, drives_of
from podium.sim_instruments.physics.episodes import Episodes, NotSimulated
from podium.sim_instruments.physics.evolution import bare_tables
from podium.sim_instruments.physics.exposure import STRIDE_NS
from podium.sim_instruments.physics.fast_flux import FluxLines, FluxShift, moving
from podium.sim_instruments.physics.joint.block_steps import JointBlocks
from podium.sim_instruments.physics.joint.cluster_point import (
    ClusterPoint,
    cluster_point,
    levels_kept,
)
from podium.sim_instruments.physics.joint.cluster_signals import (
    Intervals,
    MemberSignals,
    intervals_of,
)
from podium.sim_instruments.physics.joint.coherent_members import KeptMembers, members_kept
from podium.sim_instruments.physics.joint.density_evolution import LARGEST
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns, joint_blocks
from podium.sim_instruments.physics.joint.joint_walk import Followed, joint_paths
from podium.sim_instruments.physics.joint.passed_excitation import noise_shares, passed_amplitude
from podium.sim_instruments.physics.joint.plasmon_drive import is_plasmon
from podium.sim_instruments.physics.joint.reached_defects import reached_defects
from podium.sim_instruments.physics.joint.slow_noise_nodes import noise_nodes
from podium.sim_instruments.physics.joint.static_pairs import static_pairs
from podium.sim_instruments.physics.joint.trajectory_columns import TrajectoryColumns
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.schedule import FORGOTTEN, Schedule, schedule_of
from podium.sim_instruments.physics.shots import PreparedShots, prepare
from podium.sim_instruments.physics.signals import PulseTrain, RunSignals
from podium.sim_instruments.physics.walk import Pace, Paths, Readings

MOVED_HZ = 2e6
"""A coupled qubit that flux pulses move by less stays by itself: crosstalk. ASSUMED: an exchange of
some MHz and a detuning of some 100 MHz then change by a hundredth."""
PASSED = 0.02
"""Amplitude of an excitation that a flux pulse passes on to a neighbour that nothing drives: with
less it stands alone, and populations err by its square, 4e-4 a pulse of the worst length."""
LARGEST_RUN = 243
"""Product states of a cluster at most; those of more than :data:`.density_evolution.LARGEST` are
played by trajectories."""
ALONE = 0.9
"""A qubit whose excitation is so much its own is driven by itself."""


@dataclass(frozen=True, slots=True, eq=False)
class ClusterMember:
    """A member of a cluster in a run."""

    qubit: QubitPoint
    drives: Drives
    """At its source."""
    later_ns: int
    """How much longer they are under way than a tone."""
    slow_hz: tuple[float, float]
    """Mean of its slow noise over the run, and how far it strays in it."""
    read: bool = True
    """Whether it has a resonator on the feedline; a coupler has none."""


def moved_hz(
    lines: FluxLines, qubit: str, trains: Sequence[PulseTrain], biases_v: Mapping[str, float]
) -> float:
    """Return by how much flux pulses move the 0-1 transition of a qubit at most, about."""
    by = moving(lines, qubit, trains, biases_v)
    if by is None:
        return 0.0
    rest = by.levels(0.0)[1]
    return max(abs(float(by.levels(end)[1] - rest)) for end in _ends(by))


def _ends(by: FluxShift) -> tuple[float, float]:
    """Return where flux pulses lead a qubit, at least and at most, flux quanta."""
    found = [piece.ends for train in by.trains for piece in train.pieces]
    lows, highs = zip((0.0, 0.0), *found, strict=True)
    return min(lows), max(highs)


def clusters_of(
    feedline: FeedlinePoint,
    signals: RunSignals,
    lines: FluxLines | None,
    fluxes: Sequence[PulseTrain],
    *,
    is_whole: bool = True,
) -> list[tuple[str, ...]]:
    """Return the clusters of a run, each by the names of its members.

    Those are qubits, then couplers, then two-level defects that are reached. ``is_whole``: whether
    all that is played in the run is known.

    Raises NotSimulated for a cluster that reaches beyond the feedline.
    """
    if lines is None:
        return []
    qubits = {qubit.name: qubit for qubit in feedline.qubits}
    own = {name for name in lines.couplers if lines.coupled_to(name).keys() & qubits.keys()}
    names = [*qubits, *sorted(own)]
    drives = [one for one in signals.drives if one.start_ns.size and one.spur != "carrier"]
    driven = {one.line.removesuffix(".drive") for one in drives}
    excited = {
        name
        for one in drives
        if (name := one.line.removesuffix(".drive")) in qubits
        and any(is_plasmon(qubits[name], piece.carrier_hz) for piece in one.pieces)
    }
    """Qubits whose plasmons are driven."""
    near = {name: _near(lines, name) for name in names}
    together = {name: {name} for name in names}
    for name in names:
        if not near[name]:
            continue
        shared = name in driven and name in qubits and qubits[name].alone < ALONE
        pulsed = bool(fluxes) and moved_hz(lines, name, fluxes, signals.biases_v) > MOVED_HZ
        if not (shared or pulsed or name in excited):
            continue
        beyond = sorted(near[name] - set(names))
        if beyond:
            raise NotSimulated(
                f"{name} is moved, driven at its plasmon, or shares its excitation, beside "
                f"{', '.join(beyond)}, which {feedline.name} does not read: a joint state over two "
                "feedlines is not simulated"
            )
        reached = near[name]
        if is_whole and not (shared or name in excited):
            reached = reached - _idle(feedline, signals, lines, fluxes, name)
        joined = set().union(*(together[one] for one in (name, *reached)))
        for one in joined:
            together[one] = joined
    defects = []
    for name in qubits:
        below = ALONE if name in driven else None
        met = reached_defects(lines, name, below, fluxes, signals.biases_v)
        together[name] |= {one.name for one in met}
        together |= {one.name: together[name] for one in met}
        defects += [one.name for one in met]
    return _named([*names, *defects], together)


def with_static_pairs(
    together: Sequence[tuple[str, ...]],
    feedline: FeedlinePoint,
    signals: RunSignals,
    lines: FluxLines,
) -> list[tuple[str, ...]]:
    """Return the clusters of a run with pairs that drives alone make one.

    A pair that would make a cluster too large to be simulated is left as it is.
    """
    pairs = static_pairs(feedline, signals, lines, together)
    names = [qubit.name for qubit in feedline.qubits]
    fluxoniums = {one.name for one in feedline.qubits if one.drive_elements is not None}
    unread = {name for one in (*together, *pairs) for name in one} - set(names)
    names += sorted(unread, key=lambda name: (name not in lines.couplers, name))
    joined = {name: {name} for name in names}
    for members in together:
        joined |= {name: set(members) for name in members}
    for pair in pairs:
        found = set().union(*(joined[name] for name in pair))
        sizes = [lines.bare_at(name, signals.biases_v, 0.0)[0].size for name in found]
        couplers = [name in lines.couplers for name in found]
        if prod(levels_kept(sizes, couplers, bool(found & fluxoniums))) <= LARGEST:
            joined |= dict.fromkeys(found, found)
    return _named(names, joined)


def _named(names: Sequence[str], together: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Return each cluster by its names, in their order."""
    found = {tuple(name for name in names if name in one) for one in together.values()}
    return sorted((one for one in found if len(one) > 1), key=lambda one: names.index(one[0]))


def _idle(
    feedline: FeedlinePoint,
    signals: RunSignals,
    lines: FluxLines,
    fluxes: Sequence[PulseTrain],
    name: str,
) -> set[str]:
    """Return the transmons beside a pulsed qubit that nothing drives and pulses pass little to."""
    qubits = {qubit.name: qubit for qubit in feedline.qubits}
    by = moving(lines, name, fluxes, signals.biases_v)
    if by is None or name not in qubits:
        return set()
    driven = {one.line for one in signals.drives if one.start_ns.size and not one.spur}
    to_2 = any(
        qubits[name].drives_to_2(piece.carrier_hz)
        for one in signals.drives
        if one.line == f"{name}.drive" and not one.spur
        for piece in one.pieces
    )
    couplers = set(lines.couplers)
    direct = lines.coupled_to(name)
    ends, levels = _ends(by), 2 if to_2 else 1
    found = set()
    for other in direct.keys() & qubits.keys():
        if f"{other}.drive" in driven or qubits[other].drive_elements is not None:
            continue
        if couplers & direct.keys() & lines.coupled_to(other).keys():
            continue
        if moved_hz(lines, other, fluxes, signals.biases_v) > MOVED_HZ:
            continue
        passed = passed_amplitude(lines, (name, other), signals.biases_v, ends, levels)
        if passed < PASSED:
            found.add(other)
    return found


def _near(lines: FluxLines, name: str) -> set[str]:
    """Return what an element is coupled to, and through a tunable coupler what that is."""
    direct = set(lines.coupled_to(name))
    behind = (set(lines.coupled_to(one)) for one in direct & set(lines.couplers))
    return direct.union(*behind) - {name}


@dataclass(frozen=True, slots=True, eq=False)
class PreparedCluster:
    """A cluster in a run, up to chance."""

    schedules: list[Schedule]
    """Of the members that are read."""
    point: ClusterPoint
    blocks: JointBlocks
    columns: JointColumns | TrajectoryColumns
    followed: list[Followed]
    """Of all members."""
    kept: KeptMembers | None
    """Who stays coherent behind which reading; None: nobody ever."""

    def draw(
        self, fraction: float, seed: int, run: int, readings: NDArray[np.int64] | None = None
    ) -> list[Paths]:
        """Draw levels and jumps of each member that is read.

        ``readings``: those of the cluster that a longer run has, in its order; None: each once.
        They are not given where a member stays coherent behind one.
        """
        blocks, followed, kept = self.blocks, self.followed, self.kept
        if readings is not None:
            blocks, kept = replace(blocks, kind=blocks.kind[readings]), None
            followed = [replace(one, readings=_taken(one.readings, readings)) for one in followed]
        names = [qubit.name for qubit in self.point.qubits]
        keys = [key(seed, name, "levels") for name in names]
        cluster_key = key(seed, "+".join(names), "joint levels")
        keys_all = cluster_key, keys
        return joint_paths(
            self.point, blocks, self.columns, followed, fraction, keys_all, run, kept
        )[: len(self.schedules)]


def _taken(readings: Readings, rows: NDArray[np.int64]) -> Readings:
    return Readings(readings.kind[rows], readings.begin_ns[rows], readings.end_ns[rows])


def prepare_cluster(
    feedline: FeedlinePoint,
    signals: RunSignals,
    lines: FluxLines,
    fluxes: Sequence[PulseTrain],
    episodes: Episodes,
    members: Sequence[ClusterMember],
) -> PreparedCluster:
    """Return the readings of each member that is read, and what becomes of joint levels.

    Raises NotSimulated for what a cluster cannot be played.
    """
    qubits = [member.qubit for member in members]
    names = [qubit.name for qubit in qubits]
    point = cluster_point(qubits, lines, signals.biases_v, LARGEST_RUN)
    heard = [_read(member, episodes) for member in members if member.read]
    played = played_to(members, lines, signals, fluxes)
    intervals = intervals_of(played)
    schedule = heard[0][0]
    readings = heard[0][1].readings
    lit = schedule.start_ns[schedule.sampled]
    dark = lit + (readings.end_ns - readings.begin_ns)
    kept = _kept(heard, members, intervals, lit, dark)
    blocks = joint_blocks(intervals, lit, dark, point.frame_hz, ", ".join(names), kept.chain)
    chains = np.flatnonzero(np.diff(kept.chain, prepend=-1))
    edges = np.append(blocks.first_row[chains], blocks.first_row[-1])
    longest_ns = _longest_ns(intervals, edges)
    shares = noise_shares(point, played).tolist()
    spans_ns = [
        share * min(longest_ns, _memory_ns(member))
        for share, member in zip(shares, members, strict=True)
    ]
    nodes = [
        noise_nodes(member.slow_hz, span_ns)
        for member, span_ns in zip(members, spans_ns, strict=True)
    ]
    columns: JointColumns | TrajectoryColumns
    if point.basis.size > LARGEST:
        if np.any(kept.kept):
            raise NotSimulated(
                f"one of {', '.join(names)} is read while others stay coherent: of a joint state "
                f"of more than {LARGEST} levels that is not simulated; read all of them"
            )
        with_spans = list(zip(nodes, spans_ns, strict=True))
        columns = TrajectoryColumns(point, played, intervals, blocks, with_spans)
    else:
        columns = JointColumns(point, played, intervals, blocks, nodes, kept)
    followed = [Followed(one.readings, one.pace) for _, one in heard]
    followed += [_unread(member, readings, episodes) for member in members[len(heard) :]]
    return PreparedCluster(
        [one for one, _ in heard],
        point,
        blocks,
        columns,
        followed,
        kept if np.any(kept.kept) else None,
    )


def _kept(
    heard: Sequence[tuple[Schedule, PreparedShots]],
    members: Sequence[ClusterMember],
    intervals: Intervals,
    lit_ns: NDArray[np.int64],
    dark_ns: NDArray[np.int64],
) -> KeptMembers:
    """Return who stays coherent while others are read; couplers are found in a level each time."""
    read = [one for _, one in heard]
    rest = len(members) - len(read)
    fading = [_fading(member) for member in members]
    kept = members_kept(
        intervals,
        lit_ns,
        dark_ns,
        np.stack([one.told for one in read]),
        np.stack([one.lost for one in read]),
        np.array(fading[: len(read)]),
    )
    return KeptMembers(
        np.pad(kept, ((0, 0), (0, rest))),
        np.pad(np.stack([one.part for one in read], axis=1), ((0, 0), (0, rest))),
        [one.part_factors for one in read],
        dark_ns - lit_ns,
    )


def _fading(member: ClusterMember) -> float:
    """Return how fast the coherence of a member's 0 and 1 is lost, 1/ns."""
    return float(bare_tables(member.qubit, np.zeros(1), np.ones(1)).fading[0, 1])


def _memory_ns(member: ClusterMember) -> float:
    """Return for how long a coherence of a member counts."""
    fading = _fading(member)
    return float(-np.log(FORGOTTEN) / fading) if fading else float("inf")


def _read(member: ClusterMember, episodes: Episodes) -> tuple[Schedule, PreparedShots]:
    """Return a member's readings by themselves: nothing is played between them."""
    silent = drives_of([])
    schedule = schedule_of(silent, member.later_ns, episodes)
    return schedule, prepare(
        member.qubit, schedule, episodes, silent, (0.0, 0.0), False, coherent=True
    )


def _unread(member: ClusterMember, readings: Readings, episodes: Episodes) -> Followed:
    """Return a coupler during the readings of the others: no photon makes it jump faster."""
    levels = member.qubit.levels_hz.size
    longest = max(kind.length for kind in episodes.kinds)
    count = -(-longest // STRIDE_NS) + 2
    steps = np.tile(STRIDE_NS * np.arange(count, dtype=np.float64), levels)
    kinds = len(episodes.kinds)
    pace = Pace(
        steps,
        np.zeros(kinds, np.int64),
        np.full(kinds, count, np.int64),
        np.full(kinds, float(STRIDE_NS)),
    )
    return Followed(readings, pace)


def played_to(
    members: Sequence[ClusterMember],
    lines: FluxLines,
    signals: RunSignals,
    fluxes: Sequence[PulseTrain],
) -> list[MemberSignals]:
    """Return what is played to each member, in the time of the feedline."""
    later = {
        f"{member.qubit.name}.flux": member.later_ns
        for member in members
        if lines.response_of(f"{member.qubit.name}.flux") is not None
    }
    return [_signals(lines, signals, member, fluxes, later) for member in members]


def _signals(
    lines: FluxLines,
    signals: RunSignals,
    member: ClusterMember,
    fluxes: Sequence[PulseTrain],
    later: Mapping[str, int],
) -> MemberSignals:
    """Return what is played to a member; ``later``: of lines that reach all members at one time."""
    by = moving(lines, member.qubit.name, fluxes, signals.biases_v)
    trains = () if by is None else by.trains
    pulses = drives_of(
        [
            replace(one, start_ns=one.start_ns + later.get(one.line, member.later_ns))
            for one in trains
        ]
    )
    return MemberSignals(_later(member.drives, member.later_ns), pulses)


def _later(drives: Drives, by_ns: int) -> Drives:
    return Drives(drives.start_ns + by_ns, drives.shape, drives.phase_turns, drives.shapes)


def _longest_ns(intervals: Intervals, first_row: NDArray[np.int64]) -> float:
    """Return the longest time from the first drive of a chain of blocks to the end of its last.

    ``first_row``: where each chain begins. Before its first drive nobody is in more than one level,
    but for what flux makes two that meet exchange: that is had at the mean of the slow noise.
    """
    driven = np.flatnonzero(~intervals.is_flux)
    row = np.searchsorted(driven, first_row[:-1])
    begins = np.append(driven, intervals.start_ns.size)[row]
    has = begins < first_row[1:]
    spans = intervals.end_ns[first_row[1:][has] - 1] - intervals.start_ns[begins[has]]
    return float(spans.max(initial=0))
