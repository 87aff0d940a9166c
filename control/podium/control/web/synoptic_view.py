"""Shows the readings of a fridge as its synoptic has them: stages, valves, pumps, gauges.

A reading that is not good never looks like one: its word stands beside it, and its value is
marked as the last one. When the supervisor itself is silent, nothing is good any longer.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from podium.control.bus.cold import ReadingNews
from podium.control.facility.facility import Fridge
from podium.control.parameters.quantities import alone
from podium.control.web.cold_picture import ColdPicture, seconds_of
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    FIRST_STAGE,
    GAUGES,
    HEATERS,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STILL,
)

QualityShown = Literal["good", "stale", "out_of_range", "disconnected", "missing"]
"""A reading's quality, or ``missing``: nothing measures it, or nothing was heard of it."""
WORDS: Mapping[QualityShown, str] = {
    "good": "",
    "stale": "stale",
    "out_of_range": "out of range",
    "disconnected": "disconnected",
    "missing": "not measured",
}
SHORT_WORDS: Mapping[QualityShown, str] = {
    "good": "",
    "stale": "stale",
    "out_of_range": "no value",
    "disconnected": "no link",
    "missing": "–",
}
"""Likewise, where there is little room."""
STAGE_TITLES = {
    FIRST_STAGE: "50 K stage",
    SECOND_STAGE: "4 K stage",
    STILL: "still",
    COLD_PLATE: "cold plate",
    MIXING_CHAMBER: "mixing chamber",
}
OPEN_OR_CLOSED, ON_OR_OFF = ("open", "closed"), ("on", "off")
MACHINES: Mapping[str, tuple[str, tuple[str, str] | None]] = {
    "compressor.running": ("helium compressor", ("running", "stopped")),
    "compressor.coolant_in": ("coolant in", None),
    "compressor.coolant_out": ("coolant out", None),
    "compressor.oil": ("oil", None),
    "compressor.helium": ("helium", None),
    "compressor.low_pressure": ("low pressure", None),
    "compressor.high_pressure": ("high pressure", None),
    "compressor.motor_current": ("motor current", None),
    "turbo1.speed": ("turbo1 speed", None),
    "turbo1.power": ("turbo1 power", None),
    "turbo2.speed": ("turbo2 speed", None),
    "turbo2.power": ("turbo2 power", None),
    "ups.charge": ("battery", None),
    signals.MAINS: ("mains", ON_OR_OFF),
    signals.WATER: ("cooling water", ON_OR_OFF),
    signals.WATER_TEMPERATURE: ("water", None),
}
"""Machines beside the gas handling: what people call them, and the words of what is on or off."""
DOUBTS_NAMED = 4
"""So many channels of an instrument are named where they are not good for the same reason."""
OLD = "nothing is heard of the supervisor"


@dataclass(frozen=True, slots=True)
class ReadingShown:
    """A reading as a person reads it."""

    name: str
    """Instrument and channel; empty: nothing measures it."""
    signal: str
    text: str
    """Its value with its unit, the last one where it is not good; ``–``: there never was one."""
    three_digits: str
    """The same, shorter."""
    quality: QualityShown
    why: str
    tai_s: float | None
    """When its value was read."""

    @property
    def short(self) -> str:
        """Its value if it is good, else why there is none, where there is little room."""
        return self.three_digits if self.quality == "good" else SHORT_WORDS[self.quality]

    @property
    def word(self) -> str:
        """Return its problem, in a word or two; empty: none."""
        return WORDS[self.quality]

    @property
    def title(self) -> str:
        """All of it in one line."""
        bad = "" if self.quality == "good" else f", {self.word}, last"
        return f"{self.name or self.signal}{bad}: {self.text}{f' ({self.why})' if self.why else ''}"


@dataclass(frozen=True, slots=True)
class SwitchShown:
    """Shows a valve or a pump: open or closed, on or off."""

    name: str
    what: str
    """What it lies between; empty: it lies in no pipe."""
    state: Literal["one", "zero", "unknown"]
    """``one``: open or on."""
    word: str
    """``open``, ``closed``, ``on``, ``off``, or why that is not known."""
    short: str
    """Likewise, where there is little room."""

    @property
    def title(self) -> str:
        """All of it in one line."""
        return f"{self.name}{f', {self.what}' if self.what else ''}: {self.word}"


@dataclass(frozen=True, slots=True)
class StageShown:
    """One stage with its temperature and the heater on it."""

    name: str
    title: str
    temperature: ReadingShown
    heater: ReadingShown | None
    """None: there is none, or nothing reads it."""
    heats: bool


