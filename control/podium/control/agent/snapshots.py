"""Takes snapshots of instruments: in bulk, at once, not again while nothing changes."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from podium.control.agent.instruments import Instruments
from podium.control.bus.gather import gather
from podium.control.bus.snapshots import InstrumentSnapshot, Measured, PartSnapshot
from podium.drivers.errors import InstrumentError
from podium.drivers.worker import Health
from podium.firmware_interfaces.tai import Tai

SNAPSHOT_S = 5.0
"""Deadline for reading one instrument: a run does not wait longer for its snapshot."""
FRESH_S = 30.0
"""So long a snapshot stands for an instrument that nobody has set since.
ASSUMED: nobody turns knobs while it is in hand. By the wall's clock, or else by the clock among the
instruments: a simulation may take minutes for a second of its laboratory."""
THERMOMETER_FRESH_S = 5.0
"""The same of a thermometer: what it reads is part of its snapshot."""


@dataclass(frozen=True, slots=True)
class _Held:
    """Holds the latest snapshot of one instrument."""

    connections: int
    calls: int
    """How many calls its worker had seen, the reading included: more mean that it may differ."""
    changes: int | None
    """How many settings its driver had sent; None: it does not count them."""
    at: float
    """When all of it was read, monotonic wall time."""
    read_s: float
    """The same as the clock among the instruments tells it, s TAI; 0: there is none."""
    snapshot: InstrumentSnapshot


@dataclass(frozen=True, slots=True)
class _InstrumentAnswer:
    """Holds one instrument's answer."""

    changes: int | None
    settings: Mapping[str, object] | None
    """None: it is set as it was."""
    readings: Mapping[str, Measured]
    tai: Tai | None
    in_part: bool
    """Only what was set since was read anew."""


