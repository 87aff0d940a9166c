"""The state of a fridge: what is integrated, and the commands that it stands under."""

from dataclasses import dataclass, field, replace

from podium.firmware_interfaces import fridge_signals as signals
from podium.sim_instruments.physics.cryostat.helium import ROOM_K

ATMOSPHERE_PA = 101_325.0
WATER_K = 291.0
"""Of cooling water. # ASSUMED: 18 C."""
SHORTEST_STRIDE_S = 10
"""Between points of the grid that the state moves on, while it changes."""


def commands_at_rest() -> dict[str, float]:
    """Return every input with all off and closed, mains and water there."""
    still = dict.fromkeys((*signals.INPUTS, *signals.MAGNET), 0.0)
    still |= dict.fromkeys(signals.SET_SPEEDS, 1.0)
    return still | {signals.MAINS: 1.0, signals.WATER: 1.0, signals.WATER_TEMPERATURE: WATER_K}


@dataclass(slots=True)
class PlantState:
    """All that a fridge's future depends on, besides its parameters, its seed and events to come.

    It starts at room temperature, vented, with the mixture in the tank.
    """

    temperatures: list[float] = field(default_factory=lambda: [ROOM_K] * 5)
    """K, from warm to cold: :data:`.signals.STAGES`."""
    still_pa: float = 0.1
    back_pa: float = 0.1
    condensing_pa: float = 0.1
    tank_pa: float = 0.0
    service_pa: float = ATMOSPHERE_PA
    liquid_mol: float = 0.0
    """Mixture that is condensed in the dilution unit."""
    lost_mol: float = 0.0
    """Mixture that has left for good: by the service line, a burst disc or a leak."""
    inflow: float = 0.0
    """Mixture that comes in and condenses, mol/s."""
    gas_inflow: float = 0.0
    """Mixture that comes in and does not condense, mol/s."""
    circulation: float = 0.0
    """Through the pumps of the still, mol/s."""
    air_pa: float = ATMOSPHERE_PA
    """In the vacuum can."""
    can_helium_pa: float = 0.0
    frozen: float = 0.0
    """Air that is frozen out in the can, Pa m^3 at room temperature."""
    speeds: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """Of both turbos, of full speed."""
    turbo_errors: list[float] = field(default_factory=lambda: [0.0, 0.0])
    coolant_k: float = WATER_K
    """Leaving the helium compressor."""
    oil_k: float = ROOM_K
    helium_k: float = ROOM_K
    high_pa: float = 15.2e5
    low_pa: float = 15.2e5
    run_s: float = 0.0
    errors: int = 0
    """Of the helium compressor: bits of its register."""
    ups: float = 1.0
    """Charge of the battery, 0 to 1."""
    leak: float = 0.0
    """Mixture into the can at 1 bar in the condensing line, mol/s."""
    plug: float = 0.0
    """How much of trap 1 is blocked, 0 to 1."""
    touch: float = 0.0
    """Metal between the second stage and the still, W/K^2 of T1^2 - T2^2."""
    stride_s: int = SHORTEST_STRIDE_S
    """Between points of the grid that it moves on from here: :mod:`.stride`."""
    commands: dict[str, float] = field(default_factory=commands_at_rest)

    def copy(self) -> "PlantState":
        """Return one that can be moved without this one."""
        return replace(
            self,
            temperatures=list(self.temperatures),
            speeds=list(self.speeds),
            turbo_errors=list(self.turbo_errors),
            commands=dict(self.commands),
        )
