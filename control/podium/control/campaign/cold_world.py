"""Supervises a fridge through one world of faults, in a process of its own, and records it."""

import sys
from pathlib import Path
from typing import Any

from podium.control.campaign.world_process import json_of, recorded_world
from podium.control.campaign.world_task import WorldTask

MODULE = "podium.control.campaign.cold_story"


async def cold_world(task: WorldTask) -> dict[str, Any]:
    """Supervise one world and return its verdicts; raises ``WorldLost``."""
    command = task.program or (sys.executable, "-m", MODULE)
    return await recorded_world(task, command, _record_of, "no verdicts were kept")


KEPT = (
    "model", "faults", "sockets", "actions", "alarms", "procedures", "false_trips", "false_alarms",
    "false_findings", "stale_shown_good", "days", "lost_mol", "highest_pa", "cpu_s", "wall_s",
)  # fmt: skip


def _record_of(folder: Path) -> dict[str, Any]:
    told = json_of(folder / "summary.json")
    return {key: told[key] for key in KEPT}
