"""Collects what was found of a quantum link and of a pair over it, and what its world allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.control.parameters.entry import Measured
from podium.control.report.comparison import Truth

T = TypeVar("T")

BASIS = ("00", "01", "10", "11")
"""Of a pair's density matrix, the link's first end first."""
ALLOWED = {
    "absorption": "best_absorption",
    "transfer": "best_transfer",
    "bell_fidelity": "best_bell_fidelity",
    "bell_concurrence": "best_bell_concurrence",
    "chsh_s": "best_chsh_s",
}
"""By quantity: the name of the best that a world allows."""
HIDDEN = ("sideband_frequency", "stark_shift", "sideband_rate", "kappa", "mode_photons")
"""What is found of each end and stands in the world as well."""
END_LABELS = ("a", "b")


@dataclass(slots=True, eq=False)
class LinkStory:
    """Filled while a link is calibrated and a pair is shared."""

    link: str
    ends: tuple[str, str]
    """Full names of its qubits, the photon's sender first."""
    found: dict[str, Measured] = field(default_factory=dict)
    """By full name: ``link_ab.transfer``, ``link_ab.a.kappa``."""
    state: NDArray[np.complex128] | None = None
    """Density matrix (4, 4) of the pair, by tomography."""
    corrected: str = ""
    """What the readouts' errors do to it, in words."""
    starts: int = 0
    """Common starts by which the nodes' skew was measured."""
    skew: str = ""
    """That skew, for people."""
    world: Mapping[str, Truth] = field(default_factory=dict)
    """The hidden truth, by parameter name; empty until the last measurement."""

    def measured(self, quantity: str) -> Measured | None:
        """Return what was found of the link itself."""
        return self.found.get(f"{self.link}.{quantity}")

    def allowed(self, quantity: str) -> float | None:
        """Return the best that the world allows of a quantity of :data:`ALLOWED`."""
        truth = self.world.get(f"{self.link}.{ALLOWED[quantity]}")
        return None if truth is None else truth.value

    def of_allowed(self, told: Mapping[str, T]) -> dict[str, T]:
        """Return ``told``, by measured quantity, under the names of what the world allows."""
        return {
            f"{self.link}.{best}": told[name]
            for quantity, best in ALLOWED.items()
            if (name := f"{self.link}.{quantity}") in told
        }

    def hidden(self) -> list[tuple[str, Measured, Truth]]:
        """Return what was found of the link's parts and what is true: name, found, truth."""
        names = [f"{self.link}.{label}.{one}" for label in END_LABELS for one in HIDDEN]
        return [
            (name, self.found[name], self.world[name])
            for name in (*names, f"{self.link}.transmission")
            if name in self.found and name in self.world
        ]

    def summary(self) -> dict[str, object]:
        """Return what ``summary.json`` has of it, under ``link``."""
        told: dict[str, object] = {"name": self.link, "ends": list(self.ends)}
        for quantity in ALLOWED:
            one = self.measured(quantity)
            told[quantity] = {
                "value": None if one is None else one.value,
                "sigma": None if one is None else one.sigma,
                "allowed": self.allowed(quantity),
            }
        hidden = {name: truth.value for name, _, truth in self.hidden()}
        told["parameters"] = {
            name: {
                "value": one.value,
                "sigma": one.sigma,
                "unit": one.unit,
                "truth": hidden.get(name),
            }
            for name, one in self.found.items()
        }
        if self.state is not None:
            told["density_matrix"] = {
                "basis": list(BASIS),
                "real": np.round(self.state.real, 6).tolist(),
                "imaginary": np.round(self.state.imag, 6).tolist(),
            }
        told["readout"] = self.corrected
        return told