class Snapshots:
    """Reads what may have changed, and remembers it with the time."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._held: dict[str, _Held] = {}

    async def take(self) -> PartSnapshot:
        """Return how all instruments are set. One that cannot be read says why; none fails it.

        What nobody has called since, and what was called without being set (a program that
        plays again), is as it was read before, and keeps the time of that. The clock is asked
        for the time when anything else is read.
        """
        names, clocks = self._instruments.names, self._instruments.playing("Clock")[:1]
        now_s = await self._now_s(clocks)
        stale = [name for name in names if not self._stands(name, now_s)]
        timing = [name for name in clocks if set(stale) - {name} and not now_s]
        asked = [*stale, *(name for name in timing if name not in stale)]
        times = await gather(*(self._read(name, name in timing, now_s) for name in asked))
        tai_s = max(times, default=0.0) or now_s
        for name in stale:  # those without a clock of their own were read at the same time
            held = self._held[name]
            if held.read_s == 0.0:
                held = replace(held, read_s=tai_s)
            if held.snapshot.tai_s == 0.0 and not held.snapshot.problem:
                held = replace(held, snapshot=replace(held.snapshot, tai_s=tai_s))
            self._held[name] = held
        return PartSnapshot(tuple(self._held[name].snapshot for name in names))

    async def _now_s(self, clocks: Sequence[str]) -> float:
        """Return the time of the first clock, s TAI, where the wall's leaves open what is fresh.

        Else, and where it does not tell, 0.
        """
        if not clocks or all(self._recent(held, 0.0) for held in self._held.values()):
            return 0.0
        worker = self._instruments.any_worker(clocks[0])
        if worker.health.state != "connected":
            return 0.0
        try:
            told: Tai = await worker.call("time", lambda driver: driver.now(), SNAPSHOT_S)
        except InstrumentError:
            return 0.0
        return told.seconds + told.femtoseconds * 1e-15

    def _recent(self, held: _Held, now_s: float) -> bool:
        """Return whether all of it was read not long ago, by either clock."""
        measures = held.snapshot.instrument in self._instruments.playing("Thermometer")
        fresh_s = min(FRESH_S, THERMOMETER_FRESH_S) if measures else FRESH_S
        if time.monotonic() - held.at < fresh_s:
            return True
        return bool(held.read_s and now_s) and 0.0 <= now_s - held.read_s < fresh_s

    def _stands(self, name: str, now_s: float) -> bool:
        held, health = self._held.get(name), self._instruments.any_worker(name).health
        if held is None or not self._lasts(held, health, now_s):
            return False
        return held.calls == health.calls

    def _lasts(self, held: _Held, health: Health, now_s: float) -> bool:
        """Return whether ``held`` is of this connection and not too old."""
        sound = not held.snapshot.problem and health.state == "connected"
        return sound and self._recent(held, now_s) and held.connections == health.connections

    async def _read(self, name: str, timing: bool, now_s: float) -> float:
        """Read one instrument unless nothing was set; return its time, s TAI, or 0."""
        worker = self._instruments.any_worker(name)
        held, health = self._held.get(name), worker.health
        known = held.changes if held is not None and self._lasts(held, health, now_s) else None
        try:
            if health.state != "connected":  # connecting is not waited for
                raise InstrumentError(health.last_error or f"{name} is {health.state}")
            reading = partial(_read, known=known, timing=timing)
            told = await worker.call("snapshot", reading, SNAPSHOT_S)
        except InstrumentError as error:
            before = self._unread(name, health) if held is None else held.snapshot
            self._hold(name, None, replace(before, problem=str(error)))
            return 0.0
        tai_s = 0.0 if told.tai is None else told.tai.seconds + told.tai.femtoseconds * 1e-15
        if told.settings is None and held is not None:
            self._held[name] = replace(held, calls=worker.health.calls)
            return tai_s
        snapshot = replace(
            self._unread(name, health),
            settings_json=json.dumps(told.settings or {}, sort_keys=True),
            readings=told.readings,
            tai_s=tai_s,
        )
        self._hold(name, told.changes, snapshot)
        if told.in_part and held is not None:
            self._held[name] = replace(self._held[name], at=held.at, read_s=held.read_s)
        return tai_s

    def _hold(self, name: str, changes: int | None, snapshot: InstrumentSnapshot) -> None:
        health = self._instruments.any_worker(name).health
        self._held[name] = _Held(
            health.connections, health.calls, changes, time.monotonic(), 0.0, snapshot
        )

    def _unread(self, name: str, health: Health) -> InstrumentSnapshot:
        said = health.identity
        who = "" if said is None else f"{said.vendor} {said.model} {said.serial} {said.firmware}"
        return InstrumentSnapshot(name, self._instruments.model(name).name, who, "{}", {}, 0.0, "")


def _read(driver: Any, known: int | None, timing: bool) -> _InstrumentAnswer:
    """Read a driver, unless it has sent ``known`` settings so far; ``timing``: its time anyway."""
    changes: int | None = getattr(driver, "changes", None)
    same = changes is not None and changes == known
    in_part = known is not None and hasattr(driver, "snapshot_again")
    settings: dict[str, object] = {}
    readings: Mapping[str, tuple[float, str]] = {}
    if not same:
        _flatten(settings, "", driver.snapshot_again() if in_part else driver.snapshot())
        readings = driver.readings() if hasattr(driver, "readings") else {}
    told = hasattr(driver, "now") and (timing or not same)
    return _InstrumentAnswer(
        changes,
        None if same else settings,
        {name: Measured(float(value), unit) for name, (value, unit) in readings.items()},
        driver.now() if told else None,
        in_part and not same,
    )


def _flatten(found: dict[str, object], name: str, value: object) -> None:
    """Lay out nested mappings by dotted names; of QCoDeS' parameters only the value stays."""
    if not isinstance(value, Mapping):
        plain = value is None or type(value) in (bool, int, float, str)
        found[name] = value if plain else str(value)
        return
    if "value" in value and "full_name" in value:  # a parameter, as QCoDeS writes it
        unit = value.get("unit") or ""
        _flatten(found, f"{name} ({unit})" if unit else name, value["value"])
        return
    for key, entry in value.items():
        if key in ("submodules", "parameters", "instrument_modules"):
            _flatten(found, name, entry)
        elif key not in ("functions", "__class__", "name", "label", "interfaces"):
            _flatten(found, f"{name}.{key}" if name else str(key), entry)
