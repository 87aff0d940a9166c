"""Defines programs that are the points of one axis, as in randomised benchmarking."""

from collections.abc import Iterator
from dataclasses import dataclass

from podium.control.program.program import Capture, Program, walk
from podium.control.program.validate import ProgramError


@dataclass(frozen=True, slots=True)
class Series:
    """Programs that are played in turns, shot by shot, and give one set of data.

    Each repetition visits all of them in their order, then the next begins. All have the same
    frames, axes, shots and captures; what they play differs.
    """

    name: str
    programs: tuple[Program, ...]
    axis: str = "sequence"
    """Becomes the first dimension of the data; its points are counted from 0."""


SHARED = (
    *("frames", "axes", "shots", "keep_shots"),
    *("settle_fs", "results_after_fs", "result_latencies"),
)
"""Of a program: what all of a series have alike."""


def check_series(series: Series) -> None:
    """Raise :class:`ProgramError` naming everything in which the programs do not go together."""
    if problems := list(_problems(series)):
        raise ProgramError(f"series {series.name!r}: " + "; ".join(problems))


def _problems(series: Series) -> Iterator[str]:
    if not series.programs:
        yield "it has no program; at least one"
        return
    first = series.programs[0]
    if series.axis in ("shot", *(axis.name for axis in first.axes)):
        yield f"its axis {series.axis!r} is an axis of its programs, too; names are unique"
    asked = _captures(first)
    for number, one in enumerate(series.programs):
        where = f"program {number} ({one.name!r})"
        for what in SHARED:
            if getattr(one, what) != getattr(first, what):
                yield f"{where} has other {what} than program 0; they are the same for all"
        if one.trace:
            yield f"{where} wants a raw trace, which a series has not: run it by itself"
        if _captures(one) != asked:
            yield f"{where} captures {_captures(one)}, program 0 {asked}; in the same order"


def _captures(program: Program) -> list[tuple[str, str, int]]:
    made = (one for _, one in walk(program.body) if type(one) is Capture)
    return [(one.frame, one.name, one.duration_fs) for one in made]
