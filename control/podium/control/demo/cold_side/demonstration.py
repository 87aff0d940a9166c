"""Runs the demo of the cold side: from room temperature to base, a trip, and back."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import get_args

from rich.console import Console

from podium.control.bus.cold import Acknowledge, AlarmNews, AskCold, ColdNews, Priority
from podium.control.bus.messages import Done
from podium.control.client.cold_client import ColdClient, join_supervisor
from podium.control.demo.cold_side.fridge_operation import (
    PEOPLE,
    FridgeOperation,
    StoryFailed,
    seconds,
    step_of,
    steps_of,
)
from podium.control.facility.atomic_files import write_text
from podium.control.facility.load import load_facility
from podium.control.facility.state_file import UpState, read_state
from podium.control.parameters.quantities import alone
from podium.control.processes import simulation
from podium.control.processes.child_processes import UP, Children, ProcessFailed
from podium.control.report.cold_story import ColdStory, CountdownSeen, StepTaken, summary
from podium.control.report.progress import Display, display
from podium.control.runs.errors import RunError

TWIN, ENDPOINTS, STATE, LOGS = "twin.yaml", "endpoints.json", "up.json", "logs"
SUMMARY = "summary.json"
STEPS = 7
"""What the progress bar counts."""
HOUR_S = 3600.0
COOLDOWN_H, RECOVERY_H, SETTLE_H = 60.0, 48.0, 12.0
"""Facility time that each may take."""
WALL_S = 900.0
"""Likewise of the wall: nothing of the demo takes so long."""
STARTS_S = 120.0
"""The supervisor, which is started last, may take so long to answer on a busy machine, s of the
wall."""
READY_S = 60.0
TRIP_RATE = 10
"""Seconds of the world in each of the wall's while the compressor stands: a person can watch."""
SETTING_RATE = 30
"""Likewise while valves, pumps and heaters are set: agents read them back once a second of the
wall, and a procedure waits a minute of the facility for that."""
SETS = " = "
"""Stands in the words of a step while it sets something: ``valve.v1.open = 1``."""
MIXTURE = 6
"""World time goes so many times slower where mixture moves than while shields cool."""
LIQUID_K = 6.0
"""Below it mixture may be in the fridge, liquid."""
WATCH_S = 6.0
"""The alarm and its countdowns are looked at for so long, s of the wall, before somebody acts."""
SETTLED = 0.98
"""Base is reached when the mixing chamber is no colder than this share of what it was..."""
SETTLED_AFTER_S = 2400.0
"""... so many s of the facility's time ago: some time constants of a mixing chamber."""
RANKS = get_args(Priority)
"""Priorities of alarms, the lowest first."""
PLAIN_EVERY_S = 5.0
"""Where nobody looks at a terminal, a line is printed so often."""


@dataclass(frozen=True, slots=True)
class ColdRequest:
    """Describes a demo of the cold side before it begins."""

    facility: Path
    seed: int
    folder: Path
    rate: int
    page: str = "127.0.0.1:0"


async def demonstrate_cold(wanted: ColdRequest, children: Children) -> ColdStory:
    """Cool a simulated fridge down, trip its compressor, recover; write ``summary.json``.

    What fails stands in the story, which is written all the same. All processes started have
    ended when this returns or raises.
    """
    begin = time.monotonic()
    console = Console()
    facility = load_facility(wanted.facility)
    fridge = next(iter(facility.fridges.values()))
    story = ColdStory(facility.name, fridge.name, wanted.seed, wanted.rate, fridge.cold_below_k)
    wanted.folder.mkdir(parents=True, exist_ok=True)
    (wanted.folder / SUMMARY).unlink(missing_ok=True)
    try:
        with display(console, STEPS) as shown:
            shown.note(f"{facility.name}, seed {wanted.seed}: report into {wanted.folder}")
            shown.note("Supervision is no safety system: a fridge's own interlocks stay in charge.")
            try:
                async with _up(wanted, tuple(facility.instruments), children, shown) as supervisor:
                    clock = simulation.ClockRate(children, wanted.folder / ENDPOINTS, wanted.rate)
                    live = console.is_terminal
                    await _Story(wanted, story, supervisor, clock, shown, live).tell()
            except (ProcessFailed, RunError, StoryFailed, OSError) as error:
                story.trouble.append(str(error))
                shown.done(type(error).__name__, tuple(str(error).splitlines()), failed=True)
            story.wall_s = time.monotonic() - begin
            text = json.dumps(summary(story), indent=2) + "\n"
            write_text(wanted.folder / SUMMARY, text)
            await children.end()
    finally:
        await children.end()
    console.print(headline(story), soft_wrap=True, highlight=False, markup=False)
    console.print(str(wanted.folder / SUMMARY), markup=False, highlight=False, soft_wrap=True)
    return story


