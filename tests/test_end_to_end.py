"""The whole: from a facility file to calibrated qubits, as a person sees it.

One demo is run, in processes of its own, and looked at from all sides. Its control processes
cannot import the simulation: they meet it on wires and nowhere else.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
from tests.benches.docs.accuracy_windows import NOT_YET, broken_windows
from tests.benches.docs.end_to_end import (
    EXAMPLE,
    PODIUM,
    QUBITS,
    SEED,
    UNITS,
    WITHIN_S,
    Simulation,
    with_vendor_clients,
)

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.campaign.null_values import NULLS
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.facility.load import load_facility
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.store import ParameterStore
from podium.control.program.program import Capture, Frame, Play, Program
from podium.control.program.waveforms import Square

NS = 10**6


BLOCKER = """
import os, sys

class NotHere:
    def find_spec(self, name, path=None, target=None):
        if sys.argv[1:2] == ["twin"]:  # a copy of the demo's process that is the simulation
            return None
        if name == "podium.sim_instruments" or name.startswith("podium.sim_instruments."):
            raise ModuleNotFoundError(f"{name} is blocked in this process", name=name)
        return None

words = sys.orig_argv
if "twin" not in words:
    sys.meta_path.insert(0, NotHere())
    kind = "blocked"
else:
    kind = "free"
with open(os.path.join(os.path.dirname(__file__), f"{kind}-{os.getpid()}"), "w") as mark:
    mark.write(" ".join(words))
"""
"""Python runs this as ``sitecustomize`` first of all, in every process of the demo."""


@dataclass
class Seen:
    """What was seen of a demo's processes while it ran."""

    processes: dict[int, psutil.Process] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    cpu_s: dict[int, float] = field(default_factory=dict)
    """Processor time of each process when it was last seen."""

    def look(self, root: psutil.Process) -> None:
        for process in (root, *root.children(recursive=True)):
            self.processes[process.pid] = process
            with suppress(psutil.Error):
                times = process.cpu_times()
                self.cpu_s[process.pid] = times.user + times.system

    def look_at_sockets(self) -> None:
        """Note all addresses of the demo's sockets: the system's table is long, it is read once."""
        for one in psutil.net_connections("inet"):
            if one.pid in self.processes:
                self.addresses |= {end.ip for end in (one.laddr, one.raddr) if end}


@dataclass
class Demo:
    """A demo that has ended."""

    folder: Path
    status: int
    said: str
    seen: Seen
    marks: dict[str, list[str]]
    """Command lines of its processes, by whether the simulation was blocked there."""

    def json(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text())


