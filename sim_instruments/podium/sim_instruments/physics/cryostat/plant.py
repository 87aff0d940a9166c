"""A dilution refrigerator as a plant: its state is integrated in world time, between events.

The state moves on a grid of world time, and stops besides at each event's exact time. The grid is
the finer the more changes: how fine follows from the state (:mod:`.stride`), never from who looks.
What is read between two such times is found on a copy. So the plant depends on its seed and on
events only, and on nobody's looking: one advance over a day and a thousand give equal bits. What
it has passed can be read for a while yet, with the bits that it would have had at the time.
"""

import math
import zlib
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import RLock

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import HEATERS, MIXING_CHAMBER, stage_of
from podium.sim_instruments.physics.cryostat import machines, outputs, vacuum_can
from podium.sim_instruments.physics.cryostat.faults import FAULTS
from podium.sim_instruments.physics.cryostat.gas_handling import GasHandling, Positions
from podium.sim_instruments.physics.cryostat.heat_balance import HeatBalance, Surroundings
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.start import START_STATES
from podium.sim_instruments.physics.cryostat.state import SHORTEST_STRIDE_S, PlantState
from podium.sim_instruments.physics.cryostat.stride import Calmness

HISTORY_FS = 1200 * FS_PER_S
"""How long what has been passed can be read: a scanner is round sixteen channels in 208 s, as a
Lake Shore 372 leaves the factory."""
WANDERING = 2e-3
"""Greatest excursion of the heat that reaches the mixing chamber in any case. # ASSUMED"""
PERIODS_S = (337, 719, 5417)
"""Of the sines that make it up. # ASSUMED: regulation, laboratory air, buildings."""


@dataclass(frozen=True, slots=True, order=True)
class PlantEvent:
    """A change of a plant's state at an exact time."""

    at_fs: int
    number: int
    """Of events at one time, the smaller comes first."""
    change: Callable[[PlantState], None] = field(compare=False)


@dataclass(frozen=True, slots=True)
class PassedPoint:
    """A plant as it was, from which what followed can be found again."""

    at_fs: int
    state: PlantState
    positions: Positions | None


