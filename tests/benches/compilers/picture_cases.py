"""Programs, what they are compiled to, and compiled programs that somebody has damaged."""

from dataclasses import replace

from tests.benches.programs.example_programs import target

from podium.control.compilers.qblox.compile import compile_program
from podium.control.pictures.code_comparison import ComparedProgram
from podium.control.program.program import Program
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart

CLUSTER = "cluster_a"


def case_of(program: Program, start: ExternalStart | None = None) -> ComparedProgram:
    compiled = compile_program(program, target(), start)
    return ComparedProgram(program, {CLUSTER: compiled}, {CLUSTER: target()})


def damaged(case: ComparedProgram, frame: str, was: str, now: str) -> ComparedProgram:
    """Return ``case`` with one word of one sequencer's code changed."""
    artifact = case.artifacts[CLUSTER]
    sequencers = []
    for one in artifact.sequencers:
        if one.frame == frame:
            assert was in one.text, one.text
            one = replace(one, text=one.text.replace(was, now, 1))
        sequencers.append(one)
    return replace(case, artifacts={CLUSTER: replace(artifact, sequencers=tuple(sequencers))})
