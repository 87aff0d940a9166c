"""Which sequencers look at triggers from outside, and which at those of measurements."""

from collections.abc import Collection, Iterator, Sequence

from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Access, Operation
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

_ADDRESS, _MASK = 0, 1
"""Positions among the operands of ``wait_trigger`` and ``set_cond``."""


def waits_for_measured(program: AssembledProgram, sent: Collection[int]) -> bool:
    """Tell whether a program may wait for a measurement; ``sent``: addresses of measurements."""
    conditions = _operands(program, Operation.SET_COND, _MASK)
    waits = _operands(program, Operation.WAIT_TRIGGER, _ADDRESS)
    return any(True for _ in conditions) or any(one is None or one in sent for one in waits)


def watched_addresses(program: AssembledProgram) -> frozenset[int] | None:
    """Return the addresses whose triggers a program may look at; None: any."""
    found: set[int] = set()
    for mask in _operands(program, Operation.SET_COND, _MASK):
        if mask is None:
            return None
        found |= {bit + 1 for bit in range(mask.bit_length()) if mask >> bit & 1}
    for address in _operands(program, Operation.WAIT_TRIGGER, _ADDRESS):
        if address is None:
            return None
        found.add(address)
    return frozenset(found)


def decides_by(runs: Sequence[SequencerRun], addresses: Collection[int]) -> bool:
    """Tell whether a condition of some sequencer may look at triggers of some addresses.

    To wait for one is no condition: who waits for another does not come to an end.
    """
    bits = sum(1 << (address - 1) for address in addresses if address)
    masks = (mask for run in runs for mask in _operands(run.program, Operation.SET_COND, _MASK))
    return any(mask is None or mask & bits for mask in masks)


def _operands(program: AssembledProgram, asked: Operation, at: int) -> Iterator[int | None]:
    """Yield one operand of each instruction of a kind; None: it is in a register."""
    for opcode, operands in zip(program.opcode.tolist(), program.operands.tolist(), strict=True):
        form = FORMS[opcode]
        if form.operation is asked:
            yield None if form.fields[at] is Access.READ else int(operands[at])