@dataclass(frozen=True, slots=True)
class FridgeShown:
    """One fridge as the synoptic shows it."""

    name: str
    model: str
    stages: tuple[StageShown, ...]
    """From warm to cold."""
    valves: Mapping[str, SwitchShown]
    pumps: Mapping[str, SwitchShown]
    pulse_tube: SwitchShown
    heat_switch: SwitchShown
    gauges: Mapping[str, ReadingShown]
    flow: ReadingShown
    turbo_speeds: Mapping[str, ReadingShown]
    """By turbo pump; those that something measures."""
    machines: tuple[tuple[str, ReadingShown], ...]
    """With what people call it; those that something measures."""
    readings: tuple[ReadingShown, ...]
    """All of them, also those of which another shows the same signal."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """Return the readings that are not good, by instrument and reason, with the channels."""
        groups: dict[tuple[str, str, str], list[str]] = {}
        for one in self.readings:
            if one.quality != "good":
                instrument, _, channel = one.name.partition(".")
                groups.setdefault((instrument, one.word, one.why), []).append(channel)
        told = []
        for (instrument, word, why), channels in groups.items():
            more = len(channels) - DOUBTS_NAMED
            names = ", ".join(channels[:DOUBTS_NAMED]) + (f" and {more} more" if more > 0 else "")
            told.append(f"{instrument}: {names} {word}{f' ({why})' if why else ''}")
        return tuple(told)

    @property
    def summary(self) -> str:
        """The temperatures in words, for who does not see the picture."""
        return f"{self.name}: {self.temperatures}"

    @property
    def temperatures(self) -> str:
        """The temperature of each stage, from warm to cold."""
        return ", ".join(
            f"{one.title} {one.temperature.word or one.temperature.text}" for one in self.stages
        )


def fridge(picture: ColdPicture, fridge: Fridge) -> FridgeShown:
    """Return a fridge as its readings show it."""
    old = picture.is_old()
    news = () if picture.news is None else picture.news.readings
    mine = [one for one in news if one.fridge == fridge.name]
    best = _preferred(mine)

    def shown(signal: str) -> ReadingShown:
        words = MACHINES.get(signal, ("", None))[1]
        return _reading(best.get(signal), signal, old, words)

    def switch(signal: str, name: str, what: str, words: tuple[str, str]) -> SwitchShown:
        return _switch(best.get(signal), name, what, words, old)

    valves = {
        name: switch(signals.open_of(name), name, between, OPEN_OR_CLOSED)
        for name, between in signals.VALVES.items()
    }
    speeds = {one: f"{one}.speed" for one in (signals.TURBO1, signals.TURBO2)}
    return FridgeShown(
        fridge.name,
        fridge.model or "",
        tuple(_stage(stage, shown, best) for stage in signals.STAGES),
        valves,
        {name: switch(signals.on_of(name), name, "", ON_OR_OFF) for name in signals.PUMPS},
        switch(signals.PULSE_TUBE, "pulse tube", "", ON_OR_OFF),
        switch(signals.HEAT_SWITCH, "heat switch", "", ON_OR_OFF),
        {gauge: shown(f"pressure.{gauge}") for gauge in GAUGES},
        shown("flow.circulation"),
        {turbo: shown(signal) for turbo, signal in speeds.items() if signal in best},
        tuple((title, shown(one)) for one, (title, _) in MACHINES.items() if one in best),
        tuple(_reading(one, one.signal, old, _words_of(one.signal)) for one in mine),
    )


def is_good(one: ReadingNews, old: bool) -> bool:
    """Tell whether a reading's value can be trusted; ``old``: the supervisor is silent."""
    return quality_of(one, old) == "good"


def quality_of(one: ReadingNews, old: bool) -> QualityShown:
    """Return the quality with which a reading is shown."""
    if one.quality != "good":
        return one.quality
    if one.value is None or not isfinite(one.value):
        return "out_of_range"
    return "stale" if old else "good"


def _preferred(readings: Iterable[ReadingNews]) -> dict[str, ReadingNews]:
    """Return one reading for each signal: the first that is good, else the first."""
    best: dict[str, ReadingNews] = {}
    for one in readings:
        before = best.get(one.signal)
        if before is None or (is_good(one, False) and not is_good(before, False)):
            best[one.signal] = one
    best.pop("", None)
    return best


def _stage(
    stage: str, shown: Callable[[str], ReadingShown], best: Mapping[str, ReadingNews]
) -> StageShown:
    heater = next((name for name, heated in HEATERS.items() if heated == stage), "")
    read = best.get(signals.power_of(heater))
    power = None if read is None else shown(signals.power_of(heater))
    heats = read is not None and power is not None and power.quality == "good" and bool(read.value)
    temperature = shown(signals.temperature_of(stage))
    return StageShown(stage, STAGE_TITLES[stage], temperature, power, heats)


def _reading(
    one: ReadingNews | None, signal: str, old: bool, words: tuple[str, str] | None
) -> ReadingShown:
    if one is None:
        return ReadingShown("", signal, "–", "–", "missing", "", None)
    quality = quality_of(one, old)
    why = one.problem or (OLD if old and quality == "stale" else "")
    value = one.value
    if value is None or not isfinite(value):
        text = short = "–"
    elif words is not None:
        text = short = words[0] if value else words[1]
    else:
        text, short = told_value(value, one.unit), told_value(value, one.unit, like=abs(value) / 10)
    tai_s = None if one.tai is None else seconds_of(one.tai)
    return ReadingShown(one.name, signal, text, short, quality, why, tai_s)


def told_value(value: float, unit: str, *, like: float | None = None) -> str:
    """Return a reading with its unit, to four digits, or to those of a sigma ``like``."""
    if value == 0:
        return "0" if unit == "1" else f"0 {unit}"
    return alone(value, unit, like=like)


def _switch(
    one: ReadingNews | None, name: str, what: str, words: tuple[str, str], old: bool
) -> SwitchShown:
    if one is None:
        return SwitchShown(name, what, "unknown", WORDS["missing"], SHORT_WORDS["missing"])
    quality = quality_of(one, old)
    if quality != "good":
        return SwitchShown(name, what, "unknown", WORDS[quality], SHORT_WORDS[quality])
    word = words[0 if one.value else 1]
    return SwitchShown(name, what, "one" if one.value else "zero", word, word)


def _words_of(signal: str) -> tuple[str, str] | None:
    if signal.endswith(".open"):
        return OPEN_OR_CLOSED
    if signal.endswith(".on"):
        return ON_OR_OFF
    return MACHINES.get(signal, ("", None))[1]
