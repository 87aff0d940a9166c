"""Brings one world up by ``podium demo``, and records it."""

from math import nan
from pathlib import Path
from typing import Any

from podium.control.campaign.provenance import digest, podium_commit, podium_version
from podium.control.campaign.shared_start import KEPT_OF_SUMMARY
from podium.control.campaign.world_process import json_of, measured_world
from podium.control.campaign.world_record import Recovery, Scan, WorldRecord, to_json
from podium.control.campaign.world_task import WorldLost, WorldTask
from podium.control.parameters.quantities import BY_NAME
from podium.control.processes.child_processes import podium


async def bring_up_world(task: WorldTask) -> dict[str, Any]:
    """Bring the world up and return its record as JSON; raises ``WorldLost``."""
    async with measured_world(task, task.program or podium("demo")) as folder:
        try:
            return {"campaign": task.campaign, **to_json(record_of(task, folder))}
        except (KeyError, TypeError, ValueError) as error:
            raise WorldLost(
                f"seed {task.seed}: {folder.name} holds no report of a demo: {error!r}"
            ) from error


def record_of(task: WorldTask, folder: Path) -> WorldRecord:
    """Return the record of a demo's report; raises KeyError, TypeError, ValueError for no report.

    The truth is what ``podium twin truth`` has told the demo after the last measurement.
    """
    summary = json_of(folder / "summary.json")
    truth = json_of(folder / "truth.json")
    fits = json_of(folder / "fits.json")
    return WorldRecord(
        seed=task.seed,
        options=task.options,
        facility=str(summary["facility"]),
        facility_digest=digest(task.facility_text),
        version=podium_version(),
        commit=podium_commit(),
        qubits={str(name): bool(found) for name, found in summary["qubits_found"].items()},
        recoveries=_recoveries(summary["parameters"], truth),
        scans=tuple(
            Scan(step["routine"], name, float(one["value"]), float(one["sigma"]))
            for step in fits
            for name, one in step["measured"].items()
            if name.rpartition(".")[2] in BY_NAME
        ),
        failures=tuple(
            f"{one['routine']} {one['element']}: {one['reason']}" for one in summary["failures"]
        ),
        lab_s=float(summary["lab_s"]),
        lab_s_by_routine={str(n): float(s) for n, s in summary["lab_s_by_routine"].items()},
        cpu_s=float(summary["cpu_s"]),
        wall_s=float(summary["wall_s"]),
        together={name: summary[name] for name in KEPT_OF_SUMMARY if name in summary},
    )


def _recoveries(found: dict[str, Any], truth: dict[str, Any]) -> tuple[Recovery, ...]:
    """Return a recovery for each listed parameter that was found or has a truth, in truth's order.

    Raises ValueError where value and truth are in different units.
    """
    recoveries = []
    for name in dict.fromkeys((*truth, *found)):
        if name.rpartition(".")[2] not in BY_NAME:
            continue
        true, one = truth.get(name), found.get(name)
        units = {str(part["unit"]): None for part in (one, true) if part is not None}
        if len(units) > 1:
            raise ValueError(f"{name}: value and truth are in {' and '.join(units)}")
        recoveries.append(
            Recovery(
                name,
                nan if one is None else float(one["value"]),
                nan if one is None else float(one["sigma"]),
                next(iter(units)),
                nan if true is None else float(true["value"]),
            )
        )
    return tuple(recoveries)
