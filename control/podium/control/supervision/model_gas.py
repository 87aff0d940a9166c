"""Gas handling of the supervisor's model: still line, behind the pumps, condensing line, tank.

Ideal gas at room temperature, flows proportional to pressures, one implicit step: enough for
where the mixture is and for pressures within a few tens of percent.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.supervision.model_helium import ROOM_K, ROOM_RT
from podium.control.supervision.model_parameters import ModelParameters
from podium.control.supervision.model_state import (
    BACK,
    CONDENSING,
    STILL,
    TANK,
    ModelInputs,
    ModelState,
)

Array = NDArray[Any]
SURFACE = 5e-4
"""mol/(s Pa) between the still's liquid and its gas. # ASSUMED: no hindrance."""
NEARLY_DRY_MOL = 0.02
STALLS_PA = 1.5e5
"""Behind scroll1, where it moves no more gas. # ASSUMED"""
CONDENSES_K = 5.2
"""Critical temperature of 4He."""
ATMOSPHERE_PA = 101_325.0
STILL_RELIEF = 0.65
"""Of the condensing line's, where check valves of the still line open. # ASSUMED: 1.5 bar."""
RUN_UP_S, RUN_DOWN_S = 120.0, 600.0
"""Of a turbo, 1/e. # ASSUMED"""
CAN_SCROLL, CAN_TURBO, CRYOPUMP = 5e-3, 0.1, 5.0
"""m^3/s from the vacuum can. # ASSUMED"""
OUTGASSING = 1e-4
"""Pa m^3/s of warm walls. # ASSUMED"""
VENT = 1e-3
"""m^3/s through v15. # ASSUMED"""
FREEZES_K = 25.0
ADSORBS_K, ADSORPTION = 4.5, 1e-3
"""Of the second stage, where helium stays; m^3/s. # ASSUMED"""
BOTTLE = 1e-3
"""Pa m^3/s through v22. # ASSUMED"""


@dataclass(frozen=True, slots=True, eq=False)
class Evaporation:
    """Evaporation as a function of the pressure in balance with the liquid: within bounds."""

    per_pa: Array
    offset: Array
    most: Array

    def rate(self, balance: Array) -> Array:
        """Return mol/s; ``balance`` in Pa, members last."""
        rate = np.maximum(0.0, self.per_pa * balance - self.offset)
        return np.asarray(np.minimum(self.most, rate))


def pumping(parameters: ModelParameters, state: ModelState, inputs: ModelInputs) -> Array:
    """Return what pumps draw from the still line, mol/(s Pa) at its pressure."""
    p, through = parameters, np.zeros(state.members)
    if "scroll1" not in inputs.on or "v4" not in inputs.open:
        return through
    if inputs.path("v1", "v3"):
        through = through + p.turbo * state.speed / ROOM_RT
    if "v2" in inputs.open:
        through = through + p.scroll / ROOM_RT
    load = through * state.pascal[STILL] / p.most_flow
    stall = (STALLS_PA - state.pascal[BACK]) / (0.2 * STALLS_PA)
    stall = np.minimum(np.maximum(stall, 0.0), 1.0)
    return np.asarray(stall * through / (1.0 + load**4) ** 0.25)


def evaporation(
    parameters: ModelParameters,
    state: ModelState,
    inputs: ModelInputs,
    length_s: float,
    drawn: Array | None = None,
) -> Evaporation:
    """Return the law of evaporation over a step: the pressure above follows within it.

    ``drawn``: what :func:`pumping` returns, from whom has it.
    """
    if drawn is None:
        drawn = pumping(parameters, state, inputs)
    surface = SURFACE * np.minimum(1.0, np.maximum(state.liquid, 0.0) / NEARLY_DRY_MOL)
    rise = length_s * ROOM_RT / parameters.still_line
    falls = 1.0 + rise * drawn
    reached = (state.pascal[STILL] + rise * state.passing) / falls
    share = surface / (1.0 + surface * rise / falls)
    return Evaporation(share, share * reached, np.maximum(state.liquid, 0.0) / length_s)


def measured_evaporation(
    parameters: ModelParameters, state: ModelState, inputs: ModelInputs, length_s: float
) -> Evaporation:
    """Return what evaporates where pressures are read: what pumps draw, less what comes as gas.

    The still line follows within a second. Where nothing pumps, the law of :func:`evaporation`.
    """
    drawn = pumping(parameters, state, inputs)
    if not drawn.min() > 0.0:
        return evaporation(parameters, state, inputs, length_s, drawn)
    most = np.maximum(state.liquid, 0.0) / length_s
    offset = np.minimum(0.0, state.passing - drawn * state.pascal[STILL])
    return Evaporation(np.zeros(state.members), offset, most)


