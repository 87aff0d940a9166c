"""Interlocks of fridges: leases on readings, and what the owner of the parts does when one ends.

Each agent evaluates the rules whose parts it owns, on readings of its own and of other agents. It
asks nobody: coordinator, page and supervisor may be dead. A rule that has acted keeps its parts
until its lease is given again; what it does is reported in the agent's notes and events.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from uuid import uuid4

from podium.control.agent.instruments import Instruments
from podium.control.agent.interlock_state import InterlockState, good_of, refusal
from podium.control.agent.owners import owners_of
from podium.control.agent.readings import heard_of
from podium.control.bus.bus import Bus
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.operations import Operate, Operated
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.facility.facility import Facility, Fridge
from podium.control.facility.fridge_wiring import FridgeWiring, parts_of, wiring_of
from podium.control.facility.interlock_rules import RULES, Interlock
from podium.control.records.latest_readings import FridgeView, LatestReadings
from podium.drivers.errors import InstrumentError

LOOK_S = 1.0
"""Leases are looked at so often where no reading comes."""
AGAIN_S = 5.0
"""What could not be done is tried again after this."""

Do = Callable[[Operate], Awaitable[Operated]]
log = event_log("agent")


class Interlocks:
    """One agent's interlocks, and its judgement of what others ask for."""

    def __init__(
        self,
        agent: str,
        facility: Facility,
        instruments: Instruments,
        bus: Bus,
        rules: Sequence[Interlock] = RULES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock`` tells s that never go back."""
        self._agent = agent
        self._instruments = instruments
        self._bus = bus
        self._clock = clock
        self._latest = LatestReadings()
        self._facility = facility
        self._owners = owners_of(facility)
        self._wirings = {
            name: wiring_of(facility, fridge) for name, fridge in facility.fridges.items()
        }
        self._all = tuple(
            InterlockState(fridge, rule)
            for fridge, wiring in self._wirings.items()
            for rule in rules
            if any(self._owns(wiring, signal) for signal, _ in rule.then)
        )
        self._wired = frozenset(
            name.partition(".")[0]
            for fridge in {one.fridge for one in self._all}
            for names in self._wirings[fridge].readings.values()
            for name in names
        )
        """Instruments whose readings are needed here."""
        self._news = asyncio.Event()

    def _owns(self, wiring: FridgeWiring, signal: str) -> bool:
        part = wiring.parts.get(signal)
        return part is not None and part.instrument in self._instruments.names

    def hear_own(self, told: InstrumentReadings) -> None:
        """Take what an own instrument reads."""
        if told.instrument in self._wired:
            self._latest.hear(told, self._clock())
            self._news.set()
            self._news = asyncio.Event()

    def _hear_other(self, agent: str, told: InstrumentReadings) -> None:
        if agent != self._agent and told.instrument in self._owners.get(agent, ()):
            self.hear_own(told)

    async def keep(self, do: Do | None) -> None:
        """Evaluate and act until cancelled; ``do`` operates a part, None: nothing is set here."""
        async with (
            self._bus.subscribe(readings_key(self._facility.name, "*")) as told,
            asyncio.TaskGroup() as tasks,
        ):
            for one in self._all:
                tasks.create_task(self._keep_one(one, do), name=f"interlock {one.name}")
            wanted = heard_of(told, lambda: self._wired)
            await listen(wanted, InstrumentReadings, self._hear_other, Discarded(log))

    async def _keep_one(self, one: InterlockState, do: Do | None) -> None:
        acted_s = -AGAIN_S
        while True:
            news = self._news
            view = self._view(one.fridge)
            due = not one.tripped or self._clock() - acted_s >= AGAIN_S
            if one.step(view, good_of(view), self._clock()) and due and do is not None:
                acted_s = self._clock()
                await self._act(one, do)
            await _wait(news, LOOK_S)

    async def _act(self, one: InterlockState, do: Do) -> None:
        """Set the own parts of a rule, each if it is not so and not forbidden."""
        wiring = self._wirings[one.fridge]
        for signal, value in one.rule.then:
            part = wiring.parts.get(signal)
            if part is None or not self._owns(wiring, signal):
                continue
            stands = good_of(self._view(one.fridge)).get(signal)
            if not one.due(signal, value, stands):
                continue
            by = f"interlock {one.rule.name}"
            why = self.judge(part.instrument, part.part, value)
            if not why:
                try:
                    token = f"{by} {uuid4()}"
                    await do(Operate(part.instrument, part.part, value, by, token))
                    one.left.discard(signal)
                except InstrumentError as error:  # it is tried again, the next part now
                    why = str(error)
            if why and why != one.left_out.get(signal):
                log.error("interlock could not act", interlock=one.name, part=part.part, why=why)
            one.left_out[signal] = why

    # Who asks

    def judge(self, instrument: str, part: str, value: float) -> str:
        """Return why a part must not be set to a value now; empty: it may."""
        fridge = self._fridge_of(instrument)
        if fridge is None:
            return (
                f"no fridge has {instrument} among its instruments in the facility file, so nobody "
                "knows what may be set there"
            )
        signal = parts_of(self._facility.instruments[instrument])[part]
        states = (one for one in self._all if one.fridge == fridge.name)
        return refusal(states, signal, value, good_of(self._view(fridge.name)))

    def _fridge_of(self, instrument: str) -> Fridge | None:
        for fridge in self._facility.fridges.values():
            if instrument in (fridge.thermometer.instrument, *fridge.instruments):
                return fridge
        return None

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes for people: interlocks that have acted and are not over."""
        return tuple(f"interlock {one.name}: {one.tripped}" for one in self._all if one.tripped)

    def _view(self, fridge: str) -> FridgeView:
        return self._latest.view(self._wirings[fridge], self._now(fridge), self._clock())

    def _now(self, fridge: str) -> tuple[int, int]:
        """Return the latest time that readings of a fridge bear."""
        return max(self._times(fridge), default=(0, 0))

    def _times(self, fridge: str) -> Iterator[tuple[int, int]]:
        wiring = self._wirings[fridge]
        for names in wiring.readings.values():
            latest = self._latest.of(names[0], self._clock())
            if latest is not None and latest.tai is not None:
                yield latest.tai


async def _wait(news: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await news.wait()
    except TimeoutError:
        return
