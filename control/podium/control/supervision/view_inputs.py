"""Reads from a fridge's view what drives the model: switches, heaters, pumps, pressures.

What no reading tells stays as it was last known; what never was known is taken from the state
that fits the temperatures: a cold fridge circulates.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision import model_gas
from podium.control.supervision.model_parameters import ModelParameters
from podium.control.supervision.model_state import ModelInputs, ModelState
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import HEATERS

CIRCULATING_VALVES = frozenset({"v1", "v3", "v4", "v5", "v6", "v9", "v10"})
CIRCULATING_PUMPS = frozenset({"scroll1", "turbo1"})
"""Of usual operation."""
COLD_K = (60.0, 5.0, 1.5, 0.3, 0.1)
"""Below all of these a fridge whose switches nobody reads counts as circulating."""
USUAL_K = (43.0, 3.0, 0.73, 0.064, 0.0075)
TURBO_HZ = 820.0
"""Full speed of a HiPace 700 (data sheet)."""
MOST_W, MOST_PA = 200.0, 1e6
"""Greater readings of a heater or a gauge are none."""
USUAL_PA = (6.5, 6e4, 5.7e4, 3e3)


_VALVES = tuple((signals.open_of(valve), valve) for valve in signals.VALVES)
_PUMPS = tuple((signals.on_of(pump), pump) for pump in signals.PUMPS)
_HEATERS = {
    signals.STAGES.index(stage): tuple(
        signals.power_of(heater) for heater, where in HEATERS.items() if where == stage
    )
    for stage in sorted(set(HEATERS.values()))
}
"""By place of a stage: signals of its heaters' powers."""


def plausible(view: FridgeView, signal: str, most: float) -> float | None:
    """Return a good reading between 0 and ``most``; None: there is none, or it cannot be."""
    value = view.good(signal)
    return value if value is not None and 0.0 <= value <= most else None


def thermometers(view: FridgeView, stage: str) -> tuple[Latest, ...]:
    """Return all readings of a stage's temperature, good or not."""
    signal = signals.temperature_of(stage)
    found = view.others.get(signal)
    if found is not None:
        return found
    one = view.signals.get(signal)
    return () if one is None else (one,)


def assumed_inputs(parameters: ModelParameters) -> ModelInputs:
    """Return the inputs of a fridge in usual operation."""
    return ModelInputs(
        open=CIRCULATING_VALVES,
        on=CIRCULATING_PUMPS,
        heat=(0.0, 0.0, parameters.still_power, 0.0, 0.0),
    )


def inputs_of(view: FridgeView, before: ModelInputs) -> ModelInputs:
    """Return the inputs by what is read now; what is not read stays as before."""
    opened, on = set(before.open), set(before.on)
    for names, kept in ((_VALVES, opened), (_PUMPS, on)):
        for signal, name in names:
            one = view.signals.get(signal)
            if one is not None and one.quality == "good" and one.value is not None:
                (kept.add if one.value > 0.5 else kept.discard)(name)
    running = view.good("compressor.running")
    if running is None:
        running = view.good(signals.PULSE_TUBE)
    tubes = before.tubes if running is None else float(running > 0.5)
    switch = view.good(signals.HEAT_SWITCH)
    heat = list(before.heat)
    for i, heaters in _HEATERS.items():
        powers = [w for one in heaters if (w := plausible(view, one, MOST_W)) is not None]
        if powers:
            heat[i] = sum(powers)
    found = ModelInputs(
        tubes,
        before.switch if switch is None else switch > 0.5,
        frozenset(opened),
        frozenset(on),
        (heat[0], heat[1], heat[2], heat[3], heat[4]),
    )
    return before if found == before else found


def pressures_read(view: FridgeView) -> bool:
    """Tell whether all pressures of the mixture's circuit are read."""
    return all(
        plausible(view, f"pressure.{p}", MOST_PA) is not None for p in ("p2", "p3", "p4", "p5")
    )


def first_state(parameters: ModelParameters, kelvin: Mapping[str, float]) -> ModelState:
    """Return a state to begin with; stages that nobody reads are guessed by their neighbours."""
    found = [kelvin.get(stage) for stage in signals.STAGES]
    known = [(one / USUAL_K[i], i) for i, one in enumerate(found) if one is not None]
    temperatures = []
    for i, usual in enumerate(USUAL_K):
        one = found[i]
        if one is None:
            near = min(known, key=lambda pair: abs(pair[1] - i))[0] if known else 1.0
            one = usual * near
        temperatures.append(min(max(one, 1e-3), 330.0))
    cold = temperatures[1] < COLD_K[1] and temperatures[2] < COLD_K[2]
    pascal = np.array(USUAL_PA if cold else (0.1, 0.1, 0.1, 8e4))[:, None]
    liquid = parameters.mixture - model_gas.mixture(parameters, pascal) if cold else np.zeros(1)
    return ModelState(
        kelvin=np.array(temperatures)[:, None],
        pascal=pascal,
        liquid=np.maximum(0.0, np.atleast_1d(liquid)),
        speed=np.array([0.98 if cold else 0.0]),
        can=np.array([1e-6 if temperatures[1] < 25.0 else 1e5]),
    )


def _can(state: ModelState, pressure: float | None) -> dict[str, NDArray[Any]]:
    """Return the gas in the can; while air is frozen, what is there is helium."""
    if pressure is None:
        return {}
    read = np.array([max(pressure, 1e-9)])
    if state.kelvin[1, 0] < model_gas.FREEZES_K:
        return {"helium": read, "can": np.zeros(1)}
    return {"can": np.maximum(read - state.helium, 0.0)}


def with_pressures(parameters: ModelParameters, state: ModelState, view: FridgeView) -> ModelState:
    """Return the state with measured pressures and turbo speed, and the liquid they leave.

    The mixture that was filled in is known: what is not gas, and has not been lost, is liquid.
    """
    pascal = state.pascal.copy()
    read = 0
    for i, gauge in enumerate(("p2", "p4", "p3", "p5")):
        value = plausible(view, f"pressure.{gauge}", MOST_PA)
        if value is not None:
            pascal[i], read = value, read + 1
    can = plausible(view, "pressure.p1", MOST_PA)
    speed = plausible(view, "turbo1.speed", 2 * TURBO_HZ)
    liquid = state.liquid
    if read == len(pascal):
        gas = model_gas.mixture(parameters, pascal)
        measured = np.maximum(0.0, parameters.mixture - gas)
        liquid = liquid + 0.05 * (measured - liquid)
    return state.changed(
        pascal=pascal,
        liquid=np.asarray(liquid),
        **_can(state, can),
        speed=state.speed if speed is None else np.array([min(1.0, max(0.0, speed / TURBO_HZ))]),
    )
