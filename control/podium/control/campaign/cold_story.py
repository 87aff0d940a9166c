"""``python -m podium.control.campaign.cold_story``: a fridge supervised through weeks of faults.

The fridge runs in a process of its own and is spoken with line by line. Here are only the pure
parts of agents and supervisor: readings and their quality, interlocks, alarms, observer. Readings
come each ten seconds around a fault, each two minutes for hours after it, then each four: what is
judged is what the parts make of them, not how fast a bus is.
"""

import json
import random
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podium.control.bus.readings import LOST_AFTER, ChannelReading, InstrumentReadings
from podium.control.bus.shutdown import run_until_terminated
from podium.control.campaign.cold_faults import FAULTS, WorldFault, drawn_faults
from podium.control.campaign.cold_plant import ColdPlant, cold_plant
from podium.control.campaign.cold_protection import FridgeAlarms, FridgeInterlocks
from podium.control.campaign.cold_recovery import Recovery
from podium.control.campaign.cold_verdicts import AFTER_S, FaultRecord, WorldRecord, judged
from podium.control.facility.atomic_files import write_text
from podium.control.processes.child_processes import processor_time_s
from podium.control.records.latest_readings import FridgeView, LatestReadings
from podium.control.supervision.model_parameters import MODELS
from podium.control.supervision.observer import Observed, Observer
from podium.control.supervision.observers import contradictions_of
from podium.firmware_interfaces import fridge_signals as signals

BEGIN_TAI = 1_000_000
SLOW_S, QUIET_S, FAST_S = 240.0, 120.0, 10.0
"""Between two readings."""
QUIET_FOR_S = 6 * 3600.0
"""After a fault's repair, before they come slowly."""
FAST_FOR_S = 2700.0
"""After a fault, and after its repair."""
TOLD_S = 60.0
"""After the first action, until which countdowns are taken down: it has changed little yet."""
EPISODE_S = (2400.0, 4800.0)
"""How long a node plays, or rests, at a time."""


@dataclass(slots=True)
class Playing:
    """Two nodes that play now and then; one of them may heat a stage."""

    draw: random.Random
    shares: dict[str, float] = field(default_factory=lambda: {"node_a": 0.0, "node_b": 0.0})
    until_s: dict[str, float] = field(default_factory=lambda: {"node_a": 0.0, "node_b": 0.0})

    def at(self, now_s: float) -> dict[str, float]:
        """Return the part of the time that each node plays."""
        for node, until in self.until_s.items():
            if now_s >= until:
                self.until_s[node] = now_s + self.draw.uniform(*EPISODE_S)
                self.shares[node] = 1.0 - self.shares[node]
        return dict(self.shares)


