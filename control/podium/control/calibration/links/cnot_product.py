"""Foretells a teleported CNOT as the product of its parts, each measured by itself.

To first order errors of a pair, of gates, of readouts and of waits add, and process fidelities are
multiplied. What a product leaves out goes with the squares of the errors: two of them may undo each
other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, hypot, prod

from podium.control.parameters.entry import Measured, ParameterEntry

PROCESS_OVER_AVERAGE = 5 / 4
"""Infidelity of a process of two qubits over the error of the mean state."""
TOLD_BY_ONE = 12 / 16
"""Products of two Paulis that a flip of one qubit before the gate turns round, of all."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A qubit waits."""

    span_s: float
    t1: ParameterEntry
    t2: ParameterEntry

    @property
    def kept(self) -> float:
        """Return the process fidelity of what it holds."""
        decays = exp(-self.span_s / self.t1.value), exp(-self.span_s / self.t2.value)
        return (1 + decays[0] + 2 * decays[1]) / 4


@dataclass(frozen=True, slots=True)
class CnotParts:
    """The parts of a teleported CNOT."""

    pair: ParameterEntry
    """Fidelity of the pair."""
    gates: Sequence[ParameterEntry]
    """Mean errors of the local gates."""
    readouts: Sequence[tuple[ParameterEntry, ParameterEntry]]
    """Of the pair's halves: how often each takes 0 for 1 and 1 for 0."""
    waits: Sequence[Wait]
    excited: Sequence[Measured]
    """How often each data qubit is in 1 before an input is prepared from 0."""

    def kept(self) -> Mapping[str, float]:
        """Return the process fidelity that each kind of part leaves."""
        wrong = [(up.value + down.value) / 2 for up, down in self.readouts]
        return {
            "pair": self.pair.value,
            "gates": prod(1 - PROCESS_OVER_AVERAGE * one.value for one in self.gates),
            "readouts of the pair": prod(1 - one for one in wrong),
            "waits": prod(one.kept for one in self.waits),
            "inputs": prod(1 - 2 * TOLD_BY_ONE * one.value for one in self.excited),
        }


def expected_of(parts: CnotParts) -> Measured:
    """Return the product of all parts; sigmas of lifetimes are small and left out."""
    kept = parts.kept()
    whole = prod(kept.values())
    doubts = [parts.pair.sigma / parts.pair.value]
    doubts += [PROCESS_OVER_AVERAGE * one.sigma for one in parts.gates]
    doubts += [one.sigma / 2 for pair in parts.readouts for one in pair]
    doubts += [2 * TOLD_BY_ONE * one.sigma for one in parts.excited]
    return Measured(whole, whole * hypot(*doubts), "1")
