"""Finds the values of a delay between which only waits change, and how.

Every instant of a shot is the greatest of sums in which the delay occurs, so it is a convex
function of it. Where the programs at three values of the delay have the same instructions, and the
durations in them lie on a line, so do all instants; a convex function that meets a line three times
is that line in between. So between the outer two, every program is found on the line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import TypeAlias

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.queue_timing import REAL_TIME
from podium.control.compilers.qblox.sources import Word
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction

FURTHEST = 2**17
"""Steps, most often of 1 ns, that are looked at to either side: longer waits are loops anyway."""
SCALE_DENOMINATOR = 1000

TIMED = REAL_TIME | {"set_cond"}
"""Their last operand is a duration; of ``set_cond`` that of what is skipped."""

Duration: TypeAlias = tuple[int, int, int]
"""Sequencer, line, operand."""


class NeedsCompiling(DoesNotFit):
    """A value cannot be put into what is compiled; the message says which would, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Holds the code compiled with one value of the delay."""

    value: int
    shape: object
    """All that is no duration."""
    durations: dict[Duration, int]
    duration_fs: int
    """Of the whole run."""


@dataclass(frozen=True, slots=True, eq=False)
class DelayRange:
    """The interval of a delay in which only durations change."""

    name: str
    low: Probe
    high: Probe

    def at(self, value: float) -> tuple[dict[Duration, int], int]:
        """Return the durations that differ along the interval, and that of the whole run.

        Raises :class:`NeedsCompiling` outside of it, and between two nanoseconds.
        """
        low, high = self.low, self.high
        if not low.value <= value <= high.value or low.value == high.value:
            raise NeedsCompiling(
                f"the delay {self.name!r} = {value:.12g} fs: from {low.value} to {high.value} fs "
                "it moves what comes after it and changes no order; beyond, it crosses another "
                "event or takes other instructions: compile the program with the new value"
            )
        share = (Fraction(value) - low.value) / (high.value - low.value)
        found = {
            where: low_ns + share * (high.durations[where] - low_ns)
            for where, low_ns in low.durations.items()
            if high.durations[where] != low_ns
        }
        total_fs = low.duration_fs + share * (high.duration_fs - low.duration_fs)
        if any(one.denominator != 1 for one in (*found.values(), total_fs)):
            raise NeedsCompiling(
                f"the delay {self.name!r} = {value:.12g} fs puts something between two ns"
            )
        return {where: int(one) for where, one in found.items()}, int(total_fs)


def probe_of(value: int, programs: Sequence[Sequence[Instruction]], duration_fs: int) -> Probe:
    """Return what is compared of the programs of all sequencers."""
    durations: dict[Duration, int] = {}
    shape: list[object] = []
    for number, lines in enumerate(programs):
        for at, line in enumerate(lines):
            operands: list[object] = []
            for k, operand in enumerate(line.operands):
                last = k + 1 == len(line.operands)
                if last and line.mnemonic in TIMED and isinstance(operand, int):
                    durations[number, at, k] = operand
                elif isinstance(operand, Word):
                    operands.append(operand.source.setting)
                else:
                    operands.append(operand)
            shape.append((number, line.mnemonic, line.label, tuple(operands)))
    return Probe(value, shape, durations, duration_fs)


def step_of(scales: Sequence[float]) -> int:
    """Return by how much a delay changes, fs, so that all that it is scaled to are whole ns."""
    fractions = [Fraction(scale).limit_denominator(SCALE_DENOMINATOR) for scale in scales]
    return FS_PER_NS * lcm(*(one.denominator for one in fractions))


def find_delay_range(
    name: str, here: Probe, step: int, compiled: Callable[[int], Probe | None]
) -> DelayRange:
    """Return the interval about ``here``; ``compiled`` gives a probe, None where it is refused."""

    def line_to(steps: int, slope: dict[Duration, int]) -> Probe | None:
        one = compiled(here.value + steps * step)
        if one is None or one.shape != here.shape or one.durations.keys() != here.durations.keys():
            return None
        on_line = all(
            one.durations[at] - ns == steps * slope.get(at, 0) for at, ns in here.durations.items()
        )
        return one if on_line else None

    def furthest(sign: int, slope: dict[Duration, int]) -> Probe:
        good, best, bad = 0, here, 1
        while bad <= FURTHEST and (one := line_to(sign * bad, slope)) is not None:
            good, best, bad = bad, one, 2 * bad
        while bad - good > 1 and good < FURTHEST:
            middle = (good + bad) // 2
            if (one := line_to(sign * middle, slope)) is None:
                bad = middle
            else:
                good, best = middle, one
        return best

    for sign in (1, -1):
        near = compiled(here.value + sign * step)
        if near is not None and near.shape == here.shape:
            slope = {
                at: sign * (ns - here.durations[at])
                for at, ns in near.durations.items()
                if at in here.durations and ns != here.durations[at]
            }
            return DelayRange(name, furthest(-1, slope), furthest(1, slope))
    return DelayRange(name, here, here)
