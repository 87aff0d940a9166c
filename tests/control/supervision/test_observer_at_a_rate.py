"""The observer where readings lie minutes apart, as at ``--rate 600``: no alarm of the model."""

import pytest
from tests.benches.supervision.plant_operator import PlantOperator, begun

from podium.control.bus.readings import ChannelReading, InstrumentReadings
from podium.control.facility.fridge_wiring import FridgeWiring
from podium.control.records.latest_readings import LatestReadings
from podium.control.supervision.model_parameters import MODELS
from podium.control.supervision.observer import Observer
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat
from podium.sim_instruments.physics.cryostat.sensor_panel import SensorPanel
from podium.sim_instruments.physics.cryostat.variation import varied

RATE = 600
PACES = {
    "thermometry_a": 2, "thermometry_b": 5, "gauges_a": 1, "control_a": 1, "compressor_a": 2,
    "turbo_a": 1, "ups_a": 5,
}  # fmt: skip
"""How often instruments are read, s of the wall."""


@pytest.mark.slow
def test_a_cooldown_at_a_rate_of_600_contradicts_no_thermometer() -> None:
    plant = Cryostat(varied(LD400, 0.2, 1), 0, start="warm", seed=1)
    panel = SensorPanel(plant, 0.2, 1)
    names: dict[str, list[str]] = {}
    for sensor in panel.sensors.values():
        names.setdefault(sensor.signal, []).append(sensor.reading)
    wiring = FridgeWiring("fridge_a", {one: tuple(many) for one, many in names.items()}, {})
    observer, latest = Observer(MODELS["LD400"], wiring), LatestReadings()
    contradicted: set[str] = set()
    steps = 0

    def look(operator: PlantOperator, _: object) -> None:
        nonlocal steps
        steps += 1
        tai, wall_s = divmod(operator.now_fs, FS_PER_S), steps
        shown = panel.read(operator.now_fs)
        for number, (box, pace_s) in enumerate(PACES.items()):
            if (steps + number) % pace_s:
                continue
            channels = tuple(
                ChannelReading(name.partition(".")[2], value, panel.sensors[name].unit, "good")
                for name, value in shown.items()
                if name.startswith(f"{box}.")
            )
            latest.hear(InstrumentReadings(box, steps, tai, pace_s, channels), wall_s)
        seen = observer.step(latest.view(wiring, tai, wall_s))
        contradicted.update(one.reading for one in seen.contradictions)

    operator = PlantOperator(plant, look_s=RATE)
    run = operator.run(begun("cooldown", "LD400"), look)
    assert run.state == "done"
    assert contradicted == set()
