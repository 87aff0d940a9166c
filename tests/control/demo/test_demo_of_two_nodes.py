"""``podium demo`` of two nodes, without physics and instruments: what it leaves behind."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.benches.demo import stand_in
from tests.benches.demo.fake_lab import FakeLab
from tests.benches.demo.known_values import KNOWN

from podium.control import cli
from podium.control.calibration.bench import Bench
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.campaign.shared_start import broken_start
from podium.control.demo import demonstration
from podium.control.demo import session as session_module
from podium.control.demo.multi_node import agent_loss as killing_module
from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import QUANTITIES
from podium.control.processes import child_processes, copied_command, simulation
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed

Demo = Callable[..., int]


async def everything(bench: Bench, *_: object) -> AsyncIterator[Outcome]:
    """Find all that there is to find in one run."""
    outcome = Outcome("all", "All at once")
    await bench.run(outcome, Program("all", (), ()))
    listed = {quantity.name: (33e-6, "s") for quantity in QUANTITIES} | KNOWN
    listed |= {"second_i": (1.0, "V"), "second_q": (1.0, "V")}
    found = {
        f"{q.name}.{name}": Measured(value, abs(value) * 1e-3 + 1e-9, unit)
        for q in bench.qubits
        for name, (value, unit) in listed.items()
    }
    await bench.commit(outcome, found)
    outcome.panels.append(Panel("q0", "delay (µs)", "excited fraction", text="T1 33 µs"))
    yield outcome


@pytest.fixture
def lab() -> Iterator[FakeLab]:
    lab = FakeLab()
    lab.process = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    yield lab
    lab.process.kill()
    lab.process.wait()


@pytest.fixture
def demo(tmp_path: Path, lab: FakeLab, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """Run ``podium demo`` into ``tmp_path / "report"`` and return its exit status."""

    def podium(*words: object) -> list[str]:
        how = f"agent-{lab.process.pid}"
        return [sys.executable, stand_in.__file__, how, *map(str, words)]

    @asynccontextmanager
    async def join(*_: object) -> AsyncIterator[FakeLab]:
        yield lab

    def run(*words: str) -> int:
        words = ("--report", str(tmp_path / "report"), "--thoroughness", "0.2", *words)
        return cli.main(["demo", *words])

    monkeypatch.setattr(session_module, "bring_up", everything)
    monkeypatch.setattr(simulation, "podium", podium)
    monkeypatch.setattr(child_processes, "podium", podium)
    monkeypatch.setattr(copied_command, "waiting_command", lambda: None)
    monkeypatch.setattr(demonstration, "join_facility", join)
    monkeypatch.setattr(killing_module, "LOOK_S", 0.0)
    monkeypatch.setattr(killing_module, "AFTERWARDS_S", 0.0)
    return run


def told(tmp_path: Path, name: str = "summary.json") -> dict:
    return json.loads((tmp_path / "report" / name).read_text())


def test_a_good_demo_leaves_both_nodes_the_skew_and_the_death(
    demo: Demo, lab: FakeLab, tmp_path: Path
) -> None:
    assert demo("--seed", "3") == 0
    summary = told(tmp_path)
    assert summary["failures"] == []
    assert len(summary["parameters"]) == 66
    assert {node: one["found"] for node, one in summary["nodes"].items()} == {
        "node_a": 3,
        "node_b": 3,
    }
    after = summary["skew"]["nodes"]["node_b"]["after"]
    assert after["tagger"]["rms_s"] == pytest.approx(20e-12)
    assert after["world"] is None, "nobody has told"
    assert summary["fault"]["started_together_again"]
    assert lab.process.wait() == -signal.SIGKILL
    page = (tmp_path / "report" / "index.html").read_text()
    assert page.count("<svg") == 2 + 2 * 6 + 3
    assert "from nothing to nodes that start together" in page


def test_a_node_that_cannot_go_on_is_told_and_nothing_is_started_together(
    demo: Demo, lab: FakeLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails_on_b(bench: Bench, *_: object) -> AsyncIterator[Outcome]:
        if bench.node == "node_b":
            raise RunFailed("cluster_b: the connection was lost")
        async for outcome in everything(bench):
            yield outcome

    monkeypatch.setattr(session_module, "bring_up", fails_on_b)
    assert demo() == 1
    summary = told(tmp_path)
    assert summary["failures"] == [
        {
            "routine": "RunFailed",
            "element": "node_b",
            "reason": "cluster_b: the connection was lost",
        }
    ]
    assert {node: one["found"] for node, one in summary["nodes"].items()} == {
        "node_a": 3,
        "node_b": 0,
    }
    assert (summary["skew"], summary["fault"]) == (None, None)
    assert lab.process.poll() is None


def test_skews_of_another_world_are_not_taken_for_this_ones(demo: Demo, tmp_path: Path) -> None:
    report = tmp_path / "report"
    (report / "up.epochs").mkdir(parents=True)
    (report / "up.epochs" / "ticks_a.json").write_text("{}")
    (report / "up.skews.sqlite").write_text("old")
    assert demo() == 0
    assert not (report / "up.epochs").exists()
    assert not (report / "up.skews.sqlite").exists()


def test_the_summary_is_what_a_campaign_judges_the_start_by(demo: Demo, tmp_path: Path) -> None:
    demo("--seed", "4")
    assert broken_start(told(tmp_path)) == ("skew unknown, not below 100 ps",), "nobody has told"
