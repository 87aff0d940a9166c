"""Runs a handful of programs on twins with a manual clock; prints a hash of each array of data.

    python docs/decisions/0035-same-to-the-bit.py

It runs in a checkout of before decision 35 (625618cd) as in one of after it. On the same twins
(``--twins``) both print the same.
"""

import argparse
import asyncio
import hashlib
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from podium.control.agent.compiled_programs import CompiledPrograms
from podium.control.facility.load import load_facility
from podium.control.lab import Lab, open_facility
from podium.control.program.conditions import Condition, Discriminator
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.serialise import to_json
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, to_plain

WIRINGS = next(
    name
    for name in ("podium.control.families.family", "podium.control.agent.start_wiring")
    if find_spec(name.rpartition(".")[0]) and find_spec(name)
)
"""Where it is found how controllers are started, after and before."""
EXAMPLES = Path(__file__).parents[2] / "examples"
OF_TWINS = [Path(sys.executable).with_name("podium")]
"""The command that serves the twins: of this checkout, or of another one."""
SEED = 7
START_S = 900.0
"""Kernels may have to be compiled, on a busy machine."""
DRIVE_HZ, READOUT_HZ = 5.71e9, 7.04e9
"""Of q1, as the examples' files have them; what they hide is near."""
FLIGHT_NS = 152
NODES = ("node_a", "node_b")


def frames_of(node: str) -> tuple[Frame, Frame]:
    return (
        Frame(f"drive of {node}", f"{node}.q1.drive", DRIVE_HZ),
        Frame(f"readout of {node}", f"{node}.q1.readout", READOUT_HZ),
    )


def shot(node: str, capture: str, pulse: Any, told_apart: bool = False) -> tuple[Any, ...]:
    """Return what a node does in one shot: wait, pulse, read out."""
    drive, readout = (one.name for one in frames_of(node))
    discriminator = Discriminator(0.1, 0.0) if told_apart else None
    return (
        Delay((drive, readout), ns=20_000),
        Barrier((drive, readout)),
        pulse,
        Barrier((drive, readout)),
        Capture(readout, capture, ns=600, delay_ns=FLIGHT_NS + 40, discriminator=discriminator),
        Play(readout, Square(ns=640), 0.2),
        Delay((readout,), ns=FLIGHT_NS),
        Barrier((drive, readout)),
    )


def programs(nodes: tuple[str, ...]) -> Iterator[Program]:
    """Yield the programs: a sweep, single shots, a sweep of times, and feedback on one node."""
    frames = tuple(frame for node in nodes for frame in frames_of(node))
    everybody = tuple(frame.name for frame in frames)
    pulse = Gaussian(ns=40, sigma_ns=10)
    amplitude = Axis("pulse", (Variable("amplitude", "1", Linear(0, 0.9, 7)),))
    delay = Axis("delay", (Variable("wait", "ns", Linear(40, 4_040, 5)),))

    def body(value: Any) -> tuple[Any, ...]:
        return tuple(
            said
            for node in nodes
            for said in shot(node, f"of {node}", Play(f"drive of {node}", pulse, value))
        )

    yield Program("a sweep", frames, body(Affine("amplitude")), (amplitude,), shots=60)
    yield Program("single shots", frames, body(0.4), shots=40, keep_shots=True)
    before = tuple(Play(f"drive of {node}", pulse, 0.4) for node in nodes)
    waits = (Barrier(everybody), Delay(everybody, Affine("wait")))
    yield Program("a sweep of times", frames, (*before, *waits, *body(0.4)[2:]), (delay,), 30)
    if len(nodes) == 1:
        (node,) = nodes
        drive = f"drive of {node}"
        first = shot(node, "first", Play(drive, pulse, 0.4), told_apart=True)
        known = (Delay((drive,), ns=1_200), Barrier(everybody))
        again = If(Condition(("first",)), (Play(drive, pulse, 0.4),))
        second = shot(node, "second", Delay((drive,), ns=40))
        yield Program(
            "feedback", frames, (*first, *known, again, *second), shots=20, keep_shots=True
        )


@contextmanager
def twins(example: str, folder: Path) -> Iterator[tuple[Path, Path]]:
    """Serve the twins of an example; yield its facility file and where they are."""
    facility, world = EXAMPLES / example / "facility.yaml", folder / f"{example}.yaml"
    endpoints = folder / f"{example}.json"
    subprocess.run(
        [_podium(), "twin", "sample", facility, "--seed", str(SEED), "--out", world],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    command = [_podium(), "twin", "serve", facility, "--twin", world, "--endpoints", endpoints]
    with subprocess.Popen(
        [*command, "--clock", "manual", "--with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as serving:
        try:
            ends_s = time.monotonic() + START_S
            while not endpoints.exists():
                if serving.poll() is not None or time.monotonic() > ends_s:
                    raise SystemExit(f"{example}: its twins do not get ready")
                time.sleep(0.1)
            yield facility, endpoints
        finally:
            serving.terminate()


@asynccontextmanager
async def lab_of(example: str, folder: Path) -> AsyncGenerator[Lab]:
    state = folder / example / "state.json"
    state.parent.mkdir()
    with twins(example, folder) as (facility, endpoints):
        async with open_facility(facility, endpoints, state=state) as lab:
            yield lab


async def machine_code(example: str, program: Program) -> dict[str, bytes]:
    """Return what each cluster plays where all start at one time, programs and waveforms."""
    facility = load_facility(EXAMPLES / example / "facility.yaml")
    wirings = import_module(WIRINGS).wirings_of(facility, tuple(facility.instruments))
    compiler = import_module(WIRINGS).compiler_for(facility)
    part = await CompiledPrograms(compiler, facility, wirings).compile(to_json(program), timed=True)
    return {
        name: json.dumps(to_plain(made), sort_keys=True).encode()
        for name, made in part.artifacts.items()
        if isinstance(made, ClusterProgram)
    }


def tell(where: str, what: str, content: bytes) -> None:
    """Print a line of the table."""
    print(f"| {where} | {what} | `{hashlib.sha256(content).hexdigest()[:32]}` |", flush=True)


async def play(example: str, node: str, folder: Path) -> None:
    """Play all programs on one node; print the hash of what each has brought back."""
    async with lab_of(example, folder) as lab:
        for program in programs((node,)):
            data = await lab.run(program)
            for name in sorted(map(str, data.data_vars)):
                array = data[name].values
                where = f"{example}: {program.name}, {name}"
                tell(where, f"{array.dtype} {array.shape}", array.tobytes())


async def compile_for(example: str, nodes: tuple[str, ...]) -> None:
    """Print the hash of the machine code with which all nodes start at one time.

    Their data are not the same from one run to the next, before or after: what qubits and clocks
    do is a function of world time, and world time at T0 depends on how often agents look at their
    clocks while they wait, which they do by the host's time.
    """
    for program in programs(nodes):
        for name, code in sorted((await machine_code(example, program)).items()):
            tell(f"{example}: {program.name}, {name}", "machine code", code)


def _podium() -> Path:
    return OF_TWINS[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--twins", type=Path, help="the command `podium` of whose twins to take")
    asked = parser.parse_args()
    if asked.twins is not None:
        OF_TWINS[0] = asked.twins
    warnings.simplefilter("ignore")
    print("| what | array | SHA-256, first half |\n| --- | --- | --- |")
    for example in ("first_light", "first_light_zi"):
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(play(example, NODES[0], Path(folder)))
    asyncio.run(compile_for("two_nodes", NODES))


if __name__ == "__main__":
    main()
