"""Splits a program among instruments of Zurich Instruments, and finds its lanes' outputs.

What their sequencers play is not drawn: what a program means is, with their connectors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.facility.facility import Facility
from podium.control.families.family import compiler_for
from podium.control.families.zurich.targets import zurich_targets_of
from podium.control.program.batches import Batch
from podium.control.program.program import Program
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack, programs_of

NOT_DRAWN = "what sequencers of Zurich Instruments play is not drawn yet"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One of the programs into which a pulse program was cut; most often there is one."""

    batch: Batch
    programs: tuple[ZurichProgram, ...]
    """One for each instrument that takes part."""


def zurich_targets(program: Program, facility: Facility) -> Mapping[str, ZurichTarget]:
    """Return the instruments of Zurich Instruments that serve ports of a program, by name."""
    ports = {frame.port for frame in program.frames}
    return {
        one.instrument: one
        for targets in zurich_targets_of(facility).values()
        for one in targets
        if ports & one.ports.keys()
    }


def zurich_parts(program: Program, facility: Facility) -> Sequence[Part]:
    """Return what they are given; raises what compilers raise."""
    return [
        Part(batch, tuple(p for one in made.values() for p in _programs(one)))
        for batch, made in compiler_for(facility).batches(program)
    ]


def _programs(artifact: object) -> tuple[ZurichProgram, ...]:
    return programs_of(artifact) if isinstance(artifact, ZurichProgram | ZurichRack) else ()
