"""Which qubits of a feedline share one state in a run, and what their readings find.

A cluster is made for a run: of the coupled qubits that a flux pulse moves by more than
:data:`MOVED_HZ`, those that are driven where neighbours share their excitation, and all that are
directly coupled to one of these. The others stand alone: neighbours move their levels and no more.
At a reading a cluster parts: see :mod:`.joint_blocks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.drive_line import Drives, drives_of
from podium.sim_instruments.physics.episodes import Episodes, NotSimulated
from podium.sim_instruments.physics.evolution import bare_tables
from podium.sim_instruments.physics.exposure import STRIDE_NS
from podium.sim_instruments.physics.fast_flux import FluxLines, moving
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals, intervals_of
from podium.sim_instruments.physics.joint.joint_blocks import (
    JointBlocks,
    JointColumns,
    check_forgotten,
    joint_blocks,
)
from podium.sim_instruments.physics.joint.joint_walk import Followed, joint_paths
from podium.sim_instruments.physics.joint.slow_noise_nodes import noise_nodes
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.schedule import Schedule, schedule_of
from podium.sim_instruments.physics.shots import PreparedShots, prepare
from podium.sim_instruments.physics.signals import PulseTrain, RunSignals
from podium.sim_instruments.physics.walk import Pace, Paths, Readings

MOVED_HZ = 2e6
"""A coupled qubit that flux pulses move by less stays by itself: crosstalk. ASSUMED: an exchange of
some MHz and a detuning of some 100 MHz then change by a hundredth."""
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
    values = [
        value
        for train in by.trains
        for piece in train.pieces
        for value in (complex(piece.level).real, *piece.samples.real.tolist())
    ]
    ends = min(values, default=0.0), max(values, default=0.0)
    rest = by.levels(0.0)[1]
    return max(abs(float(by.levels(end)[1] - rest)) for end in ends)


def clusters_of(
    feedline: FeedlinePoint,
    signals: RunSignals,
    lines: FluxLines | None,
    fluxes: Sequence[PulseTrain],
) -> list[tuple[str, ...]]:
    """Return the clusters of a run, each by the names of its members: qubits, then couplers.

    Raises NotSimulated for a cluster that reaches beyond the feedline.
    """
    if lines is None:
        return []
    qubits = {qubit.name: qubit for qubit in feedline.qubits}
    own = {name for name in lines.couplers if lines.coupled_to(name).keys() & qubits.keys()}
    names = [*qubits, *sorted(own)]
    driven = {
        train.line.removesuffix(".drive")
        for train in signals.drives
        if train.start_ns.size and train.spur != "carrier"
    }
    near = {name: _near(lines, name) for name in names}
    together = {name: {name} for name in names}
    for name in names:
        if not near[name]:
            continue
        shared = name in driven and name in qubits and qubits[name].alone < ALONE
        pulsed = bool(fluxes) and moved_hz(lines, name, fluxes, signals.biases_v) > MOVED_HZ
        if not (shared or pulsed):
            continue
        beyond = sorted(near[name] - set(names))
        if beyond:
            raise NotSimulated(
                f"{name} is moved or shares its excitation with {', '.join(beyond)}, which "
                f"{feedline.name} does not read: a joint state over two feedlines is not simulated"
            )
        joined = set().union(*(together[one] for one in (name, *near[name])))
        for one in joined:
            together[one] = joined
    found = {tuple(name for name in names if name in one) for one in together.values()}
    return sorted((one for one in found if len(one) > 1), key=lambda one: names.index(one[0]))


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
    columns: JointColumns
    followed: list[Followed]
    """Of all members."""

    def draw(
        self, fraction: float, seed: int, run: int, readings: NDArray[np.int64] | None = None
    ) -> list[Paths]:
        """Draw levels and jumps of each member that is read.

        ``readings``: those of the cluster that a longer run has, in its order; None: each once.
        """
        blocks, followed = self.blocks, self.followed
        if readings is not None:
            blocks = replace(blocks, kind=blocks.kind[readings])
            followed = [replace(one, readings=_taken(one.readings, readings)) for one in followed]
        names = [qubit.name for qubit in self.point.qubits]
        keys = [key(seed, name, "levels") for name in names]
        cluster_key = key(seed, "+".join(names), "joint levels")
        return joint_paths(
            self.point, blocks, self.columns, followed, fraction, (cluster_key, keys), run
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
    point = cluster_point(qubits, lines, signals.biases_v)
    heard = [_read(member, episodes) for member in members if member.read]
    later = {
        f"{member.qubit.name}.flux": member.later_ns
        for member in members
        if lines.response_of(f"{member.qubit.name}.flux") is not None
    }
    played = [_signals(lines, signals, member, fluxes, later) for member in members]
    intervals = intervals_of(played)
    schedule = heard[0][0]
    readings = heard[0][1].readings
    lit = schedule.start_ns[schedule.sampled]
    dark = lit + (readings.end_ns - readings.begin_ns)
    blocks = joint_blocks(intervals, lit, dark, point.frame_hz, ", ".join(names))
    fading = [bare_tables(q, np.zeros(1), np.ones(1)).fading[0, 1] for q in qubits]
    check_forgotten(
        names[: len(heard)],
        intervals,
        lit,
        np.stack([one.told for _, one in heard]),
        np.stack([one.lost for _, one in heard]),
        np.array(fading[: len(heard)]),
        dark,
    )
    spans = _longest_ns(intervals.start_ns, intervals.end_ns, blocks.first_row)
    nodes = [noise_nodes(member.slow_hz, spans) for member in members]
    columns = JointColumns(point, played, intervals, blocks, nodes)
    followed = [Followed(one.readings, one.pace) for _, one in heard]
    followed += [_unread(member, readings, episodes) for member in members[len(heard) :]]
    return PreparedCluster([one for one, _ in heard], point, blocks, columns, followed)


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


def _longest_ns(
    start: NDArray[np.int64], end: NDArray[np.int64], first_row: NDArray[np.int64]
) -> float:
    """Return the longest time from the first shape of a block to the end of its last."""
    has = np.flatnonzero(np.diff(first_row))
    if not has.size:
        return 0.0
    return float(np.max(end[first_row[has + 1] - 1] - start[first_row[has]]))
