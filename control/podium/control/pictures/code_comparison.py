"""Compares a program with its machine code, at one point of the sweep or at all."""

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.place import Timeline, place
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.pictures.code_view import played_view
from podium.control.pictures.differences import Difference, differences_of
from podium.control.pictures.program_view import Point, meant_view
from podium.control.pictures.reference_shot import badly_rounded, expected_shot
from podium.control.pictures.repetitions import badly_ended, looked_at, number_of
from podium.control.pictures.view import Lane, View
from podium.control.program.program import Program, has_branches
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

POINTS_MOST = 500
"""Of a larger sweep so many points are compared, evenly spread, the first and the last among
them."""
SAMPLES_MOST = 40_000_000
"""Of one shot, all frames together: the reference renderer makes a sample each nanosecond."""
Spans = Sequence[tuple[int, int]]
Emulate = Callable[..., Mapping[str, Any]]
"""Executes a machine code (:class:`ClusterProgram`) and tells what it does in each span
(:data:`Spans`: start, duration in ns from the common start), as ``podium twin emulate`` does. Where
something depends on what is measured it is given results by capture as well."""


@dataclass(frozen=True, slots=True, eq=False)
class ComparedProgram:
    """A program, what it was compiled to, and for what; by cluster."""

    program: Program
    artifacts: Mapping[str, ClusterProgram]
    targets: Mapping[str, QbloxTarget | ZurichTarget]
    """Without an artifact, of instruments whose machine code is not drawn."""
    results: Mapping[str, int] | None = None
    """By capture, what is measured each time in the shot that is looked at. None: a program is
    shown with all branches, a machine code where every result is 0."""

    @property
    def measured(self) -> Mapping[str, int]:
        """Results for which one shot is played."""
        return self.results or {}

    def emulated(self, emulate: "Emulate", name: str, spans: "Spans") -> Mapping[str, Any]:
        """Return what ``emulate`` tells of the artifact of a cluster."""
        if has_branches(self.program):
            return emulate(self.artifacts[name], spans, self.measured)
        return emulate(self.artifacts[name], spans)

    def timeline(self) -> Timeline:
        """Return the shot at all points; raises what ``place`` raises."""
        return place(self.program)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of points of each axis."""
        return tuple(axis.count for axis in self.program.axes)

    def view(self, point: Point) -> View:
        """Return what the program means at ``point``."""
        late_fs = {
            name: one.start.late_fs for name, one in self.artifacts.items() if one.start is not None
        }
        meant = meant_view(self.timeline(), self.targets, point, late_fs, self.results)
        texts = {e.frame: e.text for one in self.artifacts.values() for e in one.sequencers}
        whole = ((0, meant.duration_ns),)
        lanes = tuple(
            replace(lane, switch=whole) if _switched_on(texts.get(lane.frame, "")) else lane
            for lane in meant.lanes
        )
        return replace(meant, lanes=lanes)


def _switched_on(text: str) -> bool:
    """Tell whether a program closes its output's switch before all shots and opens it after."""
    marks = re.findall(r"^(?:\w+:)?\s*set_mrk\s+(\d+)", text, re.MULTILINE)
    return len(marks) == 2 and int(marks[0]) > 0 and int(marks[1]) == 0


@dataclass(frozen=True, slots=True, eq=False)
class CodeComparison:
    """Both at one point. Played is the first repetition, or the first in which they differ."""

    point: Point
    meant: View
    played: View
    differences: tuple[Difference, ...]
    drawn: tuple[Difference, ...]
    """Those of them that are to be marked in this repetition."""
    repetitions: tuple[int, ...]
    """Those that were compared, counted from 0."""


def points_of(case: ComparedProgram, most: int = POINTS_MOST) -> list[Point]:
    """Return all points in the order of visiting, or ``most`` of them evenly spread."""
    count = int(np.prod(case.shape, dtype=np.int64))
    if count <= most:
        return list(itertools.product(*map(range, case.shape)))
    numbers = np.unique(np.linspace(0, count - 1, most).astype(np.int64))
    return [tuple(int(i) for i in np.unravel_index(int(n), case.shape)) for n in numbers]


