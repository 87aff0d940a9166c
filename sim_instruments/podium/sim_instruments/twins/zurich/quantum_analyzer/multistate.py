"""Discrimination of qubits, qutrits and ququads: every state against every other, then a table.

As zhinst-utils 0.7.2 (MIT, ``shfqa/multistate.py``) prepares it: of d states only the d - 1
differences to state 0 are integrated, the other differences are taken of the results. The same
file says where results are then: sums by integrator, states by qudit.

ASSUMED: bit k of what ``startQA`` integrates asks for qudit k while the mode is on, so LabOne Q
26.7.0 writes its programs, and its state is couple k of the word that generators of an SHFQC read
(LabOne Q aligns local results to two bits each).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import BadReadout
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes, Integers

STATES: Final = (2, 4)
"""Fewest and most of a qudit; node documentation of ``numstates``."""


@dataclass(frozen=True, slots=True)
class QuditSettings:
    """The nodes under ``multistate/qudits/N/``, without the weights."""

    states: int
    integrators: tuple[int, ...]
    """Which integrators hold its d - 1 differences."""
    thresholds: tuple[float, ...]
    """Of each pair of states: 0-1, 0-2, ..., 1-2, ...; on the real axis."""
    assignment: tuple[int, ...]
    """State for each outcome of all comparisons, the first pair in the lowest bit."""

    def __post_init__(self) -> None:
        """Refuse what no qudit can be: :class:`BadReadout`."""
        if not STATES[0] <= self.states <= STATES[1]:
            raise BadReadout(f"a qudit of {self.states} states: {STATES[0]} to {STATES[1]}")
        pairs = self.states * (self.states - 1) // 2
        for name, given, wanted in (
            ("integrators", len(self.integrators), self.states - 1),
            ("thresholds", len(self.thresholds), pairs),
            ("assignments", len(self.assignment), 1 << pairs),
        ):
            if given != wanted:
                raise BadReadout(f"{given} {name} for {self.states} states, which take {wanted}")


@dataclass(frozen=True, slots=True)
class Qudit:
    """One that is switched on."""

    index: int
    settings: QuditSettings

    @property
    def bits(self) -> int:
        """Return how many bits of a message its state takes."""
        return (self.settings.states - 1).bit_length()


def allotted(states: Mapping[int, int]) -> dict[int, range]:
    """Return the integrators of qudits, by index, with so many states each.

    ASSUMED: one qudit after the other, by index.
    """
    found, first = {}, 0
    for index, count in sorted(states.items()):
        found[index] = range(first, first + count - 1)
        first += count - 1
    return found


def integrators_of(asked: Integers, qudits: Sequence[Qudit]) -> Integers:
    """Return which integrators work, as bits, where these qudits (bits) are asked for."""
    found = np.zeros(len(asked), np.int64)
    for qudit in qudits:
        bits = sum(1 << integrator for integrator in qudit.settings.integrators)
        found |= np.where(asked >> qudit.index & 1, bits, 0)
    return found


def states_of(results: Complexes, qudits: Sequence[Qudit], units: int) -> NDArray[np.uint8]:
    """Return the states that results tell, shape (records, units), by qudit."""
    found = np.zeros((len(results), units), np.uint8)
    for qudit in qudits:
        found[:, qudit.index] = discriminate_qudit(results, qudit.settings)
    return found


def discriminate_qudit(results: Complexes, settings: QuditSettings) -> Integers:
    """Return the states, shape (records), of results, shape (records, integrators)."""
    found = results[:, list(settings.integrators)].real
    to_zero = np.concatenate([np.zeros((len(results), 1)), found], axis=1)
    outcome = np.zeros(len(results), np.int64)
    pairs = combinations(range(settings.states), 2)
    for bit, ((right, left), threshold) in enumerate(zip(pairs, settings.thresholds, strict=True)):
        above = to_zero[:, left] - to_zero[:, right] > threshold
        outcome |= above.astype(np.int64) << bit
    assignment: NDArray[np.int64] = np.array(settings.assignment, np.int64)
    return np.asarray(assignment[outcome], np.int64)
