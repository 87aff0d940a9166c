"""Keeps leases of "cold": without one nothing is played into a fridge.

The agent that owns a fridge's thermometer publishes its readings, and all others listen. A
reading below the fridge's ``cold_below`` is a lease: it is good for :data:`LEASE_S`. Without one
no run begins, whoever asks; after :data:`BIASES_S` biases of its qubits follow their safe rules.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from podium.control.agent.instruments import Instruments
from podium.control.agent.lease import Lease
from podium.control.agent.owners import owners_of, users_of
from podium.control.agent.readings import heard_of
from podium.control.bus.bus import Bus
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.facility.facility import Facility, FluxWiring, Fridge
from podium.drivers.errors import Refused

LOOK_EVERY_S = 5.0
"""Whether a fridge has long been warm is looked at so often."""
LEASE_S = 20.0
"""A reading is good for so long after it was heard: several may be lost."""
FIRST_S = 10.0
"""How long a run waits for the first reading of a fridge, after its agent has started and its own
thermometer has been connected to for the first time, or was not."""
LOOK_S = 0.5
"""Whether the thermometer still connects is looked at so often meanwhile."""
BIASES_S = 600.0
"""So long after a lease has ended, the biases of a fridge follow their safe rules."""

log = event_log("agent")


@dataclass(frozen=True, slots=True)
class FridgeReading:
    """Holds the last reading of a fridge's thermometer."""

    kelvin: float | None
    """None: none was ever good."""
    problem: str
    """Why it could not be read since; empty: it was."""
    at_s: float
    """When it came, s of the own monotonic clock."""