def compare(
    case: ComparedProgram, points: Sequence[Point], emulate: Emulate
) -> Iterator[CodeComparison]:
    """Yield each of ``points``, compared in the first repetition, and in the last where the run is
    short enough to be emulated as a whole.

    Raises :class:`DoesNotFit` for a shot too long to be rendered, and what ``emulate`` raises.
    """
    timeline = case.timeline()
    _check_length(timeline)
    looked = looked_at(case.program, case.artifacts, timeline, points)
    told = {name: case.emulated(emulate, name, looked.spans[name]) for name in case.artifacts}
    general = tuple(_general(case, told, looked.whole))
    late_fs = {n: 0 if a.start is None else a.start.late_fs for n, a in case.artifacts.items()}
    for number, point in enumerate(points):
        meant = meant_view(timeline, case.targets, point, late_fs, case.measured)
        views = [
            played_view(meant, case.artifacts, told, k * len(points) + number)
            for k in range(len(looked.repetitions))
        ]
        found = list(_of_lanes(case, meant, views, looked.repetitions, point))
        odd = next((k for k, several in enumerate(found) if several), 0)
        differences = (*general, *(one for several in found for one in several))
        yield CodeComparison(
            point, meant, views[odd], differences, (*general, *found[odd]), looked.repetitions
        )


def play(case: ComparedProgram, point: Point, emulate: Emulate) -> View:
    """Return what the machine code plays at ``point``, the first time; raises what ``emulate``
    raises.
    """
    timeline = case.timeline()
    looked = looked_at(case.program, case.artifacts, timeline, [point])
    told = {name: case.emulated(emulate, name, looked.spans[name][:1]) for name in case.artifacts}
    meant = meant_view(timeline, case.targets, point, results=case.measured)
    return played_view(meant, case.artifacts, told, 0)


def _of_lanes(
    case: ComparedProgram,
    meant: View,
    views: Sequence[View],
    repetitions: Sequence[int],
    point: Point,
) -> Iterator[list[Difference]]:
    """Yield what differs in each repetition; what differs in all is reported of the first."""
    shots = {
        name: expected_shot(case.program, artifact, target, point, case.measured)
        for name, artifact in case.artifacts.items()
        if isinstance(target := case.targets[name], QbloxTarget)
    }
    said: set[Difference] = set()
    for again, view in zip(repetitions, views, strict=True):
        lanes = {lane.frame: (lane, o) for lane, o in zip(meant.lanes, view.lanes, strict=True)}
        found: list[Difference] = []
        for cluster, artifact in case.artifacts.items():
            shot = shots[cluster]
            for entry in artifact.sequencers:
                if entry.frame not in lanes:
                    continue
                lane, other = lanes[entry.frame]
                captures = tuple(one for one in shot.captures if one.frame == entry.frame)
                samples, length_ns = shot.samples[entry.frame], entry.integration_ns
                found += differences_of(lane, other, samples, captures, length_ns)
                found += _bins(case, artifact, other, point, again)
        new = [one for one in found if one not in said]
        said.update(found)
        yield [
            replace(one, what=f"in repetition {again + 1}, {one.what}") if again else one
            for one in new
        ]


def _bins(
    case: ComparedProgram, artifact: ClusterProgram, played: Lane, point: Point, again: int
) -> Iterator[Difference]:
    """Yield windows whose results go elsewhere than they are read from."""
    number = number_of(point, case.shape)
    if case.program.keep_shots:
        number += again * math.prod(case.shape)
    read = {one.capture for one in artifact.results if one.frame == played.frame}
    for one in played.openings:
        if one.name in read and one.bin != number:
            yield Difference(
                played.frame,
                one.start_ns,
                one.end_ns,
                f"capture {one.name}: its result goes to bin {one.bin}, and is read from {number}",
            )


def _general(
    case: ComparedProgram, told: Mapping[str, Mapping[str, Any]], whole: bool
) -> Iterator[Difference]:
    """Yield what does not belong to one shot: bad ends, errors, numbers rounded too far."""
    for cluster, artifact in case.artifacts.items():
        yield from badly_ended(artifact, told[cluster], whole)
        for entry, where in badly_rounded(artifact):
            yield Difference(
                entry.frame,
                0,
                0,
                f"{entry.what} is held as {entry.got[where]:.12g}, asked was "
                f"{entry.asked[where]:.12g}: more than half of its step of {entry.step:.3g} off",
            )


def _check_length(timeline: Timeline) -> None:
    longest = int(timeline.shot_ns.max())
    if longest * len(timeline.frames) > SAMPLES_MOST:
        raise DoesNotFit(
            f"a shot of {longest} ns on {len(timeline.frames)} frames cannot be compared sample by "
            f"sample: at most {SAMPLES_MOST // len(timeline.frames)} ns; shorten the wait between "
            "shots for the comparison, or look at the program alone (--diagram)"
        )
