"""Writes pictures of a program and of its machine code, and sums them up in words."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.facility.atomic_files import write_text
from podium.control.pictures.code_comparison import (
    CodeComparison,
    ComparedProgram,
    Emulate,
    compare,
    points_of,
)
from podium.control.pictures.differences import THRESHOLD, Difference
from podium.control.pictures.drawing import draw
from podium.control.pictures.events import table
from podium.control.pictures.points import say_point
from podium.control.pictures.program_view import Point
from podium.control.pictures.svg import page
from podium.control.pictures.time_axis import say_time
from podium.control.pictures.view import View

if TYPE_CHECKING:
    from podium.control.program.program import Program

TOLD = 20
"""So many differences are listed one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Holds a comparison's result."""

    shown: CodeComparison
    """The point that is drawn: the one asked for, else the first with a difference, else the
    middle."""
    differences: tuple[tuple[Point, Difference], ...]
    points: int
    """So many were compared."""


def judge(case: ComparedProgram, point: Point, *, only: bool, emulate: Emulate) -> Verdict:
    """Compare ``case`` at all its points, or at ``point`` alone (``only``).

    Raises what :func:`.judge.compare` raises.
    """
    points = [point] if only else points_of(case)
    if point not in points:
        points.append(point)
    shown: CodeComparison | None = None
    worst: CodeComparison | None = None
    found: list[tuple[Point, Difference]] = []
    general: set[Difference] = set()
    for one in compare(case, points, emulate):
        if one.point == point:
            shown = one
        if one.differences and worst is None:
            worst = one
        found += [(one.point, each) for each in one.differences if each not in general]
        # what belongs to no shot is reported with each point, and counted once
        general |= {each for each in one.differences if each.end_ns == 0}
    chosen = shown if shown is not None and (only or shown.differences or not worst) else worst
    if chosen is None:
        raise ValueError("no point was compared")
    return Verdict(chosen, tuple(found), len(points))


def told(verdict: Verdict, program: "Program") -> Iterator[str]:
    """Yield what a comparison has found, line by line."""
    all_points = math.prod(axis.count for axis in program.axes)
    spread = f" of {all_points}, evenly spread" if 1 < verdict.points < all_points else ""
    counted = f"{verdict.points} point{'s' if verdict.points != 1 else ''}{spread},"
    if program.shots > 1:
        last = len(verdict.shown.repetitions) > 1
        counted += " in the first and the last repetition" if last else " in the first repetition"
    counted = counted.removesuffix(",")
    if not verdict.differences:
        yield f"program and machine code are the same at {counted}, to {THRESHOLD}"
        return
    count = len(verdict.differences)
    what = f"{count} difference{'s' if count > 1 else ''}"
    yield f"{what} beyond {THRESHOLD}, at {counted}:"
    for point, one in verdict.differences[:TOLD]:
        where = say_point(point, program.axes)
        yield f"  {one.frame}, {say_time(one.start_ns)}: {one.what}{f' ({where})' if where else ''}"
    if len(verdict.differences) > TOLD:
        yield f"  and {len(verdict.differences) - TOLD} more"


def write_picture(
    path: Path,
    views: Sequence[View],
    case: ComparedProgram,
    point: Point,
    differences: Sequence[Difference] = (),
) -> None:
    """Write the picture: SVG, or where ``path`` ends with ``.html`` a page with the events below.

    Raises OSError.
    """
    said = say_point(point, case.program.axes)
    svg = draw(views, case.program.name, said, differences)
    if path.suffix.lower() in (".html", ".htm"):
        rows = "\n".join(f"{view.title}\n{table(view)}" for view in views)
        svg = page(svg, case.program.name, rows)
    write_text(path, svg)