@dataclass(slots=True)
class ColdWorld:
    """One world: its fridge, what the supervisor knows, and what is taken down."""

    plant: ColdPlant
    observer: Observer
    interlocks: FridgeInterlocks
    alarms: FridgeAlarms
    recovery: Recovery
    latest: LatestReadings
    playing: Playing
    record: WorldRecord
    number: int = 0
    repaired: bool = True
    """Whether no fault is left."""
    silent: str = ""
    """An instrument of which nothing is heard."""
    silent_s: float = 0.0
    heated: tuple[str, float] | None = None
    """A stage, and what node_a heats it by."""
    standing: set[str] = field(default_factory=set)
    """Findings while nothing is wrong."""
    heat_written: float = 0.0
    before: set[str] = field(default_factory=set)
    """Findings that stood when the fault came: they are not about it."""

    @classmethod
    def begun(cls, plant: ColdPlant, model: str, draw: random.Random) -> "ColdWorld":
        """Return the world of a plant of this model, before anything has happened."""
        wiring = plant.wiring()
        interlocks = FridgeInterlocks(wiring)
        return cls(
            plant,
            Observer(MODELS[model], wiring),
            interlocks,
            FridgeAlarms.of(wiring, model),
            Recovery(wiring, model, interlocks.refusal),
            LatestReadings(),
            Playing(draw),
            WorldRecord([], interlocks.actions, 0, [], 0.0),
        )

    async def step(self, now_s: float, every_s: float, active: FaultRecord | None) -> None:
        """Let time pass up to ``now_s``, look, and act."""
        shown = await self.plant.advance(now_s)
        self.number += 1
        tai = (BEGIN_TAI + int(now_s), round((now_s % 1) * 1e15))
        self._hear(shown, now_s, tai, every_s)
        view = self.latest.view(self.observer.wiring, tai, now_s)
        shares = self.playing.at(now_s)
        seen = self.observer.step(view, shares)
        readings = {one.name: one for one in self.latest.all(now_s)}
        found = contradictions_of(view.fridge, seen.contradictions)
        self.alarms.step(view, readings, found, now_s)
        writes = self.recovery.step(view, self.repaired, now_s)
        writes |= self.interlocks.step(view, now_s)
        if self.heated is not None:
            stage, watts = self.heated
            heat = watts * shares["node_a"]
            if heat != self.heat_written:
                self.heat_written = heat
                writes[signals.dissipation_of(stage)] = heat
        if writes:
            await self.plant.write(writes)
        self._note(view, seen, now_s, every_s, active)

    def _hear(
        self,
        shown: Any,
        now_s: float,
        tai: tuple[int, int],
        every_s: float,
    ) -> None:
        boxes: dict[str, list[ChannelReading]] = {}
        for reading, value in shown.items():
            box, _, channel = reading.partition(".")
            quality: Any = "disconnected" if value is None else "good"
            one = ChannelReading(channel, value, self.plant.units[reading], quality)
            boxes.setdefault(box, []).append(one)
        for box, channels in boxes.items():
            if box != self.silent:
                news = InstrumentReadings(box, self.number, tai, every_s, tuple(channels))
                self.latest.hear(news, now_s)

    def _note(
        self,
        view: FridgeView,
        seen: Observed,
        now_s: float,
        every_s: float,
        active: FaultRecord | None,
    ) -> None:
        fault = None if active is None else active.fault
        self._note_stale(view, now_s, every_s, fault)
        named = {f"{one.kind}/{one.where}/{one.node}": one.words for one in seen.findings}
        if active is None or fault is None:
            new = set(named) - self.standing
            self.record.false_findings += [(now_s, named[name]) for name in sorted(new)]
            self.standing = set(named)
            return
        if now_s > fault.repaired_s:
            self.standing = set(named)
            return
        if now_s <= fault.at_s + every_s:
            self.before = {f"{one.kind}/{one.where}" for one in seen.findings} & {
                name.rpartition("/")[0] for name in self.standing
            }
        for one in seen.findings:
            name = f"{one.kind}/{one.where}/{one.node}"
            if f"{one.kind}/{one.where}" in self.before:
                continue
            active.named_s[name] = active.named_s.get(name, 0.0) + every_s
            if active.first_named_s is None and fault.blamed(one.kind, one.where, one.node):
                active.first_named_s = now_s - fault.at_s
        acted = any(fault.at_s <= at < now_s - TOLD_S for at, _ in self.interlocks.actions)
        if not acted:
            for counted in seen.countdowns:
                if counted.event not in active.countdowns:
                    active.countdowns[counted.event] = (
                        now_s + counted.low_s,
                        now_s + counted.at_s,
                        now_s + counted.high_s,
                    )

    def _note_stale(
        self, view: FridgeView, now_s: float, every_s: float, fault: WorldFault | None
    ) -> None:
        if fault is None or fault.kind not in ("silent", "disconnected"):
            return
        if not fault.at_s < now_s <= fault.repaired_s:
            return
        if fault.kind == "silent" and now_s - self.silent_s <= (LOST_AFTER + 1) * SLOW_S:
            return
        for one in (*view.signals.values(), *(o for some in view.others.values() for o in some)):
            of_box = fault.kind == "silent" and one.name.startswith(f"{fault.reading}.")
            if one.good is not None and (of_box or one.name == fault.reading):
                self.record.stale_shown_good += 1


async def _begin(world: ColdWorld, fault: WorldFault) -> None:
    """Bring a fault about."""
    world.repaired = False
    match fault.kind:
        case "drift" | "stuck" | "disconnected":
            rate = fault.size or 0.0
            await world.plant.do("sensor", reading=fault.reading, fault=fault.kind, per_hour=rate)
        case "silent":
            world.silent, world.silent_s = fault.reading, fault.at_s
        case "playing":
            world.heated = (fault.reading, fault.size or 0.0)
        case "quench":
            await world.plant.write({"magnet.x.current": fault.size or 0.0})
            await world.plant.do("fault", name="quench")
        case _:
            words = {} if fault.size is None else {"size": fault.size}
            await world.plant.do("fault", name=fault.kind, **words)


