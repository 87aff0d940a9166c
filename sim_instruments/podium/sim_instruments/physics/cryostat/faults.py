"""Faults of a fridge: what can go wrong at an exact time, and how it is put right."""

from collections.abc import Callable
from dataclasses import dataclass

from podium.firmware_interfaces import fridge_signals as signals
from podium.sim_instruments.physics.cryostat import machines
from podium.sim_instruments.physics.cryostat.state import WATER_K, PlantState

Change = Callable[[PlantState, float], None]


@dataclass(frozen=True, slots=True)
class PlantFault:
    """One thing that can go wrong in a fridge."""

    does: str
    unit: str
    size: float
    """Usual size, in :attr:`unit`."""
    most: float
    """Greatest size; the least is 0."""
    happens: Change
    """Changes the state; takes the size."""
    ends: Change
    """Puts it right, as far as a person at the fridge can at once; takes the usual size."""


def _set(name: str) -> Change:
    def change(state: PlantState, value: float) -> None:
        setattr(state, name, value)

    return change


def _clear(name: str) -> Change:
    return lambda state, _: _set(name)(state, 0.0)


def _command(name: str, value: float) -> Change:
    def change(state: PlantState, _: float) -> None:
        state.commands[name] = value

    return change


def _trip(state: PlantState, _: float) -> None:
    state.errors |= machines.THREE_PHASE
    state.commands[signals.PULSE_TUBE] = 0.0


def _reset(state: PlantState, _: float) -> None:
    state.errors = 0


def _warm_water(state: PlantState, kelvin: float) -> None:
    state.commands[signals.WATER_TEMPERATURE] = kelvin


def _stop_turbo(state: PlantState, _: float) -> None:
    state.turbo_errors[0] = float(machines.TOO_HOT)
    state.commands[signals.on_of(signals.TURBO1)] = 0.0


def _free_turbo(state: PlantState, _: float) -> None:
    state.turbo_errors[0] = 0.0


FAULTS: dict[str, PlantFault] = {
    "compressor_trip": PlantFault(
        "the helium compressor stops: a phase of its mains is missing", "1", 1.0, 1.0, _trip, _reset
    ),
    "warm_water": PlantFault(
        "cooling water comes in at this temperature",
        "K",
        315.0,
        373.0,
        _warm_water,
        lambda state, _: _warm_water(state, WATER_K),
    ),
    "leak": PlantFault(
        "mixture leaks into the vacuum can, at so much with 1 bar in the condensing line",
        "mol/s",
        1e-9,
        1e-3,
        _set("leak"),
        _clear("leak"),
    ),
    "plug": PlantFault(
        "this part of trap 1 is blocked", "1", 0.97, 1.0, _set("plug"), _clear("plug")
    ),
    "turbo_stop": PlantFault("turbo1 stops: too hot", "1", 1.0, 1.0, _stop_turbo, _free_turbo),
    "power_cut": PlantFault(
        "the mains fail; pumps and valves go on while the battery lasts",
        "1",
        1.0,
        1.0,
        _command(signals.MAINS, 0.0),
        _command(signals.MAINS, 1.0),
    ),
    "touch": PlantFault(
        "metal joins second stage and still, with so much heat by T1^2 - T2^2",
        "W/K^2",
        1e-3,
        1.0,
        _set("touch"),
        _clear("touch"),
    ),
    "quench": PlantFault(
        "the magnet's field collapses into the second stage", "1", 1.0, 1.0, lambda *_: None,
        lambda *_: None,
    ),
}  # fmt: skip
"""By name. What a quench heats depends on the magnet: :class:`.plant.Cryostat` sees to it."""
