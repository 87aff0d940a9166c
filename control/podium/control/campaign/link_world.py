"""Shares a pair over the link of one world by ``podium demo --link``, and records it."""

from typing import Any

from podium.control.campaign.world_process import json_of, recorded_world
from podium.control.campaign.world_task import WorldTask
from podium.control.processes.child_processes import podium
from podium.control.report.link_story import ALLOWED


async def link_world(task: WorldTask) -> dict[str, Any]:
    """Calibrate the link and return its record as JSON; raises ``WorldLost``."""
    command = task.program or podium("demo", "--link")
    return await recorded_world(
        task,
        command,
        lambda folder: record_of(json_of(folder / "summary.json")),
        f"seed_{task.seed} holds no report of a link",
    )


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
