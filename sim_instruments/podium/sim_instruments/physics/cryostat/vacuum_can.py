"""The vacuum can: pumping, outgassing, frozen air, and the heat that gas in it carries."""

import math

from podium.sim_instruments.physics.cryostat.gas_handling import Positions
from podium.sim_instruments.physics.cryostat.helium import ROOM_K, ROOM_RT
from podium.sim_instruments.physics.cryostat.parameters import GasHandling
from podium.sim_instruments.physics.cryostat.state import ATMOSPHERE_PA, PlantState

OUTGASSING = 1e-4
"""Pa m^3/s of warm walls. # ASSUMED: 1e-7 Pa m/s over 1e3 m^2 of superinsulation."""
FREEZES_K = 25.0
"""At the second stage, where air stays. # ASSUMED: nitrogen at 1e-7 Pa."""
THAWS_K = 35.0
CRYOPUMP_M3_S = 5.0
"""# ASSUMED: 10 m^3/(s m^2) of nitrogen on half a square metre."""
ADSORBS_K = 4.5
ADSORPTION_M3_S = 1e-3
"""Of helium on surfaces below it. # ASSUMED"""
ROUGH_PA = 5.0
"""Below it a scroll pump draws little. # ASSUMED"""
VENT_M3_S, BOTTLE_PA_M3_S = 1e-3, 1e-3
"""Through v15 and v22. # ASSUMED"""
THIN_W_K_PA, THICK_W_K = 1.0, 3.0
"""Heat by gas between two shields of 1 m^2: molecular 1 W/(K Pa) (Pobell, ch. 5: 2.1 times an
accommodation of 0.5), and 3 W/K where it is dense (0.15 W/(m K) over 5 cm)."""


def conductance(state: PlantState) -> float:
    """Return the heat that gas carries between neighbouring shields, W/K."""
    pressure = state.air_pa + state.can_helium_pa
    if pressure < 1e-7:
        return 0.0
    thin = THIN_W_K_PA * pressure
    return thin * THICK_W_K / (thin + THICK_W_K)


def _relaxed(pressure: float, source: float, speed: float, volume: float, length_s: float) -> float:
    """Return a pressure after a time under a source (Pa m^3/s) and a pump (m^3/s)."""
    if speed < 1e-12:
        return pressure + source / volume * length_s
    rest = source / speed
    return rest + (pressure - rest) * math.exp(-speed / volume * length_s)


def step(gas: GasHandling, state: PlantState, positions: Positions, length_s: float) -> None:
    """Move the can's pressures by a step."""
    pressure = state.air_pa + state.can_helium_pa
    speed = 0.0
    if positions.path("v14") and positions.scroll2:
        speed += gas.can_scroll_m3_s * pressure / (pressure + ROUGH_PA)
        speed += gas.can_turbo_m3_s * state.speeds[1] / (1.0 + pressure / 10.0)
    first_k, second_k = state.temperatures[:2]
    air, helium = OUTGASSING * (first_k / ROOM_K) ** 6, 0.0
    air_speed, helium_speed = speed, speed
    if positions.path("v15"):
        air += VENT_M3_S * ATMOSPHERE_PA
        air_speed += VENT_M3_S
        helium_speed += VENT_M3_S
    if positions.path("v22"):
        helium += BOTTLE_PA_M3_S
    if state.leak:
        helium += state.leak * ROOM_RT * state.condensing_pa / ATMOSPHERE_PA
    if second_k < ADSORBS_K:
        helium_speed += ADSORPTION_M3_S
    frozen_speed = CRYOPUMP_M3_S if second_k < FREEZES_K else 0.0
    if second_k > THAWS_K and state.frozen > 0.0:
        thawed = state.frozen * (1.0 - math.exp(-length_s / 300.0))
        state.frozen -= thawed
        air += thawed / length_s
    before = state.air_pa
    state.air_pa = _relaxed(before, air, air_speed + frozen_speed, gas.can_m3, length_s)
    if frozen_speed:
        leaving = air * length_s + (before - state.air_pa) * gas.can_m3
        state.frozen += max(0.0, leaving) * frozen_speed / (air_speed + frozen_speed)
    state.can_helium_pa = _relaxed(state.can_helium_pa, helium, helium_speed, gas.can_m3, length_s)
