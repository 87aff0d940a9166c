"""Answers who supervises a plant line by line: readings, writes, faults, and the truth at the end.

A request is a mapping with the key ``do``:

- ``hello``: which reading shows which signal;
- ``advance`` ``to_s``: all readings at that time;
- ``write`` ``values``: inputs, from now on;
- ``fault`` ``name`` ``size`` and ``repair`` ``name``: of the fridge, now;
- ``sensor`` ``reading`` ``fault`` ``per_hour`` and ``mend`` ``reading``: of a sensor, now;
- ``truth``: what has become of the fridge, and what would have become of it after each fault had
  nobody acted. After it the dialogue is over: a supervisor never sees it in time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.cryostat.sensor_panel import SensorPanel
from podium.sim_instruments.physics.cryostat.variation import varied

UNATTENDED_S = 6 * 3600.0
"""How long a fridge is followed after a fault that nobody acts upon."""
FIRST_LOOK_S, FIRST_S = 2.0, 120.0
"""It is looked what has happened at each point of the plant's grid; of a fridge left alone as
often as this right after a fault, when much happens soon."""
WARM_K, BOILED_OFF, LOST = 10.0, 0.05, 0.01
"""Second stage; liquid and lost mixture in all of it."""
OVERPRESSURE = 1.15
"""In the pressure at which check valves open: they do not take what comes. # ASSUMED"""
TURBO_PA, TURBO_S = 1e3, 300.0
"""A driven turbo is overloaded after so long with so much at its inlet. # ASSUMED"""


class BadRequest(ValueError):
    """A request that cannot be answered. Nothing has changed."""


@dataclass(slots=True)
class Outcome:
    """Events of a fridge, with their times in s."""

    starts: dict[str, list[float]] = field(default_factory=dict)
    """By event, each time that it began."""
    standing: set[str] = field(default_factory=set)
    counted_mol: float = 0.0
    """Of what was lost, how much has been counted."""
    highest_pa: float = 0.0
    lost_mol: float = 0.0
    overloaded_s: float = 0.0

    def look(self, plant: Cryostat, now_s: float, for_s: float) -> None:
        """Note what has happened by now."""
        state, parameters = plant.state(_fs(now_s)), plant.parameters
        relief = parameters.gas.relief_pa
        low = max(state.still_pa, state.back_pa)
        self.highest_pa = max(self.highest_pa, low, state.condensing_pa)
        mixture = parameters.dilution.mixture_mol
        self.lost_mol = state.lost_mol
        driven = state.commands[signals.on_of(signals.TURBO1)] > 0.0
        overloaded = driven and state.still_pa > TURBO_PA
        self.overloaded_s = self.overloaded_s + for_s if overloaded else 0.0
        happened = {
            "second_stage_above_10K": state.temperatures[1] > WARM_K,
            "mixture_boils_off": state.liquid_mol < BOILED_OFF * mixture,
            "check_valves_open": low > 0.65 * relief or state.condensing_pa > relief,
            "overpressure": max(low / 0.65, state.condensing_pa) > OVERPRESSURE * relief,
            "disc_bursts": max(low, state.condensing_pa, state.tank_pa) > parameters.gas.burst_pa,
            "helium_lost": state.lost_mol - self.counted_mol > LOST * mixture,
            "turbo_overloaded": self.overloaded_s > TURBO_S,
        }
        for name, so in happened.items():
            if so and name not in self.standing:
                beyond_s = self.overloaded_s - TURBO_S if name == "turbo_overloaded" else 0.0
                self.starts.setdefault(name, []).append(now_s - beyond_s)
        if happened["helium_lost"]:
            self.counted_mol = state.lost_mol
        self.standing = {name for name, so in happened.items() if so}


