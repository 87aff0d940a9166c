"""The bench of processor time: it counts what its processes took, and knows what each is."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHES = Path(__file__).parents[2] / "benches"
BUSY = "import time\nwhile time.process_time() < {}: pass"
CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY.format(0.4)!r}])"


@pytest.fixture
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("processor_time", BENCHES / "processor_time.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["processor_time"] = module
    spec.loader.exec_module(module)
    return module


def test_what_children_of_children_took_is_counted(bench, tmp_path) -> None:
    (tmp_path / "podium_start.py").write_text(f"{CHILD}\n{BUSY.format(0.3)}\n")
    one = bench.spent(tmp_path, "cluster", 0.1, 0)
    assert one.found
    assert 0.65 < one.cpu_s < 3
    assert sum(one.by_process.values()) <= one.cpu_s + 0.05


def test_a_demo_that_fails_is_told(bench, tmp_path) -> None:
    (tmp_path / "podium_start.py").write_text("raise SystemExit(1)\n")
    one = bench.spent(tmp_path, "cluster", 0.1, 0)
    assert not one.found
    assert "not all found" in next(bench.told("here", one))


@pytest.mark.parametrize(
    ("words", "who"),
    [
        ("python -m podium_process podium.control.agent.process f.yaml", "agent"),
        ("python -m podium.control.web.process f.yaml", "page"),
        ("python -m podium_process podium.control.records.process f.yaml", "records"),
        ("python -m podium_process podium.control.bus.router f.yaml", "router"),
        ("python -m podium_process podium.control.processes.fork_server 4", "fork server"),
        ("python -m podium_start twin serve f.yaml", "twin serve"),
        ("python -P -m podium.drivers.zurich.client 33", "vendor's client"),
        ("python -m podium_start demo --node-only", "demo"),
        ("ldconfig", "other"),
    ],
)
def test_processes_are_known_by_their_words(bench, words, who) -> None:
    assert bench.called(words.split()) == who
