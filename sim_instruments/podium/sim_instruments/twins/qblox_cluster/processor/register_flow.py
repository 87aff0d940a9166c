"""Which registers of a program can show in signals, in times or in decisions: an analysis of flow.

Conservative, and blind to the order of instructions: a register counts if any instruction that
reads it could let it show, directly or by way of another register. Two kinds are left. A counter is
only moved into, decremented, and asked by a jump whether it has come to 0; a label of a result only
names bins.
"""

from dataclasses import dataclass
from typing import Final

from podium.firmware_interfaces.qblox_cluster.q1asm import AssembledProgram
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Access, Form, Operation

_FLOWS: Final = range(Operation.MOVE, Operation.LSR + 1)
_ASKED: Final = range(Operation.NOT, Operation.LSR + 1)
"""They set the flags."""
_CONDITIONAL: Final = range(Operation.JZ, Operation.JBE + 1)
_ACQUIRES: Final = frozenset({Operation.ACQUIRE, Operation.ACQUIRE_WEIGHED})
_BIN: Final = 1
"""Position of the bin among the operands of an acquisition."""


@dataclass(frozen=True, slots=True)
class RegisterUse:
    """The registers of a program that do not show."""

    counters: tuple[int, ...]
    """Ascending."""
    labels: frozenset[int]
    asks_at_once: bool
    """Whether each conditional jump stands right behind what sets its flags."""


@dataclass(frozen=True, slots=True)
class _Step:
    form: Form
    values: tuple[int, ...]

    @property
    def read(self) -> frozenset[int]:
        return frozenset(self.values[k] for k in self.form.reads)

    @property
    def written(self) -> frozenset[int]:
        return frozenset(self.values[k] for k in self.form.writes)


def register_use(program: AssembledProgram) -> RegisterUse:
    """Return which registers of a program do not show."""
    forms = [FORMS[opcode] for opcode in program.opcode.tolist()]
    steps = [
        _Step(form, tuple(values))
        for form, values in zip(forms, program.operands.tolist(), strict=True)
    ]
    targets = _targets(steps)
    counting = {at: steps[at].values[0] for at in range(len(steps)) if _counts(steps, at, targets)}
    shown = _shown(steps, targets, counting)
    counters = set(counting.values())
    for at, step in enumerate(steps):
        if at not in counting:
            counters -= step.read  # it is used for something else as well
        if at not in counting and step.written & counters and step.read:
            counters -= step.written  # it does not begin with a number of the program
    shown |= set(counting.values()) - counters
    while True:
        more = {
            register
            for step in steps
            if step.form.operation in _FLOWS and step.written & shown
            for register in step.read
        }
        if more <= shown:
            break
        shown |= more
    counters -= shown
    used = {register for step in steps for register in step.read | step.written}
    labels = frozenset(used - shown - counters)
    return RegisterUse(tuple(sorted(counters)), labels, _asks_at_once(steps, targets))


def _asks_at_once(steps: list[_Step], targets: frozenset[int] | None) -> bool:
    """Tell whether no instruction comes between a conditional jump and what sets its flags."""
    asking = [at for at, step in enumerate(steps) if step.form.operation in _CONDITIONAL]
    return targets is not None and all(
        at and at not in targets and steps[at - 1].form.operation in _ASKED for at in asking
    )


def _targets(steps: list[_Step]) -> frozenset[int] | None:
    """Return all addresses that a jump may go to; None: any.

    One by a register goes to one of the numbers that the program moves into it, or, before it
    does, to what is in it at the start: 0, unless a client has set it.
    """
    found: set[int] = set()
    for step in steps:
        if Operation.JMP <= step.form.operation <= Operation.JBE:
            if step.form.fields[0] is not Access.READ:
                found.add(step.values[0])
            elif (moved := _moved_into(steps, step.values[0])) is not None:
                found |= moved
            else:
                return None
    return frozenset(found)


def _moved_into(steps: list[_Step], register: int) -> frozenset[int] | None:
    """Return all numbers that a register may hold; None: something else writes to it."""
    writers = [step for step in steps if register in step.written]
    if any(step.form.operation is not Operation.MOVE or step.read for step in writers):
        return None
    return frozenset({0, *(step.values[0] for step in writers)})


def _counts(steps: list[_Step], at: int, targets: frozenset[int] | None) -> bool:
    """Tell whether an instruction and the jump behind it count down and ask for 0."""
    step = steps[at]
    return (
        step.form.operation is Operation.SUB
        and step.form.fields == (Access.READ, step.form.fields[1], Access.WRITE)
        and step.form.fields[1] is not Access.READ
        and step.values[0] == step.values[2]
        and at + 1 < len(steps)
        and steps[at + 1].form.operation is Operation.JNZ
        and targets is not None
        and at + 1 not in targets
    )


def _shown(
    steps: list[_Step], targets: frozenset[int] | None, counting: dict[int, int]
) -> set[int]:
    """Return registers that instructions show directly."""
    shown: set[int] = set()
    for at, step in enumerate(steps):
        operation = step.form.operation
        if operation in _CONDITIONAL and at - 1 not in counting:
            shown |= _asked_by(steps, at, targets)
        if operation in _FLOWS:
            continue
        for position in step.form.reads:
            if operation not in _ACQUIRES or position != _BIN:
                shown.add(step.values[position])
    return shown


def _asked_by(steps: list[_Step], at: int, targets: frozenset[int] | None) -> frozenset[int]:
    """Return the registers whose values a conditional jump may depend on."""
    before = steps[at - 1] if at else None
    behind = before is not None and targets is not None and at not in targets
    if before is not None and behind and before.form.operation in _ASKED:
        return before.read
    return frozenset(
        register for step in steps if step.form.operation in _FLOWS for register in step.read
    )