@dataclass(slots=True)
class FridgeDialogue:
    """A plant, its sensors, and who asks about both."""

    plant: Cryostat
    panel: SensorPanel
    now_s: float = 0.0
    outcome: Outcome = field(default_factory=Outcome)
    forks: list[tuple[str, float, Cryostat]] = field(default_factory=list)
    """By fault: its name, time and the plant right after it."""
    over: bool = False

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one request; raises :class:`BadRequest`."""
        if self.over:
            raise BadRequest("the truth was told: the dialogue is over")
        now_fs = _fs(self.now_s)
        try:
            match request.get("do"):
                case "hello":
                    return self._hello()
                case "advance":
                    return self._advance(float(request["to_s"]))
                case "write":
                    for name, value in dict(request["values"]).items():
                        self.plant.write(str(name), float(value), now_fs)
                case "fault":
                    size = request.get("size")
                    name = str(request["name"])
                    self.plant.fault(name, now_fs, None if size is None else float(size))
                    self.forks.append((name, self.now_s, self.plant.fork(now_fs)))
                case "repair":
                    self.plant.repair(str(request["name"]), now_fs)
                case "sensor":
                    rate = float(request.get("per_hour", 0.0))
                    self.panel.trouble(str(request["reading"]), str(request["fault"]), now_fs, rate)
                case "mend":
                    self.panel.mend(str(request["reading"]))
                case "truth":
                    return self._truth()
                case other:
                    raise BadRequest(f"{other!r} cannot be done")
        except (KeyError, TypeError, ValueError) as error:
            raise BadRequest(str(error)) from error
        return {"done": True}

    def _hello(self) -> dict[str, Any]:
        return {
            "model": self.plant.parameters.model,
            "readings": {
                one.reading: {"signal": one.signal, "unit": one.unit}
                for one in self.panel.sensors.values()
            },
        }

    def _advance(self, to_s: float) -> dict[str, Any]:
        if not self.now_s <= to_s < 1e9:
            raise BadRequest(f"it is {self.now_s} s: {to_s} s is over")
        while self.now_s < to_s:
            next_s = min(_next_s(self.plant, self.now_s), to_s)
            self.outcome.look(self.plant, next_s, next_s - self.now_s)
            self.now_s = next_s
        return {
            "now_s": self.now_s,
            "readings": self.panel.read(_fs(self.now_s)),
        }

    def _truth(self) -> dict[str, Any]:
        self.over = True
        return {
            "outcome": _plain(self.outcome),
            "mixture_mol": self.plant.parameters.dilution.mixture_mol,
            "unattended": [
                {"fault": name, "at_s": at_s} | _plain(unattended(plant, at_s))
                for name, at_s, plant in self.forks
            ],
        }


def unattended(plant: Cryostat, from_s: float) -> Outcome:
    """Return what becomes of a plant by itself; it is used up."""
    lost = plant.state(_fs(from_s)).lost_mol
    outcome, now_s = Outcome(counted_mol=lost), from_s
    while now_s < from_s + UNATTENDED_S:
        next_s = _next_s(plant, now_s)
        if now_s < from_s + FIRST_S:
            next_s = min(next_s, now_s + FIRST_LOOK_S)
        outcome.look(plant, next_s, next_s - now_s)
        now_s = next_s
    return outcome


def _fs(time_s: float) -> int:
    """Return a time in fs, whole microseconds: points of the plant's grid stay what they are."""
    return round(time_s * 1e6) * (FS_PER_S // 10**6)


def _next_s(plant: Cryostat, now_s: float) -> float:
    return plant.next_point_fs(_fs(now_s)) / FS_PER_S


def dialogue(parameters: CryostatParameters, seed: int, part: float) -> FridgeDialogue:
    """Return a dialogue about a cold fridge whose constants are within ``part`` of these."""
    plant = Cryostat(varied(parameters, part, seed), 0, seed=seed, magnet=True)
    return FridgeDialogue(plant, SensorPanel(plant, part, seed))


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "events_s": {name: times[0] for name, times in outcome.starts.items()},
        "all_s": outcome.starts,
        "highest_pa": outcome.highest_pa,
        "lost_mol": outcome.lost_mol,
    }
