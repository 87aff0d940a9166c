"""A check: the processor must issue each real-time instruction before its time comes.

The classical side runs ahead of the real-time side by up to 32 queued instructions, and catches
up on its bookkeeping while long waits run. A shot that is short of waits starves the queue,
which the hardware answers with an underflow and a stop; here it is an error before the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, Register
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import (
    ARITHMETIC_TICKS,
    JUMP_TICKS,
    TICK_NS,
)

QUEUE_DEPTH = 32
"""Real-time instructions that wait for their time (q1simulator 1.3.4, q1core.py)."""
REAL_TIME = frozenset({"play", "acquire", "upd_param", "wait"})
ARITHMETIC = frozenset({"add", "sub", "asr", "cmp"})
READS_ALL = frozenset({"cmp"})
REPETITIONS = 3
"""Shots in a row that are looked at: the first starts from the lead, later ones from the queue."""


@dataclass(frozen=True, slots=True)
class Body:
    """The code of one shot within a program."""

    lines: tuple[Instruction, ...]
    least_ns: tuple[int | None, ...]
    """Duration of each line on the real-time side (its least, if swept); None: it has none."""
    loops: tuple[int, ...]
    """The loops around it."""


def cost_ns(line: Instruction) -> int:
    """Return the time that the classical side takes for ``line``, a jump counted as taken."""
    registers = sum(isinstance(operand, Register) for operand in line.operands)
    if line.mnemonic in ("move", "add", "sub", "asr"):
        registers -= 1  # the last is written
    ticks = max(1, registers)
    if line.mnemonic in ARITHMETIC:
        ticks += ARITHMETIC_TICKS
    elif line.mnemonic.startswith("j"):
        ticks += JUMP_TICKS
    return ticks * TICK_NS


def check_pace(frame: str, bodies: Sequence[Body], between_ns: Sequence[int], lead_ns: int) -> None:
    """Raise :class:`DoesNotFit` where shots come faster than the processor can make them.

    ``between_ns`` is what each loop adds between two shots at the worst.
    """
    for body in bodies:
        costs = [cost_ns(line) for line in body.lines]
        overhead_ns = sum(between_ns[loop] for loop in body.loops)
        needed_ns = sum(costs) + overhead_ns
        shot_ns = sum(least for least in body.least_ns if least is not None)
        if needed_ns > shot_ns:
            raise DoesNotFit(
                f"{frame}: the processor needs {needed_ns} ns for a shot of {shot_ns} ns; add a "
                f"Delay of {needed_ns - shot_ns} ns or more to the shot"
            )
        _walk(frame, body, costs, overhead_ns, lead_ns)


def _walk(frame: str, body: Body, costs: list[int], overhead_ns: int, lead_ns: int) -> None:
    issued_ns, due_ns = 0, lead_ns
    queue: list[int] = []
    for _ in range(REPETITIONS):
        for line, cost, least_ns in zip(body.lines, costs, body.least_ns, strict=True):
            issued_ns += cost
            if least_ns is None:
                continue
            if issued_ns > due_ns:
                raise DoesNotFit(
                    f"{frame}: {line.comment or line.mnemonic!r} is due {issued_ns - due_ns} ns "
                    "before the processor has got to it; too much happens at once on this frame: "
                    "add delays before it or move pulses to a frame of their own"
                )
            if len(queue) >= QUEUE_DEPTH:
                issued_ns = max(issued_ns, queue[-QUEUE_DEPTH])
            queue.append(due_ns)
            due_ns += least_ns
        issued_ns += overhead_ns
