"""Compares recovered parameters with the hidden truth."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import BY_NAME, QUANTITIES, alone, told


@dataclass(frozen=True, slots=True)
class Truth:
    """The hidden value of a parameter."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One listed parameter: found or not, and how far from the truth."""

    qubit: str
    """E.g. ``node_a.q0``."""
    quantity: str
    """E.g. ``f01``."""
    found: Measured | None
    truth: Truth | None
    """None when the facility is real, or the simulation tells nothing of it."""

    @property
    def name(self) -> str:
        """The parameter's full name."""
        return f"{self.qubit}.{self.quantity}"

    @property
    def pull(self) -> float | None:
        """(value - truth) / sigma; None when one of them is missing."""
        if self.found is None or self.truth is None or self.found.sigma <= 0:
            return None
        pull = (self.found.value - self.truth.value) / self.found.sigma
        return pull if isfinite(pull) else None

    def told_found(self) -> str:
        """Return the recovered value for people."""
        if self.found is None:
            return "not found"
        percent = BY_NAME[self.quantity].percent
        return told(self.found.value, self.found.sigma, self.found.unit, percent=percent)

    def told_truth(self) -> str:
        """Return the truth for people, to the digits of the value recovered."""
        if self.truth is None:
            return "–"
        like = None if self.found is None else self.found.sigma
        percent = BY_NAME[self.quantity].percent
        return alone(self.truth.value, self.truth.unit, like=like, percent=percent)


def compare(
    qubits: Iterable[str],
    found: Mapping[str, Measured],
    truth: Mapping[str, Truth],
    absent: Mapping[str, Collection[str]] | None = None,
    left_out: Collection[str] = (),
) -> tuple[Comparison, ...]:
    """Return a row for each listed quantity of each qubit (``node_a.q0``), in that order.

    ``absent``: by qubit, quantities that it does not have, or that no line of it reaches.
    ``left_out``: quantities that nobody was to measure.
    """
    absent = absent or {}
    return tuple(
        Comparison(
            qubit,
            quantity.name,
            found.get(f"{qubit}.{quantity.name}"),
            truth.get(f"{qubit}.{quantity.name}"),
        )
        for qubit in qubits
        for quantity in QUANTITIES
        if quantity.name not in left_out and quantity.name not in absent.get(qubit, ())
    )


def complete(comparisons: Iterable[Comparison]) -> dict[str, bool]:
    """Tell for each qubit whether all of its listed parameters were found."""
    found: dict[str, bool] = {}
    for row in comparisons:
        found[row.qubit] = found.get(row.qubit, True) and row.found is not None
    return found