def headline(story: ColdStory) -> str:
    """Return the story in a line."""
    base = "not cold" if story.base_k is None else f"base {alone(story.base_k, 'K')}"
    took = "" if story.cooldown_s is None else f" after {story.cooldown_s / HOUR_S:.1f} h"
    alarm = f"alarm {story.alarm}" if story.alarm else "no alarm"
    follow = f" with {len(story.followers)} followers" if story.followers else ""
    end = "recovered" if story.recovered else "not recovered"
    return f"{story.fridge}: {base}{took}; {alarm}{follow}; {end}; {story.wall_s:.0f} s of the wall"


@asynccontextmanager
async def _up(
    wanted: ColdRequest, names: tuple[str, ...], children: Children, shown: Display
) -> AsyncIterator[ColdClient]:
    """Start the twins and the facility's processes; end them with the context."""
    folder = wanted.folder
    twin, endpoints, state = folder / TWIN, folder / ENDPOINTS, folder / STATE
    shown.doing("drawing a fridge at room temperature")
    await simulation.draw_world(children, wanted.facility, wanted.seed, twin, ("--warm",))
    shown.doing("starting the simulated instruments")
    await simulation.serve(
        children, wanted.facility, twin, endpoints, "paced", names, rate=wanted.rate
    )
    shown.done(f"simulated instruments listen, world time at {wanted.rate} times the wall's")
    state.unlink(missing_ok=True)
    words = ["up", wanted.facility, "--endpoints", endpoints, "--state", state]
    words += ["--store", folder / "parameters.sqlite", "--page", wanted.page, "--with-parent"]
    children.start_podium(UP, words, folder / LOGS)
    await children.wait_for(state)
    up = read_state(state)
    async with (
        children.watched(),
        join_supervisor(wanted.facility, up.coordinator) as supervisor,
    ):
        await supervisor.ask(AskCold(), ColdNews, lost_s=STARTS_S)
        shown.done("agents, coordinator, supervisor and page are up", (_page_of(up),))
        yield supervisor


def _page_of(up: UpState) -> str:
    key = "" if up.page_key is None else f"?key={up.page_key}"
    return f"the page of the cold side: {up.page}cold{key}"


