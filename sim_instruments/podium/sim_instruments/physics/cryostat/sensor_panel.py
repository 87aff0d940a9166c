"""Shows a plant as instruments would: calibrations that are off, noise, sensors with faults."""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from struct import unpack

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import GAUGES
from podium.sim_instruments.physics.cryostat.plant import Cryostat

THERMOMETER_NOISE, GAUGE_NOISE, FLOW_NOISE = 2e-3, 5e-3, 1e-2
"""1 sigma, in the reading. # ASSUMED"""
WATER_NOISE_K = 0.1
SENSOR_FAULTS = ("drift", "stuck", "disconnected")
THERMOMETRIES = ("thermometry_a", "thermometry_b")
"""Two instruments, each with a thermometer at every stage."""
COMPRESSOR = (
    "running", "coolant_in", "coolant_out", "oil", "helium", "low_pressure", "high_pressure",
    "motor_current",
)  # fmt: skip
TURBO = ("speed", "current", "voltage", "power")


@dataclass(frozen=True, slots=True)
class PanelSensor:
    """One reading, and the output that it is of."""

    reading: str
    """``instrument.channel``."""
    signal: str
    unit: str
    noise: float
    factor: float
    """What it shows, in the truth."""


@dataclass(slots=True)
class SensorTrouble:
    """A sensor shows something else than it should."""

    fault: str
    since_fs: int
    per_hour: float
    """Of a drift: ln."""
    value: float = 0.0
    """Of a stuck one."""


class SensorPanel:
    """All sensors of one plant."""

    def __init__(self, plant: Cryostat, part: float, seed: int) -> None:
        """Calibrations are within ``part``: factors of thermometers, gauges and the flow meter."""
        self._plant, self._seed = plant, seed
        self.sensors = {one.reading: one for one in _sensors(part, seed)}
        self._signals = [one.signal for one in self.sensors.values()]
        self.troubles: dict[str, SensorTrouble] = {}

    def trouble(self, reading: str, fault: str, now_fs: int, per_hour: float = 0.0) -> None:
        """Let a sensor drift, stick or be disconnected; KeyError, ValueError: no such."""
        sensor = self.sensors[reading]
        if fault not in SENSOR_FAULTS:
            raise ValueError(f"a sensor can be {', '.join(SENSOR_FAULTS)}, not {fault}")
        stuck = self._shown(sensor, self._plant.read(sensor.signal, now_fs), now_fs)
        self.troubles[reading] = SensorTrouble(fault, now_fs, per_hour, stuck)

    def mend(self, reading: str) -> None:
        """Put a sensor right."""
        self.troubles.pop(reading, None)

    def read(self, now_fs: int) -> dict[str, float | None]:
        """Return what every sensor shows; None: it gives no value."""
        found: dict[str, float | None] = {}
        truths = self._plant.read_all(self._signals, now_fs)
        for (reading, sensor), true in zip(self.sensors.items(), truths, strict=True):
            trouble = self.troubles.get(reading)
            if trouble is not None and trouble.fault == "disconnected":
                found[reading] = None
            elif trouble is not None and trouble.fault == "stuck":
                found[reading] = trouble.value
            else:
                value = self._shown(sensor, true, now_fs)
                if trouble is not None:
                    hours = (now_fs - trouble.since_fs) / FS_PER_S / 3600.0
                    value *= math.exp(trouble.per_hour * hours)
                found[reading] = value
        return found

    def _shown(self, sensor: PanelSensor, true: float, now_fs: int) -> float:
        if sensor.noise == 0.0:
            return true
        normal = _normal(f"{self._seed}/{sensor.reading}/{now_fs}")
        if sensor.unit == "K" and sensor.signal.startswith("compressor."):
            return true + WATER_NOISE_K * normal
        return true * sensor.factor * (1.0 + sensor.noise * normal)


def _normal(text: str) -> float:
    """Return a number of a normal distribution that belongs to a text, and no other to a like one.

    A checksum would not do: those of texts that differ in a digit differ by the same bits.
    """
    one, other = unpack("<QQ", blake2b(text.encode(), digest_size=16).digest())
    return math.sqrt(-2.0 * math.log((one + 0.5) / 2**64)) * math.cos(2.0 * math.pi * other / 2**64)


def _sensors(part: float, seed: int) -> Iterator[PanelSensor]:
    draw = random.Random(f"sensors {seed}")

    def factor() -> float:
        return draw.uniform(1.0 - part, 1.0 + part)

    for box in THERMOMETRIES:
        for stage in signals.STAGES:
            signal = signals.temperature_of(stage)
            yield PanelSensor(f"{box}.{stage}", signal, "K", THERMOMETER_NOISE, factor())
    for gauge in GAUGES:
        yield PanelSensor(f"gauges_a.{gauge}", f"pressure.{gauge}", "Pa", GAUGE_NOISE, factor())
    yield PanelSensor("control_a.flow", "flow.circulation", "mol/s", FLOW_NOISE, factor())
    for quantity in COMPRESSOR:
        signal = f"compressor.{quantity}"
        noise = WATER_NOISE_K if signals.OUTPUTS[signal] == "K" else 0.0
        yield PanelSensor(f"compressor_a.{quantity}", signal, signals.OUTPUTS[signal], noise, 1.0)
    for quantity in TURBO:
        signal = f"turbo1.{quantity}"
        yield PanelSensor(f"turbo_a.{quantity}", signal, signals.OUTPUTS[signal], 0.0, 1.0)
    yield PanelSensor("ups_a.battery_charge", "ups.charge", "1", 0.0, 1.0)
    for valve in signals.VALVES:
        yield PanelSensor(f"control_a.{valve}", signals.open_of(valve), "1", 0.0, 1.0)
    for pump in signals.PUMPS:
        yield PanelSensor(f"control_a.{pump}", signals.on_of(pump), "1", 0.0, 1.0)
    yield PanelSensor("control_a.pulsetube", signals.PULSE_TUBE, "1", 0.0, 1.0)
    yield PanelSensor("control_a.hs-mc", signals.HEAT_SWITCH, "1", 0.0, 1.0)
    for heater in ("still", "mixing_chamber"):
        signal = signals.power_of(heater)
        yield PanelSensor(f"control_a.heater.{heater}", signal, "W", 0.0, 1.0)
