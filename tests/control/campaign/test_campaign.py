"""Whole campaigns of worlds that cost nothing: on this machine, on a Dask cluster, interrupted."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.benches.campaign import stand_in_demo
from tests.benches.campaign.synthetic_worlds import EXAMPLE, FACILITY, UNITS, made_world

from podium.control.campaign.campaign import (
    PICTURE,
    SEEDS,
    WORLDS,
    CampaignPlan,
    run_campaign,
)
from podium.control.campaign.executor import NoDask
from podium.control.campaign.results_file import ResultsFileError

Plan = Callable[..., CampaignPlan]
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Make a plan of worlds that stand-ins for demos report on, well or as they are asked to."""
    reports = tmp_path_factory.mktemp("reports")
    stand_in_demo.leave_reports(map(made_world, range(7)), reports)

    def made(folder: Path, seeds: range, how: str = "well") -> CampaignPlan:
        return CampaignPlan(
            "bring-up",
            seeds,
            ("--node-only",),
            FACILITY,
            EXAMPLE.read_text(),
            folder,
            program=(sys.executable, stand_in_demo.__file__, how, str(reports)),
        )

    return made


def quiet(text: str) -> None:
    pass


def seeds_file(folder: Path) -> dict:
    return json.loads((folder / SEEDS).read_text())


async def test_a_campaign_leaves_worlds_table_and_picture(tmp_path: Path, plan: Plan) -> None:
    end = await run_campaign(plan(tmp_path, range(4, 7)), quiet)
    assert end.lost == {}
    told = seeds_file(tmp_path)
    assert told["seeds"] == [4, 5, 6]
    assert told["options"] == ["--node-only"]
    assert (told["qubits"], told["qubits_found"]) == (9, 9)
    assert told["quantities"].keys() == UNITS.keys()
    row = told["quantities"]["f01"]
    pulls = [
        one.pull
        for seed in (4, 5, 6)
        for one in made_world(seed).recoveries
        if one.quantity == "f01"
    ]
    assert row["n"] == 9
    assert row["rms_pull"] == pytest.approx((sum(p * p for p in pulls) / 9) ** 0.5)
    assert row["sigma_of_spread"] == pytest.approx(0.1)
    assert row["broken"] == []
    assert all(said for judged in told["nulls"].values() for said in judged.values())
    (world, *_) = told["worlds"]
    assert world["parameters"]["node_a.q0.t1"]["unit"] == "s"
    assert (world["cpu_s"], world["lab_s_by_routine"]) == (30.0, {"relaxation": 5.0})
    picture = (tmp_path / PICTURE).read_text()
    assert "<svg" in picture
    assert all(quantity in picture for quantity in UNITS)


async def test_worlds_that_are_there_are_not_measured_again(tmp_path: Path, plan: Plan) -> None:
    await run_campaign(plan(tmp_path, range(4, 6)), quiet)
    before = (tmp_path / WORLDS).read_text()
    said: list[str] = []
    # Whoever measured 4 or 5 again would be told that it has died.
    end = await run_campaign(plan(tmp_path, range(4, 6), "dies"), said.append)
    assert end.lost == {}
    assert said == [f"2 worlds are in {tmp_path / WORLDS} already"]
    await run_campaign(plan(tmp_path, range(4, 7)), quiet)
    assert (tmp_path / WORLDS).read_text().startswith(before)
    assert seeds_file(tmp_path)["seeds"] == [4, 5, 6]


async def test_a_world_that_is_lost_is_told_and_tried_again(tmp_path: Path, plan: Plan) -> None:
    end = await run_campaign(plan(tmp_path, range(4, 6), "dies-on-4"), quiet)
    assert list(end.lost) == [4]
    assert "no space is left" in end.lost[4]
    told = seeds_file(tmp_path)
    assert told["seeds"] == [5]
    assert "no space is left" in told["lost"]["4"]
    end = await run_campaign(plan(tmp_path, range(4, 6)), quiet)
    assert end.lost == {}
    assert seeds_file(tmp_path)["seeds"] == [4, 5]


async def test_the_result_is_the_same_however_many_worlds_are_measured_at_a_time(
    tmp_path: Path, plan: Plan
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    await run_campaign(plan(one, range(2)), quiet)
    await run_campaign(replace(plan(two, range(2)), jobs=2), quiet)
    assert (one / SEEDS).read_bytes() == (two / SEEDS).read_bytes()
    assert (one / PICTURE).read_bytes() == (two / PICTURE).read_bytes()


async def test_other_options_in_the_same_folder_are_refused(tmp_path: Path, plan: Plan) -> None:
    await run_campaign(plan(tmp_path, range(1)), quiet)
    other = replace(plan(tmp_path, range(2)), options=("--node-only", "--thoroughness", "2"))
    with pytest.raises(ResultsFileError, match="name another folder"):
        await run_campaign(other, quiet)


async def test_a_campaign_that_is_cancelled_ends_its_processes(tmp_path: Path, plan: Plan) -> None:
    wanted = replace(plan(tmp_path, range(1), "waits"), reports=tmp_path / "reports")
    work = asyncio.create_task(run_campaign(wanted, quiet))
    pid = tmp_path / "reports" / "seed_0" / "pid"
    while not (pid.exists() and pid.read_text()):
        assert not work.done()
        await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not psutil.pid_exists(int(pid.read_text()))


@pytest.fixture
def scheduler() -> Iterator[str]:
    """Address of a Dask cluster on loopback: one worker, a process of its own."""
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        yield cluster.scheduler_address


@pytest.mark.slow
async def test_a_dask_cluster_gives_the_same_file(
    tmp_path: Path, plan: Plan, scheduler: str
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    await run_campaign(plan(here, range(3)), quiet)
    end = await run_campaign(replace(plan(there, range(3)), dask=scheduler), quiet)
    assert end.lost == {}
    assert (here / SEEDS).read_bytes() == (there / SEEDS).read_bytes()
    lost = await run_campaign(replace(plan(there, range(4), "dies"), dask=scheduler), quiet)
    assert "no space is left" in lost.lost[3]


async def test_nobody_at_the_address_is_told(
    tmp_path: Path, plan: Plan, unused_tcp_port: int, monkeypatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    client = distributed.Client
    monkeypatch.setattr(distributed, "Client", lambda *w, **n: client(*w, **n | {"timeout": "1s"}))
    address = f"tcp://127.0.0.1:{unused_tcp_port}"
    with pytest.raises(NoDask, match=f"no Dask scheduler answers at {address}"):
        await run_campaign(replace(plan(tmp_path, range(1)), dask=address), quiet)
