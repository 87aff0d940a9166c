"""States in which a fridge begins: at room temperature, or cold and circulating."""

from collections.abc import Callable

from podium.firmware_interfaces import fridge_signals as signals
from podium.sim_instruments.physics.cryostat import machines
from podium.sim_instruments.physics.cryostat.gas_handling import GasHandling
from podium.sim_instruments.physics.cryostat.helium import ROOM_RT
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.state import PlantState

CIRCULATING_VALVES = ("v1", "v3", "v4", "v5", "v6", "v9", "v10")
CIRCULATING_PUMPS = (signals.SCROLL1, signals.TURBO1)


def warm(parameters: CryostatParameters) -> PlantState:
    """Return a fridge at room temperature: vented, all off, the mixture in the tank."""
    state = PlantState()
    gas = GasHandling(parameters)
    lines = gas.mixture_mol(state)
    tank_m3 = parameters.gas.tank_m3
    state.tank_pa = (parameters.dilution.mixture_mol - lines) * ROOM_RT / tank_m3
    return state


def cold(parameters: CryostatParameters) -> PlantState:
    """Return a fridge in usual operation, near its steady state: the parameters' ``settled``."""
    state, settled, gas = PlantState(), parameters.settled, GasHandling(parameters)
    commands = state.commands
    for valve in CIRCULATING_VALVES:
        commands[signals.open_of(valve)] = 1.0
    for pump in CIRCULATING_PUMPS:
        commands[signals.on_of(pump)] = 1.0
    commands[signals.PULSE_TUBE] = 1.0
    commands[signals.power_of("still")] = parameters.dilution.still_heater_w
    state.temperatures = list(settled.temperatures_k)
    state.still_pa, state.back_pa = settled.still_pa, settled.back_pa
    state.condensing_pa, state.tank_pa = settled.condensing_pa, settled.tank_pa
    state.air_pa, state.speeds = 1e-6, [1.0, 0.0]
    state.speeds[0] = 1.0 / (1.0 + settled.still_pa / 300.0)
    made = parameters.compressor
    state.coolant_k += made.power_w / made.water_w_k
    state.oil_k = state.coolant_k + machines.OIL_ABOVE_K
    state.helium_k = state.coolant_k + machines.HELIUM_ABOVE_K
    state.high_pa, state.low_pa = made.high_pa, made.low_pa
    state.circulation = state.inflow = settled.flow
    state.frozen = 0.05
    state.liquid_mol = parameters.dilution.mixture_mol - gas.mixture_mol(state)
    return state


START_STATES: dict[str, Callable[[CryostatParameters], PlantState]] = {"cold": cold, "warm": warm}
