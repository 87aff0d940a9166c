"""Qubits of one feedline that share states in a session: they are taken from being alone to that.

Clusters only grow. A qubit joins one with the level that it was found in last; where it may be in a
superposition as it joins, that is not simulated.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.drift import slow_noise
from podium.sim_instruments.physics.drive_pieces import Contents, QubitLine
from podium.sim_instruments.physics.episodes import APART_FOLDS, NotSimulated, ring_down_ns
from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.joint_branches import JointBranches
from podium.sim_instruments.physics.joint.joint_trajectory import JointReading, JointTrajectory
from podium.sim_instruments.physics.joint.session_clusters import SessionChip, SessionClusters
from podium.sim_instruments.physics.joint.stretch_signals import Element, StretchSignals
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.short_run import later_ns
from podium.sim_instruments.physics.shots import thermal
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.physics.trajectory import DrawnStates, ToneCluster, Trajectory
from podium.sim_instruments.physics.walk import first_level


class SessionMembers:
    """The members of all clusters of one feedline in one run."""

    def __init__(
        self,
        feedline: FeedlinePoint,
        chip: SessionChip,
        contents: Contents,
        fraction: float,
        seed: int,
        run: int,
        start_s: float,
    ) -> None:
        self._feedline = feedline
        self._chip = chip
        self._contents = contents
        self._fraction = fraction
        self._seed = seed
        self._run = run
        self._start_s = start_s
        self._rules = SessionClusters(feedline, chip, contents)
        self.trajectories: list[JointTrajectory] = []
        """Of each cluster."""
        self.numbers: frozenset[int] = frozenset()
        """Of all members, on the feedline."""
        self._recent: dict[int, list[PulseTrain]] = {}
        """Of each qubit that is alone: trains that it has not lived through yet."""

    def note(self, number: int, trajectory: Trajectory, trains: Sequence[PulseTrain]) -> None:
        """Note what is played to a qubit that stands alone."""
        recent = self._recent.setdefault(number, [])
        if not trajectory.drives:
            recent.clear()
        recent.extend(trains)

    def grow(
        self,
        trains: Sequence[PulseTrain],
        tones: ToneCluster | None,
        alone: Sequence[tuple[QubitLine, Trajectory]],
    ) -> None:
        """Make qubits members of clusters that these trains bring together.

        ``tones``: those that came last; ``alone``: of all qubits of the feedline, what they were
        before they became members. Raises NotSimulated.
        """
        known = {one.names for one in self.trajectories}
        for names in self._rules.grown(trains):
            if names not in known:
                self._join(names, tones, alone)

    def play(self, trains: Sequence[PulseTrain]) -> None:
        """Let the members' lines carry trains."""
        for one in self.trajectories:
            own = [train for train in trains if train.line in one.signals.lines]
            one.play(one.signals.elements(own))

    def trajectory_of(self, number: int) -> JointTrajectory | None:
        """Return the trajectory of a member's cluster; None: it is alone."""
        return next((one for one in self.trajectories if number in one.numbers), None)

    def _join(
        self,
        names: Sequence[str],
        tones: ToneCluster | None,
        alone: Sequence[tuple[QubitLine, Trajectory]],
    ) -> None:
        lines, biases_v = self._chip.flux_lines, self._chip.biases_v
        own = {qubit.name: number for number, qubit in enumerate(self._feedline.qubits)}
        numbers = [own.get(name) for name in names]
        qubits = [
            lines.element_at(name, biases_v) if number is None else self._feedline.qubits[number]
            for name, number in zip(names, numbers, strict=True)
        ]
        point = cluster_point(qubits, lines, biases_v)
        noises = [slow_noise(qubit, self._seed) for qubit in qubits]
        branches = JointBranches(point, noises, self._start_s)
        members = [(qubit, later_ns(qubit, self._feedline)) for qubit in qubits]
        signals = StretchSignals(members, lines, biases_v, self._contents, point.frame_hz)
        old = [one for one in self.trajectories if set(one.names) & set(names)]
        level, walked = self._levels(names, numbers, qubits, old, tones, alone)
        reading = None
        if tones is not None:
            walked = np.maximum(walked, tones.origin_ns)
            reading = JointReading(tones, -1, level, level.copy(), walked, is_heard=False)
        joint = JointTrajectory(
            numbers,
            branches,
            signals,
            ring_down_ns(self._feedline, APART_FOLDS),
            self._fraction,
            self._seed,
            self._run,
            level.tolist(),
            reading,
        )
        for one in old:
            signals.take_over(one.signals)
            joint.play(signals.renumbered(one.signals, one.waiting))
        for number in numbers:
            if number is not None and number not in self.numbers:
                joint.play(self._waiting(number, alone[number], signals))
        self.trajectories = [one for one in self.trajectories if one not in old] + [joint]
        self.numbers |= {number for number in numbers if number is not None}

    def _waiting(
        self, number: int, alone: tuple[QubitLine, Trajectory], signals: StretchSignals
    ) -> list[Element]:
        """Return what a qubit that was alone has not lived through yet."""
        _, trajectory = alone
        if not trajectory.drives:
            return []
        since_ns = trajectory.drives[0].start_ns
        found = signals.elements(self._recent.get(number, []))
        return [one for one in found if one.begin_ns >= since_ns]

    def _levels(
        self,
        names: Sequence[str],
        numbers: Sequence[int | None],
        qubits: Sequence[QubitPoint],
        old: Sequence[JointTrajectory],
        tones: ToneCluster | None,
        alone: Sequence[tuple[QubitLine, Trajectory]],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the members' levels and since when, (M,) each."""
        was: Mapping[str, tuple[int, int]] = {
            name: one for joint in old for name, one in joint.levels_now().items()
        }
        level, walked = np.zeros(len(names), np.int64), np.zeros(len(names), np.int64)
        for m, (name, number, qubit) in enumerate(zip(names, numbers, qubits, strict=True)):
            if name in was:
                level[m], walked[m] = was[name]
                if tones is not None and number is not None and walked[m] < tones.origin_ns:
                    raise NotSimulated(too_late(name))
            elif number is None:
                member_key = np.uint64(key(self._seed, name, "levels"))
                level[m] = first_level(thermal(qubit), member_key, np.uint64(self._run))
            else:
                _, trajectory = alone[number]
                follower = trajectory.follower
                if not isinstance(follower, DrawnStates):
                    raise NotSimulated(f"{name} begins to share a state in a run that is planned")
                origin_ns = -(1 << 62) if tones is None else tones.origin_ns
                now_ns = trajectory.now_ns
                found = follower.level_now()
                if found is None or (now_ns is not None and now_ns < origin_ns):
                    raise NotSimulated(too_late(name))
                level[m], walked[m] = found, 0 if now_ns is None else now_ns
        return level, walked


def too_late(name: str) -> str:
    """Return why a qubit cannot begin to share a state now."""
    return (
        f"{name} may be in a superposition as a flux pulse or a drive couples it to others for the "
        "first time in a run in which what is played depends on what was measured: that is not "
        "simulated; read it before, or let a pulse of the same kind come before the first readout"
    )