class _Story:
    """Tells the story of one fridge, into ``story``."""

    def __init__(
        self,
        wanted: ColdRequest,
        story: ColdStory,
        supervisor: ColdClient,
        clock: simulation.ClockRate,
        shown: Display,
        live: bool,
    ) -> None:
        self._wanted = wanted
        self._story = story
        self._clock = clock
        self._shown = shown
        self._live = live
        self._doing = "waiting for readings"
        self._plain_at = 0.0
        self._fridge = FridgeOperation(supervisor, story.fridge, self._show)
        self._tripped_s = 0.0
        self._stands = False
        """The compressor: then a person watches, and no step sets the pace."""
        self._steps: dict[str, list[StepTaken]] = {}

    async def tell(self) -> None:
        """Cool down, trip, recover. Raises ``RunError``, ``StoryFailed``, ``ProcessFailed``."""
        await self._cool_down()
        await self._trip()
        await self._recover()

    def _pace(self, news: ColdNews) -> None:
        """Let world time go as fast as what is done allows."""
        step = step_of(news, self._story.fridge)
        kelvin = self._fridge.kelvin(news)
        rate = self._wanted.rate
        if step is not None and (kelvin is None or kelvin < LIQUID_K):
            rate = max(SETTING_RATE, rate // MIXTURE)
        if step is not None and (step.state == "asking" or SETS in step.words):
            rate = SETTING_RATE
        self._clock.set(TRIP_RATE if self._stands else rate)

    def _show(self, news: ColdNews) -> None:
        self._pace(news)
        for one in news.procedures:
            if one.fridge == self._story.fridge and not one.dry_run:
                self._steps[one.id] = steps_of(one)
        self._story.steps = [step for steps in self._steps.values() for step in steps]
        kelvin = self._fridge.kelvin(news)
        if self._tripped_s and kelvin is not None:
            self._story.warmest_k = max(self._story.warmest_k or 0.0, kelvin)
        line = self._fridge.line(news)
        waits = [
            f"{one.words} in {one.at_s:.0f} s ({one.low_s:.0f} to {one.high_s:.0f})"
            for one in news.countdowns
        ]
        self._shown.doing(self._doing, "; ".join((line, *waits)))
        now = time.monotonic()
        if not self._live and now - self._plain_at >= PLAIN_EVERY_S:
            self._plain_at = now
            self._shown.note(f"            {'; '.join((line, *waits))}")

    async def _cool_down(self) -> None:
        fridge, story = self._fridge, self._story
        first = await fridge.until(
            lambda news: news.tai is not None and fridge.kelvin(news) is not None,
            HOUR_S * COOLDOWN_H,
            "a reading of the mixing chamber",
            READY_S,
        )
        story.start_k = fridge.kelvin(first)
        begun_s, begun_wall = fridge.tai_s(first), time.monotonic()
        self._doing = "cooling down"
        await fridge.perform("cooldown", COOLDOWN_H * HOUR_S, WALL_S)
        self._doing = "settling"
        news = await self._settled()
        story.cooldown_s = round(fridge.tai_s(news) - begun_s)
        story.cooldown_wall_s = round(time.monotonic() - begun_wall, 1)
        kelvin = "?" if story.base_k is None else alone(story.base_k, "K")
        self._shown.done(
            f"base temperature {kelvin}",
            (
                f"{story.cooldown_s / HOUR_S:.1f} h of facility time, "
                f"{story.cooldown_wall_s:.0f} s of the wall's",
            ),
        )

    async def _settled(self) -> ColdNews:
        """Return the news once the mixing chamber gets no colder; note the base."""
        fridge, story = self._fridge, self._story
        coldest: list[tuple[float, float]] = []

        def settled(news: ColdNews) -> bool:
            kelvin, now_s = fridge.kelvin(news), fridge.tai_s(news)
            if kelvin is None:
                return False
            coldest.append((now_s, min(kelvin, coldest[-1][1] if coldest else kelvin)))
            story.base_k = coldest[-1][1]
            before = [value for at_s, value in coldest if now_s - at_s >= SETTLED_AFTER_S]
            cold = story.base_k < story.cold_below_k
            return cold and bool(before) and story.base_k > SETTLED * before[-1]

        return await fridge.until(settled, SETTLE_H * HOUR_S, "base temperature", WALL_S)

    async def _trip(self) -> None:
        fridge, story, endpoints = self._fridge, self._story, self._wanted.folder / ENDPOINTS
        self._stands = True
        before = {one.name for one in (await fridge.look()).alarms if one.active}
        self._doing = "the compressor has tripped"
        self._tripped_s = fridge.tai_s(await fridge.look())
        await simulation.fault(endpoints, "compressor_trip", story.fridge)

        def leaders(news: ColdNews) -> list[AlarmNews]:
            mine = [one for one in news.alarms if one.active and one.fridge == story.fridge]
            return [one for one in mine if not one.leader and one.name not in before]

        news = await fridge.until(
            lambda news: bool(leaders(news)), HOUR_S, "an alarm after the trip", READY_S
        )
        ends = time.monotonic() + WATCH_S
        while True:
            story.countdowns = story.countdowns or tuple(
                CountdownSeen(one.event, one.words, one.at_s, one.low_s, one.high_s)
                for one in news.countdowns
                if one.fridge == story.fridge and isfinite(one.high_s)
            )
            if time.monotonic() >= ends:
                break
            news = await fridge.look()
        worst = max(leaders(news), key=lambda one: RANKS.index(one.priority), default=None)
        if worst is None:
            raise StoryFailed("the alarm after the trip has gone though the compressor stands")
        since = seconds(worst.since)
        story.alarm, story.alarm_what = worst.name, worst.what
        story.alarm_after_s = None if since is None else round(since - self._tripped_s, 1)
        story.followers = tuple(one.name for one in news.alarms if one.leader == worst.name)
        await fridge.supervisor.ask(Acknowledge(worst.name, PEOPLE[0]), Done)
        self._shown.done(
            f"alarm: {worst.what}",
            (
                f"cause: {worst.cause}",
                f"what to do: {worst.to_do}",
                *(f"follows from it: {one}" for one in story.followers),
                *(
                    f"countdown: {one.words} in {one.at_s:.0f} s, between {one.low_s:.0f} and "
                    f"{one.high_s:.0f} s"
                    for one in story.countdowns
                ),
            ),
        )

    async def _recover(self) -> None:
        fridge, story, endpoints = self._fridge, self._story, self._wanted.folder / ENDPOINTS
        self._doing = "recovering"
        await simulation.fault(endpoints, "repair", story.fridge)
        begun = await fridge.begin("recover")
        await fridge.until(
            lambda news: any(
                one.signal == "compressor.running" and one.quality == "good" and one.value == 1
                for one in news.readings
            ),
            HOUR_S,
            "the compressor's start",
            WALL_S,
        )
        self._shown.done("the compressor runs again")
        self._stands = False
        await fridge.finish(begun.id, RECOVERY_H * HOUR_S, WALL_S)
        cold_below_k = story.cold_below_k

        def cold(news: ColdNews) -> bool:
            kelvin = fridge.kelvin(news)
            return kelvin is not None and kelvin < cold_below_k

        news = await fridge.until(cold, SETTLE_H * HOUR_S, "a cold mixing chamber", WALL_S)
        story.recovered = True
        story.recovery_s = round(fridge.tai_s(news) - self._tripped_s)
        self._shown.done(
            f"recovered: cold again {story.recovery_s / HOUR_S:.1f} h after the trip",
            (f"warmest: {alone(story.warmest_k or 0.0, 'K')}",),
        )
