"""Brings one world up again and again, and returns its result."""

import sys
from pathlib import Path
from typing import Any

from podium.control.campaign.world_process import json_of, recorded_world
from podium.control.campaign.world_task import WorldTask

MODULE = "podium.control.campaign.repetition"


async def repeated_world(task: WorldTask) -> dict[str, Any]:
    """Repeat the bring-up of a world and return what was found; raises ``WorldLost``."""
    command = task.program or (sys.executable, "-m", MODULE)
    return await recorded_world(task, command, _record_of, "no repetitions were kept")


def _record_of(folder: Path) -> dict[str, Any]:
    told = json_of(folder / "summary.json")
    return {
        "truth": told["truth"],
        "repetitions": told["repetitions"],
        "cpu_s": float(told["cpu_s"]),
        "wall_s": float(told["wall_s"]),
    }
