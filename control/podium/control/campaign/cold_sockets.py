"""Supervises simulated fridges over sockets, at a rate, and judges as in one process.

For each fault twins, agents and supervisor are started as processes of their own: ``podium twin
serve --clock paced --rate N`` and ``podium up``. The same plant (same model, seed and constants)
goes through the same fault in one process; both verdicts are compared.
"""

import asyncio
import json
import random
import tempfile
import time
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.control.bus.cold import AskCold, ColdNews
from podium.control.campaign.cold_faults import WorldFault
from podium.control.campaign.cold_plant import cold_plant
from podium.control.campaign.cold_socket_watch import SocketWatch, same_verdicts, tai_s
from podium.control.campaign.cold_story import ColdWorld, tell
from podium.control.campaign.cold_verdicts import judged
from podium.control.campaign.world_task import WorldLost
from podium.control.client.cold_client import ColdClient, join_supervisor
from podium.control.facility.example import COLD_SIDE, example_facility
from podium.control.facility.load import load_facility
from podium.control.facility.state_file import read_state
from podium.control.processes import simulation
from podium.control.processes.child_processes import Children, call, podium, processor_time_s
from podium.control.runs.errors import RunFailed
from podium.firmware_interfaces import fridge_signals as signals

KINDS = ("compressor_trip", "warm_water", "power_cut", "plug", "turbo_stop", "silent")
"""Faults that the second door of the twins brings about, in their usual sizes."""
WORDS = {"plug": "trap_plug", "silent": "freeze"}
"""Their names there, where they differ."""
SETTLES_S, STANDS_S = 2.5 * 3600.0, 1200.0
"""Facility time before a fault, and until somebody would come."""
SLOW_STANDS_S = 2700.0
"""Likewise of faults that take long to come to harm."""
SLOW = frozenset({"plug", "turbo_stop"})
QUIET = 10
"""Before a fault world time goes so many times faster than with it."""
LOOK_S = 0.25
"""The supervisor is asked for its news so often, s of the wall."""
READY_S = 120.0
"""Processes and first readings are waited for so long, s of the wall."""
SLACK_S = 120.0
"""A world that takes so much longer than its rate says is lost, s of the wall."""
OVERPRESSURE, LOW = 1.15, 0.65
"""As of the plant's own truth: of the check valves' pressure; that of the low side."""
LOST = 0.01
"""Of the mixture."""
SEEDS_APART = 1000
"""The plants of a world have seeds of their own."""


@dataclass(frozen=True, slots=True)
class SocketWorld:
    """Describes a world over sockets with one fault."""

    fault: WorldFault
    seed: int
    vary: float
    rate: int
    folder: Path


def drawn(seed: int, count: int, kinds: tuple[str, ...] = KINDS) -> tuple[WorldFault, ...]:
    """Return faults, each for a world of its own: at the same time, of their usual sizes."""
    draw = random.Random(f"cold sockets {seed}")
    found = []
    for _ in range(count):
        kind = draw.choice(kinds)
        reading = "thermometry_a" if kind == "silent" else ""
        stands_s = SLOW_STANDS_S if kind in SLOW else STANDS_S
        found.append(WorldFault(kind, SETTLES_S, SETTLES_S + stands_s, None, reading))
    return tuple(found)


async def compared(wanted: SocketWorld) -> dict[str, Any]:
    """Return both verdicts on a fault and whether they are the same; raises ``WorldLost``."""
    facility = load_facility(example_facility(COLD_SIDE))
    fridge = next(iter(facility.fridges.values()))
    inside = await _in_one_process(wanted, fridge.model or "")
    began_s = time.monotonic()
    outside = await _over_sockets(wanted, inside)
    return {
        "kind": wanted.fault.kind,
        "seed": wanted.seed,
        "rate": wanted.rate,
        "same": same_verdicts(inside, outside),
        "one_process": {key: inside[key] for key in outside.keys() & inside.keys()},
        "sockets": outside,
        "wall_s": round(time.monotonic() - began_s, 1),
    }


async def socket_world(arguments: Namespace) -> dict[str, Any]:
    """Return the summary of a world over sockets, as of one in one process."""
    kinds = tuple(kind for kind in arguments.kinds or KINDS if kind in KINDS)
    if not kinds:
        raise WorldLost(f"over sockets there are {', '.join(KINDS)}")
    began_s, found = time.monotonic(), []
    for number, fault in enumerate(drawn(arguments.seed, arguments.faults, kinds)):
        with tempfile.TemporaryDirectory(prefix="podium_cold_sockets_") as folder:
            seed = arguments.seed * SEEDS_APART + number
            wanted = SocketWorld(fault, seed, arguments.vary, arguments.rate, Path(folder))
            found.append(await compared(wanted))
    return {
        "model": "LD400",
        "faults": [one["sockets"] for one in found],
        "sockets": found,
        **{name: [] for name in ("actions", "alarms", "procedures")},
        **{name: [] for name in ("false_alarms", "false_findings")},
        "false_trips": 0,
        "stale_shown_good": sum(one["sockets"]["stale_shown_good"] for one in found),
        "days": len(found) * SETTLES_S / 86400.0,
        "lost_mol": 0.0,
        "highest_pa": 0.0,
        "cpu_s": processor_time_s(),
        "wall_s": time.monotonic() - began_s,
    }


