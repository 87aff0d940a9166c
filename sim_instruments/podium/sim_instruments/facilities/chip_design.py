"""The design of a chip before it cools down, without a word on its instruments."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.sim_instruments.facilities.tree import NoSuchFacility, Tree


@dataclass(frozen=True, slots=True)
class Estimate:
    """A design value: its text with a unit, and the spread that fabrication gives it."""

    value: str
    spread: str | None = None
    assumed: bool = True

    def tree(self) -> Tree:
        """Return it as a facility file has it."""
        found: Tree = {"value": self.value}
        if self.spread is not None:
            found["spread"] = self.spread
        return found | ({"assumed": True} if self.assumed else {})


@dataclass(frozen=True, slots=True)
class QubitPlan:
    """One qubit of a chip, as designed."""

    kind: str
    f01_ghz: float
    """About where it is driven: what a local oscillator is set by."""
    design: Mapping[str, Estimate]

    def tree(self) -> Tree:
        """Return it as a facility file has it."""
        return {
            "kind": self.kind,
            "design": {name: known.tree() for name, known in self.design.items()},
        }


@dataclass(frozen=True, slots=True)
class ChipDesign:
    """A published device, as far as worlds of it can be drawn."""

    name: str
    source: str
    told: str
    """One line about the device and about what is assumed of it."""
    kind: str
    """Of its node: ``digital`` or ``analog``."""
    qubits: tuple[QubitPlan, ...]
    """As many as it has here: q0, q1 ..."""
    readout_lo_ghz: float
    """In the middle of the resonators of a feedline; a multiple of 100 MHz is within 50 MHz."""
    couplings: Mapping[tuple[int, int], Estimate] = field(default_factory=dict)
    """Rate of exchange by the numbers of two qubits."""
    on_one_feedline: int = 6
    """A QRM-RF has as many sequencers, an SHFQC as many control channels."""

    def taken(self, count: int) -> tuple[QubitPlan, ...]:
        """Return the first ``count`` qubits; raises :class:`NoSuchFacility`."""
        if not 1 <= count <= len(self.qubits):
            raise NoSuchFacility(
                f"{self.name} has 1 to {len(self.qubits)} qubits here, not {count}"
            )
        return self.qubits[:count]

    def feedlines(self, count: int) -> list[list[str]]:
        """Return which of the first ``count`` qubits each feedline reads."""
        names = [f"q{n}" for n in range(count)]
        step = self.on_one_feedline
        return [names[first : first + step] for first in range(0, count, step)]
