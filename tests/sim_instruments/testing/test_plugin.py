"""The pytest plugin in runs of its own, found by its entry point as anybody's pytest finds it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]
SOURCES = [str(ROOT / room) for room in ("firmware_interfaces", "sim_instruments")]
LAB = """
import socket

def identify(host, port):
    with socket.create_connection((host, port)) as instrument:
        instrument.sendall(b"*IDN?\\n")
        return instrument.recv(1000).decode()
"""


class Runs:
    """Runs pytest in a folder where Podium's twins are installed, and its control layer is not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "lab.py").write_text(LAB)
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        points = project["entry-points"]["pytest11"]
        told = folder / "site" / "podium-0.dist-info"
        told.mkdir(parents=True)
        (told / "METADATA").write_text("Metadata-Version: 2.1\nName: podium\nVersion: 0\n")
        (told / "entry_points.txt").write_text(
            "[pytest11]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        )

    def __call__(self, test: str, *words: str, path: str = "") -> tuple[int, str]:
        (self.folder / "test_lab.py").write_text(test)
        places = [path] if path else []
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider"),
                *("-p", "no:zarr"),  # zarr's own plugin, installed for other tests, imports NumPy
                *(*words, "test_lab.py"),
            ],
            cwd=self.folder,
            env=os.environ
            | {
                "PYTHONPATH": os.pathsep.join(
                    [*places, str(self.folder), str(self.folder / "site"), *SOURCES]
                ),
                "XDG_CACHE_HOME": str(self.folder / "cache"),
            },
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        return ended.returncode, ended.stdout + ended.stderr


def left_by(run: Runs) -> list[list[str]]:
    """Return the command lines of processes that a run has left behind."""
    return [
        one.info["cmdline"]
        for one in psutil.process_iter(["cmdline", "environ"])
        if str(run.folder) in ((one.info["environ"] or {}).get("PYTHONPATH") or "")
    ]


