"""State and inputs of the supervisor's model of a fridge, for one fridge or an ensemble.

Arrays end in an axis of members; index order of stages is that of ``fridge_signals.STAGES``.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
STILL, BACK, CONDENSING, TANK = range(4)
"""Volumes of the mixture's circuit."""
CAN_CARRIES_PA = 1e-3
"""In the vacuum can: below it, less than 0.1 W from room to first stage."""


@dataclass(frozen=True, slots=True)
class ModelInputs:
    """Inputs of the model: switches as they stand, heaters in W."""

    tubes: float = 1.0
    """Part of the pulse tubes that runs, 0 to 1."""
    switch: bool = False
    """Whether the heat switch is closed."""
    open: frozenset[str] = frozenset()
    """Valves."""
    on: frozenset[str] = frozenset()
    """Pumps."""
    heat: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)

    def path(self, *valves: str) -> bool:
        """Tell whether all of these valves are open."""
        return all(valve in self.open for valve in valves)

    def can_conducts(self, state: "ModelState") -> bool:
        """Tell whether gas in the vacuum can carries heat worth counting."""
        return bool((state.can + state.helium).max() > CAN_CARRIES_PA)


@dataclass(frozen=True, slots=True, eq=False)
class ModelState:
    """One or more fridges at one time."""

    kelvin: Array
    """Stages: shape (5, members)."""
    pascal: Array
    """Volumes of the circuit: shape (4, members)."""
    liquid: Array
    """Condensed mixture, mol: shape (members,), as the rest."""
    speed: Array
    """Of turbo1, of full speed."""
    can: Array
    """Air in the vacuum can, Pa."""
    helium: Array = field(default_factory=lambda: np.zeros(1))
    """In the vacuum can besides: it does not freeze."""
    inflow: Array = field(default_factory=lambda: np.zeros(1))
    """What comes in and condenses, mol/s."""
    passing: Array = field(default_factory=lambda: np.zeros(1))
    """What comes in and does not, mol/s."""
    flow: Array = field(default_factory=lambda: np.zeros(1))
    """Through the pumps of the still, mol/s."""

    @property
    def members(self) -> int:
        """Number of fridges."""
        return int(self.kelvin.shape[1])

    def repeated(self, members: int) -> "ModelState":
        """Return so many copies of a single fridge."""
        return ModelState(
            **{name: np.repeat(getattr(self, name), members, axis=-1) for name in self.__slots__}
        )

    def chosen(self, members: Array) -> "ModelState":
        """Return some members; ``members``: their indices."""
        return ModelState(**{name: getattr(self, name)[..., members] for name in self.__slots__})

    def with_members(self, members: Array, state: "ModelState") -> "ModelState":
        """Return one in which some members are those of another state."""
        parts = {}
        for name in self.__slots__:
            values = np.array(getattr(self, name))
            values[..., members] = getattr(state, name)
            parts[name] = values
        return ModelState(**parts)

    def changed(self, **parts: Array) -> "ModelState":
        """Return one with other parts."""
        other = object.__new__(ModelState)  # what replace() does, at a fifth of its cost
        for name in ModelState.__slots__:
            object.__setattr__(other, name, parts[name] if name in parts else getattr(self, name))
        return other
