"""The mixture's circuit: still line, pumps, condensing line, traps and tank.

Gas in a volume is ideal and at room temperature; flows are linear in pressures (laminar valves,
pumps of constant speed), and a step is implicit, so that amounts are kept to rounding.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from podium.sim_instruments.physics.cryostat.helium import ROOM_RT
from podium.sim_instruments.physics.cryostat.linear import solve
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.state import ATMOSPHERE_PA, PlantState

STILL, BACK, CONDENSING, TANK = range(4)
SURFACE = 1e-3
"""mol/(s Pa) between the still's liquid and the gas above. # ASSUMED: no hindrance."""
NEARLY_DRY_MOL = 0.02
"""Of liquid, below which evaporation slows down. # ASSUMED"""
STALLS_PA = 1.5e5
"""Behind scroll1, where it moves no more gas. # ASSUMED"""
SERVICE_M3 = 0.002
RELIEFS = ((CONDENSING, 1.0), (STILL, 0.65), (BACK, 0.65))
"""Volumes with a check valve to the tank, each with the part of the highest limit at which it
opens. # ASSUMED"""
RELIEF_TRIALS = 16
"""One at a time, the first that stands wrong: ends within eight, as Murty's least-index rule does
for a linear complementarity problem (Murty, Linear and Combinatorial Programming, 1976)."""
EXACT = 1e-9
"""Of its limit: nearer to it, a valve may stand either way."""
SHARE_HALVINGS = 30
CONDENSER_K = 5.2
"""At the second stage, above which nothing condenses: 4He is critical."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Valves and pumps as they stand, for the mixture's circuit."""

    open: frozenset[str]
    scroll1: bool
    scroll2: bool
    compressor: bool

    def path(self, *valves: str) -> bool:
        """Tell whether all of these are open."""
        return all(valve in self.open for valve in valves)


@dataclass(frozen=True, slots=True)
class _Flows:
    """Flows of one step: conductances in mol/(s Pa), but for what evaporates."""

    pumping: float
    """From the still line."""
    condensed: float
    passing: float
    """From the condensing line into the still, as gas."""
    evaporated: float
    """mol/s."""
    leaking: float
    out: Sequence[float]
    """Of each volume, to where nothing comes back from."""


