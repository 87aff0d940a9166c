"""The CLOPS protocol (Wack et al. 2021, arXiv:2110.14108) on five qubits, by prepared programs.

Templates are circuits of as many layers as is asked: in each, qubits are paired at random, and each
pair has a random SU(4). A template is prepared once; each update fires it with new angles, which
stand as parameters, and plays so many shots. Angles of an update come from a generator that is
seeded by the data of the update before, so none can be sent ahead.

The figure is templates x updates x shots x layers over *facility time*: the time from one update to
the next where the instrument takes none but what its hardware plays. It is measured, not summed up:
a cluster of :mod:`prompt_cluster` assembles and arms at once, runs for as long as the compiled
program lasts, and stops. All else is real: client, coordinator, agent, driver and sockets, in one
process or over ``podium up``, with the bus, its router and its certificates. It uses a processor
itself, which is told, and which a cluster would have of its own. Not in the figure are what a real
cluster takes to assemble a text, which is not known to us, and a wire that is slower than the
computer's own: an update brings 655 kB of scopes with its bins, 5 ms on a line of 1 Gbit/s, since
the vendor's protocol has no way to leave them out.

Twins compute for as long as a tenth of a second for an update. That is theirs, and stands beside it
as a figure of its own (:func:`measure_twin`): over the wall, as it is.

What an SU(4) is made of is three entangling gates between rotations about z, x, z, x, z of both.
ASSUMED: an entangling gate is a wait of as long as one takes, since the simulated chip plays none.
Each shot ends with the readout of all qubits, one result after the other as the trigger network
takes them, and a flip of those that are found in 1, which resets them for the next. Only time
counts here: pulses and thresholds are uncalibrated.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import prompt_cluster
import psutil
from overhead import _up

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.memory import MemoryBus
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.processes.child_processes import Children, podium
from podium.control.program.conditions import Discriminator, is_one
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Parameter,
    Play,
    Program,
    ShiftPhase,
    Statement,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.drivers.roles import Acquired, Identity
from podium.drivers.worker import Worker
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.models import known_models
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram
from podium.firmware_interfaces.tai import Tai

FS_PER_MS = 10**12
QUBITS, LAYERS, SHOTS = 5, 5, 100
TEMPLATES, UPDATES = 100, 10
"""Of the protocol."""
TWIN_TEMPLATES = 5
"""Of those, on a twin."""
FIRES, WARM = 500, 50
"""On an instrument that answers at once; before it is measured."""
GATE_NS, ENTANGLING_NS, READOUT_NS = 20, 60, 600
"""A rotation of a quarter turn about x; CZ of krinner2022's make; integration."""
FLIGHT_NS, APART_NS, RESULT_NS = 200, 252, 400
"""Until a window opens; between results on the trigger network; until one can be acted on."""


@dataclass(frozen=True, slots=True)
class Clops:
    """What the updates of all templates took."""

    layers_per_s: float
    """Over all updates."""
    update_ms: float
    """Median of the time of an update."""
    quick_ms: float
    """Of its quickest twentieth: what it comes down to where others use the machine, too."""
    played_ms: float
    """What the hardware plays of that."""
    control_ms: float
    """Processor time for an update of all processes of control together."""
    instrument_ms: float
    """Of the instrument's process."""
    updates: int

    @property
    def host_ms(self) -> float:
        """What an update takes beyond what is played: host, driver and wire."""
        return self.update_ms - self.played_ms


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
    for place, (frame, qubit) in enumerate(zip(reads, qubits, strict=True)):
        window = READOUT_NS * FS_PER_NS, FLIGHT_NS * FS_PER_NS
        body += [
            Delay((frame.name,), place * APART_NS * FS_PER_NS),
            Capture(frame.name, qubit.name, *window, Discriminator(0.0, 0.0)),
            Play(frame.name, Square(sum(window)), 0.1),
        ]
    body += [Barrier(names), Delay(names, RESULT_NS * FS_PER_NS), Barrier(names)]
    for frame, qubit in zip(drives, qubits, strict=True):
        flip = Play(frame.name, pulse, 0.2)
        body.append(If(is_one(qubit.name), (flip, flip)))
    body.append(Barrier(names))
    return Program(f"clops {number}", (*drives, *reads), tuple(body), (), shots=SHOTS)


def angles(program: Program, rng: random.Random) -> dict[str, float]:
    """Return new angles, turns, for every parameter of a template."""
    found: dict[str, float] = {}
    for statement in program.body:
        if isinstance(statement, ShiftPhase) and isinstance(statement.turns, Parameter):
            found[statement.turns.name] = rng.random()
    return found


def measure_prompt(
    *, between_processes: bool, templates: int = TEMPLATES, updates: int = UPDATES
) -> Clops:
    """Play on a cluster that takes no time but that of its program."""
    return _measured(between_processes, templates, updates, prompt=True)


