"""Ten nodes played at once: their twins in one process, and in a process for each node.

The nodes of ``examples/ten_nodes`` that have feedlines each play the same program over and over,
a thread of a client for each, until each has played so many; who has ended waits for none. The
programs are compiled and loaded before, so that what is measured is world, twins and wire.
"""

import json
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from podium.control.facility.facility import Facility, HostAddress
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.processes.child_processes import Children, podium
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.drivers.qblox_cluster.cluster import QbloxCluster
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

TEN = Path(__file__).parents[1] / "examples" / "ten_nodes" / "facility.yaml"
POINTS, SHOTS, RESET_NS = 51, 256, 200_000
RUNS = 6
"""Of each node."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What all runs of all nodes took."""

    wall_s: float
    twins_cpu_s: float
    """Processor time of all processes of the twins."""
    client_cpu_s: float
    memory_mb: float
    """Proportional share of all processes of the twins."""
    processes: int
    leaps_s: float


def scan(facility: Facility, node: str) -> Program:
    """Return a Rabi scan of all qubits of a node, three at most."""
    qubits = list(facility.nodes[node].qubits.values())[:3]
    body: list[Statement] = []
    frames: list[Frame] = []
    for qubit in qubits:
        frames.append(Frame(f"{qubit.name}.d", qubit.drive_port, qubit.design["f01"].value))
        read_hz = qubit.design["readout_frequency"].value
        frames.append(Frame(f"{qubit.name}.r", qubit.readout_port, read_hz))
        body.append(Play(f"{qubit.name}.d", Gaussian(40 * FS_PER_NS, 10 * FS_PER_NS), AMPLITUDE))
    names = tuple(frame.name for frame in frames)
    body.append(Barrier(names))
    for qubit in qubits:
        body += [
            Capture(f"{qubit.name}.r", qubit.name, 1000 * FS_PER_NS, 100 * FS_PER_NS),
            Play(f"{qubit.name}.r", Square(1200 * FS_PER_NS), 0.1),
        ]
    body += [Barrier(names), Delay(names[:1], RESET_NS * FS_PER_NS)]
    variable = Variable("amplitude", "1", Linear.steps(0.0, 0.4 / POINTS, POINTS))
    return Program(
        f"scan of {node}", tuple(frames), tuple(body), (Axis("amplitude", (variable,)),), SHOTS
    )


AMPLITUDE = Affine("amplitude")


def _play(driver: QbloxCluster, artifact: ClusterProgram, runs: int) -> None:
    for _ in range(runs):
        driver.arm()
        driver.start()
        driver.wait(artifact.duration_fs * 1e-15)
        driver.collect()


def measure(options: Sequence[str], runs: int = RUNS, nodes: int = 10) -> Pace:
    """Serve with these options of ``podium twin serve``, and play."""
    with tempfile.TemporaryDirectory() as folder:
        children = Children()
        try:
            return _measured(Path(folder), children, options, runs, nodes)
        finally:
            children.kill()


def _measured(
    folder: Path, children: Children, options: Sequence[str], runs: int, nodes: int
) -> Pace:
    import asyncio
    import subprocess

    twin, endpoints = folder / "twin.yaml", folder / "endpoints.json"
    words = podium("twin", "sample", TEN, "--seed", 1, "--out", twin)
    subprocess.run(words, check=True)
    serve = podium("twin", "serve", TEN, "--twin", twin, "--endpoints", endpoints, *options)
    children.start("twin", [*serve, "--with-parent"], folder / "logs")
    asyncio.run(children.wait_for(endpoints))
    facility = load_facility(TEN, endpoints)
    compiling = compiler_for(facility)
    drivers: dict[str, tuple[QbloxCluster, ClusterProgram]] = {}
    for node in [name for name, one in facility.nodes.items() if one.qubits][:nodes]:
        cluster = f"cluster_{node[-1]}"
        entry = facility.instruments[cluster]
        address, modules = entry.address, entry.options["modules"]
        assert isinstance(address, HostAddress)
        assert not isinstance(modules, str)
        driver = QbloxCluster(cluster, address.host, address.ports, modules)
        artifact = compiling(scan(facility, node))[cluster]
        driver.load(artifact)
        drivers[node] = driver, artifact
    for driver, artifact in drivers.values():
        _play(driver, artifact, 1)
    processes = _processes(children)
    before, client = _cpu_s(processes), time.process_time()
    began = time.perf_counter()
    threads = [
        threading.Thread(target=_play, args=(driver, artifact, runs))
        for driver, artifact in drivers.values()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - began
    told = json.loads(
        subprocess.run(
            podium("twin", "time", "--endpoints", endpoints), capture_output=True, check=True
        ).stdout
    )
    pace = Pace(
        wall_s,
        _cpu_s(processes) - before,
        time.process_time() - client,
        sum(one.memory_full_info().pss for one in processes) / 1e6,
        len(processes),
        told["leapt_s"],
    )
    for driver, _ in drivers.values():
        driver.close()
    return pace


def _processes(children: Children) -> list[psutil.Process]:
    first = psutil.Process(children.running[0].process.pid)
    return [first, *first.children(recursive=True)]


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in processes)


if __name__ == "__main__":
    for turn in range(2):
        for name, options in (("one process", ()), ("parts", ("--split",))):
            pace = measure(options)
            load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
            print(f"{turn} {name}: {pace}; load {load}", flush=True)
