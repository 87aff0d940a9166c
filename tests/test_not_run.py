"""What did not run for want of something is named at the end, and CI does not pass over it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRIAL = """
import pytest

@pytest.mark.chromium
def test_in_a_browser():
    assert False, "it ran"

def test_without():
    pass
"""


def run_without_chromium(folder: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    (folder / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "test_trial.py").write_text(TRIAL)
    place = folder / "not-run.txt"
    environment = {**os.environ, "PATH": str(folder), "PODIUM_NOT_RUN": str(place)}
    environment["PYTHONPATH"] = str(ROOT)
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    ended = subprocess.run(
        [sys.executable, *words, "--rootdir", str(folder), str(folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended, place


def test_without_a_browser_its_tests_are_named_not_failed(tmp_path: Path) -> None:
    ended, place = run_without_chromium(tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = "Not run: 1 test: there is no Chromium (apt-get install chromium)\n"
    assert place.read_text() == said


def test_ci_does_not_pass_over_what_was_not_run() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert "grep -q '^Not run:'" in script
    makefile = (ROOT / "Makefile").read_text()
    assert makefile.count("@$(call tests,") == 2