def measure_twin(
    *, between_processes: bool, templates: int = TWIN_TEMPLATES, updates: int = UPDATES
) -> Clops:
    """Play on the twin of a cluster with a chip."""
    return _measured(between_processes, templates, updates, prompt=False)


def _measured(between_processes: bool, templates: int, updates: int, *, prompt: bool) -> Clops:
    with tempfile.TemporaryDirectory() as folder:
        children = Children()
        try:
            return asyncio.run(
                _measure(Path(folder), children, between_processes, (templates, updates), prompt)
            )
        finally:
            children.kill()


async def _files(folder: Path, children: Children) -> tuple[Path, Path]:
    """Start the twin, and return the files of its facility and of its addresses."""
    state = folder / "twin"
    chip = ("--chip", "krinner2022", "--qubits", QUBITS, "--name", "cluster_a")
    serve = podium("twin", "serve", "--model", "qblox_cluster", *chip, "--state", state)
    children.start("twin", [*serve, "--with-parent"], folder / "logs")
    await children.wait_for(state / "endpoints.json")
    return state / "facility.yaml", state / "endpoints.json"


async def _measure(
    folder: Path,
    children: Children,
    between_processes: bool,
    size: tuple[int, int],
    prompt: bool,
) -> Clops:
    file, endpoints = await _files(folder, children)
    instrument = children.running[-1]
    if prompt:
        twin, endpoints = endpoints, folder / "prompt.json"
        words = [sys.executable, prompt_cluster.__file__, str(twin), str(endpoints)]
        instrument = children.start("prompt cluster", words, folder / "logs")
        await children.wait_for(endpoints)
    instruments = {child.process.pid for child in children.running}
    facility = load_facility(file, endpoints)
    async with AsyncExitStack() as stack:
        opened = _up(folder, children, file, endpoints)
        lab = await stack.enter_async_context(
            opened if between_processes else open_facility(file, endpoints)
        )
        await lab.ready(60)
        first = await lab.prepare(template(facility, 0))
        await first.fire()
        if prompt:
            assert instrument.process.stdin is not None
            instrument.process.stdin.write(f"{first.duration_fs / FS_PER_MS}\n".encode())
            instrument.process.stdin.flush()
            for _ in range(WARM):
                await first.fire()
        control = _beside(instruments)
        used_of = partial(_used_s, control, psutil.Process(instrument.process.pid))
        return await _played(lab, facility, *size, used_of)


def _beside(instruments: Iterable[int]) -> list[psutil.Process]:
    """Return this process and all that it has started, without those of instruments."""
    own = psutil.Process()
    apart = [one for pid in instruments for one in psutil.Process(pid).children(recursive=True)]
    left_out = {*instruments, *(one.pid for one in apart)}
    return [own, *(one for one in own.children(recursive=True) if one.pid not in left_out)]


def _used_s(control: Iterable[psutil.Process], instrument: psutil.Process) -> tuple[float, float]:
    """Return processor time of control and of the instrument, s."""
    return sum(map(_time_s, control)), _time_s(instrument)


def _time_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _played(
    lab: Lab,
    facility: Facility,
    templates: int,
    updates: int,
    used_s: Callable[[], tuple[float, float]],
) -> Clops:
    took_s: list[float] = []
    used = np.zeros(2)
    for number in range(templates):
        program, rng = template(facility, number), random.Random(number)
        prepared = await lab.prepare(program)
        await prepared.fire(angles(program, rng))
        seed = 0
        before = np.array(used_s())
        for update in range(updates):
            numbers = angles(program, random.Random(seed))
            began = time.perf_counter()
            fired = await prepared.fire(numbers)
            took_s.append(time.perf_counter() - began)
            seed = update + hash(complex(sum(fired[name].sum() for name in fired.captures)))
        used += np.array(used_s()) - before
    control_ms, instrument_ms = 1e3 * used / len(took_s)
    return Clops(
        len(took_s) * SHOTS * LAYERS / sum(took_s),
        1e3 * float(np.median(took_s)),
        1e3 * float(np.percentile(took_s, 5)),
        prepared.duration_fs / FS_PER_MS,
        float(control_ms),
        float(instrument_ms),
        len(took_s),
    )


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


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TEMPLATES
    wall_ms, used_ms = measure_instant()
    print(f"instrument answers at once: {wall_ms:.2f} ms, processor {used_ms:.2f} ms", flush=True)
    for between in (False, True):
        load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
        found = measure_prompt(between_processes=between, templates=count)
        told = {"podium up": between, "load": load, "layers/s": round(found.layers_per_s)}
        print(json.dumps(told), found, flush=True)
