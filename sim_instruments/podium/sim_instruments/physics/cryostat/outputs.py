"""Instruments read a fridge's state by the names of :mod:`.signals`."""

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import TURBOS
from podium.sim_instruments.physics.cryostat import machines
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.state import PlantState


def output(parameters: CryostatParameters, state: PlantState, name: str) -> float:
    """Return one output, in SI units; KeyError for a name that there is not."""
    if name in state.commands:
        return state.commands[name]
    group, _, rest = name.partition(".")
    match group:
        case "temperature":
            return state.temperatures[signals.STAGES.index(rest)]
        case "pressure":
            return _pressure(state, rest)
        case "flow":
            return state.circulation
        case "compressor":
            return _compressor(parameters, state, rest)
        case "ups":
            return state.ups
        case _:
            return _turbo(parameters, state, TURBOS.index(group), rest)


def _pressure(state: PlantState, gauge: str) -> float:
    return {
        "p1": state.air_pa + state.can_helium_pa,
        "p2": state.still_pa,
        "p3": state.condensing_pa,
        "p4": state.back_pa,
        "p5": state.tank_pa,
        "p6": state.service_pa,
    }[gauge]


def _compressor(parameters: CryostatParameters, state: PlantState, quantity: str) -> float:
    made = parameters.compressor
    match quantity:
        case "running":
            return state.commands[signals.PULSE_TUBE]
        case "coolant_in":
            return state.commands[signals.WATER_TEMPERATURE]
        case "coolant_out":
            return state.coolant_k
        case "oil":
            return state.oil_k
        case "helium":
            return state.helium_k
        case "low_pressure":
            return state.low_pa
        case "high_pressure":
            return state.high_pa
        case "motor_current":
            return machines.motor_current(made, state)
        case "run_time":
            return state.run_s
        case "warnings":
            return float(machines.beyond(state, 0))
        case "errors":
            return float(state.errors)
        case _:
            raise KeyError(f"compressor.{quantity}")


def _turbo(parameters: CryostatParameters, state: PlantState, index: int, quantity: str) -> float:
    made = parameters.turbo
    current = machines.turbo_current(made, state, index)
    match quantity:
        case "speed":
            return state.speeds[index] * made.full_hz
        case "current":
            return current
        case "voltage":
            return made.volts if machines.powered(state) else 0.0
        case "power":
            return current * made.volts
        case "error":
            return state.turbo_errors[index]
        case _:
            raise KeyError(f"{TURBOS[index]}.{quantity}")
