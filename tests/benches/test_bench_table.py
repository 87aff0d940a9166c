"""``make bench``: the table says what was missed, and the process ends accordingly."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHES = Path(__file__).parents[2] / "benches"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHES)
    spec = importlib.util.spec_from_file_location("run", BENCHES / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "run", module)
    spec.loader.exec_module(module)
    return module


def test_a_missed_floor_is_told_and_ends_the_run_with_status_1(run, monkeypatch, capsys):
    met = run.Row("quick", "1 s", "theirs: 30 s", 30.0, "> 20")
    missed = run.Row("slow", "1 s", "theirs: 3 s", 3.0, "> 20", False)
    monkeypatch.setattr(run, "PARTS", {"one": lambda: iter([met])})
    monkeypatch.setattr(sys, "argv", ["run.py"])
    assert run.main() == 0
    monkeypatch.setattr(run, "PARTS", {"one": lambda: iter([met, missed])})
    assert run.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].split()[-3:] == [">", "20", "MISSED"]
    assert "MISSED" not in lines[-2]


def test_a_peer_that_is_not_installed_is_named_and_not_measured(run, monkeypatch, tmp_path):
    monkeypatch.setattr(
        run.physics_rows, "REFEREES", tmp_path / ".venv-referees" / "bin" / "python"
    )
    row = run.physics_rows._qibolab(1e-3, None)
    assert row.peer == "qibolab emulator: not measured, .venv-referees is not there"
    assert row.ratio is None
    assert row.met


@pytest.mark.slow
def test_parts_can_be_left_out(run):
    words = [word for part in run.PARTS if part != "help" for word in ("--without", part)]
    ended = subprocess.run(
        [sys.executable, BENCHES / "run.py", *words], capture_output=True, text=True, check=False
    )
    assert len(ended.stdout.splitlines()) == 3, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[2].startswith("podium --help")
