"""Cuts a program that does not fit into an instrument into several.

A series is cut between all its programs: each is played with all its shots before the next, since
the loops of a core count points that share their code, which other programs do not.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from podium.control.compilers.batching import in_batches
from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.program.batches import Batch, whole
from podium.control.program.program import Program
from podium.control.program.series import Series, check_series
from podium.firmware_interfaces.zurich.program import Start, ZurichProgram

MOST = 1000
"""Programs that are made of one: each frequency or amplitude of a readout takes a waveform memory
of its own, of which there are 8, so that a plane of them takes hundreds."""


@dataclass(frozen=True, slots=True, eq=False)
class CompiledBatch:
    """A part of what was asked for, with what plays it."""

    batch: Batch
    artifact: ZurichProgram


def compile_in_batches(
    program: Program | Series, target: ZurichTarget, start: Start | None = None
) -> tuple[CompiledBatch, ...]:
    """Compile for one instrument, in as many parts as it takes; most often that is one.

    Raises as ``compile_program`` does, :class:`DoesNotFit` where one shot of one point is too much.
    """
    if isinstance(program, Series):
        check_series(program)
        return tuple(_of_series(program, target, start))
    everything = Batch(0, program.shots, whole(program))
    made = in_batches(program, everything, lambda part: compile_program(part, target, start), MOST)
    return tuple(CompiledBatch(batch, artifact) for batch, artifact in made)


def _of_series(
    series: Series, target: ZurichTarget, start: Start | None
) -> Iterator[CompiledBatch]:
    """Yield the parts of each program; the first axis counts the programs."""
    for turn, program in enumerate(series.programs):
        try:
            parts = compile_in_batches(program, target, start)
        except DoesNotFit as error:
            what = f"program {turn} ({program.name!r}) of the series: {error}"
            raise DoesNotFit(what) from error
        for part in parts:
            made = part.artifact
            results = tuple(
                replace(one, axes=(series.axis, *one.axes), shape=(1, *one.shape))
                for one in made.results
            )
            batch = replace(part.batch, piece=(slice(turn, turn + 1), *part.batch.piece))
            yield CompiledBatch(batch, replace(made, name=series.name, results=results))
