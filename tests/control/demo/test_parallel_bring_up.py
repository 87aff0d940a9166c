"""Nodes of a facility are brought up at the same time; what ends one does not end the others."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.benches.demo.fake_lab import FakeLab
from tests.benches.demo.fake_runner import FakeRunner

from podium.control.calibration.bench import Bench
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.calibration.runner import Runner
from podium.control.demo import session as session_module
from podium.control.demo.parallel_bring_up import bring_up_nodes
from podium.control.parameters.entry import Measured
from podium.control.parameters.store import ParameterStore
from podium.control.report.page import Drawings
from podium.control.report.progress import display
from podium.control.report.story import Story
from podium.control.runs.errors import RunFailed


class Both:
    """A bring-up of two nodes: the first step of each waits for the other's to have begun."""

    def __init__(self) -> None:
        self.begun: set[str] = set()
        self.both = asyncio.Event()
        self.fails: str = ""

    async def bring_up(self, bench: Bench, *_: object) -> AsyncIterator[Outcome]:
        self.begun.add(bench.node)
        if self.begun == {"node_a", "node_b"}:
            self.both.set()
        await self.both.wait()
        if bench.node == self.fails:
            raise RunFailed("cluster_b: the connection was lost")
        found = {f"{q.name}.t1": Measured(33e-6, 1e-6, "s") for q in bench.qubits}
        for title in ("T1", "Echo"):
            outcome = Outcome(title.lower(), title, ["17-00001"])
            await bench.commit(outcome, found)
            outcome.panels.append(Panel("q0", "x", "y", text=f"{title} on {bench.node}"))
            yield outcome


class At:
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.screen = folder, StringIO()
        self.store = stack.enter_context(ParameterStore(folder / "parameters.sqlite"))
        console = Console(file=self.screen, width=200)
        self.shown = stack.enter_context(display(console, 5))
        self.drawings = stack.enter_context(Drawings())

    async def bring_up(self, runner: Runner, story: Story) -> dict[str, Exception]:
        facility = Path(__file__).parents[3] / "examples" / story.facility / "facility.yaml"
        datasets = self.folder / "datasets"
        return await bring_up_nodes(
            runner, self.store, datasets, story, self.shown, self.drawings, 1.0, facility
        )


@pytest.fixture
def at(tmp_path: Path) -> Iterator[At]:
    with ExitStack() as stack:
        yield At(tmp_path, stack)


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Both:
    both = Both()
    monkeypatch.setattr(session_module, "bring_up", both.bring_up)
    return both


def story_of(runner: Runner) -> Story:
    return Story(runner.facility.name, 1, tuple(runner.facility.qubits()))


async def test_both_nodes_are_at_work_at_the_same_time(at: At, both: Both) -> None:
    lab = FakeLab()
    story = story_of(lab)
    async with asyncio.timeout(20):
        assert await at.bring_up(lab, story) == {}
    assert sorted((step.node, step.outcome.title) for step in story.steps) == [
        *(("node_a", title) for title in ("Echo", "T1")),
        *(("node_b", title) for title in ("Echo", "T1")),
    ]
    assert len(at.drawings.finish()) == 4
    assert {f"{node}.q{k}.t1" for node in ("node_a", "node_b") for k in range(3)} == set(
        at.store.all()
    )
    assert story.fridge_k == {"fridge_a": 0.012, "fridge_b": 0.012}
    said = at.screen.getvalue()
    assert "node_b: T1" in said
    assert "fridge_a is cold: 12.0 mK; biases of node_a are ramped" in said


async def test_what_ends_one_node_does_not_end_the_other(at: At, both: Both) -> None:
    both.fails = "node_b"
    lab = FakeLab()
    story = story_of(lab)
    ended = await at.bring_up(lab, story)
    assert {node: str(error) for node, error in ended.items()} == {
        "node_b": "cluster_b: the connection was lost"
    }
    assert [step.node for step in story.steps] == ["node_a", "node_a"]
    assert sum(row.found is not None for row in story.comparisons) == 3


async def test_an_error_of_ours_comes_out_as_it_is(
    at: At, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slip(bench: Bench, *_: object) -> AsyncIterator[Outcome]:
        raise ZeroDivisionError(bench.node)
        yield Outcome("", "")

    monkeypatch.setattr(session_module, "bring_up", slip)
    lab = FakeLab()
    with pytest.raises(BaseExceptionGroup) as raised:
        await at.bring_up(lab, story_of(lab))
    assert raised.value.subgroup(ZeroDivisionError) is not None


async def test_a_single_node_is_nobodys_neighbour(at: At, both: Both) -> None:
    both.both.set()
    runner = FakeRunner()
    story = story_of(runner)
    assert await at.bring_up(runner, story) == {}
    assert [step.node for step in story.steps] == ["", ""]
    assert "node_a: T1" not in at.screen.getvalue()
    both.fails = "node_a"
    assert list(await at.bring_up(runner, story)) == [""]


def test_a_live_display_shows_what_each_of_several_does() -> None:
    screen = StringIO()
    with display(Console(file=screen, force_terminal=True, width=160), 3) as shown:
        shown.doing("Rabi", "amplitude", who="node_a")
        shown.doing("Echo", who="node_b")
        shown._live.refresh()
        assert "node_a: Rabi" in screen.getvalue()
        assert "node_b: Echo" in screen.getvalue().split("node_a: Rabi")[-1]
        shown.doing("calibrating the skew")
        screen.truncate(0)
        shown._live.refresh()
        assert "node_a" not in screen.getvalue()
