"""``podium demo`` in which nothing runs but its own code."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.benches.demo import stand_in
from tests.benches.demo.fake_runner import FakeRunner

from podium.control import cli
from podium.control.bus.messages import FacilityStatus
from podium.control.calibration.bench import Bench
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.client.lab import Lab
from podium.control.demo import demonstration
from podium.control.demo import session as session_module
from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import QUANTITIES
from podium.control.processes import child_processes, copied_command, simulation
from podium.control.program.program import Program


class FakeLab(FakeRunner):
    missing: tuple[str, ...] = ()
    all_connected = Lab.all_connected

    async def ready(self, within_s: float) -> FacilityStatus:
        return FacilityStatus("first_light", (), self.missing, 0, 0)


async def everything(bench: Bench, steps: tuple[str, ...], *_: object) -> AsyncIterator[Outcome]:
    """Find every listed parameter in one run."""
    outcome = Outcome("all", "All at once")
    await bench.run(outcome, Program("all", (), ()))
    found = {
        f"{q.name}.{quantity.name}": Measured(33e-6, 1e-6, "s")
        for q in bench.qubits
        for quantity in QUANTITIES
    }
    await bench.commit(outcome, found)
    outcome.panels.append(Panel("q0", "delay (µs)", "excited fraction", text="T1 33 µs"))
    yield outcome


Demo = Callable[..., int]


@pytest.fixture
def lab() -> FakeLab:
    return FakeLab()


@pytest.fixture
def demo(tmp_path: Path, lab: FakeLab, monkeypatch: pytest.MonkeyPatch) -> Demo:
    """Run ``podium demo`` into ``tmp_path / "report"`` and return its exit status."""

    def run(*words: str, how: str = "well") -> int:
        def podium(*words: object) -> list[str]:
            return [sys.executable, stand_in.__file__, how, *map(str, words)]

        @asynccontextmanager
        async def join(*_: object) -> AsyncIterator[FakeLab]:
            yield lab

        monkeypatch.setattr(simulation, "podium", podium)
        monkeypatch.setattr(child_processes, "podium", podium)
        monkeypatch.setattr(copied_command, "waiting_command", lambda: None)
        monkeypatch.setattr(demonstration, "join_facility", join)
        return cli.main(["demo", "--node-only", "--report", str(tmp_path / "report"), *words])

    monkeypatch.setattr(session_module, "bring_up", everything)
    return run


def processes_of(folder: Path) -> list[int]:
    return [int(path.read_text()) for path in sorted(folder.glob("*.pid"))]
