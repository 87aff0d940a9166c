"""Shots per second of a T1 scan that resets qubits by flips, as Podium compiles it.

``python -m benches.active_scan [shots]``: 40 delays, one qubit and three; each shot reads every
qubit twice and flips what is in 1, then comes the shot. Through the wire, control and simulation
in one process; once walked on the tree of outcomes and once, with a tenth of the shots, as it
comes. Readout is set and thresholds are found by two short runs.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routines import relaxation
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_at_once,
)
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.facility.example import ONE_NODE, example_facility
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Barrier, Program, Statement
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.truth import Truth, truth
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import open_serving
from podium.sim_instruments.twins.qblox_cluster.runs import execution
from podium.sim_instruments.twins.zurich.runs import feedback_run
from podium.sim_instruments.twins.zurich.runs.outcome_run import NotWalked

SEED = 7
SHOTS = 800
SHARE_AS_IT_COMES = 10
LEVEL_SHOTS = 400
SPREAD = 0.03
"""Variance of each cloud, of the distance squared: about what such a readout gives."""
SET = {"probe_amplitude": 0.07, "probe_duration": 600e-9, "pi_amplitude": 0.45}


@dataclass(frozen=True, slots=True, eq=False)
class ActiveScan:
    """What one scan took, and its data."""

    shots: int
    """Of all points together."""
    lab_s: float
    wall_s: float
    cpu_s: float
    """Of control and simulation."""
    walked: int
    """How many runs were walked on a tree."""
    data: xarray.Dataset


async def scans(
    folder: Path,
    counts: Mapping[int, int],
    seed: int = SEED,
    *,
    walks: bool = True,
    imperfect: Collection[str] = (),
    example: str = ONE_NODE,
) -> dict[int, ActiveScan]:
    """Scan so many qubits with so many shots, one after another, on one drawn world.

    ``walks``: whether runs may be walked; else they are played as they come. ``imperfect``:
    mixers that leak and add images. ``example``: a facility of one node.
    """
    facility, twin, endpoints = (
        example_facility(example),
        folder / "twin.yaml",
        folder / "ends.json",
    )
    world = sample(facility, seed, mixers=bool(imperfect))
    mixers = {name: one for name, one in world.mixers.items() if name in imperfect}
    world = world.model_copy(update={"mixers": mixers})
    write_world(world, twin)
    found: dict[int, ActiveScan] = {}
    with _counted_walks(walks) as walked:
        async with open_serving(facility, twin, WorldClock(ClockMode.MANUAL)) as serving:
            endpoints.write_text(json.dumps(serving.endpoints()))
            async with open_facility(facility, endpoints, state=folder / "state.json") as lab:
                await lab.ready(60)
                record = await _known(lab, truth(world.chip(), optima=False))
                qubits = tuple(lab.facility.qubits().values())
                for count, shots in counts.items():
                    bench = _bench(lab, qubits[:count], record)
                    found[count] = await _scan(bench, shots, walked)
    return found


def _bench(lab: Lab, qubits: tuple[Qubit, ...], record: MemoryRecord) -> Bench:
    return Bench(lab, qubits[0].node, qubits, record, lambda _: None, active_reset=True)


async def _scan(bench: Bench, shots: int, walked: list[bool]) -> ActiveScan:
    pulses = all_pulses(bench, bench.qubits)
    layouts = {
        q.name: relaxation.Layout.of(bench.known(q, "t1").value, relaxation.FLIPPING)
        for q in bench.qubits
    }
    program = relaxation._program(bench, pulses, layouts, shots)
    before, walks = await bench.runner.now(), sum(walked)
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    data = await bench.run(Outcome("scan", "scan"), program)
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    lab_s = ((await bench.runner.now()).total_fs - before.total_fs) * 1e-15
    points = len(next(iter(layouts.values())).delay_s)
    return ActiveScan(shots * points, lab_s, wall_s, cpu_s, sum(walked) - walks, data)


async def _known(lab: Lab, told: Mapping[str, Truth]) -> MemoryRecord:
    """Go to the sweet spots; return a record of truths, and of levels by two short runs."""
    qubits = tuple(lab.facility.qubits().values())
    now_s = float((await lab.now()).seconds)
    record = MemoryRecord()

    def put(values: Mapping[str, float]) -> None:
        record.put(
            ParameterEntry(name, value, abs(value) * 1e-3 + 1e-9, "1", "", "truth", now_s, 1)
            for name, value in values.items()
        )

    put({name: one.value for name, one in told.items()})
    for q in qubits:
        put({f"{q.name}.{name}": value for name, value in SET.items()})
        put({f"{q.name}.probe_frequency": told[f"{q.name}.readout_frequency"].value})
    await lab.bias({q.flux_port: told[f"{q.name}.sweet_spot"].value for q in qubits})
    bench = _bench(lab, qubits, record)
    pulses = all_pulses(bench, qubits)
    levels: dict[str, float] = {}
    for state in ("ground", "excited"):
        program = _at_rest(pulses, state == "excited")
        data = await bench.run(Outcome("levels", "levels"), program)
        for q in qubits:
            mean = complex(np.mean(iq_of(data, q.element)))
            levels |= {f"{q.name}.{state}_i": mean.real, f"{q.name}.{state}_q": mean.imag}
            levels |= {f"{q.name}.{state}_variance": SPREAD, f"{q.name}.readout_threshold": 0.5}
    put(levels)
    return record


def _at_rest(pulses: tuple[Pulses, ...], excited: bool) -> Program:
    """Return readouts of qubits that have relaxed, after a pi pulse or none."""
    frames = frame_names(pulses)
    body: list[Statement] = [*passive_reset(pulses, frames)]
    body += [p.pi() for p in pulses] if excited else []
    body += [Barrier(frames), *measure_at_once(pulses)]
    return Program("levels", frames_of(pulses), tuple(body), (), shots=LEVEL_SHOTS)


@contextmanager
def _counted_walks(walks: bool) -> Iterator[list[bool]]:
    """Note of each run that depends on what it measures whether it was walked."""
    noted: list[bool] = []
    walked, walk = execution.walked, feedback_run.walk

    def noting(*given: Any) -> Any:
        found = walked(*given) if walks else None
        noted.append(found is not None)
        return found

    def trying(*given: Any) -> Any:
        noted.append(False)
        if not walks:
            raise NotWalked("as it comes")
        found = walk(*given)
        noted[-1] = True
        return found

    execution.walked, feedback_run.walk = noting, trying
    try:
        yield noted
    finally:
        execution.walked, feedback_run.walk = walked, walk


def _told(count: int, one: ActiveScan) -> str:
    way = "walked" if one.walked else "as it comes"
    return (
        f"{count} qubit{'s' * (count > 1)}, {way}: {one.shots} shots, "
        f"{one.shots / one.cpu_s:.0f} shots/s of processor time, {one.shots / one.wall_s:.0f} of "
        f"wall time, {one.lab_s / one.wall_s:.2f} x the laboratory"
    )


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else SHOTS
    for way in (True, False):
        each = wanted if way else max(wanted // SHARE_AS_IT_COMES, 1)
        with tempfile.TemporaryDirectory() as place:
            done = asyncio.run(scans(Path(place), {1: each, 3: each}, walks=way))
        for number, result in done.items():
            print(_told(number, result), flush=True)