class GasHandling:
    """The circuit of one model of fridge."""

    def __init__(self, parameters: CryostatParameters) -> None:
        self._gas, self._unit = parameters.gas, parameters.dilution
        gas = self._gas
        self.volumes = (gas.still_line_m3, gas.back_m3, gas.condensing_m3, gas.tank_m3)

    def mixture_mol(self, state: PlantState) -> float:
        """Return all of the mixture: in lines, tank and unit, and what is lost."""
        pressures = (state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa)
        gas = sum(p * v for p, v in zip(pressures, self.volumes, strict=True)) / ROOM_RT
        return gas + state.liquid_mol + state.lost_mol

    def still_pumping(self, state: PlantState, positions: Positions) -> float:
        """Return what pumps draw from the still line, mol/(s Pa) at its pressure now."""
        gas = self._gas
        if not positions.scroll1 or not positions.path("v4"):
            return 0.0
        conductance = 0.0
        if positions.path("v1", "v3"):
            conductance += gas.turbo_m3_s * state.speeds[0] / ROOM_RT
        if positions.path("v2"):
            conductance += gas.scroll_m3_s / ROOM_RT
        flow = conductance * state.still_pa / self._unit.most_flow
        stall = min(1.0, max(0.0, (STALLS_PA - state.back_pa) / (0.2 * STALLS_PA)))
        return float(stall * conductance / (1.0 + flow**4) ** 0.25)

    def inlet(self, state: PlantState, positions: Positions) -> float:
        """Return the conductance from the condensing line into the fridge, mol/(s Pa)."""
        if not positions.path("v9"):
            return 0.0
        through = 0.0
        if positions.path("v5", "v6"):
            through += 1.0 - state.plug
        if positions.path("v7", "v8"):
            through += 1.0
        return self._gas.impedance * min(1.0, through)

    def condenses(self, state: PlantState, balance_pa: float) -> float:
        """Return the part of what comes in that becomes liquid, 0 to 1.

        ``balance_pa``: vapour pressure in the still.
        """
        second_k, still_k = state.temperatures[1], state.temperatures[2]
        cold = min(1.0, max(0.0, (CONDENSER_K - max(second_k, still_k)) / 0.5))
        driven = max(0.0, 1.0 - balance_pa / max(state.condensing_pa, 1.0))
        return cold * driven

    def evaporation(
        self, state: PlantState, positions: Positions, length_s: float
    ) -> tuple[float, float, float, float]:
        """Return ``k0, k1`` of evaporation ``k0 p_eq - k1`` over a step, and least and most of it.

        The pressure over the still follows within the step: it is eliminated here.
        """
        if state.liquid_mol <= 0.0:
            return 0.0, 0.0, 0.0, 0.0
        surface = SURFACE * min(1.0, state.liquid_mol / NEARLY_DRY_MOL)
        per_mol = length_s * ROOM_RT / self._gas.still_line_m3
        full = 1.0 + per_mol * (surface + self.still_pumping(state, positions))
        coming = (state.still_pa + per_mol * state.gas_inflow) / full
        least = -0.5 * state.still_pa * self._gas.still_line_m3 / ROOM_RT / length_s
        most = state.liquid_mol / length_s
        return surface * (1.0 - per_mol * surface / full), surface * coming, least, most

    def step(
        self,
        state: PlantState,
        positions: Positions,
        evaporated: float,
        balance_pa: float,
        length_s: float,
    ) -> None:
        """Move the state's pressures, liquid and flows by a step; ``evaporated`` in mol/s."""
        inlet = self.inlet(state, positions)
        condensed = inlet * self.condenses(state, balance_pa)
        flows = _Flows(
            self.still_pumping(state, positions),
            condensed,
            max(0.0, inlet - condensed) if state.condensing_pa > state.still_pa else 0.0,
            evaporated,
            state.leak / ATMOSPHERE_PA,
            self._out(state, positions),
        )
        after = self._after(state, positions, flows, length_s)
        state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa = after
        state.inflow = condensed * after[CONDENSING]
        state.gas_inflow = flows.passing * (after[CONDENSING] - after[STILL])
        state.circulation = flows.pumping * after[STILL]
        state.liquid_mol += length_s * (state.inflow - evaporated)
        gone = flows.leaking * after[CONDENSING]
        gone += sum(g * p for g, p in zip(flows.out, after, strict=True))
        state.lost_mol += length_s * gone
        self._service(state, positions, length_s, gone)

    def _after(
        self, state: PlantState, positions: Positions, flows: _Flows, length_s: float
    ) -> list[float]:
        """Return the pressures after a step.

        A check valve is open where the pressure after the step is above its limit, not before: it
        lets nothing back. The compressor's own valve holds its outlet at that of the condensing
        line, by as much of its flow as that takes.
        """
        outlet_pa = self._gas.relief_pa

        def solved(share: float) -> list[float]:
            before = (state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa)
            valves = {one for one, part in RELIEFS if before[one] > part * outlet_pa}
            for _ in range(RELIEF_TRIALS):
                after = self._solved(state, positions, flows, length_s, share, valves)
                wrong = self._wrong_relief(after, valves)
                if wrong is None:
                    break
                valves ^= {wrong}
            return after

        if not positions.compressor or state.condensing_pa >= outlet_pa:
            return solved(0.0)
        after, least, most = solved(1.0), 0.0, 1.0
        if after[CONDENSING] <= outlet_pa:
            return after
        for _ in range(SHARE_HALVINGS):
            share = 0.5 * (least + most)
            if solved(share)[CONDENSING] <= outlet_pa:
                least = share
            else:
                most = share
        return solved(least)

    def _wrong_relief(self, pressures: Sequence[float], valves: Collection[int]) -> int | None:
        """Return the first check valve that stands otherwise than these pressures have it."""
        for one, part in RELIEFS:
            limit_pa = part * self._gas.relief_pa
            above_pa = pressures[one] - limit_pa
            if (above_pa > 0.0) != (one in valves) and abs(above_pa) > EXACT * limit_pa:
                return one
        return None

    def _solved(
        self,
        state: PlantState,
        positions: Positions,
        flows: _Flows,
        length_s: float,
        share: float,
        reliefs: Collection[int],
    ) -> list[float]:
        """Return the pressures after a step with these check valves open.

        ``share``: of the compressor's flow that reaches the condensing line.
        """
        gas, path = self._gas, positions.path
        matrix = [[0.0] * 4 for _ in range(4)]
        right = [0.0] * 4
        before = (state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa)
        for i, volume in enumerate(self.volumes):
            stored = volume / ROOM_RT / length_s
            matrix[i][i] += stored
            right[i] += stored * before[i]

        def pump(source: int, sink: int | None, conductance: float, above_pa: float = 0.0) -> None:
            matrix[source][source] += conductance
            right[source] += conductance * above_pa
            if sink is not None:
                matrix[sink][source] -= conductance
                right[sink] -= conductance * above_pa

        def join(one: int, other: int, conductance: float) -> None:
            pump(one, other, conductance)
            pump(other, one, conductance)

        pump(STILL, BACK, flows.pumping)
        if share:
            pump(BACK, CONDENSING, share * gas.compressor_m3_s / ROOM_RT)
        if path("v10"):
            join(BACK, CONDENSING, gas.valve)
        if path("v11"):
            join(BACK, TANK, gas.valve)
        if path("v12"):
            join(CONDENSING, TANK, gas.valve)
        if path("v13"):
            join(TANK, BACK, gas.metering)
        if path("v18"):
            join(CONDENSING, STILL, gas.valve)
        pump(CONDENSING, None, flows.condensed)
        join(CONDENSING, STILL, flows.passing)
        for one, part in RELIEFS:
            if one in reliefs:
                pump(one, TANK, gas.valve, part * gas.relief_pa)
        pump(CONDENSING, None, flows.leaking)
        for one, conductance in enumerate(flows.out):
            pump(one, None, conductance)
        right[STILL] += flows.evaporated
        return solve(matrix, right)

    def _out(self, state: PlantState, positions: Positions) -> list[float]:
        """Return by what conductance each volume loses mixture, mol/(s Pa).

        ASSUMED: check valves keep what is in the service line from coming back.
        """
        gas, service = self._gas, state.service_pa
        pressures = (state.still_pa, state.back_pa, state.condensing_pa, state.tank_pa)
        out = [gas.valve if pressure > gas.burst_pa else 0.0 for pressure in pressures]
        for one, valve in ((STILL, "v17"), (TANK, "v19")):
            if positions.path(valve) and pressures[one] > service:
                out[one] += gas.valve * (1.0 - service / pressures[one])
        for trap in (("v5", "v20"), ("v7", "v21")):
            if positions.path(*trap) and state.condensing_pa > service:
                out[CONDENSING] += gas.valve * (1.0 - service / state.condensing_pa)
        return out

    def _service(
        self, state: PlantState, positions: Positions, length_s: float, coming: float
    ) -> None:
        """Move the service line's pressure; ``coming`` in mol/s."""
        to_room = self._gas.valve if positions.path("v23") else 0.0
        pumped = self._gas.can_scroll_m3_s / ROOM_RT
        pumped *= positions.scroll2 and positions.path("v16")
        stored = SERVICE_M3 / ROOM_RT / length_s
        total = stored * state.service_pa + coming + to_room * ATMOSPHERE_PA
        state.service_pa = total / (stored + to_room + pumped)
