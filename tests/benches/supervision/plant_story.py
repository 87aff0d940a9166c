"""A simulated plant as supervision sees it, when every reading is good and read just now."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from tests.benches.facility.loaded_examples import loaded

from podium.control.bus.cold import AlarmNews
from podium.control.facility.facility import Facility
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision.alarm_states import AlarmsState, Instant, step
from podium.control.supervision.facility_alarms import rules_of
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.cryostat.sensor_panel import GAUGE_NOISE

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
START_FS = 1_800_000_000 * FS_PER_S
BOXES = ("thermometry_a", "control_a", "compressor_a", "gauges_a", "turbo_a")
GAUGE_RANGE_PA = (5e-7, 1e5)
"""A PKR gauge has no valid value outside of it."""


@dataclass
class PlantStory:
    """A plant whose alarms are stepped at an even pace."""

    plant: Cryostat
    facility: Facility = field(default_factory=lambda: loaded(COLD))
    every_s: int = 5
    now_fs: int = START_FS
    state: AlarmsState = field(default_factory=AlarmsState)
    news: tuple[AlarmNews, ...] = ()
    raised: list[tuple[str, str]] = field(default_factory=list)
    """Name and leader of every alarm as it was first seen unacknowledged, in order."""
    gauge_seed: int | None = None
    """Seed of the noise of its pressure gauges; None: they show what is there."""
    begun: dict[str, int] = field(default_factory=dict)
    """How often each alarm became active, acknowledged or not."""

    def __post_init__(self) -> None:
        self.rules = rules_of(self.facility)

    def _shown(self, signal: str, value: float) -> float:
        if self.gauge_seed is None or not signal.startswith("pressure."):
            return value
        noise = random.Random(f"{self.gauge_seed} {signal} {self.now_fs}").gauss(0.0, GAUGE_NOISE)
        return value * (1.0 + noise)

    def view(self) -> FridgeView:
        tai = divmod(self.now_fs, FS_PER_S)
        found = {}
        for signal, unit in self.plant.outputs.items():
            value: float | None = self._shown(signal, self.plant.read(signal, self.now_fs))
            low, high = GAUGE_RANGE_PA
            if signal == "pressure.p1" and not low < (value or 0.0) < high:
                value = None
            quality = "good" if value is not None else "out_of_range"
            found[signal] = Latest(f"box.{signal}", value, unit, quality, tai)
        return FridgeView("fridge_a", tai, found, {})

    def go_on(self, seconds: float) -> None:
        end_fs = self.now_fs + round(seconds) * FS_PER_S
        readings = {box: Latest(f"{box}.x", 1.0, "1", "good", None) for box in BOXES}
        while self.now_fs < end_fs:
            self.now_fs += self.every_s * FS_PER_S
            now = Instant(divmod(self.now_fs, FS_PER_S), self.now_fs / FS_PER_S)
            was = {one.name for one in self.news if one.state == "unacknowledged"}
            view = {"fridge_a": self.view()}
            active = {name for name, one in self.state.alarms.items() if one.active}
            self.state, self.news = step(self.state, self.rules, view, readings, now)
            for name, one in self.state.alarms.items():
                if one.active and name not in active:
                    short = name.partition(".")[2]
                    self.begun[short] = self.begun.get(short, 0) + 1
            self.raised += [
                (one.name.partition(".")[2], one.leader.partition(".")[2])
                for one in self.news
                if one.state == "unacknowledged" and one.name not in was
            ]

    def shown(self) -> dict[str, str]:
        return {
            one.name.partition(".")[2]: one.state for one in self.news if one.state != "suppressed"
        }


def cold_story(**how: object) -> PlantStory:
    return PlantStory(Cryostat(LD400, START_FS, seed=3), **how)  # type: ignore[arg-type]
