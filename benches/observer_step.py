"""How long does the observer of a fridge take for one step?

A simulated fridge shows its readings each ten seconds; each step has the view of all of them. The
processor's time of this process counts, not the wall's: other work on the machine is not the
observer's.
"""

import time
from dataclasses import dataclass

import numpy as np

from podium.control.bus.readings import ChannelReading, InstrumentReadings
from podium.control.facility.fridge_wiring import FridgeWiring
from podium.control.records.latest_readings import LatestReadings
from podium.control.supervision.model_parameters import MODELS
from podium.control.supervision.observer import Observer
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.cryostat.sensor_panel import SensorPanel

EVERY_S, WARM_UP, STEPS = 10, 120, 600
"""Between readings; steps that are not counted (the ensemble of countdowns settles), and counted
ones."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Times of steps, ms of one core."""

    p50_ms: float
    p99_ms: float


def measure() -> Measured:
    """Step an observer beside a simulated fridge and return how long its steps took."""
    plant = Cryostat(LD400, 0)
    panel = SensorPanel(plant, 0.0, 0)
    names: dict[str, list[str]] = {}
    for sensor in panel.sensors.values():
        names.setdefault(sensor.signal, []).append(sensor.reading)
    wiring = FridgeWiring("fridge_a", {one: tuple(many) for one, many in names.items()}, {})
    observer, latest = Observer(MODELS["LD400"], wiring), LatestReadings()
    taken_ms = []
    for step in range(WARM_UP + STEPS):
        now_s = EVERY_S * (step + 1)
        boxes: dict[str, list[ChannelReading]] = {}
        for name, value in panel.read(now_s * FS_PER_S).items():
            box, _, channel = name.partition(".")
            one = ChannelReading(channel, value, panel.sensors[name].unit, "good")
            boxes.setdefault(box, []).append(one)
        tai = (now_s, 0)
        for box, channels in boxes.items():
            latest.hear(InstrumentReadings(box, step, tai, EVERY_S, tuple(channels)), now_s)
        view = latest.view(wiring, tai, now_s)
        begun = time.thread_time()
        observer.step(view, {"node_a": float(step % 300 < 150)})
        taken_ms.append(1e3 * (time.thread_time() - begun))
    p50, p99 = np.percentile(taken_ms[WARM_UP:], [50, 99])
    return Measured(float(p50), float(p99))


if __name__ == "__main__":
    print(measure())
