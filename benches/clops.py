"""The CLOPS protocol (Wack et al. 2021, arXiv:2110.14108) on five qubits, by prepared programs.

Templates are circuits of as many layers as is asked: in each, qubits are paired at random, and each
pair has a random SU(4). A template is prepared once; each update fires it with new angles, which
stand as parameters, and plays so many shots. Angles of an update come from a generator that is
seeded by the data of the update before, so none can be sent ahead.

The figure is templates x updates x shots x layers over *facility time*, the sum for each update of

- what the hardware plays, by the compiled program;
- processor time of the driver's thread (text, packets, parsing; polling for the end left out);
- what ``fire`` takes beyond the driver, wall: in one process on an instrument that answers at once
  (:func:`measure_instant`); over ``podium up`` by pairs in turns, as in :mod:`overhead`, the driver
  playing others of the kind. A twin computes for a tenth of a second, and pairs differ by a part of
  that: such a figure says something on an idle machine alone.

Twins are slower than a laboratory, so the time in which their answers are waited for is not in it;
nor is that of a real cluster, which is not known to us (six round trips: texts, arming, clock,
start, state, bins). The plain figure over the wall is given beside it.

What an SU(4) is made of is three entangling gates between rotations about z, x, z, x, z of both.
ASSUMED: an entangling gate is a wait of as long as one takes, since the simulated chip plays none;
qubits are left alone between shots for :data:`RESET_NS`, as the protocol allows, since only time
counts. That is a passive reset far too short for T1, in the place of an active one, which would be
shorter: two readouts of 0.8 us and a conditional pulse are 3 us.
"""

import asyncio
import json
import os
import random
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from overhead import Direct, _up

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab, open_facility
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.processes.child_processes import Children, podium
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Frame,
    Parameter,
    Play,
    Program,
    ShiftPhase,
    Statement,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.drivers.roles import Acquired, Identity
from podium.drivers.worker import Worker
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.models import known_models
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram
from podium.firmware_interfaces.tai import Tai

QUBITS, LAYERS, SHOTS = 5, 5, 100
TEMPLATES, UPDATES = 100, 10
"""Of the protocol."""
FIRES, WARM = 500, 50
"""On an instrument that answers at once."""
GATE_NS, ENTANGLING_NS, READOUT_NS, RESET_NS = 20, 60, 600, 10_000
"""A rotation of a quarter turn about x; CZ of krinner2022's make; integration; between shots."""


@dataclass(frozen=True, slots=True)
class Clops:
    """What the updates of all templates took."""

    wall_layers_per_s: float
    """Of the wall, the time that twins take included."""
    played_ms: float
    """What the hardware plays in an update."""
    host_ms: float
    """Median of what a fire takes beyond the driver (wall)."""
    driver_ms: float
    """Median of the driver's processor time for it."""
    updates: int

    @property
    def facility_ms(self) -> float:
        """Facility time of one update."""
        return self.played_ms + self.host_ms + self.driver_ms

    @property
    def layers_per_s(self) -> float:
        """Of facility time."""
        return 1e3 * SHOTS * LAYERS / self.facility_ms


