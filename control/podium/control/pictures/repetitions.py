"""Chooses the repetitions of a run that are looked at, and finds them in it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from podium.control.compilers.points import IntArray
from podium.control.compilers.qblox.place import Timeline
from podium.control.pictures.differences import Difference
from podium.control.pictures.program_view import Point
from podium.control.program.program import Program
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

ROWS_MOST = 2_000_000
"""A run that latches more often than this, all sequencers together, is emulated up to the end of
its first repetition only."""
AFTER_NS = 64
"""What a sequencer does after its last shot takes less than this: switch off, and stop."""


@dataclass(frozen=True, slots=True)
class ComparedSpans:
    """Spans of a run, in which it is compared."""

    repetitions: tuple[int, ...]
    """The first, and the last where the run is emulated as a whole."""
    whole: bool
    """Whether it is emulated to its end."""
    spans: Mapping[str, tuple[tuple[int, int], ...]]
    """By cluster: start and duration, ns from the common start; repetition by repetition, each with
    all points."""


def looked_at(
    program: Program,
    artifacts: Mapping[str, ClusterProgram],
    timeline: Timeline,
    points: Sequence[Point],
) -> ComparedSpans:
    """Return where ``points`` lie in the first repetition, and in the last if that is not far."""
    shape = tuple(axis.count for axis in program.axes)
    lengths: IntArray = np.broadcast_to(timeline.shot_ns, shape).ravel()
    starts = np.concatenate([[0], np.cumsum(lengths)])
    once_ns = int(starts[-1])
    rows = sum(2 + 2 * len(frame.placed) for frame in timeline.frames)
    whole = program.shots * math.prod(shape) * rows <= ROWS_MOST
    repetitions = tuple(sorted({0, program.shots - 1})) if whole else (0,)
    numbers = [number_of(point, shape) for point in points]
    spans = {
        name: tuple(
            (one.first_shot_ns + again * once_ns + int(starts[n]), int(lengths[n]))
            for again in repetitions
            for n in numbers
        )
        for name, one in artifacts.items()
    }
    if whole:  # a span without length at the end: it is emulated up to there
        spans = {
            name: (*spans[name], (one.duration_fs // FS_PER_NS, 0))
            for name, one in artifacts.items()
        }
    return ComparedSpans(repetitions, whole, spans)


def number_of(point: Point, shape: tuple[int, ...]) -> int:
    """Return the place of a point in the order of visiting."""
    return int(np.ravel_multi_index(point, shape)) if point else 0


def badly_ended(
    artifact: ClusterProgram, told: Mapping[str, Any], whole: bool
) -> Iterator[Difference]:
    """Yield sequencers that did not run well, or, of a whole run, not as long as they should."""
    duration_ns = artifact.duration_fs // FS_PER_NS
    for said in told["sequencers"]:
        frame, ending = said["frame"], said["ending"]
        if ending not in ("stopped", "cut") or said["flags"] or said["log"]:
            why = "; ".join([ending, *said["flags"], *said["log"]])
            yield Difference(frame, 0, 0, f"the sequencer does not run well: {why}")
        elif whole and ending == "cut":
            yield Difference(frame, 0, 0, f"it goes on after the last shot, at {duration_ns} ns")
        elif whole and not 0 <= said["ended_ns"] - duration_ns <= AFTER_NS:
            yield Difference(
                frame,
                0,
                0,
                f"it ends {said['ended_ns']} ns after the common start; the last shot ends at "
                f"{duration_ns} ns",
            )
