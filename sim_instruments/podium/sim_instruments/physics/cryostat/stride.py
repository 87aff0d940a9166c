"""Chooses the length of a plant's next step: the longer, the less has changed in the last.

Strides divide each other, so that points of a coarse grid lie on all finer ones. An event ends a
long stride; after it the fridge goes by the shortest again. The choice depends on the state alone.
"""

from dataclasses import dataclass

from podium.firmware_interfaces import fridge_signals as signals
from podium.sim_instruments.physics.cryostat.state import SHORTEST_STRIDE_S, PlantState

STRIDES_S = (SHORTEST_STRIDE_S, 20, 60, 120)
CALM, LIVELY = 5e-4, 2e-3
"""Greatest change in a step, in the value, below which the next is longer, and above which the
shortest follows. # ASSUMED: a quarter of a thermometer's noise, and all of it."""
CALM_WATER_K = 0.02
"""Likewise of the compressor's coolant, which may stop it."""
LEAST_PA = 1.0
"""Less gas does not count in whether a volume is calm."""


@dataclass(frozen=True, slots=True)
class Calmness:
    """A state before a step, as far as it says how lively a fridge is."""

    values: tuple[float, ...]
    """Temperatures in K, then pressures in Pa."""
    speeds: tuple[float, float]
    coolant_k: float
    stride_s: int

    @classmethod
    def of(cls, state: PlantState) -> "Calmness":
        """Return that of a state."""
        return cls(
            _values(state),
            (state.speeds[0], state.speeds[1]),
            state.coolant_k,
            state.stride_s,
        )

    def stride_to(self, after: PlantState) -> int:
        """Return the stride that follows a step from here to ``after``, s."""
        if not after.commands[signals.MAINS]:
            return SHORTEST_STRIDE_S  # the battery ends at a moment that matters
        most = max(
            abs(new - old) / old for old, new in zip(self.values, _values(after), strict=True)
        )
        most = max(most, *(abs(a - b) for a, b in zip(self.speeds, after.speeds, strict=True)))
        most = max(most, abs(after.coolant_k - self.coolant_k) / CALM_WATER_K * CALM)
        if most > LIVELY:
            return SHORTEST_STRIDE_S
        at = STRIDES_S.index(self.stride_s)
        return STRIDES_S[min(at + 1, len(STRIDES_S) - 1)] if most < CALM else self.stride_s


def _values(state: PlantState) -> tuple[float, ...]:
    return (
        *state.temperatures,
        max(LEAST_PA, state.still_pa),
        max(LEAST_PA, state.back_pa),
        max(LEAST_PA, state.condensing_pa),
        max(LEAST_PA, state.tank_pa),
    )
