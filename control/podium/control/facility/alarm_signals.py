"""Names the alarms that every dilution refrigerator has, and the signal that each watches.

Their limits and words are in :mod:`podium.control.supervision.default_alarms`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import (
    COLD_PLATE,
    FIRST_STAGE,
    MIXING_CHAMBER,
    SECOND_STAGE,
    STILL,
    TURBOS,
)

Side = Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class AlarmSignal:
    """Describes a signal that an alarm watches."""

    signal: str
    side: Side
    """Where beyond its limit lies."""

    @property
    def unit(self) -> str:
        """SI unit of the signal."""
        return signals.OUTPUTS[self.signal]


def _temperature(stage: str) -> AlarmSignal:
    return AlarmSignal(signals.temperature_of(stage), "above")


ALARM_SIGNALS: Mapping[str, AlarmSignal] = {
    "mains_off": AlarmSignal(signals.MAINS, "below"),
    "battery_low": AlarmSignal("ups.charge", "below"),
    "water_warm": AlarmSignal("compressor.coolant_in", "above"),
    "water_return_warm": AlarmSignal("compressor.coolant_out", "above"),
    "oil_hot": AlarmSignal("compressor.oil", "above"),
    "helium_hot": AlarmSignal("compressor.helium", "above"),
    "compressor_stopped": AlarmSignal("compressor.running", "below"),
    "pulse_tube_off": AlarmSignal(signals.PULSE_TUBE, "below"),
    "vacuum_lost": AlarmSignal("pressure.p1", "above"),
    "first_stage_warm": _temperature(FIRST_STAGE),
    "second_stage_warm": _temperature(SECOND_STAGE),
    "still_warm": _temperature(STILL),
    "still_pressure_high": AlarmSignal("pressure.p2", "above"),
    "turbo1_slow": AlarmSignal(f"{TURBOS[0]}.speed", "below"),
    "condensing_pressure_high": AlarmSignal("pressure.p3", "above"),
    "overpressure": AlarmSignal("pressure.p3", "above"),
    "pump_outlet_pressure_high": AlarmSignal("pressure.p4", "above"),
    "mixture_returns": AlarmSignal("pressure.p5", "above"),
    "flow_lost": AlarmSignal("flow.circulation", "below"),
    "cold_plate_warm": _temperature(COLD_PLATE),
    "mixing_chamber_warm": _temperature(MIXING_CHAMBER),
}
"""An alarm stands before those that it may bring about."""
SILENT, UNKNOWN = "_silent", "_unknown"
"""Ends of the names of alarms of an instrument that tells nothing, and of a signal without value:
``gauges_a_silent``, ``second_stage_unknown``."""
