"""What does not fit into one program of an instrument is cut into several."""

from dataclasses import dataclass

from podium.control.compilers.batching import in_batches
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.program.batches import Batch, whole
from podium.control.program.program import Program
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
    program: Program, target: ZurichTarget, start: Start | None = None
) -> tuple[CompiledBatch, ...]:
    """Compile for one instrument, in as many parts as it takes; most often that is one.

    Raises as ``compile_program`` does, :class:`DoesNotFit` where one shot of one point is too much.
    """
    everything = Batch(0, program.shots, whole(program))
    made = in_batches(program, everything, lambda part: compile_program(part, target, start), MOST)
    return tuple(CompiledBatch(batch, artifact) for batch, artifact in made)
