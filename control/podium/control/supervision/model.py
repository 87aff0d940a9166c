"""The supervisor's own model of a dry dilution refrigerator: five stages, four volumes of gas.

It is a second implementation, smaller than the simulated plant and written apart from it; all
members of an ensemble move in one call. Per stage ``C(T) dT/dt = loads - cooling``:

- pulse tube: the PT415's map (:mod:`.model_pulse_tube`);
- shields ``s (T1^4 - T2^4)``, supports ``g (T1 - T2)``, below 4 K ``k (T1^2 - T2^2)``;
- still ``n L``; mixing chamber ``84 n3 e T^2 - Q0`` (Pobell (7.19)); what evaporates follows from
  vapour pressure and pumps.

Equations, and how far they are to be trusted: docs/explanation/the-observer.md.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.supervision import model_gas
from podium.control.supervision.model_helium import (
    DILUTE_3HE,
    DILUTION,
    GAS_CONSTANT,
    LATENT_3HE,
    LATENT_4HE,
    ROOM_K,
    TRICRITICAL_K,
    copper_capacity,
    copper_enthalpy,
    vapour_pressure_3he,
    vapour_pressure_4he,
)
from podium.control.supervision.model_parameters import ModelParameters
from podium.control.supervision.model_pulse_tube import cooling_powers
from podium.control.supervision.model_state import CONDENSING, STILL, ModelInputs, ModelState

Array = NDArray[Any]
FASTEST = 0.12
"""Of its temperature, what a stage may change by in one step; a longer step is halved."""
SHORTEST_S = 0.05
COLDEST_K = np.array([15.0, 1.5, 0.1, 5e-3, 1e-3])[:, None]
HOTTEST_K = 340.0
"""Beyond these nothing is computed: no such fridge is there."""
LIQUID_J_MOL_K = 4.0
"""Of the mixture in the still. # ASSUMED"""
FERMI_K = 0.4
"""Above it 3He's heat capacity no longer grows. # ASSUMED"""
PLATE_3HE = 0.05
"""mol in the exchangers at the cold plate. # ASSUMED"""
EXCHANGED = 0.05
"""Of the still's T^2, what returns to the cold plate. # ASSUMED"""
LIQUID_LINK, GAS_LINK = 0.08, 0.02
"""W/K between still, plate and chamber through mixed liquid, and through gas at 1 kPa. # ASSUMED"""
_ASIDE = 1e-4
_STAGES = np.arange(5)
_MOVED = np.ones((5, 6, 1))
_MOVED[_STAGES, _STAGES + 1] += _ASIDE
"""Where powers are looked at: as it is, and with each stage's temperature a little aside."""


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity:
    """First derivatives of temperatures after a step: by those before it, and by heat."""

    of_kelvin: Array
    """Shape (5, 5), K/K."""
    of_heat: Array
    """Shape (5, 5), K/W."""


