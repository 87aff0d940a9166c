"""Runs a handful of programs on twins with a manual clock; prints a hash of each array of data.

    python docs/decisions/0035-same-to-the-bit.py

It needs nothing but what is installed and the examples beside it, so that it runs in a checkout of
before decision 35 as in one of after it. What they print has to be the same.
"""

import argparse
import asyncio
import hashlib
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

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
from podium.control.program.waveforms import Gaussian, Square

EXAMPLES = Path(__file__).parents[2] / "examples"
PODIUM = Path(sys.executable).with_name("podium")
SEED = 7
ATTEMPTS = 12
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
        [PODIUM, "twin", "sample", facility, "--seed", str(SEED), "--out", world],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    command = [PODIUM, "twin", "serve", facility, "--twin", world, "--endpoints", endpoints]
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


async def played(lab: Lab, program: Program) -> Any:
    """Run a program; once more where its start was late.

    A manual clock goes on by 1 ms with each answer, so that a start at a time is late until the
    lead has grown.
    """
    for attempt in range(ATTEMPTS):
        try:
            return await lab.run(program, corrected=False)
        except Exception as error:  # the two checkouts have it in different rooms
            if type(error).__name__ not in ("RunFailed", "StartLate"):
                raise
            print(f"attempt {attempt}: {error}", file=sys.stderr)
    raise SystemExit(f"{program.name}: it was never started in time")


async def play(example: str, nodes: tuple[str, ...], folder: Path) -> None:
    """Play all programs on an example and print the hash of what each has brought back."""
    async with lab_of(example, folder) as lab:
        for program in programs(nodes):
            data = await played(lab, program)
            for name in sorted(map(str, data.data_vars)):
                array = data[name].values
                digest = hashlib.sha256(array.tobytes()).hexdigest()
                where = f"{example}: {program.name}, {name}"
                print(f"| {where} | {array.dtype} {array.shape} | `{digest[:32]}` |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="the example whose name begins with this")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| what | array | SHA-256, first half |\n| --- | --- | --- |")
    for example, nodes in (
        ("first_light", NODES[:1]),
        ("first_light_zi", NODES[:1]),
        ("two_nodes", NODES),
    ):
        if example.startswith(asked.only):
            with tempfile.TemporaryDirectory() as folder:
                asyncio.run(play(example, nodes, Path(folder)))


if __name__ == "__main__":
    main()
