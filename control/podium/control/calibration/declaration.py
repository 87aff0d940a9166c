"""A routine's declaration stands beside its function: what it works on, needs and gives."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from podium.control.facility.edges import PlayedGate
from podium.control.parameters.validity import Lifetime

if TYPE_CHECKING:
    from podium.control.calibration.bench import Bench
    from podium.control.calibration.outcome import Outcome

Routine: TypeAlias = "Callable[[Bench, tuple[Any, ...]], Awaitable[Outcome]]"
"""Its second argument: qubits, or edges where its declaration's targets are these."""

Targets = Literal["qubits", "tunable qubits", "plasmon qubits", "feedlines", "outputs", "edges"]
"""Of the qubits asked for: themselves, those with a flux line, fluxoniums whose 1-2 an output
drives, or what they are read and driven through. Routines for edges are given edges in their
place."""

READOUT_SETTINGS = ("probe_frequency", "probe_amplitude", "probe_duration", "shelving")
DRIVE = ("f01", "pi_amplitude", "pulse_duration")
LEVELS = (
    *("ground_i", "ground_q", "excited_i", "excited_q"),
    *("ground_variance", "excited_variance"),
)
EDGE_GATE = (
    *("gate_amplitude", "gate_duration", "gate_frequency", "phase_first", "phase_second"),
    *("cross_amplitude", "cross_phase", "cancel_amplitude", "cancel_phase", "control_phase"),
    *("carrier_frequency", "carrier_amplitude", "carrier_duration"),
    *("swap_phase_first", "swap_phase_second"),
)
"""Of an edge's gate, whichever it is: those that it has."""
RARE_ERRORS = ("rare_threshold", "rare_false_excited", "rare_false_ground", "herald_to_readout")


@dataclass(frozen=True, slots=True)
class Declaration:
    """Of one routine. Quantities are the last words of parameters' names (``f01``)."""

    function: Routine
    targets: Targets
    places: tuple[int, ...]
    """Its turns in a bring-up: turns follow one another by these numbers. Empty: it has none."""
    cost_s: float
    """Laboratory time of all its turns in a bring-up of three qubits, thoroughness 1, s: the
    median of the worlds that are kept in docs/reference/accuracy.json."""
    needs: tuple[str, ...] = ()
    """What its result stands on: old, it refuses. Of everything else it takes, where it is old,
    what the facility file expects."""
    gives: Mapping[str, Lifetime] = field(default_factory=dict)
    """What it stores and is asked for first where that is too old, with how long it is good for."""
    refines: tuple[str, ...] = ()
    """What it stores besides, which another routine gives."""
    gates: tuple[PlayedGate, ...] = ()
    """Of a routine for edges: the gates that it can work on; empty: all."""
    turns_of: tuple[PlayedGate, ...] = ("cz",)
    """Of a routine for edges: the gates in whose bring-up it has its turns."""
    gate_turns: Mapping[PlayedGate, int] = field(default_factory=dict)
    """Its turn in the bring-up of edges with these gates, where that is another than its places: of
    a routine for qubits, or for edges."""
    apart: bool = False
    """Coupled qubits are taken one after another: in a superposition they shift each other."""
    essential: bool = False
    """A qubit that fails it cannot go on: beside its sweet spot its frequency is another."""

    @property
    def name(self) -> str:
        """The name under which it is called and stored."""
        return self.function.__name__

    def turns(self, gate: PlayedGate | None) -> tuple[int, ...]:
        """Return its turns in the bring-up of edges with a gate; None: of qubits."""
        if gate is not None and gate in self.gate_turns:
            return (self.gate_turns[gate],)
        is_one = gate in self.turns_of if self.targets == "edges" else gate is None
        return self.places if is_one else ()

    @property
    def stores(self) -> frozenset[str]:
        """All quantities that it stores."""
        return frozenset((*self.gives, *self.refines))