class Cryostat:
    """One fridge with its gas handling and machines.

    Any thread may call it. Time goes forward only: what is written before the last point that was
    passed raises ValueError, and so does what is read :data:`HISTORY_FS` before it. Nothing
    changes then.
    """

    def __init__(
        self,
        parameters: CryostatParameters,
        start_fs: int,
        *,
        start: str = "cold",
        seed: int = 0,
        magnet: bool = False,
    ) -> None:
        """Begin at ``start_fs`` in one of :data:`.start.START_STATES`; ValueError: none such."""
        if start not in START_STATES:
            raise ValueError(f"no start state {start!r}; there are {', '.join(START_STATES)}")
        self.parameters = parameters
        self.magnet = magnet
        self._seed = seed
        self._gas, self._heat = GasHandling(parameters), HeatBalance(parameters)
        self._state = START_STATES[start](parameters)
        self._at_fs = start_fs
        self._events: list[PlantEvent] = []
        self._number = 0
        self._lock = RLock()
        self._peeked: tuple[int, PlantState] | None = None
        self._ahead: PassedPoint | None = None
        """Found on a copy at a time that has not been passed, before what happens there."""
        self._passed: deque[PassedPoint] = deque()
        self._positions: Positions | None = None
        self._phases = [zlib.crc32(f"{seed}/{period}".encode()) / 2**32 for period in PERIODS_S]

    @property
    def outputs(self) -> dict[str, str]:
        """Units by the names that can be read."""
        return signals.OUTPUTS | (signals.MAGNET if self.magnet else {})

    @property
    def inputs(self) -> dict[str, str]:
        """Units by the names that can be written."""
        magnet = signals.MAGNET if self.magnet else {}
        return signals.INPUTS | signals.SET_SPEEDS | magnet

    def read(self, name: str, now_fs: int) -> float:
        """Return an output, in SI units; KeyError names those there are."""
        if name not in self.outputs:
            raise KeyError(f"no output {name!r}; there are {', '.join(self.outputs)}")
        return outputs.output(self.parameters, self._seen(now_fs), name)

    def read_all(self, names: Iterable[str], now_fs: int) -> list[float]:
        """Return several outputs at one time, as :meth:`read` does one."""
        known, state = self.outputs, self._seen(now_fs)
        for name in names:
            if name not in known:
                raise KeyError(f"no output {name!r}; there are {', '.join(known)}")
        return [outputs.output(self.parameters, state, name) for name in names]

    def write(self, name: str, value: float, now_fs: int) -> None:
        """Set an input from ``now_fs`` on, in SI units; a time that comes yet waits its turn.

        Raises KeyError naming the inputs, and ValueError for a value that cannot be.
        """
        if name not in self.inputs:
            raise KeyError(f"no input {name!r}; there are {', '.join(self.inputs)}")
        if not math.isfinite(value):
            raise ValueError(f"{name}: {value} is no number")
        if self.inputs[name] == "1":
            if value not in (0.0, 1.0):
                raise ValueError(f"{name}: 0 and 1 can be, not {value}")
        elif value < 0.0 and name not in signals.MAGNET:
            raise ValueError(f"{name}: at least 0 {self.inputs[name]} is wanted, not {value}")
        self._put(now_fs, lambda state: _write(state, name, float(value)))

    def fault(self, name: str, at_fs: int, size: float | None = None) -> None:
        """Let a fault of :data:`.faults.FAULTS` happen; KeyError names those there are.

        ``size`` is in the fault's unit; None: the usual one. Raises ValueError for one that cannot
        be, and for a quench without a magnet.
        """
        fault = FAULTS.get(name)
        if fault is None:
            raise KeyError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        if name == "quench":
            if not self.magnet:
                raise ValueError("this fridge has no magnet that could quench")
            self._put(at_fs, self._quench)
            return
        much = fault.size if size is None else size
        if not 0.0 <= much <= fault.most:
            raise ValueError(f"{name}: 0 to {fault.most:g} {fault.unit} can be, not {much}")
        self._put(at_fs, lambda state: fault.happens(state, much))

    def repair(self, name: str, at_fs: int) -> None:
        """Put a fault right; what it has done to the state stays. KeyError names the faults."""
        fault = FAULTS.get(name)
        if fault is None:
            raise KeyError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        self._put(at_fs, lambda state: fault.ends(state, fault.size))

    def temperature_k(self, stage: str, now_fs: int) -> float:
        """Return the temperature of a stage, K, by any of its usual names.

        A name that tells no stage is at the mixing chamber.
        """
        return self.read(signals.temperature_of(stage_of(stage) or MIXING_CHAMBER), now_fs)

    def fail(self, now_fs: int) -> None:
        """Let it warm: its helium compressor trips."""
        self.fault("compressor_trip", now_fs)

    def recover(self, now_fs: int) -> None:
        """Put the helium compressor right and start it.

        What the warm time has done to mixture and valves stays: after a boil-off an operator
        has to condense again.
        """
        self.repair("compressor_trip", now_fs)
        self.write(signals.PULSE_TUBE, 1.0, now_fs)

    def advance(self, to_fs: int) -> None:
        """Integrate up to a time, if it is not further already.

        It changes nothing that is read afterwards, only how soon.
        """
        with self._lock:
            if to_fs > self._at_fs:
                self._advance(to_fs)

    def next_point_fs(self, now_fs: int) -> int:
        """Return the first time after ``now_fs`` that the state is integrated to.

        It is a point of the grid or an event. Who looks at all of them misses nothing.
        """
        with self._lock:
            self._advance(now_fs)
            return self._until_fs()

    def state(self, now_fs: int) -> PlantState:
        """Return the state at a time: a copy, which may be changed."""
        return self._seen(now_fs).copy()

    def _seen(self, now_fs: int) -> PlantState:
        with self._lock:
            if self._peeked is not None and self._peeked[0] == now_fs:
                return self._peeked[1]
            if now_fs < self._at_fs:
                return self._seen_before(now_fs)
            self._advance(now_fs)
            state = self._state.copy()
            if now_fs > self._at_fs:
                positions = self._step(state, self._at_fs, now_fs, self._positions)
                self._ahead = PassedPoint(now_fs, state, positions)
            self._peeked = now_fs, state
            return state

    def _seen_before(self, at_fs: int) -> PlantState:
        """Return the state at a time that has been passed."""
        number = bisect_right(self._passed, at_fs, key=lambda point: point.at_fs)
        if number == 0:
            raise ValueError(f"a plant that is at {self._at_fs} fs cannot tell of {at_fs} fs")
        point = self._passed[number - 1]
        state = point.state.copy()
        if at_fs > point.at_fs:
            self._step(state, point.at_fs, at_fs, point.positions)
        return state

    def fork(self, at_fs: int) -> "Cryostat":
        """Return a plant of its own, as this one is at ``at_fs``; no event to come goes along."""
        other = Cryostat(self.parameters, at_fs, seed=self._seed, magnet=self.magnet)
        other._state = self.state(at_fs)
        return other

    def mixture_mol(self, now_fs: int) -> float:
        """Return all of the mixture there ever was: in lines, tank and unit, and what is lost."""
        return self._gas.mixture_mol(self.state(now_fs))

    def _put(self, at_fs: int, change: Callable[[PlantState], None]) -> None:
        with self._lock:
            if at_fs < self._at_fs:
                raise ValueError(f"a plant that is at {self._at_fs} fs cannot change at {at_fs} fs")
            self._number += 1
            insort(self._events, PlantEvent(at_fs, self._number, change))
            self._peeked = None
            if self._ahead is not None and at_fs < self._ahead.at_fs:
                self._ahead = None

    def _until_fs(self) -> int:
        """Return where the state goes next: to a multiple of its stride in TAI, or an event."""
        stride_fs = self._state.stride_s * FS_PER_S
        grid_fs = (self._at_fs // stride_fs + 1) * stride_fs
        return min(grid_fs, self._events[0].at_fs) if self._events else grid_fs

    def _advance(self, to_fs: int) -> None:
        while True:
            until_fs = self._until_fs()
            if until_fs > to_fs:
                return
            self._passed.append(PassedPoint(self._at_fs, self._state.copy(), self._positions))
            while len(self._passed) > 1 and self._passed[1].at_fs <= until_fs - HISTORY_FS:
                self._passed.popleft()
            if self._ahead is not None and until_fs == self._ahead.at_fs:
                self._state, self._positions = self._ahead.state.copy(), self._ahead.positions
            elif until_fs > self._at_fs:
                self._positions = self._step(self._state, self._at_fs, until_fs, self._positions)
            self._at_fs, self._ahead = until_fs, None
            while self._events and self._events[0].at_fs <= self._at_fs:
                self._events.pop(0).change(self._state)
                self._positions = None
                self._state.stride_s = SHORTEST_STRIDE_S

    def _step(
        self, state: PlantState, from_fs: int, until_fs: int, positions: Positions | None
    ) -> Positions | None:
        """Integrate a state; return its positions, or None when they may have changed."""
        rest_s = (until_fs - from_fs) / FS_PER_S
        before = Calmness.of(state)
        wandering_w = self._wandering(from_fs) * self.parameters.dilution.residual_w
        switched = _switches(state)
        positions = positions or positions_of(state)
        length_s = rest_s
        while rest_s > 0.0:
            given = self._surroundings(state, positions, min(length_s, rest_s))
            given.loads[4] += wandering_w
            balance_pa = sum(self._heat.still_pressures(state.temperatures[2]))
            warmed, length_s, flow = self._heat.step(
                state.temperatures, given, min(length_s, rest_s)
            )
            flow = min(flow, state.liquid_mol / length_s)
            state.temperatures = warmed
            self._gas.step(state, positions, flow, balance_pa, length_s)
            vacuum_can.step(self.parameters.gas, state, positions, length_s)
            machines.step_turbos(self.parameters.turbo, state, length_s)
            machines.step_compressor(self.parameters.compressor, state, length_s)
            machines.step_battery(self.parameters.ups_s, state, length_s)
            rest_s -= length_s
            length_s *= 2
            if rest_s < 1e-9:
                break
            if _switches(state) != switched:
                positions, switched = positions_of(state), _switches(state)
        state.stride_s = before.stride_to(state)
        return positions if _switches(state) == switched else None

    def _surroundings(
        self, state: PlantState, positions: Positions, length_s: float
    ) -> Surroundings:
        commands, stages = state.commands, self.parameters.stages
        loads = [commands[signals.dissipation_of(stage)] for stage in signals.STAGES]
        for heater, stage in HEATERS.items():
            loads[signals.STAGES.index(stage)] += commands[signals.power_of(heater)]
        loads[1] += stages.second_stage_load_w
        return Surroundings(
            loads=loads,
            pulse_tubes=self.parameters.pulse_tubes if commands[signals.PULSE_TUBE] else 0,
            switched=commands[signals.HEAT_SWITCH] > 0.0,
            can_w_k=vacuum_can.conductance(state),
            touch=state.touch,
            liquid_mol=state.liquid_mol,
            still_pa=state.still_pa,
            inflow=state.inflow,
            gas_inflow=state.gas_inflow,
            evaporation=self._gas.evaporation(state, positions, length_s),
        )

    def _wandering(self, at_fs: int) -> float:
        total = 0.0
        for period_s, phase in zip(PERIODS_S, self._phases, strict=True):
            period_fs = period_s * FS_PER_S
            total += math.sin(2 * math.pi * (at_fs % period_fs / period_fs + phase))
        return WANDERING * total / len(PERIODS_S)

    def _quench(self, state: PlantState) -> None:
        """Turn the magnet's energy, L I^2 / 2 of each axis, into heat of the second stage."""
        energy = 0.0
        for name in signals.MAGNET:
            energy += self.parameters.magnet_henry * state.commands[name] ** 2 / 2
            state.commands[name] = 0.0
        capacities = self._heat.enthalpies(state.temperatures, state.liquid_mol)
        wanted = capacities[1] + energy
        low, high = state.temperatures[1], 400.0
        for _ in range(60):
            middle = (low + high) / 2
            moved = list(state.temperatures)
            moved[1] = middle
            if self._heat.enthalpies(moved, state.liquid_mol)[1] < wanted:
                low = middle
            else:
                high = middle
        state.temperatures[1] = low


def _write(state: PlantState, name: str, value: float) -> None:
    """Set an input; what a machine in trouble refuses stays as it is."""
    if name == signals.PULSE_TUBE and value:
        if not state.commands[signals.MAINS]:
            return
        state.errors = machines.beyond(state, 1) | (state.errors & machines.THREE_PHASE)
        if state.errors:
            return
    if name.startswith("pump.") and value:
        if not machines.powered(state):
            return
        if name == signals.on_of(signals.TURBO1) and state.turbo_errors[0]:
            return
    if name.startswith(("valve.", "heater.")) and value and not machines.powered(state):
        return
    state.commands[name] = value


def positions_of(state: PlantState) -> Positions:
    """Return how valves and pumps stand."""
    commands = state.commands
    return Positions(
        open=frozenset(v for v in signals.VALVES if commands[signals.open_of(v)]),
        scroll1=commands[signals.on_of(signals.SCROLL1)] > 0.0,
        scroll2=commands[signals.on_of(signals.SCROLL2)] > 0.0,
        compressor=commands[signals.on_of(signals.COMPRESSOR)] > 0.0,
    )


def _switches(state: PlantState) -> tuple[float, float]:
    """Return what a step may have changed by itself: whether the battery is empty, the tube on."""
    return float(machines.powered(state)), state.commands[signals.PULSE_TUBE]
