"""Brings one world up again and again, and returns its result."""

import json
import sys
from typing import Any

from podium.control.campaign.provenance import digest, podium_commit, podium_version
from podium.control.campaign.world_process import measured_world
from podium.control.campaign.world_task import WorldLost, WorldTask

MODULE = "podium.control.campaign.repetition"


async def repeated_world(task: WorldTask) -> dict[str, Any]:
    """Repeat the bring-up of a world and return what was found; raises ``WorldLost``."""
    async with measured_world(task, task.program or (sys.executable, "-m", MODULE)) as folder:
        try:
            told = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            return {
                "campaign": task.campaign,
                "seed": task.seed,
                "options": list(task.options),
                "facility_digest": digest(task.facility_text),
                "version": podium_version(),
                "commit": podium_commit(),
                "truth": told["truth"],
                "repetitions": told["repetitions"],
                "cpu_s": float(told["cpu_s"]),
                "wall_s": float(told["wall_s"]),
            }
        except (KeyError, TypeError, ValueError) as error:
            raise WorldLost(f"seed {task.seed}: no repetitions were kept: {error!r}") from error