def step(
    parameters: ModelParameters,
    state: ModelState,
    inputs: ModelInputs,
    evaporated: Array,
    balance: Array,
    length_s: float,
) -> ModelState:
    """Return the state with pressures, liquid and flows one step on."""
    p, members = parameters, state.members
    matrix, right = np.zeros((members, 4, 4)), np.zeros((members, 4))
    volumes = (p.still_line, p.small_volume, p.small_volume, p.tank)
    for i, volume in enumerate(volumes):
        stored = volume / ROOM_RT / length_s
        matrix[:, i, i] += stored
        right[:, i] += stored * state.pascal[i]

    def pump(source: int, sink: int | None, conductance: Any, above: float = 0.0) -> None:
        matrix[:, source, source] += conductance
        right[:, source] += conductance * above
        if sink is not None:
            matrix[:, sink, source] -= conductance
            right[:, sink] -= conductance * above

    def join(one: int, other: int, conductance: Any) -> None:
        pump(one, other, conductance)
        pump(other, one, conductance)

    drawn = pumping(p, state, inputs)
    pump(STILL, BACK, drawn)
    if "compressor" in inputs.on:
        pump(BACK, CONDENSING, p.compressor / ROOM_RT * (state.pascal[CONDENSING] < p.relief))
    for valve, one, other, conductance in (
        ("v10", BACK, CONDENSING, p.valve),
        ("v11", BACK, TANK, p.valve),
        ("v12", CONDENSING, TANK, p.valve),
        ("v13", TANK, BACK, p.metering),
        ("v18", CONDENSING, STILL, p.valve),
    ):
        if valve in inputs.open:
            join(one, other, conductance)
    condensed, passing = _inlet(p, state, inputs, balance)
    pump(CONDENSING, None, condensed)
    join(CONDENSING, STILL, passing)
    for one, limit in ((CONDENSING, 1.0), (STILL, STILL_RELIEF), (BACK, STILL_RELIEF)):
        above = limit * p.relief
        pump(one, TANK, p.valve * (state.pascal[one] > above), above)
    right[:, STILL] += evaporated
    pascal = np.linalg.solve(matrix, right[:, :, None])[:, :, 0].T
    inflow = condensed * pascal[CONDENSING]
    air, helium = _can(p, state, inputs, length_s)
    return state.changed(
        pascal=pascal,
        liquid=np.maximum(0.0, state.liquid + length_s * (inflow - evaporated)),
        inflow=inflow,
        passing=passing * (pascal[CONDENSING] - pascal[STILL]),
        flow=drawn * pascal[STILL],
        speed=_turbo(state, inputs, length_s),
        can=air,
        helium=helium,
    )


def _inlet(
    parameters: ModelParameters, state: ModelState, inputs: ModelInputs, balance: Array
) -> tuple[Array, Array]:
    """Return conductances into the fridge, mol/(s Pa): of what condenses, and of what does not."""
    path = inputs.path
    if not (path("v9") and (path("v5", "v6") or path("v7", "v8"))):
        return np.zeros(state.members), np.zeros(state.members)
    warmest = np.maximum(state.kelvin[1], state.kelvin[2])
    cold = np.minimum(1.0, np.maximum(0.0, (CONDENSES_K - warmest) / 0.5))
    driven = np.maximum(0.0, 1.0 - balance / np.maximum(1.0, state.pascal[CONDENSING]))
    free = parameters.impedance * parameters.inlet
    condensed = free * cold * driven
    flows = state.pascal[CONDENSING] > state.pascal[STILL]
    return condensed, (free - condensed) * flows


def inlet_flows(
    parameters: ModelParameters, state: ModelState, inputs: ModelInputs, balance: Array
) -> tuple[Array, Array]:
    """Return what comes into the fridge at these pressures, mol/s: condensing, and as gas."""
    condensed, passing = _inlet(parameters, state, inputs, balance)
    before, after = state.pascal[CONDENSING], state.pascal[STILL]
    return condensed * before, passing * (before - after)


def mixture(parameters: ModelParameters, pascal: Array) -> Array:
    """Return the mixture that is gas, mol; ``pascal`` of shape (4, members)."""
    p = parameters
    volumes = (p.still_line, p.small_volume, p.small_volume, p.tank)
    return np.asarray(sum(v * one for v, one in zip(volumes, pascal, strict=True)) / ROOM_RT)


def can_conductance(state: ModelState) -> Array:
    """Return what gas in the vacuum can carries between neighbouring shields, W/K.

    Free molecules carry 1 W/(K Pa), dense gas 3 W/K (Pobell, ch. 5).
    """
    pressure = state.can + state.helium
    return np.asarray(3.0 * pressure / (3.0 + pressure))


def _turbo(state: ModelState, inputs: ModelInputs, length_s: float) -> Array:
    inlet = state.pascal[STILL]
    full = 1.0 / (1.0 + inlet / 300.0) if "turbo1" in inputs.on else np.zeros(state.members)
    time_s = np.where(full > state.speed, RUN_UP_S, RUN_DOWN_S) / (1.0 + inlet / 1e3)
    return np.asarray(full + (state.speed - full) * np.exp(-length_s / time_s))


def _can(
    p: ModelParameters, state: ModelState, inputs: ModelInputs, length_s: float
) -> tuple[Array, Array]:
    """Return pressures of air and helium in the can a step later."""
    pressure = state.can + state.helium
    pumped = np.zeros(state.members)
    if "v14" in inputs.open and "scroll2" in inputs.on:
        pumped = pumped + CAN_SCROLL * pressure / (pressure + 5.0)
        if "turbo2" in inputs.on:
            pumped = pumped + CAN_TURBO / (1.0 + pressure / 10.0)
    source = OUTGASSING * (state.kelvin[0] / ROOM_K) ** 6
    if "v15" in inputs.open:
        pumped, source = pumped + VENT, source + VENT * ATMOSPHERE_PA
    helium = (BOTTLE if "v22" in inputs.open else 0.0) + p.leak * state.pascal[CONDENSING]
    air = _relaxed(
        p, state.can, source, pumped + CRYOPUMP * (state.kelvin[1] < FREEZES_K), length_s
    )
    adsorbed = ADSORPTION * (state.kelvin[1] < ADSORBS_K)
    return air, _relaxed(p, state.helium, helium, pumped + adsorbed, length_s)


def _relaxed(
    p: ModelParameters, pressure: Array, source: Array, speed: Array, length_s: float
) -> Array:
    speed = np.maximum(speed, 1e-9)
    rest = source / speed
    return np.asarray(rest + (pressure - rest) * np.exp(-speed / p.can * length_s))
