"""Collects what nodes did together, and what happened when one of them died."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from podium.control.client.skew_calibration import SkewsFound
from podium.control.report.multi_node.tagged_starts import Spread, TaggedStart, spread_of
from podium.control.report.story import Failure
from podium.firmware_interfaces.exact_time import FS_PER_S

SKEW_FLOOR_FS = 100_000
"""Rms of the skew after calibration, as the world sees it: what is promised."""
FS_PER_PS = 1_000


@dataclass(frozen=True, slots=True)
class RunSpan:
    """A run of the nodes that went on, on the time line of the fault."""

    node: str
    run: str
    began_s: float
    """After the kill, s of wall time; below 0: before it."""
    ended_s: float
    complete: bool
    """All its data came, and none of them is missing."""


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A node's agent was killed, and came back. Times are s of wall time after the kill."""

    node: str
    agent: str
    pid: int
    reason: str
    """What its own run failed with; empty: none of its runs was on."""
    noticed_s: float
    back_s: float
    runs: tuple[RunSpan, ...]
    """Of the other nodes."""

    @property
    def meanwhile(self) -> tuple[RunSpan, ...]:
        """The runs that ended while it was away."""
        return tuple(one for one in self.runs if 0 <= one.ended_s <= self.back_s)

    def problems(self) -> Iterator[str]:
        """Tell what should not have been."""
        if not self.meanwhile:
            yield f"no run of another node ended while {self.node} was away"
        for one in self.runs:
            if not one.complete:
                yield f"run {one.run} of {one.node} lacks data"


@dataclass(frozen=True, slots=True)
class Pictures:
    """The drawings of starts and of the fault as SVG; empty where there is nothing to show."""

    edges: str = ""
    left: str = ""
    fault: str = ""


@dataclass(slots=True, eq=False)
class MultiNodeStory:
    """Filled while it goes on."""

    nodes: tuple[str, ...]
    """Whose markers the tagger sees, the reference first."""
    before: list[TaggedStart] = field(default_factory=list)
    """As they are wired."""
    after: list[TaggedStart] = field(default_factory=list)
    """With measured skews taken out."""
    again: list[TaggedStart] = field(default_factory=list)
    """The same, once the node that was killed is back."""
    found: SkewsFound | None = None
    sigmas_fs: dict[str, float] = field(default_factory=dict)
    """By node: how well the ledger says that its skew is known."""
    lost: list[str] = field(default_factory=list)
    """Runs of the bring-up that were lost with an agent, and run again: why."""
    repeated: int = 0
    """Starts that were lost, beside those of the calibration, and made again."""
    runs: list[str] = field(default_factory=list)
    """Programs that all nodes have played from one start."""
    fault: FaultRecord | None = None
    world_fs: dict[str, dict[str, float]] = field(default_factory=dict)
    """By run and node: the skew as the simulated world had it, asked afterwards."""

    @property
    def others(self) -> tuple[str, ...]:
        """All but the reference."""
        return self.nodes[1:]

    def tagged(self, node: str, *, corrected: bool) -> Spread | None:
        """Return the skew of a node as the tagger saw it, before or after the calibration."""
        starts = [*self.after, *self.again] if corrected else self.before
        return spread_of([one.skew_fs(node) for one in starts])

    def true(self, node: str, *, corrected: bool) -> Spread | None:
        """Return the same as the world saw it; None where it was not asked, or has not told."""
        starts = [*self.after, *self.again] if corrected else self.before
        told = [self.world_fs[one.run][node] for one in starts if one.run in self.world_fs]
        return spread_of(told)

    def worst_rms_fs(self) -> float | None:
        """Return the greatest rms after calibration: of the world, of the tagger without it."""
        seen = [
            self.true(node, corrected=True) or self.tagged(node, corrected=True)
            for node in self.others
        ]
        return max((one.rms_fs for one in seen if one is not None), default=None)

    def failures(self) -> list[Failure]:
        """Return every promise that was not kept."""
        failed = []
        worst_fs = self.worst_rms_fs()
        if worst_fs is not None and not worst_fs < SKEW_FLOOR_FS:
            told, floor = worst_fs / FS_PER_PS, SKEW_FLOOR_FS / FS_PER_PS
            reason = f"{told:.0f} ps rms are left after calibration; below {floor:.0f} ps is asked"
            failed.append(Failure("skew", "", reason))
        if self.fault is not None:
            failed += [Failure("fault", self.fault.node, told) for told in self.fault.problems()]
        return failed

    def summary(self) -> dict[str, object]:
        """Return ``skew`` and ``fault`` of ``summary.json``; None: it did not come to that."""
        return {"skew": _skew(self), "fault": _fault(self), "runs_repeated": self.lost}


def _skew(together: MultiNodeStory) -> dict[str, object] | None:
    found = together.found
    if not (together.before or together.after):
        return None
    return {
        "reference": together.nodes[0],
        "nodes": {
            node: {
                when: {
                    "tagger": _spread(together.tagged(node, corrected=corrected)),
                    "world": _spread(together.true(node, corrected=corrected)),
                }
                for when, corrected in (("before", False), ("after", True))
            }
            | {"sigma_s": _seconds(together.sigmas_fs.get(node))}
            for node in together.others
        },
        "starts": None if found is None else found.starts,
        "shots": None if found is None else found.starts * found.pulses,
        "repeated": together.repeated + (0 if found is None else found.repeated),
        "lab_s": None if found is None else round(found.lab_s, 3),
        "runs": together.runs,
    }


def _fault(together: MultiNodeStory) -> dict[str, object] | None:
    fault = together.fault
    if fault is None:
        return None
    return {
        "killed": fault.node,
        "agent": fault.agent,
        "reason": fault.reason,
        "noticed_s": round(fault.noticed_s, 3),
        "runs_meanwhile": len(fault.meanwhile),
        "runs_complete": all(one.complete for one in fault.runs),
        "back_s": round(fault.back_s, 3),
        "started_together_again": bool(together.again),
    }


def _spread(spread: Spread | None) -> Mapping[str, float] | None:
    if spread is None:
        return None
    return {
        "starts": spread.starts,
        "mean_s": spread.mean_fs / FS_PER_S,
        "rms_s": spread.rms_fs / FS_PER_S,
        "furthest_s": spread.furthest_fs / FS_PER_S,
    }


def _seconds(fs: float | None) -> float | None:
    return None if fs is None else fs / FS_PER_S
