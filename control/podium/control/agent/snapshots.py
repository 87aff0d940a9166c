"""Snapshots of an agent's instruments: in bulk, all at once, not again while nothing changes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from podium.control.agent.instruments import Instruments
from podium.control.bus.snapshots import InstrumentSnapshot, Measured, PartSnapshot
from podium.control.bus.together import together
from podium.drivers.errors import InstrumentError
from podium.firmware_interfaces.tai import Tai

SNAPSHOT_S = 5.0
"""Deadline for reading one instrument: a run does not wait longer for its snapshot."""
FRESH_S = 30.0
"""So long a snapshot stands for an instrument that nobody has asked anything since (wall time).
ASSUMED: nobody turns knobs while it is in hand."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What was read of one instrument."""

    connections: int
    calls: int
    """How many calls its worker had seen, the reading included: more mean that it may differ."""
    at: float
    """Monotonic wall time."""
    snapshot: InstrumentSnapshot


class Snapshots:
    """Reads what may have changed, and remembers it with the time."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._held: dict[str, _Held] = {}

    async def take(self) -> PartSnapshot:
        """Return how all instruments are set. One that cannot be read says why; none fails it."""
        names = self._instruments.names
        stale = [name for name in names if not self._stands(name)]
        await together(*(self._read(name) for name in stale))
        tai_s = max((self._held[name].snapshot.tai_s for name in stale), default=0.0)
        for name in stale:  # those without a clock of their own were read at the same time
            held = self._held[name]
            if held.snapshot.tai_s == 0.0 and not held.snapshot.problem:
                self._held[name] = replace(held, snapshot=replace(held.snapshot, tai_s=tai_s))
        return PartSnapshot(tuple(self._held[name].snapshot for name in names))

    def _stands(self, name: str) -> bool:
        held, health = self._held.get(name), self._instruments.any_worker(name).health
        if held is None or held.snapshot.problem or health.state != "connected":
            return False
        same = (held.connections, held.calls) == (health.connections, health.calls)
        # The one that tells the time is read each time: it dates all others.
        timeless = "Clock" not in self._instruments.model(name).roles
        return same and timeless and time.monotonic() - held.at < FRESH_S

    async def _read(self, name: str) -> None:
        worker = self._instruments.any_worker(name)
        health = worker.health
        identity = health.identity
        snapshot = InstrumentSnapshot(
            instrument=name,
            model=self._instruments.model(name).name,
            identity=""
            if identity is None
            else f"{identity.vendor} {identity.model} {identity.serial} {identity.firmware}",
            settings={},
            readings={},
            tai_s=0.0,
            problem="",
        )
        try:
            if health.state != "connected":  # connecting is not waited for
                raise InstrumentError(health.last_error or f"{name} is {health.state}")
            settings, readings, tai = await worker.call("snapshot", _read, SNAPSHOT_S)
        except InstrumentError as error:
            held = self._held.get(name)
            if held is not None:
                snapshot = held.snapshot
            snapshot = replace(snapshot, problem=str(error))
        else:
            tai_s = 0.0 if tai is None else tai.seconds + tai.femtoseconds * 1e-15
            snapshot = replace(snapshot, settings=settings, readings=readings, tai_s=tai_s)
        health = worker.health
        self._held[name] = _Held(health.connections, health.calls, time.monotonic(), snapshot)


def _read(driver: Any) -> tuple[dict[str, object], dict[str, Measured], Tai | None]:
    settings: dict[str, object] = {}
    _flatten(settings, "", driver.snapshot())
    readings = driver.readings() if hasattr(driver, "readings") else {}
    return (
        settings,
        {name: Measured(float(value), unit) for name, (value, unit) in readings.items()},
        driver.now() if hasattr(driver, "now") else None,
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
