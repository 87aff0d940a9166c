"""A campaign of links keeps what demos have found, and complains of what is far from the best."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from tests.benches.docs.pages import ROOT

from podium.control.campaign.campaign import SEEDS, CampaignPlan, run_campaign
from podium.control.campaign.link_report import link_report
from podium.control.campaign.link_world import record_of
from podium.control.commands import campaign as command
from podium.control.facility.load import load_facility

FACILITY = load_facility(ROOT / "examples" / "linked" / "facility.yaml")


def summary(transfer: float | None = 0.695, *, paired: bool = True) -> dict[str, Any]:
    """Return what a demo leaves."""

    def told(value: float | None, allowed: float) -> dict[str, float | None]:
        return {"value": value, "sigma": None if value is None else 0.002, "allowed": allowed}

    link = {
        "absorption": told(0.965, 0.975),
        "transfer": told(transfer, 0.70),
        "bell_fidelity": told(0.79 if paired else None, 0.82),
        "bell_concurrence": told(0.7, 0.76),
        "chsh_s": told(2.1, 2.24),
        "parameters": {},
        **({"density_matrix": {}} if paired else {}),
    }
    return {"link": link, "failures": [], "lab_s": 1.0, "cpu_s": 2.0, "wall_s": 3.0}


def world(seed: int, **given: Any) -> dict[str, Any]:
    return {"seed": seed, **record_of(summary(**given))}


def test_worlds_near_the_best_are_not_complained_of() -> None:
    report = link_report([world(k) for k in range(3)], FACILITY)
    assert report.complaints == ()
    assert report.content["worlds_transfer"] == 3
    assert report.content["transfer_off"] == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"transfer": 0.68}, "2 of 3 transfers are 99% of the best"),
        ({"transfer": None}, "2 of 3 transfers"),
        ({"paired": False}, "2 of 3 worlds share a pair"),
    ],
)
def test_what_is_far_from_the_best_is_complained_of(given: dict[str, Any], says: str) -> None:
    report = link_report([world(1), world(2), world(3, **given)], FACILITY)
    assert [said for said in report.complaints if says in said]
    assert link_report((), FACILITY).complaints == ("no world was measured",)


STAND_IN = """
import pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--report") + 1])
(folder / "summary.json").write_text(sys.argv[1])
"""
"""Leaves what it is given, as a demo would have left it."""


@pytest.mark.parametrize(
    ("left", "lost"), [(summary(), []), ({"link": None}, [3, 4]), ({}, [3, 4])]
)
async def test_a_campaign_of_links_leaves_a_record_of_each_world(
    left: dict[str, Any], lost: list[int], tmp_path: Path
) -> None:
    wanted = command._plan(
        Namespace(
            name="link",
            options=[],
            seeds=range(3, 5),
            out=tmp_path / "links",
            reports=None,
            jobs=1,
            dask=None,
        )
    )
    assert wanted.facility.name == "linked"
    plan = CampaignPlan(
        wanted.name, wanted.seeds, wanted.options, wanted.facility, wanted.facility_text,
        wanted.folder, program=(sys.executable, "-c", STAND_IN, json.dumps(left)),
    )  # fmt: skip
    end = await run_campaign(plan, lambda text: None)
    assert sorted(end.lost) == lost
    kept = json.loads((tmp_path / "links" / SEEDS).read_text())
    assert len(kept["worlds"]) == 2 - len(lost)
