"""Supervises a fridge through one world of faults, in a process of its own, and records it."""

import json
import sys
from typing import Any

from podium.control.campaign.provenance import digest, podium_commit, podium_version
from podium.control.campaign.world_process import measured_world
from podium.control.campaign.world_task import WorldLost, WorldTask

MODULE = "podium.control.campaign.cold_story"


async def cold_world(task: WorldTask) -> dict[str, Any]:
    """Supervise one world and return its verdicts; raises ``WorldLost``."""
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
                **{key: told[key] for key in KEPT},
            }
        except (KeyError, TypeError, ValueError) as error:
            raise WorldLost(f"seed {task.seed}: no verdicts were kept: {error!r}") from error


KEPT = (
    "model", "faults", "sockets", "actions", "alarms", "procedures", "false_trips", "false_alarms",
    "false_findings", "stale_shown_good", "days", "lost_mol", "highest_pa", "cpu_s", "wall_s",
)  # fmt: skip