async def _in_one_process(wanted: SocketWorld, model: str) -> dict[str, Any]:
    async with cold_plant(model, wanted.seed, wanted.vary) as plant:
        world = ColdWorld.begun(plant, model, random.Random(wanted.seed))
        await tell(world, (wanted.fault,), after_s=0.0)
        world.record.alarms = world.alarms.raised
        (verdict,) = judged(world.record, await plant.truth())
    return verdict


async def _over_sockets(wanted: SocketWorld, inside: dict[str, Any]) -> dict[str, Any]:
    path = example_facility(COLD_SIDE)
    facility = load_facility(path)
    fridge = next(iter(facility.fridges))
    folder, children = wanted.folder, Children()
    folder.mkdir(parents=True, exist_ok=True)
    twin, endpoints, state = (folder / name for name in ("twin.yaml", "endpoints.json", "up.json"))
    quiet = QUIET * wanted.rate
    try:
        await simulation.draw_world(children, path, wanted.seed, twin, ("--vary", str(wanted.vary)))
        names = tuple(facility.instruments)
        await simulation.serve(children, path, twin, endpoints, "paced", names, rate=quiet)
        state.unlink(missing_ok=True)
        words = podium("up", path, "--endpoints", endpoints, "--state", state)
        words += ["--store", str(folder / "parameters.sqlite"), "--page", "none", "--with-parent"]
        children.start("up", words, folder / "logs")
        await children.wait_for(state)
        clock = simulation.ClockRate(children, endpoints, quiet)
        up = read_state(state)
        async with children.watched(), join_supervisor(path, up.coordinator) as supervisor:
            watch = SocketWatch(wanted.fault, fridge)
            await _through_the_fault(wanted, watch, supervisor, clock, endpoints)
        truth = json.loads(
            await call("podium twin state", podium("twin", "state", "--endpoints", endpoints))
        )
    finally:
        await children.end()
    return watch.verdict(inside, _harmed(watch, truth, fridge))


async def _through_the_fault(
    wanted: SocketWorld,
    watch: SocketWatch,
    supervisor: ColdClient,
    clock: simulation.ClockRate,
    endpoints: Path,
) -> None:
    """Let the fridge settle, bring the fault about, and watch until somebody would come."""
    kelvin = signals.temperature_of(signals.STAGES[-1])

    def reads(news: ColdNews) -> bool:
        return any(one.signal == kelvin and one.quality == "good" for one in news.readings)

    first = await _news(supervisor, READY_S, lambda news: tai_s(news) is not None and reads(news))
    settled_s = (tai_s(first) or 0.0) + SETTLES_S
    quiet_s = SETTLES_S / (QUIET * wanted.rate) + SLACK_S
    await _news(supervisor, quiet_s, lambda news: (tai_s(news) or 0.0) >= settled_s)
    clock.set(wanted.rate)
    watch.begin(await _news(supervisor, READY_S, reads))
    word = WORDS.get(watch.fault.kind, watch.fault.kind)
    await simulation.fault(endpoints, word, watch.fault.reading or watch.fridge)
    stands_s = watch.fault.repaired_s - watch.fault.at_s
    ends_s = (watch.begun_s or 0.0) + stands_s

    def over(news: ColdNews) -> bool:
        watch.hear(news)
        return (tai_s(news) or 0.0) >= ends_s

    await _news(supervisor, stands_s / wanted.rate + SLACK_S, over)


async def _news(supervisor: ColdClient, within_s: float, fits: Any) -> ColdNews:
    """Return the first news that fit, within so many s of the wall; raises ``WorldLost``.

    A supervisor that does not answer may be starting still: it is asked until then.
    """
    ends = time.monotonic() + within_s
    while True:
        silent = ""
        try:
            if fits(news := await supervisor.ask(AskCold(), ColdNews)):
                return news
        except RunFailed as error:
            silent = f": {error}"
        if time.monotonic() > ends:
            raise WorldLost(
                f"the supervisor's news do not come so far within {within_s:.0f} s{silent}"
            )
        await asyncio.sleep(LOOK_S)


def _harmed(watch: SocketWatch, truth: dict[str, float], fridge: str) -> list[str]:
    """Return what harm the fridge came to: by gauges since the fault, by the truth of its end."""
    relief = truth[f"{fridge}.mixture.relief"]
    lost, liquid = truth[f"{fridge}.mixture.lost"], truth[f"{fridge}.mixture.liquid"]
    most = {
        "pressure.p2": LOW * relief,
        "pressure.p4": LOW * relief,
        "pressure.p3": relief,
    }
    over = any(
        watch.highest.get(gauge, 0.0) > OVERPRESSURE * limit for gauge, limit in most.items()
    )
    helium_lost = lost > LOST * (lost + liquid)
    harm = {"helium_lost": helium_lost, "overpressure": over}
    return [event for event, so in harm.items() if so]