class ColdLeases:
    """One agent's leases of "cold", by fridge."""

    def __init__(
        self,
        agent: str,
        facility: Facility,
        instruments: Instruments,
        bus: Bus,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``clock`` tells s that never go back."""
        self._agent = agent
        self._instruments = instruments
        self._bus = bus
        self._clock = clock
        self._heard: dict[str, FridgeReading] = {}
        self._leases: dict[str, Lease] = {}
        """That a fridge's reading is below its limit."""
        self._since_s = clock()
        self._news = asyncio.Event()
        self.grow(facility)

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility
        self._users = users_of(facility)
        self._played_into: dict[tuple[str, ...], tuple[Fridge, ...]] = {}
        """By instruments, as far as somebody has asked."""
        self._owners = owners_of(facility)
        self._mine = self.fridges_of(self._instruments.names)
        self._thermometers = frozenset(
            fridge.thermometer.instrument for fridge in facility.fridges.values()
        )

    async def keep(self) -> None:
        """Hear what other agents read, all the time."""
        async with self._bus.subscribe(readings_key(self._facility.name, "*")) as told:
            wanted = heard_of(told, lambda: self._thermometers)
            await listen(wanted, InstrumentReadings, self._hear_other, Discarded(log))

    def _hear_other(self, agent: str, told: InstrumentReadings) -> None:
        if agent != self._agent and told.instrument in self._owners.get(agent, ()):
            self.hear_own(told)

    def hear_own(self, told: InstrumentReadings) -> None:
        """Take what an own instrument reads, if it is a fridge's thermometer."""
        for fridge in self._facility.fridges.values():
            if fridge.thermometer.instrument == told.instrument:
                self._note(fridge, *_kelvin_of(fridge, told))

    def _note(self, fridge: Fridge, kelvin: float | None, problem: str) -> None:
        now_s = self._clock()
        heard = self._heard.get(fridge.name)
        if kelvin is None and heard is not None:
            self._heard[fridge.name] = replace(heard, problem=problem)
        else:
            self._heard[fridge.name] = FridgeReading(kelvin, problem, now_s)
        if kelvin is not None:
            lease = self._lease(fridge.name)
            was_broken = lease.broken
            lease.hear(kelvin < fridge.cold_below_k, now_s)
            if lease.broken and not was_broken:
                log.warning("a fridge is not cold", fridge=fridge.name, kelvin=kelvin)
        self._news.set()
        self._news = asyncio.Event()

    def _lease(self, fridge: str) -> Lease:
        return self._leases.setdefault(fridge, Lease(LEASE_S))

    # Who asks

    def fridges_of(self, instruments: Iterable[str]) -> tuple[Fridge, ...]:
        """Return the fridges of the nodes that these instruments play on."""
        nodes = [node for name in instruments for node in sorted(self._users.get(name, ()))]
        names = dict.fromkeys(self._facility.nodes[node].fridge for node in nodes)
        return tuple(self._facility.fridges[name] for name in names if name is not None)

    async def check(self, instruments: Iterable[str]) -> None:
        """Raise ``Refused`` unless every fridge that these instruments play into is cold.

        Soon after the start its first reading is waited for, also while its thermometer connects.
        """
        names = tuple(instruments)
        fridges = self._played_into.get(names)
        if fridges is None:
            fridges = self._played_into[names] = self.fridges_of(names)
        for fridge in fridges:
            await self._hear_first(fridge)
            if complaint := self.complaint(fridge):
                raise Refused(f"{self._agent}: {complaint}; nothing is played")

    async def _hear_first(self, fridge: Fridge) -> None:
        """Wait for its first reading; a busy host takes long to connect to its thermometer."""
        until_s = self._since_s + FIRST_S
        while not self._ever_read(fridge) and self._clock() < until_s:
            if self._connects(fridge.thermometer.instrument):
                until_s = self._clock() + FIRST_S
            with suppress(TimeoutError):
                async with asyncio.timeout(min(LOOK_S, until_s - self._clock())):
                    await self._news.wait()

    def _connects(self, thermometer: str) -> bool:
        """Tell whether an own one is being connected to for the first time."""
        worker = self._instruments.workers.get(thermometer)
        return worker is not None and worker.health.state == "connecting"

    def _ever_read(self, fridge: Fridge) -> bool:
        heard = self._heard.get(fridge.name)
        return heard is not None and heard.kelvin is not None

    def complaint(self, fridge: Fridge) -> str:
        """Return why a fridge does not count as cold, in words; empty if it does."""
        if self._lease(fridge.name).held(self._clock()):
            return ""
        limit = f"it counts as cold below {fridge.cold_below_k * 1e3:.4g} mK"
        heard = self._heard.get(fridge.name)
        if heard is None:
            return f"{fridge.name}: nobody has told a reading of {fridge.thermometer}; {limit}"
        where = f"{fridge.name} is at {_kelvin(heard.kelvin)} by {fridge.thermometer}"
        age_s = self._clock() - heard.at_s
        if heard.problem:
            told_last = f"; {_kelvin(heard.kelvin)} was read {age_s:.0f} s ago" * (
                heard.kelvin is not None
            )
            return (
                f"{fridge.name}: {fridge.thermometer} cannot be read: {heard.problem}{told_last}; "
                f"{limit}"
            )
        if age_s >= LEASE_S:
            return f"{where}, read {age_s:.0f} s ago; since then nothing was heard; {limit}"
        return f"{where}; {limit}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes for people: fridges of the own nodes that do not count as cold."""
        if self._clock() - self._since_s < FIRST_S:
            return ()
        complaints = (self.complaint(fridge) for fridge in self._mine)
        return tuple(f"{complaint}; nothing is played" for complaint in complaints if complaint)

    def long_warm(self) -> tuple[FluxWiring, ...]:
        """Return the own biases whose fridge has not been cold for :data:`BIASES_S`."""
        now_s = self._clock()
        found = []
        for port, wiring in self._facility.wiring.items():
            node = self._facility.nodes.get(port.partition(".")[0])
            if not isinstance(wiring, FluxWiring) or node is None or node.fridge is None:
                continue
            if wiring.source.instrument not in self._instruments.names:
                continue
            cold_s = max(self._lease(node.fridge).fulfilled_s, self._since_s)
            if now_s - cold_s >= BIASES_S:
                found.append(wiring)
        return tuple(found)


def _kelvin_of(fridge: Fridge, told: InstrumentReadings) -> tuple[float | None, str]:
    """Return the fridge's temperature by a thermometer's readings, or None and why, in words."""
    channel = fridge.thermometer.channel
    for one in told.readings:
        if one.channel == channel:
            if one.quality == "good" and one.value is not None:
                return one.value, ""
            return None, one.problem or one.quality.replace("_", " ")
    return None, f"{told.instrument} tells of no channel {channel}"


def _kelvin(kelvin: float | None) -> str:
    if kelvin is None:
        return "an unknown temperature"
    return f"{kelvin:.4g} K" if kelvin >= 1 else f"{kelvin * 1e3:.4g} mK"
