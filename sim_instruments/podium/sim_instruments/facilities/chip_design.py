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
    f12_ghz: float | None = None
    """About where its plasmon, or a coupler by its line, is driven; None: neither is."""

    def tree(self) -> Tree:
        """Return it as a facility file has it."""
        return {
            "kind": self.kind,
            "design": {name: known.tree() for name, known in self.design.items()},
        }


@dataclass(frozen=True, slots=True)
class EdgePlan:
    """Two qubits of a chip with a gate, as designed."""

    ends: tuple[int, int]
    """Numbers of the qubits."""
    exchange: Estimate | None
    """Rate of direct exchange; None: there is none beside the coupler."""
    coupler: str | None = None
    with_coupler: tuple[Estimate, Estimate] | None = None
    """Rates of exchange of each end with the coupler."""
    pulsed: str | None = None
    """Whose flux the gate pulses; None: as the facility file says where it is left out."""
    gate: str = "cz"
    driven: str | None = None
    """The fluxonium whose plasmon, or by whose line the coupler, the gate drives; None: it is
    played by flux."""
    off_point: Estimate | None = None
    """Bias at which the coupler rests."""

    def tree(self) -> Tree:
        """Return it as a facility file has it."""
        found: Tree = {"ends": [f"q{n}" for n in self.ends], "gate": self.gate}
        if self.coupler is not None:
            found["coupler"] = self.coupler
        if self.pulsed is not None:
            found["pulsed"] = self.pulsed
        if self.driven is not None:
            found["driven"] = self.driven
        if self.exchange is not None:
            found["exchange"] = self.exchange.tree()
        if self.with_coupler is not None:
            keys = ("exchange_first", "exchange_second")
            rates = zip(keys, self.with_coupler, strict=True)
            found |= {key: rate.tree() for key, rate in rates}
        if self.off_point is not None:
            found["off_point"] = self.off_point.tree()
        return found


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
    couplers: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    """Tunable couplers: the design of each by its name."""
    edges: tuple[EdgePlan, ...] = ()
    device: str = ""
    """Whose hidden values its worlds have; empty: those of its own name."""
    on_one_feedline: int = 6
    """A QRM-RF has as many sequencers, an SHFQC as many control channels."""

    def taken(self, count: int) -> tuple[QubitPlan, ...]:
        """Return the first ``count`` qubits; raises :class:`NoSuchFacility`."""
        if not 1 <= count <= len(self.qubits):
            raise NoSuchFacility(
                f"{self.name} has 1 to {len(self.qubits)} qubits here, not {count}"
            )
        return self.qubits[:count]

    @property
    def drawn_as(self) -> str:
        """Return the device whose hidden values its worlds have."""
        return self.device or self.name

    def edges_among(self, count: int) -> tuple[EdgePlan, ...]:
        """Return the edges of the first ``count`` qubits."""
        return tuple(edge for edge in self.edges if max(edge.ends) < count)

    def pulsed_among(self, count: int) -> tuple[str, ...]:
        """Return, in order, what those edges pulse: qubits and couplers."""
        pulsed: list[str] = []
        for edge in self.edges_among(count):
            if edge.driven is not None:
                continue
            higher = max(edge.ends, key=lambda n: self.qubits[n].f01_ghz)
            pulsed.append(edge.pulsed or edge.coupler or f"q{higher}")
        return tuple(dict.fromkeys(pulsed))

    def driven_among(self, count: int) -> tuple[str, ...]:
        """Return, in order, those of the first ``count`` qubits whose plasmons are driven.

        Not those that drive the coupler of an edge whose other end is not among them.
        """
        absent = {edge.driven for edge in self.edges if edge.coupler and max(edge.ends) >= count}
        has = (f"q{n}" for n in range(count) if self.qubits[n].f12_ghz is not None)
        return tuple(one for one in has if one not in absent)

    def feedlines(self, count: int) -> list[list[str]]:
        """Return which of the first ``count`` qubits each feedline reads."""
        names = [f"q{n}" for n in range(count)]
        step = self.on_one_feedline
        return [names[first : first + step] for first in range(0, count, step)]
