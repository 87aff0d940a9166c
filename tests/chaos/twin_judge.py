"""The judgement of chaos on twins: what left the connectors, as the world has it, and nothing else.

Wrong is what was further than five sigma of the skew floor from T0 and the node's latency after
calibration, or further than that from the other node's, or what played without a trigger.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.patient_agent import MARGINS
from tests.chaos.world import Tally

from podium.control.runs.verdict import TOLERANCE_FS
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS

CLUSTERS = {"cluster_a": "wrtd_a", "cluster_b": "wrtd_b"}
"""Controllers of the two-node example, and the trigger nodes that start them."""
MIXED = {"cluster_a": "wrtd_a", "zi_b": "wrtd_b"}
"""Those of the example of two families."""
TRIGGER = "LC-O1"
SHARED = ("switch", "rubidium")
"""A lock of theirs moves all."""
T0_GRID_FS = 4 * FS_PER_NS
"""T0 lies on it: what a trigger output rose at tells which it was."""
WITHIN_FS = FS_PER_MS
"""All connectors of a run begin within this; runs are further apart."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start of one controller: its first pulse, and the trigger edge before it."""

    cluster: str
    connector: str
    at_fs: int
    edge_fs: int | None

    def t0_fs(self, delay_ns: int) -> int | None:
        """Return the time that its trigger was set for, less the delay of its output."""
        if self.edge_fs is None:
            return None
        late_fs = self.edge_fs - delay_ns * FS_PER_NS + T0_GRID_FS // 2
        return late_fs - late_fs % T0_GRID_FS


@dataclass(frozen=True, slots=True)
class Setting:
    """How a controller's start is set once its skew is known."""

    delay_ns: int
    late_fs: int
    """By how much later waveforms are sampled than their connector's record says."""
    marker_late_fs: int | None = None
    """The same of markers, where their record is finer; None: the same."""

    def rest_fs(self, connector: str) -> int:
        """Return what a connector's record leaves out."""
        finer = self.marker_late_fs is not None and connector.endswith("_marker")
        return self.marker_late_fs if finer else self.late_fs  # type: ignore[return-value]


@dataclass(slots=True)
class Calibration:
    """What held from the end of a measurement on."""

    begun_fs: int
    ended_fs: int = 0
    settings: dict[str, Setting] = field(default_factory=dict)
    """By controller."""
    latency_fs: dict[tuple[str, str], int] = field(default_factory=dict)
    """From T0 to the first pulse, by controller and connector, as clean starts had it."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A run whose data count."""

    job: str
    t0_fs: int


def starts_of(
    played: Iterable[Mapping[str, Any]], clusters: Mapping[str, str] = CLUSTERS
) -> list[Start]:
    """Return all starts in the world's record, in their order."""
    firsts: dict[str, list[tuple[int, str]]] = {cluster: [] for cluster in clusters}
    edges: dict[str, list[int]] = {node: [] for node in clusters.values()}
    for one in played:
        instrument, connector = one["instrument"], one["connector"]
        if instrument in firsts:
            firsts[instrument].append((one["at_fs"][0], connector))
        elif connector == TRIGGER and instrument in edges:
            edges[instrument] += one["at_fs"]
    found: list[Start] = []
    for cluster, node in clusters.items():
        begun_fs = -WITHIN_FS
        for at_fs, connector in sorted(firsts[cluster]):
            if at_fs - begun_fs < WITHIN_FS:
                continue
            begun_fs = at_fs
            before = [edge for edge in edges[node] if 0 < at_fs - edge < WITHIN_FS]
            found.append(Start(cluster, connector, at_fs, max(before, default=None)))
    return sorted(found, key=lambda start: start.at_fs)


def in_force(calibrations: Sequence[Calibration], at_fs: int) -> Calibration | None:
    """Return what held at an instant; None: nothing yet, or it was being measured."""
    for one in reversed(calibrations):
        if one.begun_fs <= at_fs:
            return one if one.ended_fs and one.ended_fs <= at_fs else None
    return None


def judge(
    starts: Sequence[Start],
    calibrations: Sequence[Calibration],
    relocks: Sequence[tuple[str, int]],
    completed: Sequence[Completed],
    tally: Tally,
    clusters: Mapping[str, str] = CLUSTERS,
) -> None:
    """Count into ``tally`` what of it was wrong.

    ``relocks``: instrument, and when it was locked anew at the latest.
    """
    counting = {one.t0_fs: one for one in completed}
    by_t0: dict[int, list[Start]] = {}
    for start in starts:
        calibration = in_force(calibrations, start.at_fs)
        if calibration is None:
            continue
        tally.pulses += 1
        t0_fs = start.t0_fs(calibration.settings[start.cluster].delay_ns)
        if t0_fs is None:
            tally.wrong_time_pulses += 1
            tally.problems.append(f"{start.cluster} played at {start.at_fs} fs without a trigger")
            continue
        by_t0.setdefault(t0_fs, []).append(start)
        latency_fs = calibration.latency_fs.get((start.cluster, start.connector))
        if latency_fs is None:
            tally.problems.append(f"{start.cluster} began on {start.connector}, which no start did")
            tally.wrong_time_pulses += 1
            continue
        off_fs = start.at_fs - t0_fs - latency_fs
        if abs(off_fs) <= TOLERANCE_FS:
            continue
        if t0_fs not in counting and _relocked(start, t0_fs, relocks, clusters):
            tally.discarded_after_the_fact += 1
            continue
        tally.wrong_time_pulses += 1
        tally.problems.append(f"{start.cluster} played {off_fs} fs from where T0 {t0_fs} puts it")
    for run in completed:
        problem = _undetected(run, by_t0.get(run.t0_fs, []), calibrations, clusters)
        if problem:
            tally.undetected_partial_starts += 1
            tally.problems.append(f"{run.job} is complete, but {problem}")
    tally.partial_starts += sum(len({one.cluster for one in of}) == 1 for of in by_t0.values())


def _relocked(
    start: Start,
    t0_fs: int,
    relocks: Sequence[tuple[str, int]],
    clusters: Mapping[str, str],
) -> bool:
    """Tell whether one of its clocks was locked anew when nobody could take the start back."""
    chain = (start.cluster, clusters[start.cluster], *SHARED)
    guard_fs = t0_fs - MARGINS.guard_fs
    return any(name in chain and guard_fs < at_fs < start.at_fs for name, at_fs in relocks)


def _undetected(
    run: Completed,
    starts: Sequence[Start],
    calibrations: Sequence[Calibration],
    clusters: Mapping[str, str],
) -> str:
    played = [one.cluster for one in starts]
    if sorted(played) != sorted(clusters):
        return f"{', '.join(played) or 'nobody'} played"
    calibration = in_force(calibrations, starts[0].at_fs)
    if calibration is None:
        return "nobody knew its skew"
    first, second = (
        one.at_fs + calibration.settings[one.cluster].rest_fs(one.connector) for one in starts
    )
    if abs(second - first) > TOLERANCE_FS:
        return f"its nodes are {second - first} fs apart"
    return ""
