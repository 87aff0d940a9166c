"""The sampler reads couplers, edges and pulsed flux lines of a node in a facility file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from podium.sim_instruments.physics.spread import Spread

EdgeGate = Literal["cz", "iswap", "cnot"]
"""Gates that an edge of a facility file may have."""

COUPLER_UNITS = {
    "f01": "Hz",
    "anharmonicity": "Hz",
    "asymmetry": "1",
    "flux_period": "V",
    "flux_offset": "V",
    "t1": "s",
}
"""What the design of a coupler says, and the unit that code holds it in."""


@dataclass(frozen=True, slots=True)
class CouplerDesign:
    """The numbers of one tunable coupler that its world is drawn from."""

    name: str
    values: Mapping[str, Spread]
    """By quantity of :data:`COUPLER_UNITS`."""
    origin: Mapping[str, str | None]
    """By quantity: the source that the file names; None where it says ``assumed``."""


@dataclass(frozen=True, slots=True)
class EdgeDesign:
    """Two qubits between which a gate is played."""

    name: str
    ends: tuple[str, str]
    gate: EdgeGate
    pulsed: str
    """Whose flux the gate pulses; empty: the end with the higher f01."""
    driven: bool = False
    """Whether it drives the plasmon of that one, and pulses no flux."""
    carrier: bool = False
    """Whether a CZ is played by a carrier on that flux."""