def template(facility: Facility, number: int, layers: int = LAYERS) -> Program:
    """Return a circuit of random pairings; its angles are parameters, all 0."""
    rng = random.Random(number)
    node = next(iter(facility.nodes.values()))
    qubits = list(node.qubits.values())[:QUBITS]
    drives = [Frame(f"{q.name}.d", q.drive_port, q.design["f01"].value) for q in qubits]
    reads = [
        Frame(f"{q.name}.r", q.readout_port, q.design["readout_frequency"].value) for q in qubits
    ]
    body: list[Statement] = []
    pulse = Gaussian(GATE_NS * FS_PER_NS, GATE_NS * FS_PER_NS // 4)
    for layer in range(layers):
        order = rng.sample(drives, len(drives))
        for step in range(4):
            for frame in order:
                for turn in range(2):
                    angle = Parameter(f"{frame.name} {layer}.{step}.{turn}", 0.0)
                    body += [ShiftPhase(frame.name, angle), Play(frame.name, pulse, 0.2)]
            if step < 3:
                for one, other in zip(order[::2], order[1::2], strict=False):
                    pair = (one.name, other.name)
                    body += [Barrier(pair), Delay(pair, ENTANGLING_NS * FS_PER_NS)]
    names = tuple(frame.name for frame in (*drives, *reads))
    body.append(Barrier(names))
    for frame, qubit in zip(reads, qubits, strict=True):
        body += [
            Capture(frame.name, qubit.name, READOUT_NS * FS_PER_NS, 200 * FS_PER_NS),
            Play(frame.name, Square((READOUT_NS + 200) * FS_PER_NS), 0.1),
        ]
    body += [Barrier(names), Delay(names[:1], RESET_NS * FS_PER_NS)]
    return Program(f"clops {number}", (*drives, *reads), tuple(body), (), shots=SHOTS)


def angles(program: Program, rng: random.Random) -> dict[str, float]:
    """Return new angles, turns, for every parameter of a template."""
    found: dict[str, float] = {}
    for statement in program.body:
        if isinstance(statement, ShiftPhase) and isinstance(statement.turns, Parameter):
            found[statement.turns.name] = rng.random()
    return found


def measure(
    *,
    between_processes: bool,
    templates: int = TEMPLATES,
    updates: int = UPDATES,
    host_ms: float | None = None,
) -> Clops:
    """Start the twin of a cluster with a chip, and play.

    ``host_ms``: what a fire takes beyond the driver, from :func:`measure_instant`; None: by pairs.
    """
    with tempfile.TemporaryDirectory() as folder:
        children = Children()
        try:
            found = asyncio.run(
                _measure(Path(folder), children, between_processes, templates, updates)
            )
        finally:
            children.kill()
    return found if host_ms is None else replace(found, host_ms=host_ms)


async def _files(folder: Path, children: Children) -> tuple[Path, Path]:
    """Start the twin, and return the files of its facility and of its addresses."""
    state = folder / "twin"
    chip = ("--chip", "krinner2022", "--qubits", QUBITS, "--name", "cluster_a")
    serve = podium("twin", "serve", "--model", "qblox_cluster", *chip, "--state", state)
    children.start("twin", [*serve, "--with-parent"], folder / "logs")
    await children.wait_for(state / "endpoints.json")
    return state / "facility.yaml", state / "endpoints.json"


async def _measure(
    folder: Path, children: Children, between_processes: bool, templates: int, updates: int
) -> Clops:
    file, endpoints = await _files(folder, children)
    facility = load_facility(file, endpoints)
    async with AsyncExitStack() as stack:
        opened = _up(folder, children, file, endpoints)
        lab = await stack.enter_async_context(
            opened if between_processes else open_facility(file, endpoints)
        )
        await lab.ready(60)
        direct = Direct(facility)
        stack.callback(direct.close)
        return await _played(lab, direct, facility, templates, updates)


class InstantCluster:
    """A driver of a cluster that answers at once: what is left is the host's own."""

    def identity(self) -> Identity:
        """Return a name."""
        return Identity("instant", "cluster", "0", "0")

    def snapshot(self) -> dict[str, object]:
        """Return nothing."""
        return {}

    def close(self) -> None:
        """Close nothing."""

    def safe(self) -> None:
        """Silence nothing."""

    def load(self, artifact: ClusterProgram) -> None:
        """Remember what is to be brought back."""
        self._names = [one.capture for one in artifact.results]

    def arm(self) -> None:
        """Arm nothing."""

    def now(self) -> Tai:
        """Return a time."""
        return Tai(1_800_000_000, 0)

    def start(self) -> None:
        """Start nothing."""

    def wait(self, duration_s: float) -> None:
        """Wait for nothing."""

    def collect(self) -> dict[str, Acquired]:
        """Return one bin of each capture."""
        one = np.ones(1)
        return {name: Acquired(one, one, one.astype(np.int64)) for name in self._names}


def measure_instant(fires: int = FIRES) -> tuple[float, float]:
    """Return what a fire on an :class:`InstantCluster` takes, all in one process, ms, medians.

    Of the wall, and of the processor, which says the same on an idle machine.
    """
    with tempfile.TemporaryDirectory() as folder:
        children = Children()
        try:
            file, endpoints = asyncio.run(_files(Path(folder), children))
            facility = load_facility(file, endpoints)
        finally:
            children.kill()
        return asyncio.run(_fired_at_once(facility, fires))


async def _fired_at_once(facility: Facility, fires: int) -> tuple[float, float]:
    entry = facility.instruments["cluster_a"]
    worker = Worker("cluster_a", InstantCluster)
    instruments = Instruments({"cluster_a": worker}, {"cluster_a": known_models()[entry.model]})
    bus = MemoryBus()
    agent = Agent("room", facility, instruments, compiler_for(facility), bus)
    took_s: list[tuple[float, float]] = []
    async with agent.running(), Coordinator(facility, bus).running():
        lab = Lab(facility, bus)
        await lab.ready(60)
        program, rng = template(facility, 0), random.Random(0)
        prepared = await lab.prepare(program)
        for _ in range(WARM + fires):
            numbers = angles(program, rng)
            began, used = time.perf_counter(), time.process_time()
            await prepared.fire(numbers)
            took_s.append((time.perf_counter() - began, time.process_time() - used))
    wall_s, used_s = np.median(np.array(took_s[WARM:]), axis=0)
    return 1e3 * float(wall_s), 1e3 * float(used_s)


async def _played(
    lab: Lab, direct: Direct, facility: Facility, templates: int, updates: int
) -> Clops:
    compiling = compiler_for(facility)
    played_fs, fired_s, beyond_s = 0, 0.0, []
    for number in range(templates):
        program, rng = template(facility, number), random.Random(number)
        prepared = await lab.prepare(program)
        _, by_driver = compiling.prepare(program)
        await prepared.fire(angles(program, rng))
        seed = 0
        numbers: list[dict[str, float]] = []
        ours_s: list[float] = []
        for _ in range(updates):
            numbers.append(angles(program, random.Random(seed)))
            began = time.perf_counter()
            fired = await prepared.fire(numbers[-1])
            ours_s.append(time.perf_counter() - began)
            seed = hash(complex(sum(fired[name] for name in fired.captures)))
        # Others: a twin has kept what it has played, and would be quicker the second time.
        others = [angles(program, rng) for _ in numbers]
        artifacts = [by_driver.fired_with(np.array(list(one.values()))) for one in others]
        await direct.run(by_driver.fired_with(np.zeros(len(numbers[0]))))
        direct_s = [await direct.run(one) for one in artifacts]
        played_fs += sum(one.duration_fs for one in artifacts)
        fired_s += sum(ours_s)
        beyond_s += [one - other for one, other in zip(ours_s, direct_s, strict=True)]
    count = templates * updates
    played_ms = 1e3 * played_fs / FS_PER_S / count
    host_ms = 1e3 * float(np.median(beyond_s))
    driver_ms = 1e3 * float(np.median(direct.used_s))
    return Clops(
        count * SHOTS * LAYERS / fired_s,
        played_ms,
        host_ms,
        driver_ms,
        count,
    )


if __name__ == "__main__":
    wall_ms, used_ms = measure_instant()
    print(f"instrument answers at once: {wall_ms:.2f} ms, processor {used_ms:.2f} ms", flush=True)
    for between in (False, True):
        found = measure(
            between_processes=between, templates=5, host_ms=None if between else wall_ms
        )
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        told = {"podium up": between, "load": load, "layers/s": round(found.layers_per_s)}
        print(json.dumps(told), found, flush=True)
