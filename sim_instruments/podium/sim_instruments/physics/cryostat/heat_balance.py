"""The balance of heat of a fridge's five stages, stepped implicitly.

Per stage ``dU/dt = P(T)``, and ``P`` is loads less cooling; equations and sources stand in
docs/explanation/the-fridge.md. A step solves ``(C/h - dP/dT) dT = P`` and then moves the heat
``C dT`` into the stage's enthalpy, so that heat is kept however fast heat capacities change.
"""

from dataclasses import dataclass

from podium.sim_instruments.physics.cryostat.helium import (
    COPPER,
    DILUTE_HEAT_CAPACITY,
    DILUTION,
    FERMI_LIQUID_K,
    GAS_CONSTANT,
    LATENT_3HE,
    LATENT_4HE,
    ROOM_K,
    TRICRITICAL_K,
    vapour_pressure_3he,
    vapour_pressure_4he,
)
from podium.sim_instruments.physics.cryostat.linear import solve
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.pulse_tube import cooling_powers

FASTEST = 0.08
"""Of its temperature, what a stage may change by in one step; a longer step is halved."""
SHORTEST_S = 0.01
LIQUID_HEAT_CAPACITY = 4.0
"""J/(mol K) of the mixture in the still. # ASSUMED"""
COLD_PLATE_MOL = 0.05
"""3He in the exchangers at the cold plate. # ASSUMED"""
EXCHANGER_INLET = 0.05
"""Of T^2 at the still, what returning 3He still has where it reaches the cold plate. # ASSUMED:
gives 80 mK."""
LIQUID_CONDUCTANCE = 0.08
"""W/K between still, cold plate and mixing chamber while liquid fills them and no phases have
separated. # ASSUMED"""
GAS_CONDUCTANCE = 0.02
"""W/K the same when gas fills them, at 1 kPa and above. # ASSUMED"""
FILM_K = 1.0
"""Of the still, where film flow and 4He have halved what the 3He cools. # ASSUMED"""


@dataclass(slots=True)
class Surroundings:
    """All that the balance of heat takes as given during a step."""

    loads: list[float]
    """W at each stage: heaters, dissipation, what is on in any case."""
    pulse_tubes: int
    """That run."""
    switched: bool
    """Whether the heat switch is closed."""
    can_w_k: float
    """By gas in the vacuum can."""
    touch: float
    liquid_mol: float
    still_pa: float
    inflow: float
    gas_inflow: float
    evaporation: tuple[float, float, float, float]
    """``k0``, ``k1``: evaporation is ``k0 p_eq - k1``, mol/s; and least and most of it."""