@pytest.fixture
def run(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


FIVE_LINES = """
from lab import identify

def test_my_lab(twin_instrument):
    source = twin_instrument("yokogawa_gs200")
    assert identify(source.host, source.port).startswith("YOKOGAWA,GS210")
"""


def test_a_test_of_lab_code_is_five_lines(run: Runs) -> None:
    status, said = run(FIVE_LINES, "-q", "-W", "error", "-p", "no:asyncio")
    assert status == 0, said
    assert "1 passed" in said


CHECKS = """
import pytest
from lab import identify

hosts = set()

@pytest.mark.parametrize("number", range(3))
def test_a_fresh_one_each(twin_instrument, number):
    source = twin_instrument("yokogawa_gs200")
    assert source.log == ()
    identify(source.host, source.port)

@pytest.mark.parametrize("number", range(2))
def test_one_for_all_tests_of_a_module(module_twin_instrument, number):
    thermometer = module_twin_instrument("lakeshore_372") if not hosts else None
    hosts.add(number)

def test_seeds_and_clocks_of_the_run_and_of_the_test(twin_instrument):
    assert twin_instrument("yokogawa_gs200").facility.seed == 7
    other = twin_instrument("yokogawa_gs200", seed=8, clock="paced")
    assert other.facility.seed == 8
    assert other.facility.time_s() > 0

def test_on_a_manual_clock_time_passes_by_answers_only(twin_instrument):
    assert twin_instrument("yokogawa_gs200").facility.time_s() == 0

def test_nonsense(twin_instrument):
    import socket
    source = twin_instrument("yokogawa_gs200")
    with socket.create_connection((source.host, source.port)) as client:
        client.sendall(b"NONSENSE?;*IDN?\\n")
        client.recv(100)
"""


def test_scopes_seeds_clocks_and_strictness(run: Runs) -> None:
    words = ("--podium-seed", "7", "--podium-clock", "manual")
    status, said = run(CHECKS, "-q", *words)
    assert status == 0, said
    (run.folder / "pytest.ini").write_text("[pytest]\npodium_strict = true\n")
    status, said = run(CHECKS, "-q", *words, "-k", "nonsense or fresh")
    assert status == 1, said
    assert "1 failed, 3 passed" in said, "the test has failed; it has not passed as well"
    assert "error" not in said.splitlines()[-1]
    assert "source scpi: NONSENSE?" in said
    assert "facility.py" not in said
    assert "pool.py" not in said


def test_workers_side_by_side_do_not_meet_and_leave_nothing(run: Runs) -> None:
    pytest.importorskip("xdist")
    some = "fresh or one_for_all or nonsense"
    status, said = run(CHECKS, "-q", "-n", "2", "--podium-strict", "-k", some)
    assert status == 1, said
    assert "1 failed, 5 passed" in said
    assert left_by(run) == []


HARMLESS = """
import sys

def test_nothing():
    ours = {one for one in sys.modules if one.partition(".")[0] in ("podium", "numpy", "numba")}
    assert ours == set()
    assert "podium_pytest" in sys.modules
"""


def test_a_run_without_twins_imports_none(run: Runs) -> None:
    status, said = run(HARMLESS, "-q", "--strict-config", "--strict-markers")
    assert status == 0, said


def test_a_package_that_hides_ours_breaks_these_fixtures_and_no_run(run: Runs) -> None:
    other = run.folder / "other" / "podium"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    test = FIVE_LINES + "\ndef test_of_theirs():\n    pass\n"
    status, said = run(test, "-q", path=str(other.parent))
    assert status == 1
    assert "1 passed" in said
    assert "1 error" in said
    assert "No module named 'podium.sim_instruments'" in said


FAILS = """
import pytest
from lab import identify

def test_that_fails(twin_instrument, module_twin_instrument):
    source = twin_instrument("yokogawa_gs200", seed=5)
    identify(source.host, source.port)
    module_twin_instrument("lakeshore_372")
    assert source.truth == "nothing"

def test_whose_twins_have_died(twin_instrument):
    import os, signal
    os.kill(twin_instrument("yokogawa_gs200").facility.pid, signal.SIGKILL)
    assert False

@pytest.fixture
def source(twin_instrument):
    return twin_instrument("yokogawa_gs200")

@pytest.mark.timeout(2, func_only=True)  # a busy machine may take longer to start the twin
def test_that_hangs(source):
    identify(source.host, source.port)
    source.fault("freeze")
    identify(source.host, source.port)
"""


def test_a_test_that_fails_tells_its_seed_and_what_was_sent(run: Runs) -> None:
    status, said = run(FAILS, "-q", "-k", "fails", "--podium-seed", "9")
    assert status == 1
    assert "Simulated instruments" in said
    assert "source: seed 5; 1 command came:\n  source scpi: *IDN?\n" in said
    assert "thermometer: seed 9; no command came\n" in said


def test_a_test_that_hangs_or_loses_its_twins_fails_and_leaves_nothing(run: Runs) -> None:
    status, said = run(FAILS, "-q", "-k", "hangs or died", "-n", "0")
    assert status == 1
    assert "2 failed" in said
    assert "source: seed 0; the process of the twins ended" in said
    assert "source: seed 0; 1 command came:\n  source scpi: *IDN?\n" in said
    assert left_by(run) == []


MISTAKES = """
import pytest

def test_truth(module_twin_instrument):
    module_twin_instrument("yokogawa_gs200").truth["node_a.q0.fo1"]

def test_fault(twin_instrument):
    twin_instrument("yokogawa_gs200").fault("warm")

def test_word(twin_instrument):
    twin_instrument("yokogawa_gs200", sede=3)
"""


def test_mistakes_are_answered_with_what_is_right_and_without_our_frames(run: Runs) -> None:
    status, said = run(MISTAKES, "-q")
    assert status == 1
    assert "3 failed" in said
    assert "UnknownTruth: there is no truth 'node_a.q0.fo1'; there are none" in said
    assert "TwinRefused: warm wants one fridge, and there is none here" in said
    assert "TwinRefused: there is no word 'sede'; did you mean 'seed'?" in said
    for ours in ("facility.py", "pool.py", "process.py", "podium_pytest.py", "contextlib.py"):
        assert ours not in said, ours
