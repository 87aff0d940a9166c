"""Says which alarms are expected while a procedure runs: they are suppressed by design."""

from collections.abc import Iterable, Mapping

from podium.control.supervision.procedure_run import ProcedureRun

_WARMING = (
    *("compressor_stopped", "pulse_tube_off", "first_stage_warm", "second_stage_warm"),
    *("still_warm", "cold_plate_warm", "mixing_chamber_warm", "still_pressure_high"),
    *("turbo1_slow", "mixture_returns", "flow_lost", "pump_outlet_pressure_high"),
    *("condensing_pressure_high", "vacuum_lost"),
)
_CONDENSING = (
    *("still_warm", "cold_plate_warm", "mixing_chamber_warm", "still_pressure_high"),
    *("turbo1_slow", "flow_lost", "condensing_pressure_high", "pump_outlet_pressure_high"),
)
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "warm_up": _WARMING,
    "cooldown": _WARMING,
    "condense": _CONDENSING,
}
"""By procedure. Recovering from a trip suppresses nothing: its alarms are what it is about.
Overpressure, silence, water and mains are never expected."""


def expected_of(runs: Iterable[ProcedureRun]) -> frozenset[str]:
    """Return the names of the alarms that are expected while these run."""
    return frozenset(
        f"{run.fridge}.{name}"
        for run in runs
        if run.state == "running"
        for name in EXPECTED.get(run.procedure, ())
    )
