"""A T1 scan of three qubits through the wire: its pace, and the most memory that its twin takes."""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from podium.control.calibration.bench import Bench
from podium.control.calibration.reset import reset
from podium.control.calibration.sequences import all_pulses, frames_of, measure_all
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.facility.example import example_facility
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.processes import simulation
from podium.control.processes.child_processes import Children
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Linear,
    Program,
    Statement,
    Variable,
)

POINTS, SHOTS = 51, 10_000
LONGEST_FS = 100_000_000_000
SEED = 7


@dataclass(frozen=True, slots=True)
class Scan:
    """What one scan took, and its twin."""

    lab_s: float
    wall_s: float
    cpu_s: float
    """Of the twin, for the scan alone."""
    before_mb: float
    """What the twin held before the scan, the most until then."""
    peak_mb: float

    @property
    def ratio(self) -> float:
        """Laboratory time over wall time."""
        return self.lab_s / self.wall_s


def t1_program(
    bench: Bench, qubits: tuple[Qubit, ...], shots: int, longest_fs: int = LONGEST_FS
) -> Program:
    """Return a scan of 51 waits up to 100 us; each shot begins with a passive reset."""
    pulses = all_pulses(bench, qubits)
    frames = tuple(name for p in pulses for name in (p.drive, p.readout))
    waits = Linear(0, longest_fs, POINTS)
    body: list[Statement] = [*reset(pulses, frames)]
    for p in pulses:
        body += [p.pi(), Delay((p.drive,), Affine("delay"))]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    axis = Axis("delay", (Variable("delay", "fs", waits),))
    return Program("T1", frames_of(pulses), tuple(body), (axis,), shots=shots)


def measure(shots: int = SHOTS) -> Scan:
    """Play the scan once, after one of eight shots that loads what is to be loaded."""
    with tempfile.TemporaryDirectory() as folder, ended_children() as children:
        return asyncio.run(_scan(Path(folder), children, shots))


async def _scan(folder: Path, children: Children, shots: int) -> Scan:
    async with tuned_bench(folder, children) as (lab, bench, qubits, pid):
        await lab.run(t1_program(bench, qubits, 8))
        before_mb, before_cpu_s = used(pid)
        before = await lab.now()
        begin = time.perf_counter()
        await lab.run(t1_program(bench, qubits, shots))
        wall_s = time.perf_counter() - begin
        after = await lab.now()
        peak_mb, cpu_s = used(pid)
    lab_s = (after.total_fs - before.total_fs) * 1e-15
    return Scan(lab_s, wall_s, cpu_s - before_cpu_s, before_mb, peak_mb)


@asynccontextmanager
async def tuned_bench(
    folder: Path, children: Children
) -> AsyncIterator[tuple[Lab, Bench, tuple[Qubit, ...], int]]:
    """Serve the example's twins; yield a lab, a bench tuned by the truth, qubits, the process."""
    facility, twin, endpoints = example_facility(), folder / "twin.yaml", folder / "endpoints.json"
    await simulation.draw_world(children, facility, SEED, twin)
    child = await simulation.serve(children, facility, twin, endpoints)
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
        yield lab, bench, qubits, child.process.pid


def used(pid: int) -> tuple[float, float]:
    """Return the most memory that a process has had, MB, and its processor time, s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak = next(line for line in status if "VmHWM" in line)
    return int(peak.split()[1]) / 1024, ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def ended_children() -> Iterator[Children]:
    """Yield processes to come, which are ended behind it."""
    children = Children()
    try:
        yield children
    finally:
        children.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=SHOTS)
    found = measure(parser.parse_args().shots)
    print(
        f"{found.ratio:.0f} x the laboratory ({found.lab_s:.1f} s in {found.wall_s:.1f} s, of the "
        f"twin's processor time {found.cpu_s:.1f} s); twin {found.before_mb:.0f} MB before, "
        f"at most {found.peak_mb:.0f} MB"
    )
