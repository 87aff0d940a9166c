"""Moves a register through the values of a loop: by adding, or from a table.

A register that is stepped by an integer would gather rounding; each plan here is checked
against every value, so a swept point is as exact as one that is written out.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from podium.control.compilers.qblox.loops import Kind, Term
from podium.control.compilers.qblox.rounding import PHASE_STEPS

FRACTION_BITS = 16
"""Gains and levels step in 16.16 fixed point: ``asr R,16,R`` gives the operand."""


@dataclass(frozen=True, slots=True)
class Stepped:
    """``start``, then ``step`` more each time; phases wrap at one turn."""

    start: int
    step: int
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class SteppedFraction:
    """Like :class:`Stepped` in a register of its own, of which the upper 16 bits are used."""

    start: int
    step: int


@dataclass(frozen=True, slots=True)
class Listed:
    """Moved into the register point by point."""

    values: tuple[int, ...]


Plan: TypeAlias = Stepped | SteppedFraction | Listed


def plan_sweep(term: Term) -> Plan:
    """Return the cheapest plan that gives exactly ``term.values``."""
    values = np.array(term.values, np.int64)
    steps = np.diff(values)
    if term.kind is Kind.PHASE:
        steps %= PHASE_STEPS
    if (steps == steps[0]).all():
        wraps = term.kind is Kind.PHASE
        return Stepped(int(values[0]), int(steps[0]), wraps)
    if term.kind in (Kind.GAIN, Kind.LEVEL) and (found := _fraction(values)):
        return found
    return Listed(term.values)


def _fraction(values: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> SteppedFraction | None:
    """Return start and step in 16.16 whose upper halves are ``values``, if there are any.

    For a step d, the start s must keep s + k d within the 2**16 codes of value k, for every k:
    from the greatest lower bound to the least upper bound. Their distance is concave in d, so
    the best d is found by narrowing the interval that can hold it.
    """
    points = np.arange(len(values))
    lowest = values << FRACTION_BITS

    def starts(step: int) -> tuple[int, int]:
        codes = lowest - points * step
        return int(codes.max()), int(codes.min()) + (1 << FRACTION_BITS) - 1

    def room(step: int) -> int:
        low, high = starts(step)
        return high - low

    last = len(values) - 1
    mean = (int(values[-1]) - int(values[0])) * (1 << FRACTION_BITS) // last
    reach = (1 << FRACTION_BITS) // last + 2
    left, right = mean - reach, mean + reach
    while left < right:
        middle = (left + right) // 2
        if room(middle) >= 0:
            left = right = middle
        elif room(middle) < room(middle + 1):
            left = middle + 1
        else:
            right = middle
    low, high = starts(left)
    return SteppedFraction((low + high) // 2, left) if low <= high else None
