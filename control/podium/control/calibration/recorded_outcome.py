"""Records routines' outcomes with their runs: values, reasons for failures, panels."""

import asyncio
import json
import uuid
from dataclasses import asdict
from typing import Any

import numpy as np

from podium.control.bus.records import KeepOutcome, RecordedValue
from podium.control.calibration.bench import KeepOutcome as Keep
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.calibration.runner import Runner
from podium.control.client.lab import Lab


def outcome_recorder(runner: Runner) -> Keep:
    """Return what records outcomes where ``runner`` is a lab; any other has no records."""

    async def keep(outcome: Outcome) -> None:
        if isinstance(runner, Lab) and runner.recorder.enabled:
            wanted = await asyncio.to_thread(recorded_outcome, outcome)
            await runner.recorder.keep_outcome(wanted)

    return keep


def recorded_outcome(outcome: Outcome) -> KeepOutcome:
    """Return an outcome as the records receive it."""
    return KeepOutcome(
        ticket=uuid.uuid4().hex,
        routine=outcome.routine,
        title=outcome.title,
        runs=tuple(outcome.runs),
        values={
            name: RecordedValue(float(one.value), float(one.sigma), one.unit)
            for name, one in outcome.measured.items()
        },
        failures=dict(outcome.failures),
        notes=(*outcome.notes, *outcome.assumed),
        panels_json=json.dumps([_panel(one) for one in outcome.panels], default=_plain),
    )


def _panel(panel: Panel) -> dict[str, Any]:
    """Return a panel as plain values; NaN stays NaN, as Python's JSON has it."""
    return asdict(panel)


def _plain(value: object) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a {type(value).__name__} in a panel")
