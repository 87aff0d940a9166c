"""Keeps the latest reading of every channel, and says of each whether it can be trusted.

Pure: who calls says what time it is. A value is ``good`` only while it is fresh: an instrument
of which nothing was heard for :data:`podium.control.bus.readings.LOST_AFTER` of its paces reads
``stale``, whatever it said last.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf

from podium.control.bus.readings import LOST_AFTER, InstrumentReadings, Quality
from podium.control.facility.fridge_wiring import FridgeWiring
from podium.control.facility.gas_panel import bound_of
from podium.firmware_interfaces.fridge_signals import OUTPUTS

UNHEARD = "nothing was heard of it yet"


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest reading of one channel."""

    name: str
    """``thermometry_a.still``: instrument and channel."""
    value: float | None
    """SI units; a switch 1 or 0. The last valid one where ``quality`` is not good; None: none."""
    unit: str
    quality: Quality
    tai: tuple[int, int] | None
    """When ``value`` was read: TAI, s and fs."""
    problem: str = ""
    below: float | None = None
    """The instrument says now that it is below this, and has no number; None: it does not."""

    @property
    def good(self) -> float | None:
        """The value if it is good, else None."""
        return self.value if self.quality == "good" else None


@dataclass(frozen=True, slots=True)
class FridgeView:
    """All signals of one fridge that are measured, at one time."""

    fridge: str
    tai: tuple[int, int]
    """Now, by the facility's clock: TAI, s and fs."""
    signals: Mapping[str, Latest]
    """By signal (``fridge_signals``), of all that are wired: one that was not heard yet is there
    as stale. Of several readings of one, the first that is good, else the first that gives a
    bound."""
    others: Mapping[str, tuple[Latest, ...]]
    """By signal that several instruments read: all of them."""

    def good(self, signal: str) -> float | None:
        """Return a signal's value in SI units if it is good, else None."""
        found = self.signals.get(signal)
        return None if found is None else found.good

    def at_most(self, signal: str) -> float | None:
        """Return what a signal is known not to exceed, SI units: its good value, or a bound.

        A gauge under its range gives a bound, never a value. None: nothing is known.
        """
        found = self.signals.get(signal)
        return None if found is None else found.below if found.good is None else found.good

    def known(self) -> dict[str, float | None]:
        """Return the good values by signal, and bounds under the names of :func:`bound_of`."""
        found = {signal: latest.good for signal, latest in self.signals.items()}
        bounds = {
            bound_of(signal): latest.below
            for signal, latest in self.signals.items()
            if latest.good is None and latest.below is not None
        }
        return found | bounds


@dataclass(slots=True)
class _InstrumentReadings:
    readings: dict[str, Latest]
    """By channel."""
    at_s: float
    lost_after_s: float


class LatestReadings:
    """The latest readings of a facility's instruments."""

    def __init__(self) -> None:
        self._heard: dict[str, _InstrumentReadings] = {}

    def hear(self, told: InstrumentReadings, wall_s: float) -> None:
        """Take news of an instrument, heard at ``wall_s`` of a clock that never goes back."""
        before = self._heard.get(told.instrument)
        known = {} if before is None else before.readings
        readings = {}
        for one in told.readings:
            name = f"{told.instrument}.{one.channel}"
            tai, value = told.tai_fs, one.value
            if value is None and (last := known.get(one.channel)) is not None:
                tai, value = last.tai, last.value
            quality: Quality = one.quality
            if value is None and quality == "good":
                quality = "out_of_range"
            below = one.below if quality == "out_of_range" else None
            if below is not None and not 0.0 < below < inf:
                below = None
            readings[one.channel] = Latest(name, value, one.unit, quality, tai, one.problem, below)
        for channel, last in known.items():
            if channel not in readings:
                readings[channel] = replace(
                    last,
                    quality="stale",
                    problem="its instrument tells of it no more",
                    below=None,
                )
        self._heard[told.instrument] = _InstrumentReadings(
            readings, wall_s, LOST_AFTER * told.every_s
        )

    def of(self, name: str, wall_s: float) -> Latest | None:
        """Return the latest of ``instrument.channel``; None: nothing was ever heard of it."""
        instrument, _, channel = name.partition(".")
        heard = self._heard.get(instrument)
        found = None if heard is None else heard.readings.get(channel)
        return None if heard is None or found is None else _aged(found, heard, wall_s)

    def all(self, wall_s: float) -> Iterable[Latest]:
        """Yield the latest of every channel."""
        for heard in self._heard.values():
            for one in heard.readings.values():
                yield _aged(one, heard, wall_s)

    def view(self, wiring: FridgeWiring, tai: tuple[int, int], wall_s: float) -> FridgeView:
        """Return all signals of a fridge as they are known now."""
        found, others = {}, {}
        for signal, names in wiring.readings.items():
            latest = [one for name in names if (one := self.of(name, wall_s)) is not None]
            if not latest:
                found[signal] = Latest(names[0], None, OUTPUTS[signal], "stale", None, UNHEARD)
                continue
            found[signal] = next(
                (one for one in latest if one.quality == "good"),
                next((one for one in latest if one.below is not None), latest[0]),
            )
            if len(latest) > 1:
                others[signal] = tuple(latest)
        return FridgeView(wiring.fridge, tai, found, others)


def _aged(one: Latest, heard: _InstrumentReadings, wall_s: float) -> Latest:
    silent_s = wall_s - heard.at_s
    trusted = one.quality == "good" or one.below is not None
    if not trusted or 0 <= silent_s <= heard.lost_after_s:
        return one
    why = f"nothing was heard for {silent_s:.0f} s"
    return replace(one, quality="stale", problem=why, below=None)
