"""What agent, bus and coordinator add to a run, over calling the cluster's driver directly.

Both sides play the same compiled program on the same twin, in turns of a few runs, and load,
arm, start, wait and collect by the same class. Theirs stops there; ours is ``lab.run`` from the
program to the dataset, with the snapshot of the whole facility that goes with every run.
"""

import asyncio
import json
import queue
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from podium.control.client.facility_access import join_facility, open_facility
from podium.control.client.lab import Lab
from podium.control.facility.example import example_facility
from podium.control.facility.facility import Facility, HostAddress
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.processes import simulation
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
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.drivers.qblox_cluster.cluster import QbloxCluster
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

SHOTS, POINTS = 16, 5
RESET_FS = 300_000 * FS_PER_NS
"""Passive reset before every shot: the world has little to compute."""
RUNS, TURN = 300, 10
"""Measured on each side, and how many of them one after the other before it is the other's turn."""
WARM = 10


@dataclass(frozen=True, slots=True)
class Overhead:
    """Wall time of runs, s; the two of a pair stood at the same place of neighbouring turns."""

    direct_s: NDArray[np.float64]
    ours_s: NDArray[np.float64]
    compile_s: float
    """Of ours: what compiling takes, once for each program; 0 where it was compiled before."""

    def added_ms(self, percentile: float) -> float:
        """Return a percentile of the difference of the pairs."""
        return 1e3 * float(np.percentile(self.ours_s - self.direct_s, percentile))


def small_program(number: int = 0) -> Program:
    """Return a Rabi scan of one qubit, a few points of a few shots; other numbers, other steps."""
    drive, readout = "drive", "readout"
    step = 0.2 * (1 - 1e-4 * number)
    amplitude = Variable("amplitude", "1", Linear.steps(0.0, step, POINTS))
    return Program(
        f"overhead {number}",
        (
            Frame(drive, "node_a.q0.drive", 6.02e9),
            Frame(readout, "node_a.q0.readout", 7.26e9),
        ),
        (
            Delay((drive, readout), RESET_FS),
            Play(drive, Gaussian(40 * FS_PER_NS, 8 * FS_PER_NS), Affine("amplitude")),
            Barrier((drive, readout)),
            Capture(readout, "q0", 400 * FS_PER_NS, 200 * FS_PER_NS),
            Play(readout, Square(600 * FS_PER_NS), 0.1),
            Barrier((drive, readout)),
        ),
        (Axis("amplitude", (amplitude,)),),
        shots=SHOTS,
    )


