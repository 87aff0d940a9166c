"""Cuts a program that does not fit into several, whose data are one set.

Points are cut where instructions are too many, shots where each has a bin of its own; a series
between its programs. What is one shot of one point and does not fit is refused as it is.
"""

from dataclasses import dataclass

from podium.control.compilers.batching import in_batches
from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.qblox.compile import compile_program, compile_series, series_of
from podium.control.compilers.qblox.program_series import ProgramSeries
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.program.batches import Batch, whole
from podium.control.program.program import Program
from podium.control.program.series import Series, check_series
from podium.control.program.validate import validate
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart

SLACK = 64
"""Instructions of a program beside those of its shots: start, loop, end."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledBatch:
    """A part of what was asked for, with what plays it."""

    batch: Batch
    """Which shots and points; of a series the first axis counts its programs."""
    artifact: ClusterProgram


def compile_in_batches(
    program: Program | Series, target: QbloxTarget, start: ExternalStart | None = None
) -> tuple[CompiledBatch, ...]:
    """Compile for one cluster, in as many parts as it takes; most often that is one.

    Raises as ``compile_program`` does, :class:`DoesNotFit` where one shot of one point is too much.
    """
    if isinstance(program, Series):
        check_series(program)
        for one in program.programs:
            validate(one)
        members = series_of(program.programs, start)
        turns = range(len(program.programs))
        return tuple(_series_in_batches(program, members, target, start, turns))
    everything = Batch(0, program.shots, whole(program))
    made = in_batches(program, everything, lambda part: compile_program(part, target, start))
    return tuple(CompiledBatch(batch, artifact) for batch, artifact in made)


def _series_in_batches(
    series: Series,
    members: ProgramSeries,
    target: QbloxTarget,
    start: ExternalStart | None,
    turns: range,
) -> list[CompiledBatch]:
    first = series.programs[0]
    try:
        artifact = compile_series(members, target, start, series.name, series.axis, turns)
    except TooLarge as error:
        if len(turns) == 1:
            named = series.programs[turns.start].name
            raise DoesNotFit(f"program {turns.start} ({named!r}) of the series: {error}") from error
        parts = _packed(turns, error)
        return [
            one
            for part in parts
            for one in _series_in_batches(series, members, target, start, part)
        ]
    piece = (slice(turns.start, turns.stop), *whole(first))
    return [CompiledBatch(Batch(0, first.shots, piece), artifact)]


def _packed(turns: range, error: TooLarge) -> list[range]:
    """Return ``turns`` in parts, at least two: as many in a row as fit."""
    if not error.counts:
        middle = turns.start + len(turns) // 2
        return [range(turns.start, middle), range(middle, turns.stop)]
    parts: list[range] = []
    begin, used = turns.start, 0
    for number, count in zip(turns, error.counts, strict=True):
        if used + count > error.limit - SLACK and number > begin:
            parts.append(range(begin, number))
            begin, used = number, 0
        used += count
    if not parts:
        begin = turns.stop - 1
        parts.append(range(turns.start, begin))
    return [*parts, range(begin, turns.stop)]
