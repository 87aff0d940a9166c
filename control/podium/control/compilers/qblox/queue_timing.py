"""Checks that the processor issues each real-time instruction before its time comes.

The classical side runs ahead of the real-time side by up to 32 queued instructions, and catches
up on its bookkeeping while long waits run. A shot that is short of waits starves the queue,
which the hardware answers with an underflow and a stop; here it is an error before the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, Register
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import (
    ARITHMETIC_TICKS,
    JUMP_TICKS,
    TICK_NS,
)

QUEUE_DEPTH = 32
"""Real-time instructions that wait for their time (q1simulator 1.3.4, q1core.py)."""
REAL_TIME = frozenset({"play", "acquire", "upd_param", "wait", "latch_rst", "set_latch_en"})
ARITHMETIC = frozenset({"add", "sub", "asr", "cmp"})
REPETITIONS = 3
"""Shots in a row that are looked at: the first starts from the lead, later ones from the queue."""


@dataclass(frozen=True, slots=True)
class ShotCode:
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


def _costs(lines: Sequence[Instruction]) -> list[int]:
    """Return what each line costs; lines that are one object are looked at once."""
    known: dict[int, int] = {}
    costs: list[int] = []
    for line in lines:
        cost = known.get(id(line))
        if cost is None:
            cost = known[id(line)] = cost_ns(line)
        costs.append(cost)
    return costs


def check_queue_timing(
    frame: str, bodies: Sequence[ShotCode], between_ns: Sequence[int], lead_ns: int
) -> None:
    """Raise :class:`DoesNotFit` where shots come faster than the processor can make them.

    ``between_ns`` is what each loop adds between two shots at the worst.
    """
    for body in bodies:
        costs = _costs(body.lines)
        overhead_ns = sum(between_ns[loop] for loop in body.loops)
        needed_ns = sum(costs) + overhead_ns
        shot_ns = sum(least for least in body.least_ns if least is not None)
        if needed_ns > shot_ns:
            raise DoesNotFit(
                f"{frame}: the processor needs {needed_ns} ns for a shot of {shot_ns} ns; add a "
                f"Delay of {needed_ns - shot_ns} ns or more to the shot"
            )
        _walk(frame, body, costs, overhead_ns, lead_ns)


def _walk(frame: str, body: ShotCode, costs: list[int], overhead_ns: int, lead_ns: int) -> None:
    """Raise where a line of the shot is issued after it is due.

    A line is issued what it costs after the one before; where the queue was full, not before the
    line that was :data:`QUEUE_DEPTH` ahead of that one was due. So line k is issued at the latest
    of ``spent(k)`` and ``due(j - QUEUE_DEPTH) + spent(k) - spent(j)`` over all j < k.
    """
    real_time = [k for k, least in enumerate(body.least_ns) if least is not None]
    least_ns = np.array([body.least_ns[k] for k in real_time], np.int64)
    spent_ns = np.cumsum(np.array(costs, np.int64))
    shot_ns = int(spent_ns[-1]) + overhead_ns
    again = np.arange(REPETITIONS)[:, np.newaxis]
    spent_ns = (spent_ns[real_time] + again * shot_ns).ravel()
    due_ns = lead_ns + np.cumsum(np.tile(least_ns, REPETITIONS)) - np.tile(least_ns, REPETITIONS)
    held_ns = np.zeros(len(due_ns), np.int64)
    """By how much full queues have held up the lines before this one."""
    full = due_ns[: max(0, len(due_ns) - QUEUE_DEPTH - 1)]
    if len(full):
        after = slice(QUEUE_DEPTH, QUEUE_DEPTH + len(full))
        held_ns[QUEUE_DEPTH + 1 :] = np.maximum.accumulate(np.maximum(full - spent_ns[after], 0))
    late_ns = spent_ns + held_ns - due_ns
    if (late_ns > 0).any():
        at = int(np.argmax(late_ns > 0))
        line = body.lines[real_time[at % len(real_time)]]
        raise DoesNotFit(
            f"{frame}: {line.comment or line.mnemonic!r} is due {late_ns[at]} ns "
            "before the processor has got to it; too much happens at once on this frame: "
            "add delays before it or move pulses to a frame of their own"
        )
