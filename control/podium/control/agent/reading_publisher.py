"""Polls the own instruments at the pace that they allow, and publishes what they read.

Each box is polled by a task of its own, so that one that is slow or dead delays no other. What
takes part in runs is left alone while the agent has one in hand: its last values go stale.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from podium.control.agent.facility_clock import FacilityClock
from podium.control.agent.instruments import Instruments
from podium.control.agent.readings import READ_S
from podium.control.bus.bus import Bus, BusError
from podium.control.bus.messages import Reading
from podium.control.bus.readings import (
    ChannelReading,
    InstrumentReadings,
    Quality,
    readings_key,
)
from podium.control.bus.wire import encode
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_wiring import channels_of, thermometers_of
from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.errors import InstrumentError, Refused

FIRST_S = 3.0
"""So long the first reading of an instrument waits for its connection."""
IN_RUNS = frozenset(
    {
        "PulseSequencer",
        "FluxSource",
        "MicrowaveSource",
        "TriggerPlane",
        "TimingPlane",
        "Clock",
        "CountsTicks",
    }
)
"""Who plays one of these roles is asked in the course of runs, and may not keep them waiting."""

Hear = Callable[[InstrumentReadings], None]


class ReadingPublisher:
    """One agent's readings of its instruments."""

    def __init__(
        self,
        agent: str,
        facility: Facility,
        instruments: Instruments,
        bus: Bus,
        clock: FacilityClock,
        busy: Callable[[], str],
        hear: Iterable[Hear] = (),
    ) -> None:
        """``busy``: says what the agent does; ``hear``: get what is published here, at once."""
        self._agent = agent
        self._facility = facility
        self._instruments = instruments
        self._bus = bus
        self._clock = clock
        self._busy = busy
        self._hear = tuple(hear)
        self._latest: dict[str, InstrumentReadings] = {}
        self._numbers: dict[str, int] = {}
        self._read_at: dict[str, float] = {}
        """When an instrument was asked last, monotonic wall time."""
        self._known: dict[str, dict[str, str]] = {
            name: dict(channels_of(facility.instruments[name])) for name in self.names
        }
        """By instrument, by channel: its unit."""

    @property
    def names(self) -> tuple[str, ...]:
        """The own instruments that can be read all the time."""
        playing = self._instruments.playing
        able = {*playing("HasReadings"), *playing("Thermometer")}
        return tuple(one for one in self._instruments.names if one in able)

    async def keep(self) -> None:
        """Poll and publish until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name in self.names:
                tasks.create_task(self._keep_reading(name), name=f"readings of {name}")

    async def _keep_reading(self, name: str) -> None:
        worker, every_s = (
            self._instruments.workers[name],
            self._instruments.model(name).read_every_s,
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_S):
                await worker.attempted()
        due_s = time.monotonic()
        while True:
            await self.refresh(name)
            due_s = max(due_s + every_s, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())

    def fresh(self, instrument: str, channel: str) -> Reading | None:
        """Return what was read within the instrument's pace; None: nothing good, ask it.

        However many look at a thermometer, it is asked as often as its pace says.
        """
        last = self._latest.get(instrument)
        if last is None or time.monotonic() - self._read_at[instrument] > last.every_s:
            return None
        if self._instruments.workers[instrument].health.state != "connected":
            return None
        for one in last.readings:
            if one.channel == channel and one.quality == "good" and one.value is not None:
                return Reading(one.value, one.unit)
        return None

    async def refresh(self, name: str) -> InstrumentReadings | None:
        """Read an instrument now, publish and return that; None: it is none that is read."""
        if name not in self._known:
            return None
        asked_at = time.monotonic()
        read = await self._read(name)
        self._read_at[name] = asked_at
        number = self._numbers[name] = self._numbers.get(name, 0) + 1
        every_s = self._instruments.model(name).read_every_s
        told = replace(read, number=number, every_s=every_s)
        await self._tell(told)
        return told

    async def _tell(self, told: InstrumentReadings) -> None:
        self._latest[told.instrument] = told
        for hear in self._hear:
            hear(told)
        with suppress(BusError):  # it is published again soon
            await self._bus.publish(readings_key(self._facility.name, self._agent), encode(told))

    async def _read(self, name: str) -> InstrumentReadings:
        """Return what an instrument reads, whatever is wrong with it."""
        if (doing := self._busy()) and IN_RUNS & set(self._instruments.model(name).roles):
            return self._stale(name, f"not read while {doing}")
        worker = self._instruments.workers[name]
        tai = await self._clock.tai()
        if worker.health.state != "connected":
            problem = worker.health.last_error or f"{name} is {worker.health.state}"
            return self._without(name, tai, "disconnected", problem)
        named = thermometers_of(self._facility.instruments[name])
        try:
            read = await worker.call(
                "readings", lambda driver: _channels_of(driver, named), READ_S, polls=True
            )
        except Refused as error:
            if worker.released:
                return self._without(name, tai, "disconnected", str(error))
            return self._without(name, tai, "out_of_range", str(error))
        except InstrumentError as error:
            return self._without(name, tai, "disconnected", str(error))
        return self._told(name, tai, read)

    def _told(
        self, name: str, tai: tuple[int, int] | None, read: ChannelReadings
    ) -> InstrumentReadings:
        known = self._known[name]
        known |= {channel: unit for channel, (_, unit) in read.values.items()}
        known |= {channel: one.unit for channel, one in read.missing.items()}
        found = []
        for channel, unit in known.items():
            if channel in read.values:
                found.append(ChannelReading(channel, read.values[channel][0], unit, "good"))
                continue
            missing = read.missing.get(channel)
            why = "it does not tell of it" if missing is None else missing.why
            below = None if missing is None else missing.below
            found.append(ChannelReading(channel, None, unit, "out_of_range", why, below))
        return InstrumentReadings(name, 0, tai, 0.0, tuple(found), read.complaints)

    def _without(
        self, name: str, tai: tuple[int, int] | None, quality: Quality, problem: str
    ) -> InstrumentReadings:
        """Return all known channels of an instrument, none of which has a value."""
        found = (
            ChannelReading(channel, None, unit, quality, problem)
            for channel, unit in self._known[name].items()
        )
        return InstrumentReadings(name, 0, tai, 0.0, tuple(found))

    def _stale(self, name: str, problem: str) -> InstrumentReadings:
        """Return what was read last, which is not good any longer."""
        last = self._latest.get(name)
        if last is None:
            return self._without(name, None, "stale", problem)
        found = (
            replace(one, quality="stale", problem=problem) if one.quality == "good" else one
            for one in last.readings
        )
        return replace(last, readings=tuple(found))


def _channels_of(driver: Any, named: Iterable[str]) -> ChannelReadings:
    """Read all channels of a driver; of a thermometer that only answers singly, those named."""
    if hasattr(driver, "read_channels"):
        read: ChannelReadings = driver.read_channels()
        return read
    if hasattr(driver, "readings"):
        values: Mapping[str, Value] = driver.readings()
        return ChannelReadings.of(values)
    found: dict[str, Value | Missing] = {}
    for channel in named:
        try:
            kelvin = float(driver.temperature_k(channel))
        except Refused as error:
            found[channel] = Missing("K", str(error))
        else:
            found[channel] = (kelvin, "K") if kelvin > 0 else Missing("K", f"it says {kelvin} K")
    return ChannelReadings.of(found)
