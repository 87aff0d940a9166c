"""The CLOPS protocol (Wack et al. 2021, arXiv:2110.14108) on five qubits, by ``lab.run``.

Templates are circuits of as many layers as is asked: in each, qubits are paired at random, and each
pair has a random SU(4). A template is compiled once; each update sets new angles, which stand as
parameters, and plays so many shots. The figure is templates x updates x shots x layers over the
time of the facility's own clock: what hardware takes and what the host takes between two runs.

What an SU(4) is made of is three entangling gates between rotations about z, x, z, x, z of both.
ASSUMED: an entangling gate is a wait of as long as one takes, since the simulated chip plays none;
qubits are left alone between shots for :data:`RESET_NS`, as the protocol allows, since only time
counts. The host's share of an update is what ``lab.run`` takes beyond the driver, which plays the
same compiled program: pairs in turns, as in :mod:`overhead`.
"""

import asyncio
import json
import os
import random
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from overhead import Direct, _up

from podium.control.client.lab import Lab, open_facility
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.processes.child_processes import Children, podium
from podium.control.program.parameters import with_parameters
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
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S

QUBITS, LAYERS, SHOTS = 5, 5, 100
TEMPLATES, UPDATES = 100, 10
"""Of the protocol."""
GATE_NS, ENTANGLING_NS, READOUT_NS, RESET_NS = 20, 60, 600, 10_000
"""A rotation of a quarter turn about x; CZ of krinner2022's make; integration; between shots."""


@dataclass(frozen=True, slots=True)
class Clops:
    """What the updates of all templates took."""

    layers_per_s: float
    """Of facility time."""
    facility_ms: float
    """Facility time of one update."""
    played_ms: float
    """Of it, what the hardware plays."""
    host_ms: float
    """Median of what an update takes beyond the driver (wall)."""
    driver_ms: float
    """Median of what the driver takes for it (wall)."""
    updates: int


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
    *, between_processes: bool, templates: int = TEMPLATES, updates: int = UPDATES
) -> Clops:
    """Start the twin of a cluster with a chip, and play."""
    with tempfile.TemporaryDirectory() as folder:
        children = Children()
        try:
            return asyncio.run(
                _measure(Path(folder), children, between_processes, templates, updates)
            )
        finally:
            children.kill()


async def _measure(
    folder: Path, children: Children, between_processes: bool, templates: int, updates: int
) -> Clops:
    state = folder / "twin"
    chip = ("--chip", "krinner2022", "--qubits", QUBITS, "--name", "cluster_a")
    serve = podium("twin", "serve", "--model", "qblox_cluster", *chip, "--state", state)
    children.start("twin", [*serve, "--with-parent"], folder / "logs")
    file, endpoints = state / "facility.yaml", state / "endpoints.json"
    await children.wait_for(endpoints)
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


async def _played(
    lab: Lab, direct: Direct, facility: Facility, templates: int, updates: int
) -> Clops:
    compiling = compiler_for(facility)
    facility_fs, played_fs = 0, 0
    ours_s: list[float] = []
    driver_s: list[float] = []
    for number in range(templates):
        program, rng = template(facility, number), random.Random(number)
        await lab.run(program)  # compiled once
        numbers = [angles(program, rng) for _ in range(updates)]
        before = await lab.now()
        for one in numbers:
            began = time.perf_counter()
            await lab.run(program, parameters=one)
            ours_s.append(time.perf_counter() - began)
        facility_fs += (await lab.now()).total_fs - before.total_fs
        for one in numbers:
            artifact = compiling(with_parameters(program, one))["cluster_a"]
            driver_s.append(await direct.run(artifact))
            played_fs += artifact.duration_fs
    count = templates * updates
    return Clops(
        count * SHOTS * LAYERS / (facility_fs / FS_PER_S),
        1e3 * facility_fs / FS_PER_S / count,
        1e3 * played_fs / FS_PER_S / count,
        1e3 * float(np.median(np.array(ours_s) - np.array(driver_s))),
        1e3 * float(np.median(driver_s)),
        count,
    )


if __name__ == "__main__":
    for between in (False, True):
        found = measure(between_processes=between, templates=5)
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        print(json.dumps({"podium up": between, "load": load}), found, flush=True)
