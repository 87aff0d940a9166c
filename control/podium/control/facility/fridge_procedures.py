"""Names the procedures of a fridge, and what each sets and reads, by signal.

The steps are in ``control/supervision/procedures``; a test compares them with this table. The
check of a facility file and the supervisor refuse a procedure whose parts are missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.facility.fridge_wiring import FridgeWiring
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.fridge_stages import MIXING_CHAMBER, SECOND_STAGE, STILL


@dataclass(frozen=True, slots=True)
class ProcedureNeeds:
    """Names the signals that a fridge must have wired for a procedure."""

    parts: tuple[str, ...]
    """Signals that have to be settable."""
    readings: tuple[str, ...]
    """Signals that have to be measured."""


def _open(*valves: str) -> tuple[str, ...]:
    return tuple(signals.open_of(valve) for valve in valves)


def _on(*pumps: str) -> tuple[str, ...]:
    return tuple(signals.on_of(pump) for pump in pumps)


_OUTWARD = _open("v15", "v16", "v17", "v19", "v20", "v21", "v22", "v23")
_CIRCUIT = (
    *_open("v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v18"),
    *_on(signals.SCROLL1, signals.TURBO1, signals.COMPRESSOR),
    signals.power_of("still"),
)
_CAN = (*_open("v14"), *_on(signals.SCROLL2, signals.TURBO2))
_COLD = (signals.PULSE_TUBE, signals.HEAT_SWITCH)
_STAGES = tuple(signals.temperature_of(s) for s in (SECOND_STAGE, STILL, MIXING_CHAMBER))
_GAUGES = tuple(f"pressure.{gauge}" for gauge in ("p1", "p2", "p3", "p4", "p5"))
_READINGS = (*_STAGES, *_GAUGES)
_RUNNING = "compressor.running"

PROCEDURE_NEEDS: Mapping[str, ProcedureNeeds] = {
    "cooldown": ProcedureNeeds((*_OUTWARD, *_CIRCUIT, *_CAN, *_COLD), (*_READINGS, _RUNNING)),
    "condense": ProcedureNeeds((*_CIRCUIT, signals.HEAT_SWITCH), _READINGS),
    "warm_up": ProcedureNeeds((*_OUTWARD, *_CIRCUIT, *_open("v14"), *_COLD), _READINGS),
    "recover": ProcedureNeeds((*_CIRCUIT, *_CAN, *_COLD), (*_READINGS, _RUNNING)),
}
"""By procedure."""
PROCEDURE_NAMES = tuple(PROCEDURE_NEEDS)


def missing_for(procedure: str, wiring: FridgeWiring) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the signals that a procedure sets, and those that it reads, which nothing does."""
    needs = PROCEDURE_NEEDS[procedure]
    return (
        tuple(signal for signal in needs.parts if signal not in wiring.parts),
        tuple(signal for signal in needs.readings if signal not in wiring.readings),
    )