class HeatBalance:
    """The five stages of one model of fridge."""

    def __init__(self, parameters: CryostatParameters) -> None:
        self._stages, self._dilution = parameters.stages, parameters.dilution
        self._tubes, self._scale = parameters.pulse_tubes, parameters.pulse_tube_scale

    def still_pressures(self, still_k: float) -> tuple[float, float]:
        """Return partial pressures of 3He and 4He in balance with the still's liquid, Pa."""
        helium3 = self._dilution.helium3_activity * vapour_pressure_3he(still_k)
        return helium3, vapour_pressure_4he(still_k)

    def filled(self, liquid_mol: float) -> float:
        """Return how far the dilution unit is filled, 0 to 1."""
        return min(1.0, liquid_mol / (0.85 * self._dilution.mixture_mol))

    def evaporation(self, still_k: float, given: Surroundings) -> tuple[float, float]:
        """Return what evaporates in the still, mol/s, and the part of 3He in it."""
        helium3, helium4 = self.still_pressures(still_k)
        k0, k1, least, most = given.evaporation
        flow = k0 * (helium3 + helium4) - k1
        return min(most, max(least, flow)), helium3 / (helium3 + helium4)

    def powers(self, temperatures: list[float], given: Surroundings) -> list[float]:
        """Return the heat that each stage takes up, W."""
        a, b, c, d, e = temperatures
        s, unit = self._stages, self._dilution
        aa, bb, cc, dd = a * a, b * b, c * c, d * d
        room = s.radiation_room * (ROOM_K**4 - aa * aa) + s.conduction_room * (ROOM_K - a)
        first = s.radiation_first * (aa * aa - bb * bb) + s.conduction_first * (a - b)
        second = (s.conduction_second + given.touch) * (bb - cc)
        still = s.conduction_still * (cc - dd)
        plate = s.conduction_cold_plate * (dd - e * e)
        loads = given.loads
        p1, p2, p3, p4, p5 = loads
        if given.pulse_tubes:
            cool1, cool2 = cooling_powers(a, b)
            scale = self._scale * given.pulse_tubes
            p1 -= scale * cool1
            p2 -= scale * cool2
        idle = self._tubes - given.pulse_tubes
        if idle:
            room += s.idle_room * idle * (ROOM_K - a)
            first += s.idle_first * idle * (a - b)
        to_still = to_plate = to_chamber = 0.0
        if given.can_w_k:
            gas = given.can_w_k
            room += gas * (ROOM_K - a)
            first += gas * (a - b)
            to_still, to_plate = 0.5 * gas * (b - c), 0.3 * gas * (b - d)
            to_chamber = 0.3 * gas * (b - e)
        if given.switched:
            to_still += s.heat_switch * (0.05 + min(1.0, c / 50.0)) * (b - c)
            to_plate += s.heat_switch * (0.05 + min(1.0, d / 50.0)) * (b - d)
            to_chamber += s.heat_switch * (0.05 + min(1.0, e / 50.0)) * (b - e)
        full = self.filled(given.liquid_mol)
        gas = GAS_CONDUCTANCE * min(1.0, given.still_pa / 1e3)
        second += 0.5 * gas * (b - c)
        empty = gas * (1.0 - full)
        still += (empty + _mixed(min(c, d)) * LIQUID_CONDUCTANCE * full) * (c - d)
        plate += (empty + _mixed(min(d, e)) * LIQUID_CONDUCTANCE * full) * (d - e)
        if given.liquid_mol > 0.0:
            flow, share = self.evaporation(c, given)
            p3 -= flow * (share * LATENT_3HE + (1.0 - share) * LATENT_4HE)
            phase = full**4 / (1.0 + (e / TRICRITICAL_K) ** 16)
            film = 1.0 / (1.0 + (c / FILM_K) ** 12)
            n3 = max(0.0, min(flow, unit.most_flow)) * share * phase * film
            p4 += n3 * (12.0 * EXCHANGER_INLET * cc - DILUTION * dd)
            p5 -= DILUTION * unit.exchanger * n3 * e * e
        p3 += given.inflow * (unit.inlet_heat + 2.5 * GAS_CONSTANT * max(0.0, b - 4.2))
        p3 += given.gas_inflow * 2.5 * GAS_CONSTANT * max(0.0, b - c)
        p2 += (given.inflow + given.gas_inflow) * unit.condenser_heat
        return [
            p1 + room - first,
            p2 + first - second - to_still - to_plate - to_chamber,
            p3 + second + to_still - still,
            p4 + still + to_plate - plate,
            p5 + plate + to_chamber + unit.residual_w,
        ]

    def capacities(self, temperatures: list[float], liquid_mol: float) -> list[float]:
        """Return the heat capacity of each stage, J/K."""
        masses, (solid, fermi) = self._stages.masses_kg, self._of_liquid(liquid_mol)
        return [
            mass * COPPER.capacity(t) + const + linear * min(t, FERMI_LIQUID_K)
            for mass, t, const, linear in zip(masses, temperatures, solid, fermi, strict=True)
        ]

    def enthalpies(self, temperatures: list[float], liquid_mol: float) -> list[float]:
        """Return the heat in each stage from 0 K on, J."""
        constants = self._of_liquid(liquid_mol)
        return [self._enthalpy(i, t, constants) for i, t in enumerate(temperatures)]

    def step(
        self, temperatures: list[float], given: Surroundings, longest_s: float
    ) -> tuple[list[float], float, float]:
        """Return temperatures one step on, its length (s), and what evaporated (mol/s).

        It is as long as ``longest_s``, or that halved until no stage moves by more than
        :data:`FASTEST`.
        """
        now = self.powers(temperatures, given)
        slopes = []
        for i, t in enumerate(temperatures):
            aside = 1e-4 * t
            moved = list(temperatures)
            moved[i] = t + aside
            slopes.append(
                [(p - q) / aside for p, q in zip(self.powers(moved, given), now, strict=True)]
            )
        capacities = self.capacities(temperatures, given.liquid_mol)
        constants = self._of_liquid(given.liquid_mol)
        length_s = longest_s
        while True:
            matrix = [[-slopes[j][i] for j in range(5)] for i in range(5)]
            for i in range(5):
                matrix[i][i] += capacities[i] / length_s
            changes = solve(matrix, list(now))
            after = [
                self._warmed(i, temperatures[i], changes[i], capacities[i], constants)
                for i in range(5)
            ]
            fastest = max(abs(n / t - 1.0) for n, t in zip(after, temperatures, strict=True))
            if fastest <= FASTEST or length_s <= SHORTEST_S:
                break
            length_s /= 2
        flow = 0.0
        if given.liquid_mol > 0.0:
            flow = self.evaporation(temperatures[2] + changes[2], given)[0]
        return after, length_s, flow

    def _of_liquid(self, liquid_mol: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
        full = self.filled(liquid_mol)
        constant = (0.0, 0.0, LIQUID_HEAT_CAPACITY * liquid_mol, 1e-5, 1e-5)
        plate, chamber = COLD_PLATE_MOL, self._dilution.helium3_mol
        fermi = DILUTE_HEAT_CAPACITY * full
        return constant, (0.0, 0.0, 0.0, fermi * plate, fermi * chamber)

    def _enthalpy(
        self, stage: int, t: float, constants: tuple[tuple[float, ...], tuple[float, ...]]
    ) -> float:
        low = min(t, FERMI_LIQUID_K)
        fermi = low * low / 2 + FERMI_LIQUID_K * (t - low)
        copper = self._stages.masses_kg[stage] * COPPER.enthalpy(t)
        return copper + constants[0][stage] * t + constants[1][stage] * fermi

    def _warmed(
        self,
        stage: int,
        t: float,
        change: float,
        capacity: float,
        constants: tuple[tuple[float, ...], tuple[float, ...]],
    ) -> float:
        """Return the temperature after the heat ``capacity change`` has come in."""
        if abs(change) < 1e-3 * t:
            return t + change
        mass, linear = self._stages.masses_kg[stage], constants[1][stage]
        heat = self._enthalpy(stage, t, constants) + capacity * change
        found = max(t + change, 0.2 * t)
        for _ in range(4):
            slope = (
                mass * COPPER.capacity(found)
                + constants[0][stage]
                + linear * min(found, FERMI_LIQUID_K)
            )
            found = max(
                0.2 * found, found - (self._enthalpy(stage, found, constants) - heat) / slope
            )
        return found


def _mixed(t: float) -> float:
    """Return how far the mixture at ``t`` is one liquid that carries heat, 0 to 1."""
    if t < 0.3:
        return 0.0
    x = (t / 0.8) ** 12
    return x / (1.0 + x)
