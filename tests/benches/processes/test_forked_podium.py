import subprocess
from pathlib import Path

import psutil
import pytest
from tests.benches.processes.forked_podium import start_podium

PATIENCE_S = 60.0


def test_a_copy_is_in_this_folder_and_environment_and_its_status_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PODIUM_FACILITY", "of_the_environment.yaml")
    with Path("said").open("w") as out:
        failed = start_podium("check", out=out)
        done = start_podium("twin", "list", out=out)
        assert done.wait(PATIENCE_S) == 0
        assert failed.wait(PATIENCE_S) != 0
    said = Path("said").read_text()
    assert "of_the_environment.yaml" in said
    assert "qblox_cluster" in said


def test_a_copy_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text("facility: attic\nnodes: {}\ninstruments:\n  source: {model: yokogawa_gs200}\n")
    with (tmp_path / "said").open("w") as out:
        running = start_podium("twin", "serve", file, out=out)
    assert running.poll() is None
    server = psutil.Process(running.pid).parent()
    assert server is not None
    assert server.num_threads() == 1, "a lock held by another thread would stay held in a copy"
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(0.01)
    running.terminate()
    running.wait(PATIENCE_S)
    assert not psutil.pid_exists(running.pid)
