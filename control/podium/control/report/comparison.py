"""Compares recovered parameters with the hidden truth."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite

from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import BY_NAME, QUANTITIES, alone, told

PLAYED_GATES = ("cz", "iswap")
"""Of these a world tells how they were played."""
OF_EDGES = {
    "zz": ("zz",),
    "plasmon_frequency": ("plasmon_frequency",),
    "plasmon_shift": ("plasmon_shift",),
    "gate_error": tuple(f"{gate}_played_infidelity" for gate in PLAYED_GATES),
    "gate_leakage": tuple(f"{gate}_played_seen_leakage" for gate in PLAYED_GATES),
}
"""By quantity of an edge: what a world calls it."""
OF_GATES = (
    *(f"{gate}_infidelity" for gate in PLAYED_GATES),
    *(f"{gate}_played_infidelity" for gate in PLAYED_GATES),
)
"""What a world tells of the best gate, and of the gate as played, whatever was measured."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The hidden value of a parameter."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One listed parameter: found or not, and how far from the truth."""

    qubit: str
    """E.g. ``node_a.q0``; or an edge, ``node_a.q0_q1``."""
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

    @property
    def lost(self) -> bool:
        """It was to be found, and was not."""
        return self.found is None and self.quantity not in OF_GATES

    def told_found(self) -> str:
        """Return the recovered value for people."""
        if self.found is None:
            return "not found" if self.lost else "–"
        return told(self.found.value, self.found.sigma, self.found.unit, percent=self._percent)

    def told_truth(self) -> str:
        """Return the truth for people, to the digits of the value recovered."""
        if self.truth is None:
            return "–"
        like = None if self.found is None else self.found.sigma
        return alone(self.truth.value, self.truth.unit, like=like, percent=self._percent)

    @property
    def _percent(self) -> bool:
        return self.quantity in BY_NAME and BY_NAME[self.quantity].percent


def compare(
    qubits: Iterable[str],
    found: Mapping[str, Measured],
    truth: Mapping[str, Truth],
    absent: Mapping[str, Collection[str]] | None = None,
    left_out: Collection[str] = (),
) -> tuple[Comparison, ...]:
    """Return a row for each listed quantity of each qubit (``node_a.q0``), in that order.

    ``absent``: by qubit, quantities that it does not have, or that no line of it reaches.
    ``left_out``: quantities that nobody was to measure. A world tells f01 at the sweet spot: of a
    qubit whose sweet spot was to be found and was not, it tells nothing that f01 could be held
    against.
    """
    absent = absent or {}

    def elsewhere(qubit: str, quantity: str) -> bool:
        at_sweet_spot = "sweet_spot" in left_out or "sweet_spot" in absent.get(qubit, ())
        return quantity == "f01" and not at_sweet_spot and f"{qubit}.sweet_spot" not in found

    return tuple(
        Comparison(
            qubit,
            quantity.name,
            found.get(f"{qubit}.{quantity.name}"),
            None if elsewhere(qubit, quantity.name) else truth.get(f"{qubit}.{quantity.name}"),
        )
        for qubit in qubits
        for quantity in QUANTITIES
        if quantity.name not in left_out and quantity.name not in absent.get(qubit, ())
    )


def compare_edges(
    found: Mapping[str, Mapping[str, Measured]], truth: Mapping[str, Truth]
) -> tuple[Comparison, ...]:
    """Return a row for all that was found of each edge (``node_a.q0_q1``), by its quantities.

    Behind them stands what a world tells of the gate, where it tells something.
    """
    rows = []
    for edge, values in found.items():
        for quantity, one in values.items():
            known = (truth.get(f"{edge}.{name}") for name in OF_EDGES.get(quantity, ()))
            true = next((one for one in known if one is not None), None)
            rows.append(Comparison(edge, quantity, one, true))
        rows += [
            Comparison(edge, name, None, truth[f"{edge}.{name}"])
            for name in OF_GATES
            if f"{edge}.{name}" in truth
        ]
    return tuple(rows)


def complete(comparisons: Iterable[Comparison]) -> dict[str, bool]:
    """Tell for each qubit whether all of its listed parameters were found."""
    found: dict[str, bool] = {}
    for row in comparisons:
        found[row.qubit] = found.get(row.qubit, True) and row.found is not None
    return found
