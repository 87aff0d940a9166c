"""Feeds an observer with what a simulated fridge's instruments show, without sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from podium.control.bus.readings import ChannelReading, InstrumentReadings
from podium.control.facility.fridge_wiring import FridgeWiring, Part
from podium.control.records.latest_readings import FridgeView, LatestReadings
from podium.control.supervision.model_parameters import MODELS
from podium.control.supervision.observer import Observed, Observer
from podium.firmware_interfaces import fridge_signals as signals
from podium.sim_instruments.physics.cryostat.fridge_dialogue import FridgeDialogue, dialogue
from podium.sim_instruments.physics.cryostat.parameters import MODELS as PLANTS

BEGIN_TAI = 1_000_000


@dataclass
class FridgeFeed:
    """A fridge, its observer, and the readings between them."""

    about: FridgeDialogue
    observer: Observer
    latest: LatestReadings = field(default_factory=LatestReadings)
    number: int = 0
    hidden: frozenset[str] = frozenset()
    """Readings that are disconnected, whatever the fridge's sensors say."""

    @classmethod
    def begun(cls, model: str = "LD400", seed: int = 1, vary: float = 0.2) -> "FridgeFeed":
        about = dialogue(PLANTS[model], seed, vary)
        readings: dict[str, list[str]] = {}
        parts = {}
        for sensor in about.panel.sensors.values():
            readings.setdefault(sensor.signal, []).append(sensor.reading)
            if sensor.signal in signals.INPUTS:
                instrument, _, part = sensor.reading.partition(".")
                parts[sensor.signal] = Part(instrument, part)
        named = {signal: tuple(names) for signal, names in readings.items()}
        return cls(about, Observer(MODELS[model], FridgeWiring("fridge_a", named, parts)))

    @property
    def now_s(self) -> float:
        return self.about.now_s

    def do(self, what: str, **words: Any) -> dict[str, Any]:
        return self.about.answer({"do": what, **words})

    def view(self, to_s: float, every_s: float) -> FridgeView:
        shown: Mapping[str, float | None] = self.do("advance", to_s=to_s)["readings"]
        self.number += 1
        tai = (BEGIN_TAI + int(to_s), round(to_s % 1 * 1e15))
        boxes: dict[str, list[ChannelReading]] = {}
        for reading, value in shown.items():
            box, _, channel = reading.partition(".")
            known = None if reading in self.hidden else value
            unit = self.about.panel.sensors[reading].unit
            quality: Any = "good" if known is not None else "disconnected"
            boxes.setdefault(box, []).append(ChannelReading(channel, known, unit, quality))
        for box, channels in boxes.items():
            news = InstrumentReadings(box, self.number, tai, every_s, tuple(channels))
            self.latest.hear(news, to_s)
        return self.latest.view(self.observer.wiring, tai, to_s)

    def run(
        self, for_s: float, every_s: float, playing: Mapping[str, float] | None = None
    ) -> Observed:
        """Let time pass and the observer see all of it; return what it saw last."""
        end_s, seen = self.now_s + for_s, Observed({}, None)
        while self.now_s < end_s:
            seen = self.observer.step(self.view(self.now_s + every_s, every_s), playing)
        return seen
