"""Shares a pair over the link of one world by ``podium demo --link``, and records it."""

import json
from typing import Any

from podium.control.campaign.provenance import digest, podium_commit, podium_version
from podium.control.campaign.world_process import measured_world
from podium.control.campaign.world_task import WorldLost, WorldTask
from podium.control.processes.child_processes import podium
from podium.control.report.link_story import ALLOWED


async def link_world(task: WorldTask) -> dict[str, Any]:
    """Calibrate the link and return its record as JSON; raises ``WorldLost``."""
    command = task.program or podium("demo", "--link")
    async with measured_world(task, command) as folder:
        try:
            summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            return {
                "campaign": task.campaign,
                "seed": task.seed,
                "options": list(task.options),
                "facility_digest": digest(task.facility_text),
                "version": podium_version(),
                "commit": podium_commit(),
                **record_of(summary),
            }
        except (KeyError, TypeError, ValueError) as error:
            raise WorldLost(
                f"seed {task.seed}: {folder.name} holds no report of a link: {error!r}"
            ) from error


def record_of(summary: Any) -> dict[str, Any]:
    """Return what a demo has found of the link and of its pair, beside what the world allows.

    Raises KeyError, TypeError, ValueError for no report of a link.
    """
    link = summary["link"]
    return {
        "paired": "density_matrix" in link,
        **{quantity: dict(link[quantity]) for quantity in ALLOWED},
        "parameters": dict(link["parameters"]),
        "failures": [f"{f['routine']} {f['element']}: {f['reason']}" for f in summary["failures"]],
        **{name: float(summary[name]) for name in ("lab_s", "cpu_s", "wall_s")},
    }
