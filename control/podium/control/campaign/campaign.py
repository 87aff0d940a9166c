"""Runs campaigns: many worlds measured, kept, and judged together."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podium.control.campaign.bring_up_world import bring_up_world
from podium.control.campaign.cold_report import cold_report
from podium.control.campaign.cold_world import cold_world
from podium.control.campaign.executor import Measure, run_here, run_on_dask
from podium.control.campaign.gate_report import gate_report
from podium.control.campaign.gate_world import gate_world
from podium.control.campaign.link_report import link_report
from podium.control.campaign.link_world import link_world
from podium.control.campaign.provenance import digest
from podium.control.campaign.repeated_world import repeated_world
from podium.control.campaign.report import (
    CampaignReport,
    bring_up_report,
    repeatability_report,
)
from podium.control.campaign.results_file import ResultsFile
from podium.control.campaign.world_task import WorldLost, WorldTask
from podium.control.facility.atomic_files import write_text
from podium.control.facility.facility import Facility

WORLDS, SEEDS, PICTURE = "worlds.jsonl", "seeds.json", "pulls.svg"


@dataclass(frozen=True, slots=True)
class CampaignKind:
    """Defines a campaign's way of measuring and judging its worlds."""

    measure: Measure
    judge: Callable[[Sequence[dict[str, Any]], Facility], CampaignReport]
    help: str


KINDS = {
    "bring-up": CampaignKind(bring_up_world, bring_up_report, "podium demo for every world"),
    "repeatability": CampaignKind(
        repeated_world, repeatability_report, "each world brought up again and again"
    ),
    "two-qubit": CampaignKind(gate_world, gate_report, "podium demo --two-qubit for every world"),
    "link": CampaignKind(link_world, link_report, "podium demo --link for every world"),
    "cold": CampaignKind(
        cold_world, cold_report, "a fridge supervised through weeks of faults, for every world"
    ),
}


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """Describes a campaign before it begins."""

    name: str
    seeds: range
    options: tuple[str, ...]
    facility: Facility
    facility_text: str
    folder: Path
    reports: Path | None = None
    jobs: int = 1
    dask: str | None = None
    """Address of a Dask scheduler, whose workers measure; None: this machine does."""
    program: tuple[str, ...] = ()


@dataclass(slots=True)
class CampaignEnd:
    """Describes a campaign's end."""

    report: CampaignReport
    lost: dict[int, str] = field(default_factory=dict)
    """Why worlds did not come to their end, by seed."""


Progress = Callable[[str], None]


async def run_campaign(plan: CampaignPlan, say: Progress) -> CampaignEnd:
    """Measure the worlds that the folder does not hold yet, then judge all that it holds.

    After each world ``worlds.jsonl`` has a line more; ``seeds.json`` and the picture are written
    at the end, and are the same however the worlds were measured and in whichever order. Raises
    ``ResultsFileError``, ``NoDask``, OSError.
    """
    kind, file = KINDS[plan.name], ResultsFile(plan.folder / WORLDS)
    plan.folder.mkdir(parents=True, exist_ok=True)
    lost: dict[int, str] = {}
    with file.locked():
        file.check_same(
            {
                "campaign": plan.name,
                "options": list(plan.options),
                "facility_digest": digest(plan.facility_text),
            }
        )
        there = {one["seed"] for one in file.read()}
        tasks = [
            WorldTask(
                plan.name,
                seed,
                plan.options,
                plan.facility_text,
                None if plan.reports is None else str(plan.reports),
                plan.program,
            )
            for seed in plan.seeds
            if seed not in there
        ]
        if there:
            say(f"{len(there)} worlds are in {file.path} already")

        def done(task: WorldTask, result: dict[str, Any] | WorldLost) -> None:
            if isinstance(result, WorldLost):
                lost[task.seed] = str(result)
                say(f"seed {task.seed} was lost: {result}")
                return
            file.append(result)
            say(f"seed {task.seed}: {result['wall_s']:.0f} s, {result['cpu_s']:.0f} s of processor")

        try:
            if plan.dask is None:
                await run_here(kind.measure, tasks, done, jobs=plan.jobs)
            else:
                await run_on_dask(kind.measure, tasks, done, address=plan.dask)
        finally:
            report = _write(plan, file, lost)
    return CampaignEnd(report, lost)


def seeds_text(content: Mapping[str, Any], worlds: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of ``seeds.json``: the summary for people, then a line for each world."""
    head = json.dumps(content, indent=1, allow_nan=False).removesuffix("\n}")
    lines = ",\n".join(json.dumps(world, allow_nan=False) for world in worlds)
    return f'{head},\n "worlds": [\n{lines}\n ]\n}}\n'


def _write(plan: CampaignPlan, file: ResultsFile, lost: dict[int, str]) -> CampaignReport:
    worlds = file.read()
    report = KINDS[plan.name].judge(worlds, plan.facility)
    content = {
        "campaign": plan.name,
        "facility": plan.facility.name,
        "facility_digest": digest(plan.facility_text),
        "options": list(plan.options),
        "versions": sorted({one["version"] for one in worlds}),
        "commits": sorted({one["commit"] for one in worlds}),
        "seeds": [one["seed"] for one in worlds],
        "lost": {str(seed): why for seed, why in sorted(lost.items())},
        **report.content,
    }
    write_text(plan.folder / SEEDS, seeds_text(content, worlds))
    if report.svg is not None:
        write_text(plan.folder / PICTURE, report.svg)
    return report
