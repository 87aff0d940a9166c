"""A test that fails twice fails the suite; one that fails once is named."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.benches.second_try import FEW

ROOT = Path(__file__).parents[1]
TRIAL = """
from pathlib import Path

def test_now_and_then():
    seen = Path("seen")
    before = seen.exists()
    seen.touch()
    assert before

def test_well():
    Path("ran").write_text(Path("ran").read_text() + "x" if Path("ran").exists() else "x")
"""
ALWAYS = """
def test_always():
    assert False
"""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:randomly\n")
    (tmp_path / "test_trial.py").write_text(TRIAL)
    return tmp_path


def halves(folder: Path) -> None:
    """Run pytest as make does, noting what fails in a cache of its own."""
    assert run(folder, "pytest", "-q", "-o", "cache_dir=noted").returncode == 1


def second(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(folder, "tests.benches.second_try", "noted", "-q")


def test_what_passes_at_the_second_try_is_named_and_nothing_else_is_run(folder: Path) -> None:
    halves(folder)
    ended = second(folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Passed only at the second try: test_trial.py::test_now_and_then\n" in ended.stdout
    assert (folder / "ran").read_text() == "x"


@pytest.mark.slow
def test_what_fails_twice_fails(folder: Path) -> None:
    (folder / "test_more.py").write_text(ALWAYS)
    halves(folder)
    ended = second(folder)
    assert ended.returncode == 1
    assert "only at the second try: test_trial.py::test_now_and_then\n" in ended.stdout


def test_many_failures_are_no_accident(folder: Path) -> None:
    noted = folder / "noted" / "v" / "cache" / "lastfailed"
    noted.parent.mkdir(parents=True)
    noted.write_text(json.dumps({f"test_trial.py::test_{n}": True for n in range(FEW + 1)}))
    ended = second(folder)
    assert ended.returncode == 1
    assert "too many" in ended.stdout
    assert not (folder / "ran").exists()


def test_an_end_without_a_failed_test_stays_one(folder: Path) -> None:
    assert second(folder).returncode == 1
