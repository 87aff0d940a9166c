"""What lab.run does without being asked, on the calibrated twins: parts, parameters, fractions."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import xarray
from tests.benches.docs.keep_report import KEPT

from podium.control.calibration.bench import Bench
from podium.control.calibration.sequences import Pulses
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Linear,
    Parameter,
    Play,
    Program,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Drag
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import open_serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_light" / "facility.yaml"
pytestmark = pytest.mark.asyncio(loop_scope="module")

NS = 1_000_000
QUBIT = "node_a.q1"
SHOTS = 200


class Node:
    """A qubit that was calibrated."""

    def __init__(self, lab: Lab, pulses: Pulses, rest_fs: int) -> None:
        self.lab = lab
        self.pulses = pulses
        self.frames = (pulses.drive, pulses.readout)
        self.rest_fs = rest_fs

    def program(self, name: str, *body: Statement, axes: tuple[Axis, ...] = ()) -> Program:
        frames = (self.pulses.drive_frame(), self.pulses.readout_frame())
        read = (Barrier(self.frames), *self.pulses.measure(name="m"), Barrier(self.frames))
        whole = (Delay(self.frames, self.rest_fs), *body, *read, Delay(self.frames, 400 * NS))
        return Program(name, frames, whole, axes=axes, shots=SHOTS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    record = MemoryRecord(
        ParameterEntry(**row) for row in json.loads((KEPT / "parameters.json").read_text())
    )
    async with open_serving(EXAMPLE, KEPT / "twin.yaml", WorldClock(ClockMode.LEAP)) as serving:
        endpoints = folder / "endpoints.json"
        endpoints.write_text(json.dumps(serving.endpoints()))
        async with open_facility(EXAMPLE, endpoints, state=folder / "up.json") as lab:
            await lab.ready(30)
            qubits = lab.facility.qubits()
            await lab.bias(
                {q.flux_port: record.get(f"{name}.sweet_spot").value for name, q in qubits.items()}
            )
            bench = Bench(lab, "node_a", tuple(qubits.values()), record, keep=lambda data: None)
            t1_ns = record.get(f"{QUBIT}.t1").value * 1e9
            yield Node(lab, Pulses(bench, qubits[QUBIT]), round(6 * t1_ns / 4) * 4 * NS)


def heard(data: xarray.Dataset) -> np.ndarray:
    return data.m_i.to_numpy() + 1j * data.m_q.to_numpy()


async def test_a_pi_pulse_between_two_nanoseconds_is_one_and_more_of_them_than_fit_come_in_parts(
    node: Node,
) -> None:
    pi = node.pulses.pi()
    assert isinstance(pi.waveform, Drag)
    count = 20 + 16_384 // (2 * pi.waveform.duration_fs // NS)
    steps = Axis("late", (Variable("late", "fs", Linear.steps(0, 3_003, count)),))
    late = (
        Delay((node.pulses.drive,), Affine("late", 1.0, 40 * NS)),
        pi,
        Delay((node.pulses.drive,), Affine("late", -1.0, 40 * NS)),
    )
    data = await node.lab.run(node.program("late", *late, axes=(steps,)))
    assert dict(data.sizes) == {"late": count}
    rounded = [one["what"] for one in json.loads(data.attrs["quantised"])]
    assert rounded.count(f"{node.pulses.drive}: amplitude of statement 2") > 1, "several parts"
    ground = heard(await node.lab.run(node.program("ground")))
    on_grid = heard(
        await node.lab.run(node.program("on the grid", Delay((node.pulses.drive,), 40 * NS), pi))
    )
    moved = (heard(data) - ground) / (on_grid - ground)
    # 200 shots: 0.014 of a point, and of what is at 0 and 1; seven of them together
    assert np.mean(moved.real) == pytest.approx(1.0, abs=0.12)
    assert np.abs(moved.real - 1).max() < 0.2, "at no fraction it is less of a pulse"


async def test_a_parameter_turns_the_qubit_from_run_to_run(node: Node) -> None:
    pi = node.pulses.pi()
    turn = Play(pi.frame, pi.waveform, Parameter("turn", 0.0))
    program = node.program("turn", turn)
    found = [
        heard(await node.lab.run(program, parameters={"turn": share * pi.amplitude}))
        for share in (0.0, 1.0, 0.5, 1.0, 0.0)
    ]
    ground, excited, half, again, back = found
    scale = abs(excited - ground)
    assert abs(again - excited) < 0.15 * scale
    assert abs(back - ground) < 0.15 * scale
    assert ((half - ground) / (excited - ground)).real == pytest.approx(0.5, abs=0.15)