class FridgeModel:
    """A model of fridge with given parameters."""

    def __init__(self, parameters: ModelParameters) -> None:
        self.parameters = p = parameters
        masses = (p.mass_first, p.mass_second, p.mass_still, p.mass_plate, p.mass_chamber)
        self._masses = np.array([np.asarray(m, dtype=float) for m in masses])
        if self._masses.ndim == 1:
            self._masses = self._masses[:, None]
        conductions = (p.conduction_second, p.conduction_still, p.conduction_plate)
        self._conductions = np.array(np.broadcast_arrays(*conductions))

    def step(
        self,
        state: ModelState,
        inputs: ModelInputs,
        for_s: float,
        extra: Array | None = None,
    ) -> ModelState:
        """Return the state after ``for_s``; ``extra`` heat in W of shape (5, members)."""
        return self._advance(state, inputs, for_s, extra, None, gas=True)

    def step_with_sensitivity(
        self,
        state: ModelState,
        inputs: ModelInputs,
        for_s: float,
        extra: Array,
        *,
        gas: bool = True,
    ) -> tuple[ModelState, Sensitivity]:
        """Return the state of one fridge after ``for_s``, and what it depends on.

        Without ``gas`` pressures and liquid stay, for whom they are read; what evaporates follows
        from them, and not from the still's temperature, whose calibration it would multiply.
        """
        collected: list[tuple[Array, Array]] = []
        after = self._advance(state, inputs, for_s, extra, collected, gas=gas)
        of_kelvin, of_heat = np.eye(5), np.zeros((5, 5))
        for one, heat in collected:
            of_kelvin, of_heat = one @ of_kelvin, one @ of_heat + heat
        return after, Sensitivity(of_kelvin, of_heat)

    def powers(
        self,
        kelvin: Array,
        state: ModelState,
        inputs: ModelInputs,
        evaporation: model_gas.Evaporation,
    ) -> Array:
        """Return what each stage takes up, W; ``kelvin`` of shape (5, ..., members)."""
        p = self.parameters
        squares = kelvin * kelvin
        a, b, c, _, e = kelvin
        aa, bb, cc, dd, ee = squares
        on_first = (p.radiation_room * (ROOM_K**4 - aa * aa)) + p.conduction_room * (ROOM_K - a)
        first = p.radiation_first * (aa * aa - bb * bb) + p.conduction_first * (a - b)
        idle = p.tubes * (1.0 - inputs.tubes)
        if idle:
            on_first = on_first + p.idle_room * idle * (ROOM_K - a)
            first = first + p.idle_first * idle * (a - b)
        conductions = self._conductions.reshape(3, *(1,) * (kelvin.ndim - 2), -1)
        second, still, plate = conductions * (squares[1:4] - squares[2:5])
        to_colder = self._to_colder(kelvin, state, inputs)
        gas = GAS_LINK * np.minimum(1.0, state.pascal[STILL] / 1e3)
        full = filled(p, state.liquid)
        second = second + 0.5 * gas * (b - c)
        warmer, colder = kelvin[2:4], kelvin[3:5]
        by_liquid = LIQUID_LINK * full * _mixed(np.minimum(warmer, colder))
        linked = (gas * (1 - full) + by_liquid) * (warmer - colder)
        still, plate = still + linked[0], plate + linked[1]
        helium3, helium4 = still_pressures(p, c)
        balance = helium3 + helium4
        flow, share = evaporation.rate(balance), helium3 / balance
        on_still = state.inflow * (p.inlet_heat + 2.5 * GAS_CONSTANT * np.maximum(0.0, b - 4.2))
        on_still = on_still + state.passing * 2.5 * GAS_CONSTANT * np.maximum(0.0, b - c)
        on_still = on_still - flow * (share * LATENT_3HE + (1.0 - share) * LATENT_4HE)
        driven = np.minimum(flow, p.most_flow) * share / (1.0 + c**12)
        driven = driven * full**4 / (1.0 + (e / TRICRITICAL_K) ** 16)
        on_second = p.second_load + (state.inflow + state.passing) * p.condenser_heat
        if inputs.tubes:
            cool1, cool2 = cooling_powers(a, b)
            running = p.tubes * p.tube_power * inputs.tubes
            on_first, on_second = on_first - running * cool1, on_second - running * cool2
        if inputs.can_conducts(state):
            on_first = on_first + model_gas.can_conductance(state) * (ROOM_K - a)
            first = first + model_gas.can_conductance(state) * (a - b)
        heat = inputs.heat
        return np.stack(
            [
                on_first - first + heat[0],
                on_second + first - second - sum(to_colder) + heat[1],
                on_still + second - still + to_colder[0] + heat[2],
                still
                - plate
                + driven * (12.0 * EXCHANGED * cc - DILUTION * dd)
                + to_colder[1]
                + heat[3],
                plate + p.residual - DILUTION * p.exchanger * driven * ee + to_colder[2] + heat[4],
            ]
        )

    def _to_colder(
        self, kelvin: Array, state: ModelState, inputs: ModelInputs
    ) -> tuple[Array | float, Array | float, Array | float]:
        """Return what heat switch and gas in the can bring from the second stage, W."""
        if not inputs.switch and not inputs.can_conducts(state):
            return 0.0, 0.0, 0.0
        found = []
        for cold, part in zip(kelvin[2:], (0.5, 0.3, 0.3), strict=True):
            conductance: Array | float = part * model_gas.can_conductance(state)
            if inputs.switch:
                conductance = conductance + self.parameters.heat_switch * (
                    0.05 + np.minimum(1.0, cold / 50.0)
                )
            found.append(conductance * (kelvin[1] - cold))
        return found[0], found[1], found[2]

    def capacities(self, kelvin: Array, liquid: Array) -> Array:
        """Return heat capacities of the stages, J/K: shape (5, members)."""
        constant, fermi = self._of_liquid(liquid)
        copper = self._masses * copper_capacity(kelvin)
        return np.asarray(copper + constant + fermi * np.minimum(kelvin, FERMI_K))

    def _of_liquid(self, liquid: Array) -> tuple[Array, Array]:
        full = filled(self.parameters, liquid)
        constant, fermi = np.full((5, len(full)), 1e-6), np.zeros((5, len(full)))
        constant[2] = LIQUID_J_MOL_K * liquid
        fermi[3] = DILUTE_3HE * PLATE_3HE * full
        fermi[4] = DILUTE_3HE * self.parameters.chamber_3he * full
        return constant, fermi

    def _enthalpies(self, kelvin: Array, constant: Array, fermi: Array) -> Array:
        low = np.minimum(kelvin, FERMI_K)
        return np.asarray(
            self._masses * copper_enthalpy(kelvin)
            + constant * kelvin
            + fermi * (low * low / 2 + FERMI_K * (kelvin - low))
        )

    def _advance(
        self,
        state: ModelState,
        inputs: ModelInputs,
        for_s: float,
        extra: Array | None,
        collected: list[tuple[Array, Array]] | None,
        *,
        gas: bool,
    ) -> ModelState:
        rest_s = length_s = for_s
        while rest_s > 1e-9:
            state, done_s = self._one(
                state, inputs, min(length_s, rest_s), extra, collected, gas=gas
            )
            rest_s, length_s = rest_s - done_s, 2 * done_s
        return state

    def _one(
        self,
        state: ModelState,
        inputs: ModelInputs,
        length_s: float,
        extra: Array | None,
        collected: list[tuple[Array, Array]] | None,
        *,
        gas: bool,
    ) -> tuple[ModelState, float]:
        """Return the state one step on, and its length, at most ``length_s``."""
        kelvin = state.kelvin
        moved = kelvin[:, None, :] * _MOVED
        capacities = self.capacities(kelvin, state.liquid)
        law = model_gas.evaporation if gas else model_gas.measured_evaporation
        while True:
            evaporation = law(self.parameters, state, inputs, length_s)
            powers = self.powers(moved, state, inputs, evaporation)
            now = powers[:, 0] if extra is None else powers[:, 0] + extra
            slopes = (powers[:, :1] - powers[:, 1:]) / (_ASIDE * kelvin)
            system = slopes.transpose(2, 0, 1)
            system[:, _STAGES, _STAGES] += (capacities / length_s).T
            if collected is None:
                change = np.linalg.solve(system, now.T[:, :, None])[:, :, 0].T
            else:
                of_heat = np.linalg.inv(system[0])
                change = of_heat @ now
            after = self._warmed(state, change, capacities)
            if length_s <= SHORTEST_S or np.abs(after / kelvin - 1.0).max() <= FASTEST:
                break
            length_s /= 2
        if collected is not None:
            collected.append((of_heat * (capacities[:, 0] / length_s), of_heat))
        balance = np.add(*still_pressures(self.parameters, kelvin[2] + change[2]))
        if not gas:
            inflow, passing = model_gas.inlet_flows(self.parameters, state, inputs, balance)
            return state.changed(kelvin=after, inflow=inflow, passing=passing), length_s
        moved_gas = model_gas.step(
            self.parameters, state, inputs, evaporation.rate(balance), balance, length_s
        )
        return moved_gas.changed(kelvin=after), length_s

    def _warmed(self, state: ModelState, change: Array, capacities: Array) -> Array:
        """Return temperatures after the heat ``capacities change``: heat capacities vary."""
        kelvin = state.kelvin
        low = np.maximum(0.5 * kelvin, COLDEST_K)
        found = np.minimum(np.maximum(kelvin + change, low), HOTTEST_K)
        if np.abs(change / kelvin).max() < 5e-3:
            return np.asarray(found)
        constant, fermi = self._of_liquid(state.liquid)
        wanted = self._enthalpies(kelvin, constant, fermi) + capacities * change
        for _ in range(3):
            slope = (
                self._masses * copper_capacity(found)
                + constant
                + fermi * np.minimum(found, FERMI_K)
            )
            step = (self._enthalpies(found, constant, fermi) - wanted) / slope
            found = np.maximum(found - step, 0.5 * found)
        return np.asarray(np.clip(found, COLDEST_K, HOTTEST_K))


def still_pressures(parameters: ModelParameters, kelvin: Array) -> tuple[Array, Array]:
    """Return partial pressures of 3He and 4He over the still's liquid, Pa."""
    return parameters.activity * vapour_pressure_3he(kelvin), vapour_pressure_4he(kelvin)


def filled(parameters: ModelParameters, liquid: Array) -> Array:
    """Return how far the dilution unit is filled, 0 to 1."""
    return np.minimum(1.0, liquid / (0.85 * parameters.mixture))


def _mixed(kelvin: Array) -> Array:
    """Return how far mixture is one liquid that carries heat, 0 to 1."""
    x = np.minimum(kelvin / 0.8, 10.0) ** 12
    return x / (1.0 + x)


def pressure_of(state: ModelState, gauge: str) -> Array | None:
    """Return what a gauge of the panel reads, Pa; None: the model does not have it."""
    places = {"p2": STILL, "p3": CONDENSING, "p4": 1, "p5": 3}
    if gauge == "p1":
        return np.asarray(state.can + state.helium)
    return state.pascal[places[gauge]] if gauge in places else None
