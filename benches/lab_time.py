"""Laboratory time over wall time, through real sockets: one Rabi scan, and the whole demo."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from podium.control.calibration.bench import Bench
from podium.control.calibration.routines.rabi import rabi_program
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.facility.example import example_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.processes import simulation
from podium.control.processes.child_processes import Children
from podium.control.program.program import Linear, Program, Table

POINTS, SHOTS = 41, 1024
SEED = 7
REPETITIONS = 5


@dataclass(frozen=True, slots=True)
class Pace:
    """How long something took, in the laboratory and on the wall."""

    lab_s: float
    wall_s: float

    @property
    def ratio(self) -> float:
        """Laboratory time over wall time."""
        return self.lab_s / self.wall_s


def rabi_pace() -> tuple[Pace, Pace]:
    """Return the pace of the first Rabi scan of three qubits, and of the best of the next ones.

    51 x 1024 shots with passive reset: compiled, uploaded, played, read back; each scan has
    other amplitudes, so no one finds its program there already.
    """
    with tempfile.TemporaryDirectory() as folder, _children() as children:
        return asyncio.run(_rabi(Path(folder), children))


async def _rabi(folder: Path, children: Children) -> tuple[Pace, Pace]:
    facility, twin, endpoints = example_facility(), folder / "twin.yaml", folder / "endpoints.json"
    await simulation.draw_world(children, facility, SEED, twin)
    await simulation.serve(children, facility, twin, endpoints)
    truth = await simulation.told_truth(twin)
    record = MemoryRecord()
    record.put(
        ParameterEntry(name, one.value, abs(one.value) * 1e-3, one.unit, "", "truth", 0.0, 1)
        for name, one in truth.items()
    )
    async with open_facility(facility, endpoints) as lab:
        await lab.ready(60)
        qubits = tuple(lab.facility.qubits().values())
        await lab.bias({q.flux_port: truth[f"{q.name}.sweet_spot"].value for q in qubits})
        bench = Bench(lab, qubits[0].node, qubits, record, keep=lambda data: None)
        scan = replace(rabi_program(bench, qubits, ef=False), shots=SHOTS)
        paces = [await _timed(lab, _with_span(scan, k)) for k in range(1 + REPETITIONS)]
    return paces[0], max(paces[1:], key=lambda pace: pace.ratio)


def _scaled(values: Linear | Table, by: float) -> Linear:
    assert isinstance(values, Linear)
    return Linear.steps(values.start, values.step * by, values.count)


def _with_span(program: Program, number: int) -> Program:
    """Return the scan with all its amplitudes a little smaller."""
    (axis,) = program.axes
    less = tuple(replace(v, values=_scaled(v.values, 1 - 0.001 * number)) for v in axis.variables)
    assert axis.count == POINTS, axis.count
    return replace(program, axes=(replace(axis, variables=less),))


async def _timed(lab: Lab, program: Program) -> Pace:
    before = await lab.now()
    begin = time.perf_counter()
    await lab.run(program)
    wall_s = time.perf_counter() - begin
    after = await lab.now()
    return Pace((after.total_fs - before.total_fs) * 1e-15, wall_s)


def demo_pace() -> tuple[Pace, int]:
    """Return the pace of the whole demo of one node, and how many failures it tells of."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "podium.control.cli", "demo", "--node-only"]
        words += ["--seed", str(SEED), "--report", folder]
        subprocess.run(words, stdout=subprocess.DEVNULL, check=False)
        summary = json.loads((Path(folder) / "summary.json").read_text())
    return Pace(summary["lab_s"], summary["wall_s"]), len(summary["failures"])


def help_s() -> float:
    """Return the seconds of ``podium --help``, the best of some."""
    words = [str(Path(sys.executable).with_name("podium")), "--help"]
    fastest = float("inf")
    for _ in range(10):
        begin = time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
        fastest = min(fastest, time.perf_counter() - begin)
    return fastest


@contextmanager
def _children() -> Iterator[Children]:
    children = Children()
    try:
        yield children
    finally:
        children.kill()
