"""Commands that are told to end while they measure, and processes whose parent is killed.

Real commands, with every twin behind them, as a person starts and stops them.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import xarray
from tests.benches.command_line import draw_world
from tests.benches.nodes.podium_up import EXAMPLE, PODIUM
from tests.benches.nodes.podium_up import wait_for as listening
from tests.benches.processes.forked_podium import start_podium
from tests.benches.programs.long_scan import scan

from podium.control.parameters.store import ParameterStore
from podium.control.program.program import Delay
from podium.control.program.serialise import to_json

S = 10**15
WITHIN_S = 120.0
ENDS_WITHIN_S = 60.0


def wait_for(condition: Callable[[], object], *running: "Running") -> None:
    give_up = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < give_up
        for one in running:
            assert one.process.poll() is None, one.said()
        time.sleep(0.02)


class Running:
    """A command, and what it starts."""

    def __init__(self, folder: Path, *words: object) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
            self.process = subprocess.Popen(
                [*PODIUM, *map(str, words)], stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
        self.family: list[psutil.Process] = []

    def said(self) -> str:
        return (self.folder / "out").read_text() + (self.folder / "err").read_text()

    @property
    def errors(self) -> str:
        return (self.folder / "err").read_text()

    def look(self) -> list[psutil.Process]:
        """Note all that it has started."""
        self.family = psutil.Process(self.process.pid).children(recursive=True)
        return self.family

    def ends(self, number: signal.Signals) -> int:
        """Tell it to end, and return its status; nothing of it is left, and no traceback."""
        self.look()
        self.process.send_signal(number)
        status = self.process.wait(ENDS_WITHIN_S)
        self.leaves_nothing()
        return status

    def leaves_nothing(self) -> None:
        _, alive = psutil.wait_procs(self.family, timeout=ENDS_WITHIN_S)
        assert alive == []
        assert "Traceback" not in self.said()

    def close(self) -> None:
        for one in (*self.family, self.process):
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()


@pytest.fixture
def start(tmp_path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(*words: object) -> Running:
        started.append(Running(tmp_path / f"command{len(started)}", *words))
        return started[-1]

    yield start
    for one in started:
        one.close()


class Twins:
    """All twins, in a world where a second lasts a second."""

    def __init__(self, folder: Path) -> None:
        self.world, self.endpoints = folder / "twin.yaml", folder / "endpoints.json"
        draw_world(EXAMPLE, self.world)
        words = ("--twin", self.world, "--endpoints", self.endpoints, "--clock", "paced")
        log = folder / "log"
        with log.open("w") as said:
            self.process = start_podium("twin", "serve", EXAMPLE, *words, out=said)
        listening(self.endpoints.exists, log)

    def playing(self) -> bool:
        """Whether a sequencer of the readout module runs, as somebody else who asks is told."""
        entry = json.loads(self.endpoints.read_text())["instruments"]["cluster_a"]
        place = (entry["host"], entry["ports"]["module_scpi_base"] + 2)
        with socket.create_connection(place, 30) as wire, wire.makefile("rwb") as lines:
            for sequencer in range(6):
                lines.write(b"SEQuencer%d:STATE?\n" % sequencer)
                lines.flush()
                if b"RUNNING" in lines.readline():
                    return True
        return False


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Iterator[Twins]:
    twins = Twins(tmp_path_factory.mktemp("twins"))
    yield twins
    twins.process.terminate()
    assert twins.process.wait(ENDS_WITHIN_S) == 0


def long_shot() -> str:
    """A program whose first shot lasts longer than any test."""
    return to_json(replace(scan(10), body=(Delay(("readout",), 60 * S), *scan(10).body)))


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
    ],
)
def test_calibrate_keeps_what_was_found_and_leaves_outputs_safe(
    start, twins, tmp_path, number, status
) -> None:
    out = tmp_path / "out"
    words = ("--endpoints", twins.endpoints, "--state", tmp_path / "up.json", "--out", out)
    calibrate = start("calibrate", EXAMPLE, *words, "--thoroughness", 0.25)
    wait_for(lambda: len(list((out / "datasets").glob("*.nc"))) > 1, calibrate)
    assert calibrate.ends(number) == status
    assert not twins.playing()
    assert f"what was found until then stays: parameters in {out / 'parameters.sqlite'}" in (
        calibrate.errors
    )
    with ParameterStore(out / "parameters.sqlite", make=False) as store:
        found = store.all()
    assert found
    for run in {entry.run for entry in found.values()}:
        with xarray.open_dataset(out / "datasets" / f"{run}.nc", engine="h5netcdf") as data:
            assert data.attrs["run"] == run


@pytest.mark.slow
def test_run_leaves_outputs_safe(start, twins, tmp_path) -> None:
    program, out = tmp_path / "scan.json", tmp_path / "scan.nc"
    program.write_text(long_shot())
    words = ("--endpoints", twins.endpoints, "--state", tmp_path / "up.json", "--out", out)
    run = start("run", EXAMPLE, program, *words)
    wait_for(twins.playing, run)
    assert run.ends(signal.SIGTERM) == 1
    assert not twins.playing()
    assert "podium run: stopped before anything was measured: stopped by SIGTERM" in run.errors
    assert not out.exists()


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGTERM]
)
def test_up_ends_what_runs_safely_and_who_has_asked_is_told(start, twins, tmp_path, number) -> None:
    program, out, state = tmp_path / "scan.json", tmp_path / "scan.nc", tmp_path / "up.json"
    program.write_text(long_shot())
    up = start("up", EXAMPLE, "--endpoints", twins.endpoints, "--state", state)
    wait_for(state.exists, up)
    run = start("run", EXAMPLE, program, "--state", state, "--out", out)
    wait_for(twins.playing, up, run)
    assert up.ends(number) == 0
    assert not twins.playing()
    assert not state.exists()
    assert run.process.wait(ENDS_WITHIN_S) == 1
    # by whom it is told first depends on which process needs how long to end
    assert re.fullmatch(r"podium run: .*(first_light|agent room is gone).*\n", run.said())


@pytest.mark.slow
def test_a_demo_whose_twins_are_killed_names_the_instrument_and_ends(start, tmp_path) -> None:
    report = tmp_path / "report"
    demo = start("demo", "--node-only", "--report", report)
    wait_for(lambda: list((report / "datasets").glob("*.nc")), demo)
    (twins,) = [one for one in demo.look() if "serve" in one.cmdline()]
    began = time.monotonic()
    twins.kill()
    assert demo.process.wait(60) == 1
    assert time.monotonic() - began < 60
    demo.leaves_nothing()
    first, *more = demo.errors.splitlines()
    assert first.startswith("podium demo: ")
    assert any(name in first for name in ("cluster_a", "bias_q0", "lo_q2", "thermometry_a"))
    # Whether the process or an instrument of it is missed first is a race.
    assert "was ended by SIGKILL" in first or (
        "127." in first and any("was ended by SIGKILL" in line for line in more)
    )
    assert all(line.startswith("    ") for line in more)


@pytest.mark.slow
def test_nothing_outlives_a_demo_that_is_killed(start, tmp_path) -> None:
    report = tmp_path / "report"
    demo = start("demo", "--report", report)
    wait_for((report / "up.json").exists, demo)
    wait_for(lambda: any("agent" in " ".join(one.cmdline()) for one in demo.look()), demo)
    assert len(demo.family) >= 4  # twins, up, coordinator, an agent
    demo.process.kill()
    demo.leaves_nothing()
    assert not (report / "endpoints.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_told_to_end_leaves_nothing_running(start, tmp_path, number, status) -> None:
    report = tmp_path / "report"
    demo = start("demo", "--report", report)
    wait_for(lambda: list((report / "datasets").glob("*.nc")), demo)
    assert demo.ends(number) == status


def test_a_command_that_is_interrupted_before_it_has_begun_says_so_in_one_line(tmp_path) -> None:
    code = "import os, signal, sys; sys.path.insert(0, sys.argv[1]); import podium_start"
    told = subprocess.run(
        [sys.executable, "-c", f"{code}; sys.argv[1:] = ['status']\n{KILL_AT_IMPORT}", CONTROL],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert (told.returncode, told.stderr) == (130, "interrupted\n")


CONTROL = str(Path(__file__).parents[2] / "control")
KILL_AT_IMPORT = """
class Killed:
    def find_spec(self, name, path=None, target=None):
        if name == "podium.control.cli":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Killed())
sys.exit(podium_start.main())
""".strip()