def before_all(hooks: Path) -> str:
    """Return the path of imports with ``hooks`` before all that stands in it already."""
    return os.pathsep.join([str(hooks), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Demo:
    home = tmp_path_factory.mktemp("demo")
    hooks = home / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(BLOCKER)
    words = ["demo", "--node-only", "--seed", SEED, "--report", home / "report"]
    seen, ended = Seen(), threading.Event()
    with (home / "said").open("w") as sink:
        process = subprocess.Popen(
            [*PODIUM, *map(str, words)],
            stdout=sink,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": before_all(hooks), "COLUMNS": "120"},
            cwd=home,
        )

        def watch() -> None:
            root = psutil.Process(process.pid)
            while not ended.wait(1.0):
                try:
                    seen.look(root)
                    seen.look_at_sockets()
                except psutil.Error:
                    return

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            status = process.wait(WITHIN_S)
        finally:
            ended.set()
            watching.join()
            process.kill()
    marks = {
        kind: [mark.read_text() for mark in hooks.glob(f"{kind}-*")] for kind in ("blocked", "free")
    }
    return Demo(home / "report", status, (home / "said").read_text(), seen, marks)


@pytest.mark.timeout(600)
def test_the_demo_finds_every_qubit_and_says_so(demo) -> None:
    assert demo.status == 0, demo.said[-4000:]
    assert "3 of 3 qubits found" in demo.said
    assert "node_a.q0" in demo.said
    summary = demo.json("summary.json")
    assert summary["failures"] == []
    assert summary["seed"] == SEED
    assert summary["lab_s"] > 0
    assert 0 < summary["wall_s"] < WITHIN_S


def test_every_parameter_has_the_truths_unit_and_an_uncertainty(demo) -> None:
    parameters, truth = demo.json("summary.json")["parameters"], demo.json("truth.json")
    assert parameters.keys() == {f"{q}.{name}" for q in QUBITS for name in UNITS}
    assert truth.keys() == parameters.keys() | {f"{q}.t1_ef" for q in QUBITS}
    for name, found in parameters.items():
        assert found.keys() == {"value", "sigma", "unit"}
        assert found["sigma"] > 0, name
        assert found["unit"] == truth[name]["unit"] == UNITS[name.rsplit(".", 1)[1]], name


@pytest.mark.parametrize(
    "quantity",
    [
        pytest.param(name, marks=[pytest.mark.xfail(strict=True)] if name in NOT_YET else [])
        for name in (*UNITS, "world")
    ],
)
def test_values_and_sigmas_keep_the_window(demo, quantity) -> None:
    """An honest bring-up breaks one of these windows once in a million: docs/reference/accuracy.md.

    ``world``: all values together.
    """
    assert broken_windows(demo.folder, load_facility(EXAMPLE)).get(quantity, ()) == ()


@pytest.mark.parametrize("null", NULLS)
def test_a_guess_breaks_every_window(demo, null) -> None:
    assert broken_windows(demo.folder, load_facility(EXAMPLE), null).keys() >= UNITS.keys()


def test_the_processor_time_is_that_of_all_processes(demo) -> None:
    told_s = demo.json("summary.json")["cpu_s"]
    assert told_s > 0.8 * sum(demo.seen.cpu_s.values()), "some were not counted"
    assert told_s < 1.5 * sum(demo.seen.cpu_s.values()) + 10


def test_the_world_is_the_one_that_podium_twin_draws(demo, tmp_path) -> None:
    again = tmp_path / "again.yaml"
    words = ["twin", "sample", str(EXAMPLE), "--seed", str(SEED), "--out", str(again)]
    subprocess.run([*PODIUM, *words], check=True, timeout=WITHIN_S)
    assert (demo.folder / "twin.yaml").read_text() == again.read_text()


def test_the_report_has_a_plot_for_every_routine(demo) -> None:
    page = (demo.folder / "index.html").read_text()
    steps = re.split(r'<section class="step"', page)[1:]
    assert len(steps) >= 20
    for step in steps:
        assert "<svg" in step or "0 runs" in step, step[:200]
    for name in ("Time of flight", "Punch-out", "Rabi", "Ramsey", "T1", "Echo"):
        assert name in page


OPEN_ALL = dedent("""
    import json, sys, warnings
    from pathlib import Path

    class NotHere:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "podium":
                raise ModuleNotFoundError(name)

    sys.meta_path.insert(0, NotHere())
    try:
        import podium
    except ModuleNotFoundError:
        pass
    else:
        sys.exit("podium can be imported here")
    warnings.simplefilter("ignore")
    import xarray
    found = {}
    for path in map(Path, sys.argv[1:]):
        with xarray.open_dataset(path) as data:
            data.load()
            found[path.stem] = {
                "dims": [str(name) for name in data.sizes],
                "run": data.attrs["run"],
                "units": {str(name): one.attrs.get("units") for name, one in data.items()},
                "finite": bool(all(one.notnull().all() for one in data.values())),
            }
    assert not any(name.startswith("podium") for name in sys.modules)
    print(json.dumps(found))
""")


def test_datasets_open_without_podium(demo, tmp_path) -> None:
    """A dozen, from the first routine to the last: one writer writes all of them."""
    every = sorted((demo.folder / "datasets").glob("*.nc"))
    assert len(every) >= 20
    some = every[:: max(1, len(every) // 12)]
    done = subprocess.run(
        [sys.executable, "-c", OPEN_ALL, *some],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=WITHIN_S,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == len(some)
    for name, data in found.items():
        assert data["run"] == name
        assert data["dims"], name
        assert set(data["units"].values()) == {"V"}, name
        assert data["finite"], name


def test_qubits_were_measured_together_in_shared_runs(demo) -> None:
    with ParameterStore(demo.folder / "parameters.sqlite") as store:
        runs = {
            name: {store.get(f"{qubit}.{name}").run for qubit in QUBITS}
            for name in ("t1", "t2_ramsey", "t2_echo", "f01")
        }
    assert {name: len(shared) for name, shared in runs.items()} == dict.fromkeys(runs, 1)
    assert all((demo.folder / "datasets" / f"{run}.nc").exists() for (run,) in runs.values())


def test_no_process_is_left_behind(demo) -> None:
    assert len(demo.seen.processes) >= 5  # demo, twins, up, agent, coordinator
    assert [one for one in demo.seen.processes.values() if one.is_running()] == []
    assert not (demo.folder / "endpoints.json").exists()


def test_everything_talked_over_loopback(demo) -> None:
    assert len(demo.seen.addresses) >= 5
    assert all(address.startswith("127.") for address in demo.seen.addresses)


def test_control_cannot_have_imported_the_simulation(demo) -> None:
    """What is blocked in the demo is blocked in its copies: `podium up` and all that it starts.

    But in the one that is the simulation.
    """
    blocked = "\n".join(demo.marks["blocked"])
    assert "cli demo" in blocked
    for words in ("podium_start up", "control.processes.fork_server", "control.agent.process"):
        assert words not in blocked, "it had an interpreter of its own"
    assert all(" twin " in words for words in demo.marks["free"])
    assert not any(" twin serve " in words for words in demo.marks["free"]), "it is a copy, too"


def test_hooks_stand_before_what_is_on_the_path_already(monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "sources")
    assert before_all(Path("hooks")) == f"hooks{os.pathsep}sources"
    monkeypatch.delenv("PYTHONPATH")
    assert before_all(Path("hooks")) == "hooks"


def test_the_blocker_blocks(tmp_path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BLOCKER)
    done = subprocess.run(
        [sys.executable, "-c", "import podium.sim_instruments.wiring"],
        env=os.environ | {"PYTHONPATH": before_all(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert "podium.sim_instruments is blocked in this process" in done.stderr


def test_every_command_that_control_sent_means_something(demo) -> None:
    told = re.findall(
        r"^(\w+): (\d+) commands, (\d+) of them unknown, (\d+) without a meaning here$",
        (demo.folder / "logs" / "twin.log").read_text(),
        re.MULTILINE,
    )
    assert [name for name, *_ in told] == ["cluster_a", "thermometry_a", "bias_q0", "lo_q2"]
    assert all(int(commands) > 0 for _, commands, _, _ in told)
    assert [(name, unknown, unmeant) for name, _, unknown, unmeant in told] == [
        (name, "0", "0") for name, *_ in told
    ]


# In one process, from a script


@pytest.fixture(scope="module")
def simulation(tmp_path_factory) -> Iterator[Simulation]:
    simulation = Simulation(tmp_path_factory.mktemp("simulation"))
    yield simulation
    simulation.end()


@with_vendor_clients
async def test_a_script_opens_a_facility_and_runs_a_program(simulation) -> None:
    program = Program(
        name="a tone",
        frames=(Frame("r", "node_a.q0.readout", 7.2e9),),
        body=(Capture("r", "q0", 1000 * NS, 100 * NS), Play("r", Square(1200 * NS), 0.1)),
        shots=100,
    )
    async with open_facility(EXAMPLE, endpoints=simulation.endpoints) as lab:
        async with asyncio.timeout(WITHIN_S):
            data = await lab.run(program)
            assert await lab.read("thermometry_a", "mixing_chamber") < 0.03
    assert {"q0_i", "q0_q"} <= set(data)
    assert data.q0_i.attrs["units"] == "V"
    assert abs(complex(data.q0_i, data.q0_q)) > 0


ROUTINES = (
    "time_of_flight",
    "resonator_spectroscopy",
    "flux_arc",
    "resonator_spectroscopy",
    "qubit_spectroscopy",
)


async def brought_up(lab: Lab) -> tuple[MemoryRecord, list[Outcome]]:
    """Bring all qubits up as far as their first spectrum, coarsely."""
    qubits = tuple(lab.facility.qubits().values())
    await lab.bias({qubit.flux_port: qubit.design["flux_offset"].value for qubit in qubits})
    record = MemoryRecord()
    bench = Bench(lab, "node_a", qubits, record, keep=lambda data: None, thoroughness=0.5)
    return record, [outcome async for outcome in bring_up(bench, ROUTINES)]


@pytest.mark.slow
@with_vendor_clients
@pytest.mark.timeout(300)
async def test_an_unplugged_drive_line_costs_its_own_qubit_only_and_is_told(simulation) -> None:
    assert simulation.twin("fault", "unplug", "node_a.q1.drive") == "unplug node_a.q1.drive\n"
    try:
        async with open_facility(EXAMPLE, endpoints=simulation.endpoints) as lab:
            async with asyncio.timeout(WITHIN_S):
                record, outcomes = await brought_up(lab)
    finally:
        simulation.twin("fault", "plug", "node_a.q1.drive")
    failed = {
        (outcome.routine, qubit): reason
        for outcome in outcomes
        for qubit, reason in outcome.failures.items()
    }
    assert list(failed) == [("qubit_spectroscopy", "node_a.q1")], failed
    assert "no line" in failed["qubit_spectroscopy", "node_a.q1"]
    truth = json.loads(simulation.twin("truth", "--json"))
    for qubit in ("node_a.q0", "node_a.q2"):
        found = record.get(f"{qubit}.f01")
        assert found is not None
        assert abs(found.value - truth[f"{qubit}.f01"]["value"]) < 5e6
    assert record.get("node_a.q1.f01") is None
    assert record.get("node_a.q1.ground_readout_frequency") is not None  # its readout works
