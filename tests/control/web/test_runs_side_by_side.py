"""Two nodes at work at the same time: the page shows both, and both can be stopped."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from io import StringIO

import httpx
import pytest
from playwright.async_api import expect
from rich.console import Console
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.web.browser import opened
from tests.benches.web.page import Page
from tests.control.conftest import agent_on

from podium.control.agent.owners import owners_of
from podium.control.bus.memory import MemoryBus
from podium.control.bus.procedures import SILENT_S
from podium.control.calibration.bench import Bench
from podium.control.calibration.outcome import Outcome
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.demo.session import Session
from podium.control.facility.load import load_facility
from podium.control.parameters.store import ParameterStore
from podium.control.report.page import Drawings
from podium.control.report.progress import display
from podium.control.report.story import Story
from podium.control.runs.errors import RunFailed, RunRefused
from podium.control.web import run_view, view
from podium.control.web.bus_subscriptions import follow_bus
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import served

NODES = ("node_a", "node_b")


@pytest.fixture
async def page(bench, tmp_path) -> AsyncIterator[Page]:
    """The page of a facility of two nodes, each with an agent of its own."""
    facility = load_facility(facility_file(tmp_path, 2))
    bus, picture = MemoryBus(), FacilityPicture(facility)
    listening = socket.create_server(("127.0.0.1", 0))
    async with AsyncExitStack() as stack:
        for agent, instruments in owners_of(facility).items():
            await stack.enter_async_context(agent_on(facility, bench, bus, agent, instruments))
        await stack.enter_async_context(Coordinator(facility, bus).running())
        await stack.enter_async_context(follow_bus(picture, bus))
        port = await stack.enter_async_context(served(picture, bus, listening))
        url = f"http://127.0.0.1:{port}"
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=url, timeout=20, verify=False)
        )
        lab = Lab(facility, bus, "ada")
        await lab.ready(10)
        await stack.enter_async_context(asyncio.timeout(60))
        page = Page(url, picture, lab, bus, tmp_path, client)
        await page.until(
            lambda picture: (
                len(picture.agents) == len(owners_of(facility))
                and all(one.status is not None for one in picture.agents.values())
            )
        )
        yield page


@pytest.fixture
def held(bench):
    """What plays goes on until it is given up."""
    for cluster in ("cluster_a", "cluster_b"):

        def hold(cluster=cluster) -> None:
            next(one for one in bench.clusters if one.name == cluster).until_interrupted()

        bench.hooks[f"{cluster}.wait"] = hold
    yield
    bench.hooks.clear()


async def calibrate(lab: Lab, node: str, program) -> None:
    """Take three steps of 26, and play in the last."""
    async with lab.procedure(f"calibration of {node}", (node,), 26) as (procedure, part):
        for step, doing in enumerate(("time_of_flight", "punch_out", "rabi"), 1):
            await procedure.begin_step(step, doing)
        await part.run(program)


def of(trial, node: str):
    return trial(port=f"{node}.q0.drive", readout=f"{node}.q0.readout")


def stop_of(page: Page, card: dict) -> tuple[str, dict[str, str]]:
    return f"/api/runs/{card['id']}/stop", {"X-Podium-Page": "stop", "Origin": page.url}


async def both_at_work(page: Page, bench, trial) -> list["asyncio.Task[None]"]:
    tasks = [asyncio.ensure_future(calibrate(page.lab, one, of(trial, one))) for one in NODES]
    await page.until(lambda picture: len(picture.runs_on()) == 2)
    while not {"cluster_a.wait", "cluster_b.wait"} <= set(bench.done):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return tasks


async def test_two_nodes_calibrate_and_both_are_shown_and_stopped(page, bench, trial, held):
    working = await both_at_work(page, bench, trial)
    state = await page.json("/api/state")
    cards = {one["nodes"][0]: one for one in state["runs"]}
    assert set(cards) == set(NODES)
    for node, card in cards.items():
        assert (card["doing"], card["step"], card["steps"]) == ("rabi", 3, 26)
        assert (card["state"], card["by"]) == ("on", "ada")
        assert card["run"]["program"] == "trial"
        assert card["title"] == f"calibration of {node}"
    doing = {one["name"]: one["doing"] for one in state["nodes"]}
    assert doing == {one: f"calibration of {one}: rabi, step 3 of 26" for one in NODES}
    address, headers = stop_of(page, cards["node_b"])
    answer = await page.client.post(address, headers=headers)
    assert answer.status_code == 200
    with pytest.raises(RunFailed, match="calibration of node_b: stopped on the page"):
        await working[1]
    assert not working[0].done()
    await page.until(lambda picture: len(picture.runs_on()) == 1)
    state = await page.json("/api/state")
    assert [one["nodes"] for one in state["runs"]] == [["node_a"]]
    assert {one["name"]: one["doing"] for one in state["nodes"]}["node_a"] != "idle"
    address, headers = stop_of(page, cards["node_a"])
    assert (await page.client.post(address, headers=headers)).status_code == 200
    with pytest.raises(RunFailed, match="stopped on the page"):
        await working[0]
    assert {"cluster_a.safe", "cluster_b.safe"} <= set(bench.done)
    await page.until(lambda picture: not picture.runs_on() and not picture.procedures_on())
    assert (await page.json("/api/state"))["runs"] == []
    assert page.picture.failed == 0


async def test_a_procedure_is_stopped_between_two_of_its_runs(page, trial):
    async def work() -> None:
        async with page.lab.procedure("skews", NODES, 4) as (procedure, part):
            await procedure.begin_step(1, "first")
            await part.run(of(trial, "node_a"))
            await page.until(lambda picture: not picture.runs_on() and picture.procedures_on())
            (card,) = (await page.json("/api/state"))["runs"]
            assert card["run"] is None
            address, headers = stop_of(page, card)
            assert (await page.client.post(address, headers=headers)).status_code == 200
            await part.bias({"node_a.q0.flux": 0.1})

    with pytest.raises(RunRefused, match="skews: stopped on the page"):
        await work()
    await page.until(lambda picture: not picture.procedures_on())
    (news,) = page.picture.procedures.values()
    assert news.state == "stopped"


async def test_a_procedure_that_has_ended_or_gone_silent_is_no_longer_shown(page, trial):
    async with page.lab.procedure("one", NODES, 4) as (procedure, _):
        await procedure.begin_step(1, "first")
        await page.until(lambda picture: picture.procedures_on())
    await page.until(lambda picture: not picture.procedures_on())
    (news,) = page.picture.procedures.values()
    assert news.state == "done"
    silent = [type(news)(news.said, "on", news.at_s - SILENT_S - 9, news.heard_s - SILENT_S - 1)]
    page.picture.procedures = {one.said.procedure: one for one in silent}
    assert run_view.cards(page.picture) == ()


async def test_a_node_that_an_agent_works_on_is_never_called_idle(page, bench, trial, held):
    """Also where no run of it is known: the page has come late, its coordinator is another."""
    working = await both_at_work(page, bench, trial)
    agents = owners_of(page.picture.facility)

    def fired(picture: FacilityPicture) -> bool:
        told = {name: one.status.doing for name, one in picture.agents.items() if one.status}
        return sum("is playing" in told.get(name, "") for name in agents) == len(NODES)

    await page.until(fired)
    page.picture.runs, page.picture.procedures = {}, {}
    doing = {one.name: one.doing for one in view.nodes(page.picture)}
    assert all(text.endswith("is playing") for text in doing.values())
    for one in working:
        one.cancel()
    await asyncio.wait(working)


@pytest.mark.chromium
async def test_each_card_has_a_stop_of_its_own(page, bench, browser, trial, held):
    working = await both_at_work(page, bench, trial)
    tab, wrong = await opened(browser, page.url)
    await expect(tab.locator("#now article")).to_have_count(2)
    card = tab.locator("#now article", has_text="calibration of node_b")
    await expect(card).to_contain_text("step 3 of 26, rabi")
    await card.locator("button[data-stop]").click()
    await expect(tab.locator("dialog#stop")).to_contain_text("Stop calibration of node_b?")
    await expect(tab.locator("dialog#stop")).to_contain_text("nothing more of it begins")
    await tab.get_by_role("button", name="Stop it").click()
    with pytest.raises(RunFailed):
        await working[1]
    await expect(tab.locator("#now article")).to_have_count(1)
    await expect(tab.locator("#node-node_a")).to_contain_text("step 3 of 26")
    working[0].cancel()
    await asyncio.wait(working)
    assert wrong == []


async def test_a_calibration_says_itself_where_it_is(page, monkeypatch, tmp_path, trial):
    """As ``podium calibrate`` does: one procedure, its steps by their routines."""
    seen: list[tuple[int, int, str]] = []

    async def look(bench: Bench, qubits: object) -> Outcome:
        outcome = Outcome("look", "Look")
        await page.until(lambda picture: any(one.said.step for one in picture.procedures_on()))
        (card,) = (await page.json("/api/state"))["runs"]
        seen.append((card["step"], card["steps"], card["title"]))
        await bench.run(outcome, of(trial, bench.node))
        return outcome

    qubits = tuple(q for q in page.lab.facility.qubits().values() if q.node == "node_a")
    story = Story("nodes_2", None, tuple(q.name for q in qubits))
    with (
        ParameterStore(tmp_path / "p.sqlite") as store,
        Drawings() as drawings,
        display(Console(file=StringIO()), 1) as shown,
    ):
        session = Session(page.lab, qubits, store, tmp_path / "data", story, shown, drawings)
        session.routines = {"look": look}
        await session.work(("look",))
    assert seen == [(1, 1, "calibration of node_a")]
    assert story.failures() == []
    await page.until(lambda picture: not picture.procedures_on())
    assert [one.procedure != "" for one in page.picture.runs.values()] == [True]
