"""Nodes that are calibrated start together, one dies and comes back: without any hardware."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.benches.demo.fake_lab import FakeLab
from tests.benches.demo.known_values import KNOWN

from podium.control.demo.multi_node import agent_loss as killing_module
from podium.control.demo.multi_node.demonstration import MultiNodeDemo, multi_node_story
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import QUANTITIES
from podium.control.parameters.store import ParameterStore
from podium.control.report.comparison import compare
from podium.control.report.page import Drawings
from podium.control.report.progress import display
from podium.control.report.story import Story, summary
from podium.control.runs.errors import RunFailed


def known(qubits: tuple[str, ...]) -> list[ParameterEntry]:
    return [
        ParameterEntry(
            f"{qubit}.{name}", value, abs(value) * 1e-3 + 1e-9, unit, "17-00001", "made up", 1.0, 1
        )
        for qubit in qubits
        for name, (value, unit) in KNOWN.items()
    ]


class At:
    """All that is needed to work, on a made-up lab."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.lab = FakeLab()
        self.folder = folder
        self.screen = StringIO()
        self.story = Story("two_nodes", 1, tuple(self.lab.facility.qubits()))
        self.story.together = self.together = multi_node_story(self.lab.facility)
        self.store = stack.enter_context(ParameterStore(folder / "parameters.sqlite"))
        self.store.put(known(self.story.qubits))
        everything = {
            f"{qubit}.{quantity.name}": next(iter(self.store.all().values()))
            for qubit in self.story.qubits
            for quantity in QUANTITIES
        }
        self.story.comparisons = compare(self.story.qubits, everything, {})
        words = [sys.executable, "-c", "import signal; signal.pause()"]
        self.lab.process = subprocess.Popen(words)
        stack.callback(self.end)
        (folder / "up.log").write_text(
            "podium up: agent node_a is process 1\n"
            f"podium up: agent node_b is process {self.lab.process.pid}\n"
        )
        self.work = MultiNodeDemo(
            self.lab,
            self.store,
            folder,
            folder / "up.log",
            self.story,
            self.together,
            stack.enter_context(display(Console(file=self.screen, width=200), 8)),
            stack.enter_context(Drawings()),
            thoroughness=0.2,
        ).work

    def end(self) -> None:
        self.lab.process.kill()
        self.lab.process.wait()

    def reasons(self) -> list[str]:
        return [str(failure) for failure in self.story.failures()]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[At]:
    monkeypatch.setattr(killing_module, "LOOK_S", 0.0)
    monkeypatch.setattr(killing_module, "AFTERWARDS_S", 0.0)
    with ExitStack() as stack:
        yield At(tmp_path, stack)


async def test_all_of_it_is_told(at: At) -> None:
    await at.work()
    assert at.reasons() == []
    told = at.together
    assert [len(one) for one in (told.before, told.after, told.again)] == [4, 4, 4]
    assert told.tagged("node_b", corrected=False).mean_fs == pytest.approx(2_310_000)
    assert told.tagged("node_b", corrected=True).rms_fs == pytest.approx(20_000)
    assert told.sigmas_fs == {"node_b": 28_000.0}
    assert len(told.runs) == 2, "before the death, and after the return"
    assert at.lab.process.wait() == -signal.SIGKILL
    fault = told.fault
    assert (fault.node, fault.agent, fault.pid) == ("node_b", "node_b", at.lab.process.pid)
    assert "agent node_b is gone" in fault.reason
    assert 0 < fault.noticed_s <= fault.back_s
    assert fault.meanwhile
    assert all(one.complete and one.node == "node_a" for one in fault.runs)
    kept = {path.stem for path in (at.folder / "datasets").glob("*.nc")}
    assert {one.run for one in fault.runs} | set(told.runs) <= kept
    json.dumps(summary(at.story))
    said = at.screen.getvalue()
    assert "skew calibrated" in said
    assert "node_b was killed, and is back" in said


async def test_a_start_that_comes_late_is_made_again_and_counted(at: At) -> None:
    at.lab.late = 5
    await at.work()
    assert at.reasons() == []
    assert at.together.repeated == 5


async def test_starts_that_never_succeed_are_told_and_the_fault_is_shown_all_the_same(
    at: At,
) -> None:
    at.lab.late = 10**6
    await at.work()
    assert at.reasons() == ["skew: node_b: FIRE came -1 fs before T0"]
    assert at.together.fault is not None
    assert at.together.again == []


async def test_without_a_calibration_nothing_is_started_together(at: At) -> None:
    at.lab.refuses = "node_b has no marker that goes to a time tagger"
    await at.work()
    assert at.reasons() == ["skew: node_b has no marker that goes to a time tagger"]
    assert at.together.runs == []
    assert len(at.together.before) == 4, "what was seen until then is told"
    assert at.together.fault is not None


async def test_a_node_that_does_not_come_back_is_told(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    at.lab.never_back = True
    monkeypatch.setattr(killing_module, "BACK_S", 0.2)
    await at.work()
    (reason,) = at.reasons()
    assert "agent node_b was not back" in reason
    assert at.together.fault is None
    assert at.together.again == []


@pytest.fixture
def somebody() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that nobody misses."""
    process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield process
    process.kill()
    process.wait()


async def test_a_death_that_nobody_notices_is_told(
    at: At, somebody: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(killing_module, "NOTICED_S", 0.2)
    (at.folder / "up.log").write_text(f"podium up: agent node_b is process {somebody.pid}\n")
    await at.work()
    (reason,) = at.reasons()
    assert "nobody noticed" in reason


async def test_data_that_lack_a_point_are_a_failure(at: At) -> None:
    at.lab.lacks = True
    await at.work()
    assert any("of node_a lacks data" in reason for reason in at.reasons())
    assert not any(one.complete for one in at.together.fault.runs)


async def test_an_error_of_the_others_ends_the_watch_and_is_told(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = at.lab.run

    async def fails(program, **how):
        if program.name == "T1 on node_a":
            raise RunFailed("cluster_a: the connection was lost")
        return await real(program, **how)

    monkeypatch.setattr(at.lab, "run", fails)
    await at.work()
    assert at.reasons() == ["fault: cluster_a: the connection was lost"]
    assert at.lab.process.poll() is None, "nobody was killed"


async def test_a_node_without_a_qubit_plays_nothing(at: At) -> None:
    at.story.comparisons = tuple(
        row for row in at.story.comparisons if not row.qubit.startswith("node_b")
    )
    await at.work()
    assert at.reasons() == ["together node_b: no qubit of it was found: it has nothing to play"]
    assert at.together.runs == []
    assert at.together.after, "its start is calibrated all the same"
    assert at.lab.process.poll() is None


def test_a_facility_whose_nodes_cannot_be_seen_together_has_none_of_it() -> None:
    one_node = Path(__file__).parents[4] / "examples" / "first_light" / "facility.yaml"
    assert multi_node_story(load_facility(one_node)) is None
