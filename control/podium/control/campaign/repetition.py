"""``python -m podium.control.campaign.repetition``: one world brought up again and again.

Every repetition begins with an empty store. Every other one begins elsewhere: with design values
that are moved by some spreads, so that what a routine takes over from its start shows. The world
is asked for its truth after the last measurement.
"""

import asyncio
import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from podium.control.bus.gather import ungrouped
from podium.control.bus.shutdown import run_until_terminated
from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import BRING_UP, ROUTINES
from podium.control.calibration.runner import Runner
from podium.control.client.facility_access import open_facility
from podium.control.demo.arguments import (
    add_reset_argument,
    add_world_arguments,
    world_options,
)
from podium.control.facility.atomic_files import write_text
from podium.control.facility.facility import Qubit
from podium.control.facility.frozen_map import FrozenMap
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.processes import simulation
from podium.control.processes.child_processes import Children, processor_time_s
from podium.firmware_interfaces.exact_time import FS_PER_S


@dataclass(slots=True)
class Repetition:
    """Holds the results of one node's steps, from one start."""

    number: int
    node: str
    moved: bool
    """It began with moved design values."""
    steps: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as ``summary.json`` has it."""
        return {
            "number": self.number,
            "node": self.node,
            "moved": self.moved,
            "steps": self.steps,
        }


def moved_start(qubit: Qubit, spreads: float, seed: int) -> Qubit:
    """Return the qubit with each design value moved by ``spreads`` of its spreads, up or down.

    The signs depend on the seed and the qubit alone.
    """
    draw = np.random.default_rng([seed, *qubit.name.encode()])
    signs = draw.choice((-1.0, 1.0), size=len(qubit.design))
    return replace(
        qubit,
        design=FrozenMap(
            {
                name: replace(known, value=known.value + sign * spreads * known.spread)
                for (name, known), sign in zip(sorted(qubit.design.items()), signs, strict=True)
            }
        ),
    )


async def repeat(
    runner: Runner,
    qubits: tuple[Qubit, ...],
    number: int,
    steps: tuple[str, ...],
    thoroughness: float,
    *,
    moved: bool = False,
    active_reset: bool = False,
) -> Repetition:
    """Bring the qubits of one node up with an empty store; raises ``RunError``."""
    facility = runner.facility
    levels = {q.flux_port: facility.bias_at(q) for q in facility.with_flux_line(qubits)}
    if levels:
        await runner.bias(levels)
    node = qubits[0].node
    bench = Bench(
        runner,
        node,
        qubits,
        MemoryRecord(),
        keep=lambda data: None,
        thoroughness=thoroughness,
        active_reset=active_reset,
    )
    done = Repetition(number, node, moved)
    before = (await runner.now()).total_fs
    async for outcome in bring_up(bench, steps, ROUTINES):
        now = (await runner.now()).total_fs
        done.steps.append(
            {
                "routine": outcome.routine,
                "lab_s": (now - before) / FS_PER_S,
                "measured": {
                    name: {"value": one.value, "sigma": one.sigma, "unit": one.unit}
                    for name, one in outcome.measured.items()
                },
                "failures": outcome.failures,
            }
        )
        before = now
    return done


async def repetitions(arguments: Namespace) -> list[Repetition]:
    """Draw and serve the world, and bring it up so many times; write ``summary.json``."""
    begin = time.monotonic()
    folder: Path = arguments.report
    twin, endpoints = folder / "twin.yaml", folder / "endpoints.json"
    children = Children()
    done: list[Repetition] = []
    try:
        await simulation.draw_world(
            arguments.facility, arguments.seed, twin, world_options(arguments)
        )
        await simulation.serve(children, arguments.facility, twin, endpoints)
        async with open_facility(arguments.facility, endpoints=endpoints) as lab:
            by_node: dict[str, tuple[Qubit, ...]] = {}
            for qubit in lab.facility.qubits().values():
                by_node[qubit.node] = (*by_node.get(qubit.node, ()), qubit)
            for number in range(arguments.repeats):
                moved = bool(number % 2) and arguments.moved != 0
                started = time.monotonic()
                async with ungrouped(), asyncio.TaskGroup() as tasks:
                    working = [
                        tasks.create_task(
                            repeat(
                                lab,
                                tuple(moved_start(q, arguments.moved, arguments.seed) for q in own)
                                if moved
                                else own,
                                number,
                                tuple(arguments.steps or BRING_UP),
                                arguments.thoroughness,
                                moved=moved,
                                active_reset=arguments.reset == "active",
                            )
                        )
                        for own in by_node.values()
                    ]
                done += [one.result() for one in working]
                took_s = time.monotonic() - started
                print(f"repetition {number} of {arguments.repeats}: {took_s:.1f} s", flush=True)
        truth = await simulation.told_truth(twin)
    finally:
        await children.end()
    content: Mapping[str, Any] = {
        "truth": {name: {"value": one.value, "unit": one.unit} for name, one in truth.items()},
        "repetitions": [one.to_json() for one in done],
        "cpu_s": processor_time_s(),
        "wall_s": time.monotonic() - begin,
    }
    write_text(folder / "summary.json", json.dumps(content) + "\n")
    return done


def main() -> int:
    """Repeat what the command line asks for."""
    parser = ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--facility", type=Path, required=True)
    run_until_terminated(repetitions(parser.parse_args()))
    return 0


def add_arguments(parser: ArgumentParser) -> None:
    """Add what a campaign hands on."""
    parser.add_argument("--repeats", type=int, default=20, metavar="N")
    parser.add_argument("--moved", type=float, default=1.0, metavar="SPREADS")
    parser.add_argument("--thoroughness", type=float, default=1.0, metavar="X")
    add_reset_argument(parser)
    add_world_arguments(parser)
    parser.add_argument("--steps", nargs="+", choices=tuple(ROUTINES), metavar="ROUTINE")


if __name__ == "__main__":
    sys.exit(main())