class Direct:
    """The driver in a thread of its own, as a plain script would have it in its only one."""

    def __init__(self, facility: Facility) -> None:
        entry = facility.instruments["cluster_a"]
        address, modules = entry.address, entry.options["modules"]
        assert isinstance(address, HostAddress)
        assert not isinstance(modules, str)
        self._at = (address.host, dict(address.ports), dict(modules))
        self.used_s: list[float] = []
        """Of each run: processor time of the driver's thread, waiting for its end left out."""
        self._jobs: queue.SimpleQueue[Callable[[QbloxCluster], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def _work(self) -> None:
        host, ports, modules = self._at
        driver = QbloxCluster("direct", host, ports, modules)
        while (job := self._jobs.get()) is not None:
            job(driver)
        driver.close()

    async def run(self, artifact: ClusterProgram) -> float:
        """Play once; return how long it took, without the way to the thread."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[float] = loop.create_future()

        def tell(seconds: float | None, error: Exception | None) -> None:
            if error is not None:
                done.set_exception(error)
            elif seconds is not None:
                done.set_result(seconds)

        def job(driver: QbloxCluster) -> None:
            began = time.perf_counter()
            try:
                first_s = time.thread_time()
                driver.load(artifact)
                driver.arm()
                driver.start()
                waited_s = time.thread_time()
                driver.wait(artifact.duration_fs * 1e-15)
                waited_s = time.thread_time() - waited_s
                driver.collect()
                self.used_s.append(time.thread_time() - first_s - waited_s)
            except Exception as error:
                loop.call_soon_threadsafe(tell, None, error)
            else:
                loop.call_soon_threadsafe(tell, time.perf_counter() - began, None)

        self._jobs.put(job)
        return await done

    def close(self) -> None:
        """Close the connection."""
        self._jobs.put(None)
        self._thread.join()


def measure(*, between_processes: bool, changing: bool, runs: int = RUNS) -> Overhead:
    """Start the twins and play; ``changing``: every run has other amplitudes.

    ``between_processes``: through ``podium up`` and Zenoh, else all of control in this process.
    """
    with tempfile.TemporaryDirectory() as folder:
        children = Children()
        try:
            return asyncio.run(_measure(Path(folder), children, between_processes, changing, runs))
        finally:
            children.kill()


async def _measure(
    folder: Path, children: Children, between_processes: bool, changing: bool, runs: int
) -> Overhead:
    file, twin, endpoints = example_facility(), folder / "twin.yaml", folder / "endpoints.json"
    await simulation.draw_world(children, file, 7, twin)
    await simulation.serve(children, file, twin, endpoints)
    facility = load_facility(file, endpoints)
    compiling = compiler_for(facility)
    programs = [small_program(k if changing else 0) for k in range(WARM + runs)]
    artifacts: list[ClusterProgram] = []
    compile_s: list[float] = []
    for program in programs if changing else programs[:1]:
        began = time.perf_counter()
        artifacts.append(compiling(program)["cluster_a"])
        compile_s.append(time.perf_counter() - began)
    artifacts = artifacts if changing else artifacts * len(programs)
    async with AsyncExitStack() as stack:
        opened = _up(folder, children, file, endpoints)
        lab = await stack.enter_async_context(
            opened if between_processes else open_facility(file, endpoints)
        )
        await lab.ready(60)
        direct = Direct(facility)
        stack.callback(direct.close)

        async def ours(number: int) -> float:
            began = time.perf_counter()
            await lab.run(programs[number])
            return time.perf_counter() - began

        async def theirs(number: int) -> float:
            return await direct.run(artifacts[number])

        for number in range(WARM):
            await theirs(number)
            await ours(number)
        pairs = [
            await _turns(theirs, ours, range(first, min(first + TURN, WARM + runs)))
            for first in range(WARM, WARM + runs, TURN)
        ]
    direct_s, ours_s = np.concatenate(pairs, axis=1)
    return Overhead(direct_s, ours_s, float(np.median(compile_s)) if changing else 0.0)


async def _turns(
    theirs: Callable[[int], Awaitable[float]], ours: Callable[[int], Awaitable[float]], which: range
) -> NDArray[np.float64]:
    """Return the times of both sides, one turn each; who begins changes from pair to pair."""
    first, second = (theirs, ours) if which.start // TURN % 2 else (ours, theirs)
    one = [await first(number) for number in which]
    other = [await second(number) for number in which]
    return np.array((one, other) if first is theirs else (other, one))


@asynccontextmanager
async def _up(folder: Path, children: Children, file: Path, endpoints: Path) -> AsyncIterator[Lab]:
    state, store = folder / "up.json", folder / "calibration" / "parameters.sqlite"
    words = ["--endpoints", endpoints, "--state", state, "--store", store]
    children.start("up", podium("up", file, *words), folder / "logs")
    await children.wait_for(state)
    coordinator = json.loads(state.read_text())["coordinator"]
    async with join_facility(file, coordinator, endpoints) as lab:
        yield lab


if __name__ == "__main__":
    for between in (False, True):
        for changed in (False, True):
            found = measure(between_processes=between, changing=changed)
            print(
                f"{between=} {changed=} direct p50 {1e3 * np.median(found.direct_s):.1f} ms, "
                f"ours p50 {1e3 * np.median(found.ours_s):.1f} ms, added p50 "
                f"{found.added_ms(50):.1f} p99 {found.added_ms(99):.1f}, "
                f"compile {1e3 * found.compile_s:.1f}"
            )
