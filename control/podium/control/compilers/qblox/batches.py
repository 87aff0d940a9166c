"""What does not fit into one program is cut into several, whose data are one set.

Points are cut where instructions are too many, shots where each has a bin of its own; a series
between its programs. What is one shot of one point and does not fit is refused as it is.
"""

from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.qblox.compile import compile_members, compile_program, members_of
from podium.control.compilers.qblox.members import Members
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.program.batches import Batch, part_of, pieces, whole
from podium.control.program.program import Program
from podium.control.program.series import Series, check_series
from podium.control.program.validate import validate
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart

MOST = 100
"""More programs than this are not made of one: who asks for that has erred, or wants a stream."""
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
        members = members_of(program.programs, start)
        turns = range(len(program.programs))
        return tuple(_series_in_batches(program, members, target, start, turns))
    everything = Batch(0, program.shots, whole(program))
    return tuple(_in_batches(program, everything, target, start))


def _in_batches(
    program: Program, batch: Batch, target: QbloxTarget, start: ExternalStart | None
) -> list[CompiledBatch]:
    try:
        return [CompiledBatch(batch, compile_program(part_of(program, batch), target, start))]
    except TooLarge as error:
        parts = _cut(batch, error)
        if len(parts) == 1:
            raise _one_shot(error) from error
        if len(parts) > MOST:
            raise DoesNotFit(
                f"{error}; it would take {len(parts)} programs, one after the other, and {MOST} "
                "are the most: ask for less, or for a stream"
            ) from error
    return [one for part in parts for one in _in_batches(program, part, target, start)]


def _cut(batch: Batch, error: TooLarge) -> list[Batch]:
    """Return ``batch`` in parts; one where it cannot be cut."""
    parts = max(2, -(-error.needed // error.limit))
    for what in error.into:
        if what == "shots" and batch.shots > 1:
            most = max(1, batch.shots // parts)
            return [
                Batch(batch.first_shot + k, min(most, batch.shots - k), batch.piece)
                for k in range(0, batch.shots, most)
            ]
        if what == "points" and batch.points > 1:
            shape = tuple(one.stop - one.start for one in batch.piece)
            most = max(1, batch.points // parts)
            return [
                Batch(batch.first_shot, batch.shots, _within(batch, piece))
                for piece in pieces(shape, most)
            ]
    return [batch]


def _within(batch: Batch, piece: tuple[slice, ...]) -> tuple[slice, ...]:
    return tuple(
        slice(outer.start + one.start, outer.start + one.stop)
        for outer, one in zip(batch.piece, piece, strict=True)
    )


def _one_shot(error: TooLarge) -> DoesNotFit:
    return DoesNotFit(f"{error}; this is one shot of one point, which cannot be split any further")


def _series_in_batches(
    series: Series,
    members: Members,
    target: QbloxTarget,
    start: ExternalStart | None,
    turns: range,
) -> list[CompiledBatch]:
    first = series.programs[0]
    try:
        artifact = compile_members(members, target, start, series.name, series.axis, turns)
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
