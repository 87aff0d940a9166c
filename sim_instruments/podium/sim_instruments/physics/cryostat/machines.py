"""Machines around a fridge: the helium compressor, turbo pumps, and their electricity."""

import math

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import TURBOS
from podium.sim_instruments.physics.cryostat.helium import ROOM_K
from podium.sim_instruments.physics.cryostat.parameters import HeliumCompressor, Turbo
from podium.sim_instruments.physics.cryostat.state import PlantState

COOLANT_IN_HIGH, COOLANT_IN_LOW, COOLANT_OUT_HIGH, OIL_HIGH, HELIUM_HIGH = 1, 2, 4, 16, 64
LOW_PRESSURE_LOW, STATIC_LOW, THREE_PHASE = 512, 262144, 32768
"""Bits of the register of warnings and errors (Cryomech CPA manual, Modbus section)."""
LIMITS_K: dict[int, tuple[float, float]] = {
    COOLANT_IN_HIGH: (303.0, 311.0),
    COOLANT_OUT_HIGH: (318.0, 325.0),
    OIL_HIGH: (322.0, 325.0),
    HELIUM_HIGH: (355.0, 361.0),
}
"""By bit: where it warns and where it stops. # ASSUMED: 125 F for oil and water, 190 F helium."""
COLD_WATER_K = 280.0
LAG_S = 60.0
"""Of oil and helium behind the coolant, and of pressures. # ASSUMED"""
OIL_ABOVE_K, HELIUM_ABOVE_K = 6.0, 35.0
"""Above the coolant, running. # ASSUMED"""
TOO_HOT = 117
"""Of a turbo: excess temperature of the pump's lower part (Pfeiffer TC 400 manual, Err117)."""
CHARGE_S = 4 * 3600.0
"""Of the battery. # ASSUMED"""


def step_compressor(made: HeliumCompressor, state: PlantState, length_s: float) -> None:
    """Move the helium compressor by a step; beyond a limit it stops."""
    commands = state.commands
    water_k = commands[signals.WATER_TEMPERATURE]
    running = commands[signals.PULSE_TUBE] > 0.0
    exchange = made.water_w_k if commands[signals.WATER] and commands[signals.MAINS] else 5.0
    rest_k = water_k + (made.power_w if running else 0.0) / exchange
    decay = math.exp(-exchange / made.heat_capacity * length_s)
    state.coolant_k = rest_k + (state.coolant_k - rest_k) * decay
    lag = math.exp(-length_s / LAG_S)
    above = (OIL_ABOVE_K, HELIUM_ABOVE_K) if running else (0.0, 0.0)
    state.oil_k += (state.coolant_k + above[0] - state.oil_k) * (1.0 - lag)
    state.helium_k += (state.coolant_k + above[1] - state.helium_k) * (1.0 - lag)
    warm = 1.0 + 0.12 * min(1.0, state.temperatures[0] / ROOM_K)  # a warm head takes more gas
    high, low = (made.high_pa * warm, made.low_pa * warm) if running else 2 * (made.static_pa,)
    fast = math.exp(-length_s / (LAG_S / 6))
    state.high_pa = high + (state.high_pa - high) * fast
    state.low_pa = low + (state.low_pa - low) * fast
    if running:
        state.run_s += length_s
        state.errors |= beyond(state, 1)
        if state.errors:
            commands[signals.PULSE_TUBE] = 0.0


def beyond(state: PlantState, which: int) -> int:
    """Return the bits of what is beyond its limit; ``which``: 0 that warns, 1 that stops."""
    measured = {
        COOLANT_IN_HIGH: state.commands[signals.WATER_TEMPERATURE],
        COOLANT_OUT_HIGH: state.coolant_k,
        OIL_HIGH: state.oil_k,
        HELIUM_HIGH: state.helium_k,
    }
    bits = sum(bit for bit, limits in LIMITS_K.items() if measured[bit] > limits[which])
    if which == 0 and measured[COOLANT_IN_HIGH] < COLD_WATER_K:
        bits |= COOLANT_IN_LOW
    return bits


def motor_current(made: HeliumCompressor, state: PlantState) -> float:
    """Return the current of the helium compressor's motor, A."""
    if not state.commands[signals.PULSE_TUBE]:
        return 0.0
    return made.current_a * (0.6 + 0.4 * state.high_pa / made.high_pa)


def powered(state: PlantState) -> bool:
    """Tell whether pumps and valves have electricity: from the mains or from the battery."""
    return state.commands[signals.MAINS] > 0.0 or state.ups > 0.0


def step_battery(ups_s: float, state: PlantState, length_s: float) -> None:
    """Move the battery by a step. When it is empty, pumps stop and valves close."""
    commands = state.commands
    if commands[signals.MAINS]:
        state.ups = min(1.0, state.ups + length_s / CHARGE_S)
        return
    commands[signals.PULSE_TUBE] = 0.0
    state.ups -= length_s / ups_s
    if state.ups <= 1e-9:
        state.ups = 0.0
        for name in commands:
            if name.startswith(("pump.", "valve.", "heater.")) or name == signals.HEAT_SWITCH:
                commands[name] = 0.0


def step_turbos(made: Turbo, state: PlantState, length_s: float) -> None:
    """Move both turbos by a step."""
    back = (state.back_pa, 0.0)
    inlets = (state.still_pa, state.air_pa + state.can_helium_pa)
    for i, turbo in enumerate(TURBOS):
        driven = state.commands[signals.on_of(turbo)] > 0.0
        inlet = inlets[i] if back[i] < 2e5 else 2e5
        wanted = state.commands[signals.set_speed_of(turbo)]
        full = wanted / (1.0 + inlet / 300.0) if driven else 0.0  # ASSUMED: gas brakes it
        time_s = made.run_up_s if full > state.speeds[i] else made.run_down_s
        time_s /= 1.0 + inlet / 1e3
        state.speeds[i] = full + (state.speeds[i] - full) * math.exp(-length_s / time_s)


def turbo_current(made: Turbo, state: PlantState, index: int) -> float:
    """Return the current of a turbo's motor, A."""
    if not state.commands[signals.on_of(TURBOS[index])]:
        return 0.0
    missing = max(0.0, state.commands[signals.set_speed_of(TURBOS[index])] - state.speeds[index])
    return min(made.full_a, made.idle_a + 20.0 * missing)
