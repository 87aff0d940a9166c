"""Takes down what a supervisor tells of one fault, as ``podium campaign cold`` judges it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.control.bus.cold import ColdNews
from podium.control.campaign.cold_faults import WorldFault
from podium.control.campaign.cold_protection import URGENT
from podium.control.campaign.cold_verdicts import FaultRecord, acted_in_time, named
from podium.control.facility.interlock_rules import RULES
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S

LONGEST_STEP_S = 600.0
"""A finding counts for at most so long with one piece of news."""
STALE_AFTER_S = 600.0
"""No pace of an instrument, three times, is as long, at the rates that campaigns have."""
BY_THE_FAULT: Mapping[str, frozenset[str]] = {
    "turbo_stop": frozenset({signals.on_of(signals.TURBO1)}),
}
"""Signals that a fault sets by itself: they are no act of an interlock."""


@dataclass(slots=True)
class SocketWatch:
    """One fault of one fridge, by the news of its supervisor."""

    fault: WorldFault
    fridge: str
    record: FaultRecord = field(init=False)
    begun_s: float | None = None
    """TAI of the fault; None: it has not come."""
    acted_s: float | None = None
    """After the fault, when first a part stood as an interlock sets it."""
    alarmed_s: float | None = None
    stale_shown_good: int = 0
    """Values shown as good of an instrument that has long been silent."""
    highest: dict[str, float] = field(default_factory=dict)
    """By gauge, Pa, since the fault."""
    _last_s: float | None = None
    _stood: dict[str, float] = field(default_factory=dict)
    """By signal that interlocks set: its value before the fault."""
    _before: set[str] = field(default_factory=set)
    _alarms: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin with nothing known."""
        self.record = FaultRecord(self.fault)

    def begin(self, news: ColdNews) -> None:
        """Note how all stands right before the fault; its time is that of the news."""
        self.begun_s = self._last_s = tai_s(news)
        self._stood = self._parts(news)
        self._before = {f"{one.kind}/{one.where}" for one in self._findings(news)}
        self._alarms = {one.name for one in news.alarms if one.active}

    def hear(self, news: ColdNews) -> None:
        """Take news that came after the fault."""
        now_s = tai_s(news)
        if self.begun_s is None or self._last_s is None or now_s is None or now_s <= self._last_s:
            return
        for_s, self._last_s = min(LONGEST_STEP_S, now_s - self._last_s), now_s
        since_s = now_s - self.begun_s
        for one in self._findings(news):
            if f"{one.kind}/{one.where}" in self._before:
                continue
            name = f"{one.kind}/{one.where}/{one.node}"
            self.record.named_s[name] = self.record.named_s.get(name, 0.0) + for_s
        urgent = {
            one.name
            for one in news.alarms
            if one.active and one.priority in URGENT and one.fridge == self.fridge
        }
        if urgent - self._alarms and self.alarmed_s is None:
            self.alarmed_s = since_s
        for signal, value in self._parts(news).items():
            moved = self._stood.get(signal, value) != value
            if moved and (signal, value) in SET and self.acted_s is None:
                self.acted_s = since_s
        silent = self.fault.reading if self.fault.kind == "silent" else None
        for reading in news.readings:
            old = reading.tai is None or now_s - reading.tai[0] > STALE_AFTER_S
            if old and reading.name.partition(".")[0] == silent and reading.quality == "good":
                self.stale_shown_good += 1
            gauge = reading.fridge == self.fridge and reading.signal.startswith("pressure.")
            if gauge and reading.quality == "good" and reading.value is not None:
                most = max(self.highest.get(reading.signal, 0.0), reading.value)
                self.highest[reading.signal] = most

    def _findings(self, news: ColdNews) -> list[Any]:
        return [one for one in news.findings if one.fridge == self.fridge]

    def _parts(self, news: ColdNews) -> dict[str, float]:
        own = BY_THE_FAULT.get(self.fault.kind, frozenset())
        return {
            one.signal: one.value
            for one in news.readings
            if one.fridge == self.fridge
            and one.signal in {signal for signal, _ in SET} - own
            and one.quality == "good"
            and one.value is not None
        }

    def verdict(self, inside: Mapping[str, Any], harmed: list[str]) -> dict[str, Any]:
        """Return the verdict; ``inside``: that of the same fault in one process.

        What a fridge left alone comes to is taken from there: the plants are equal.
        """
        harm = inside["harm_alone_s"]
        acted, alarmed = self.acted_s, self.alarmed_s
        first_s = min(harm.values(), default=0.0)
        what = named(self.record)
        return {
            "kind": self.fault.kind,
            "should_act": bool(harm),
            "harmed": harmed,
            "acted_s": acted,
            "acted_in_time": acted_in_time(
                acted, harm, harmed, self.fault.repaired_s - self.fault.at_s
            ),
            "alarmed_s": alarmed,
            "alarmed_in_time": bool(harm) and alarmed is not None and alarmed < first_s,
            "named": "/".join(what),
            "blame_right": self.fault.blamed(*what),
            "stale_shown_good": self.stale_shown_good,
            "countdowns": {},
        }


SET = frozenset((signal, value) for rule in RULES for signal, value in rule.then)
"""What interlocks set."""
COMPARED = ("should_act", "acted_in_time", "alarmed_in_time", "blame_right")
"""Verdicts that are to be the same over sockets and in one process."""


def same_verdicts(inside: Mapping[str, Any], outside: Mapping[str, Any]) -> bool:
    """Tell whether a fault was judged alike in one process and over sockets."""
    alike = all(inside[name] == outside[name] for name in COMPARED)
    return alike and bool(inside["harmed"]) == bool(outside["harmed"])


def tai_s(news: ColdNews) -> float | None:
    """Return the facility's time of news, TAI in s; None: it is not known yet."""
    return None if news.tai is None else news.tai[0] + news.tai[1] / FS_PER_S