async def _repair(world: ColdWorld, fault: WorldFault) -> None:
    """Put it right, as a person would."""
    world.repaired = True
    match fault.kind:
        case "drift" | "stuck" | "disconnected":
            await world.plant.do("mend", reading=fault.reading)
        case "silent":
            world.silent = ""
        case "playing":
            world.heated, world.heat_written = None, 0.0
            await world.plant.write({signals.dissipation_of(fault.reading): 0.0})
        case _:
            await world.plant.do("repair", name=fault.kind)


async def tell(
    world: ColdWorld, faults: tuple[WorldFault, ...], after_s: float = 20 * 3600.0
) -> float:
    """Go through all faults, and ``after_s`` more; return the world's last time, s."""
    now_s = 0.0
    active: FaultRecord | None = None
    for fault in faults:
        now_s = await _quiet(world, now_s, fault.at_s, None, active)
        await _begin(world, fault)
        active = FaultRecord(fault)
        world.record.faults.append(active)
        now_s = await _quiet(world, now_s, fault.repaired_s, fault.at_s, active)
        await _repair(world, fault)
        fast_s = min(FAST_FOR_S, after_s)
        now_s = await _quiet(world, now_s, now_s + fast_s, now_s, active)
    return await _quiet(world, now_s, now_s + after_s, None, active)


async def _quiet(
    world: ColdWorld, now_s: float, to_s: float, event_s: float | None, active: FaultRecord | None
) -> float:
    """Let time pass: fast after an event, slowly else."""
    while now_s < to_s:
        fast = event_s is not None and now_s < event_s + FAST_FOR_S
        fault = None if active is None else active.fault
        slow = fault is None or now_s > fault.repaired_s + QUIET_FOR_S
        every_s = FAST_S if fast else SLOW_S if slow else QUIET_S
        now_s = min(to_s, (now_s // every_s + 1) * every_s)
        over = fault is not None and now_s > fault.repaired_s + 16 * 3600.0
        await world.step(now_s, every_s, None if over else active)
    return now_s


async def supervise(arguments: Namespace) -> None:
    """Tell one world, judge it, and write ``summary.json``."""
    if arguments.sockets:
        from podium.control.campaign.cold_sockets import socket_world  # it tells worlds, too

        told = await socket_world(arguments)
        write_text(arguments.report / "summary.json", json.dumps(told) + "\n")
        return
    begin = time.monotonic()
    seed = arguments.seed
    draw = random.Random(f"cold world {seed}")
    model = arguments.model or draw.choice(sorted(MODELS))
    faults = drawn_faults(seed, arguments.faults, tuple(arguments.kinds or FAULTS))
    async with cold_plant(model, seed, arguments.vary) as plant:
        world = ColdWorld.begun(plant, model, draw)
        record = world.record
        end_s = await tell(world, faults)
        record.alarms, record.days = world.alarms.raised, end_s / 86400.0
        truth = await plant.truth()
    verdicts = judged(record, truth)
    windows = [(one.at_s, one.repaired_s + AFTER_S) for one in faults]

    def outside(happened: list[tuple[float, str]]) -> list[tuple[float, str]]:
        return [one for one in happened if not any(low <= one[0] < high for low, high in windows)]

    content = {
        "model": model,
        "faults": verdicts,
        "sockets": [],
        "actions": record.actions,
        "alarms": record.alarms,
        "procedures": world.recovery.runs,
        "false_trips": len(outside(record.actions)),
        "false_alarms": outside(record.alarms),
        "false_findings": record.false_findings,
        "stale_shown_good": record.stale_shown_good,
        "days": record.days,
        "lost_mol": truth["outcome"]["lost_mol"],
        "highest_pa": truth["outcome"]["highest_pa"],
        "cpu_s": processor_time_s(),
        "wall_s": time.monotonic() - begin,
    }
    write_text(arguments.report / "summary.json", json.dumps(content) + "\n")


def main() -> int:
    """Supervise the world that the command line asks for."""
    parser = ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--facility", type=Path)
    run_until_terminated(supervise(parser.parse_args()))
    return 0


def add_arguments(parser: ArgumentParser) -> None:
    """Add what a campaign hands on."""
    parser.add_argument("--faults", type=int, default=10, metavar="N", help="of each world")
    parser.add_argument("--kinds", nargs="+", choices=FAULTS, metavar="FAULT")
    parser.add_argument("--model", choices=sorted(MODELS))
    parser.add_argument("--vary", type=float, default=0.2, metavar="PART")
    parser.add_argument("--sockets", action="store_true", help="twins, agents and supervisor")
    parser.add_argument("--rate", type=int, default=10, metavar="N", help="of their clock")


if __name__ == "__main__":
    sys.exit(main())
