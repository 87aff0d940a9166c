"""Holds what is compiled for one sequencer, with what its program is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podium.control.compilers.qblox.sources import OperandSource
from podium.firmware_interfaces.compiled_program import Quantised
from podium.firmware_interfaces.qblox_cluster.program import (
    ResultLayout,
    SequencerProgram,
    SequencerResources,
)
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction


@dataclass(frozen=True, slots=True, eq=False)
class CompiledSequencer:
    """One sequencer, with what its program is made from."""

    program: SequencerProgram
    lines: Sequence[Instruction]
    results: tuple[ResultLayout, ...]
    resources: SequencerResources
    quantised: Sequence[Quantised] = ()
    lo_hz: float = 0.0
    given: Mapping[tuple[int, str], OperandSource] = field(default_factory=dict)
    """By statement and quantity: what depends on parameters."""
    fixed: frozenset[str] = frozenset()
    """Parameters that cannot be put anew here."""
