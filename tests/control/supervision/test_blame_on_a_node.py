"""What a node plays heats its fridge, and the observer finds the heat and names the node.

End to end but for the wire: signals leave a controller's connectors, the laboratory's wiring takes
them to lines, their attenuators heat the plant, and its thermometers are read.
"""

from pathlib import Path

import numpy as np
import pytest

from podium.control.bus.readings import ChannelReading, InstrumentReadings
from podium.control.facility.fridge_wiring import FridgeWiring
from podium.control.records.latest_readings import LatestReadings
from podium.control.supervision.model_parameters import MODELS
from podium.control.supervision.observer import Observed, Observer
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_signals import dissipation_of
from podium.sim_instruments.physics.cryostat.sensor_panel import SensorPanel
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.signals import Piece, PulseTrain, RunSignals
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.back_door import BackDoor
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory_playback import LaboratoryPlay
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
STEP_S = 120.0
AMPLITUDE = 10 ** (5 / 20) * 1e-3**0.5
"""Full scale of a QCM-RF: 5 dBm, in square roots of watts."""
DRIVES = 3
"""Tones on drive lines that play all the time."""


class PlayedFridge:
    """A node under a fridge with a plant, and the observer of that fridge."""

    def __init__(self, serving: ServedLaboratory) -> None:
        self.laboratory = serving.laboratory
        self.door = BackDoor(serving)
        plant = self.laboratory.plants.get("fridge_a")
        assert plant is not None
        self.plant = plant
        self.panel = SensorPanel(plant.plant, 0.1, 3)
        names: dict[str, list[str]] = {}
        for sensor in self.panel.sensors.values():
            names.setdefault(sensor.signal, []).append(sensor.reading)
        self.wiring = FridgeWiring("fridge_a", {k: tuple(v) for k, v in names.items()}, {})
        self.observer = Observer(MODELS["LD400"], self.wiring)
        self.latest = LatestReadings()
        self.run = 0

    def play(self) -> None:
        """Let node_a's controller play tones on its drive lines until the next step."""
        self.run += 1
        outputs = self.laboratory.plan.outputs["cluster_a"]
        connectors = [one for one, cable in outputs.items() if cable.line.endswith("q0.drive")]
        piece = Piece(6e9, np.zeros(0, np.complex128), AMPLITUDE, round(STEP_S * 1e9))
        zero = np.zeros(1)
        train = PulseTrain(
            connectors[0], zero.astype(np.int64), zero.astype(np.int32), zero, (piece,), "0"
        )
        signals = RunSignals(
            self.run, self.laboratory.clock.now_fs(), piece.duration_ns, (train,) * DRIVES, (), {}
        )
        LaboratoryPlay(self.laboratory, "cluster_a", self.laboratory.cabling())(signals)

    async def go_on(self, for_s: float, node_a: float) -> Observed:
        """Let time pass; ``node_a``: 1 where it plays all the time."""
        seen = Observed({}, None)
        for _ in range(int(for_s // STEP_S)):
            if node_a:
                self.play()
            await self.door.do({"do": "advance", "seconds": STEP_S})
            now_fs = self.laboratory.clock.now_fs()
            self.plant.advance(now_fs)
            tai = divmod(now_fs, FS_PER_S)
            boxes: dict[str, list[ChannelReading]] = {}
            for reading, value in self.panel.read(now_fs).items():
                box, _, channel = reading.partition(".")
                unit = self.panel.sensors[reading].unit
                boxes.setdefault(box, []).append(ChannelReading(channel, value, unit, "good"))
            for box, channels in boxes.items():
                news = InstrumentReadings(box, self.run, tai, STEP_S, tuple(channels))
                self.latest.hear(news, float(tai[0]))
            view = self.latest.view(self.wiring, tai, float(tai[0]))
            seen = self.observer.step(view, {"node_a": node_a, "node_b": 1.0})
        return seen


async def test_heat_of_a_node_s_drive_tones_is_found_and_blamed_on_the_node(tmp_path) -> None:
    facility, twin = tmp_path / "facility.yaml", tmp_path / "twin.yaml"
    text = EXAMPLE.read_text(encoding="utf-8")
    facility.write_text(text.replace("cold_below: 30 mK}", "cold_below: 30 mK, model: LD400}"))
    write_world(sample(facility, 4), twin)
    async with open_serving(facility, twin, WorldClock(ClockMode.MANUAL)) as serving:
        fridge = PlayedFridge(serving)
        quiet = await fridge.go_on(5 * 3600.0, 0.0)
        assert quiet.settled
        assert quiet.findings == ()
        blamed = []
        for turn in range(8):
            seen = await fridge.go_on(2400.0, float(turn % 2))
            now_fs = fridge.laboratory.clock.now_fs()
            heat_w = fridge.plant.plant.state(now_fs).commands[dissipation_of("cold_plate")]
            expected_w = DRIVES * AMPLITUDE**2 * 0.01 * 0.99 if turn % 2 else 0.0
            assert heat_w == pytest.approx(expected_w, rel=1e-6, abs=1e-12)
            blamed += [(turn % 2, one) for one in seen.findings if one.kind == "extra_heat"]
    assert {turn for turn, _ in blamed} == {1}
    last = blamed[-1][1]
    assert (last.where, last.node) == ("cold_plate", "node_a")
    assert last.value == pytest.approx(expected_w, abs=2.5 * last.sigma)
