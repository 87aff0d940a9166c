"""Programs that do what they measure, by ``lab.run`` on the calibrated twins of the example."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from tests.benches.docs.keep_report import KEPT

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.refit import AGELESS
from podium.control.calibration.reset import active_reset
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_all,
)
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.compilers.qblox.triggers import LEAST_DELAY_FS
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.conditions import is_one, is_zero
from podium.control.program.program import (
    Barrier,
    Delay,
    If,
    Program,
    RepeatUntil,
    Statement,
)
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import open_serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_light" / "facility.yaml"
pytestmark = pytest.mark.asyncio(loop_scope="module")

NS = 1_000_000
QUBIT = "node_a.q1"


@dataclass(frozen=True, slots=True)
class Node:
    """A qubit that was calibrated."""

    lab: Lab
    pulses: Pulses
    qubits: Mapping[str, Qubit]
    fidelity: float
    t1_ns: float

    @property
    def frames(self) -> tuple[str, ...]:
        return self.pulses.drive, self.pulses.readout

    def read(self, name: str) -> list[Statement]:
        """Measure, and wait until the result is there and the resonator is empty."""
        return [
            Barrier(self.frames),
            *self.pulses.measure(name=name, discriminator=self.pulses.discriminator()),
            Barrier(self.frames),
            Delay(self.frames, LEAST_DELAY_FS),
        ]

    def program(self, name: str, *body: Statement, shots: int = 400) -> Program:
        frames = (self.pulses.drive_frame(), self.pulses.readout_frame())
        rest = Delay(self.frames, round(6 * self.t1_ns / 4) * 4 * NS)
        whole = (rest, *body, Barrier(self.frames), Delay(self.frames, 400 * NS))
        return Program(name, frames, whole, shots=shots, keep_shots=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    entries = [ParameterEntry(**row) for row in json.loads((KEPT / "parameters.json").read_text())]
    record = MemoryRecord(entries)
    async with open_serving(EXAMPLE, KEPT / "twin.yaml", WorldClock(ClockMode.LEAP)) as serving:
        endpoints = folder / "endpoints.json"
        endpoints.write_text(json.dumps(serving.endpoints()))
        async with open_facility(EXAMPLE, endpoints, state=folder / "up.json") as lab:
            await lab.ready(30)
            qubits = lab.facility.qubits()
            levels = {
                qubit.flux_port: record.get(f"{name}.sweet_spot").value
                for name, qubit in qubits.items()
            }
            await lab.bias(levels)
            bench = Bench(lab, "node_a", tuple(qubits.values()), record, keep=lambda data: None)
            yield Node(
                lab,
                Pulses(bench, qubits[QUBIT]),
                qubits,
                record.get(f"{QUBIT}.assignment_fidelity").value,
                record.get(f"{QUBIT}.t1").value * 1e9,
            )


def share(values: np.ndarray, given: np.ndarray) -> float:
    """Share of ones among the shots in which ``given`` holds."""
    return float(values[given].mean())


async def test_active_reset_leaves_what_decay_and_assignment_leave(node: Node) -> None:
    """Half a pi pulse makes 1 of every second shot; what is found so is flipped back.

    What is left after it: the first reading was wrong, or the level fell between the readings. Both
    show without the reset as well, in the shots whose second reading is another than the first.
    """
    pulses, shots = node.pulses, 800
    body = [pulses.half_pi(), *node.read("first")]
    bare = await node.lab.run(node.program("bare", *body, *node.read("then"), shots=shots))
    flips = If(is_one("first"), (pulses.pi(),))
    data = await node.lab.run(
        node.program("active reset", *body, flips, *node.read("then"), shots=shots)
    )
    first, then = data.first_outcome.values, data.then_outcome.values
    assert first.shape == then.shape == (shots,)
    assert set(np.unique(first)) == {0.0, 1.0}
    sigma = 0.5 / np.sqrt(shots)
    assert abs(first.mean() - 0.5) < 5 * sigma + 0.03
    assert bare.then_outcome.mean() > 0.38, "without reset it stays"
    went = 1 - share(bare.then_outcome.values, bare.first_outcome.values == 1)
    expected = first.mean() * went + (1 - node.fidelity)
    spread = np.sqrt(expected * (1 - expected) / shots)
    assert then.mean() < expected + 5 * spread, (then.mean(), expected)
    assert then.mean() < 0.1 * bare.then_outcome.mean()
    iq = data.first_i.values + 1j * data.first_q.values
    one = pulses.discriminator()
    turned = (iq * np.exp(2j * np.pi * one.rotation_turns)).real
    np.testing.assert_array_equal(turned >= one.threshold_v, first == 1)


async def test_shots_that_are_averaged_have_the_mean_of_their_results(node: Node) -> None:
    program = node.program("pi", node.pulses.pi(), *node.read("m"), shots=300)
    data = await node.lab.run(replace(program, keep_shots=False))
    assert data.m_outcome.shape == ()
    assert data.m_outcome > 0.9
    assert data.m_outcome.attrs["units"] == "1"
    assert "m_count" not in data


async def test_a_gate_depends_on_the_result_of_another_qubit(node: Node) -> None:
    """q1 is flipped where q0 was found in 1: both end alike."""
    other = replace(node, pulses=replace(node.pulses, qubit=node.qubits["node_a.q0"]))
    mine, its = node.pulses, other.pulses
    frames = (*node.frames, *other.frames)
    body = (
        Delay(frames, round(6 * node.t1_ns / 4) * 4 * NS),
        its.half_pi(),
        *other.read("cause"),
        Barrier(frames),
        If(is_one("cause"), (mine.pi(),)),
        Barrier(frames),
        *node.read("effect"),
        Barrier(frames),
        Delay(frames, 400 * NS),
    )
    all_frames = (
        mine.drive_frame(), mine.readout_frame(), its.drive_frame(), its.readout_frame(),
    )  # fmt: skip
    data = await node.lab.run(Program("cnot", all_frames, body, shots=400, keep_shots=True))
    cause, effect = data.cause_outcome.values, data.effect_outcome.values
    assert 0.4 < cause.mean() < 0.6
    assert share(effect, cause == 1) > 0.9
    assert share(effect, cause == 0) < 0.08


async def test_it_is_repeated_until_it_is_0(node: Node) -> None:
    pulses, shots = node.pulses, 300
    body = (*node.read("m"), If(is_one("m"), (pulses.pi(),)))
    data = await node.lab.run(
        node.program(
            "until 0", pulses.pi(), RepeatUntil(body, is_zero("m"), 4), *node.read("last"),
            shots=shots,
        )
    )  # fmt: skip
    tries, ones = data.m_count.values, data.m_outcome.values * data.m_count.values
    assert set(np.unique(tries)) <= {1, 2, 3, 4}
    ones = np.rint(ones)
    assert np.all(ones[tries < 4] == tries[tries < 4] - 1), "it ended with its first 0"
    assert np.mean(tries == 2) > 0.8, "found in 1, flipped, found in 0"
    assert data.last_outcome.mean() < 0.05
    assert "last_count" not in data


@pytest.mark.slow
async def test_routines_that_flip_find_what_is_true(node: Node) -> None:
    """All three qubits, measured and flipped before each shot; few shots, since they are slow.

    Of nine values none lies beyond five sigmas, nor does one depend on what flips leave in 1.
    """
    truth = json.loads((KEPT / "truth.json").read_text())
    bench = replace(node.pulses.bench, active_reset=True, thoroughness=0.05, validities=AGELESS)
    steps = ("rabi", "relaxation", "echo")
    outcomes = [outcome async for outcome in bring_up(bench, steps)]
    found = {name: one for outcome in outcomes for name, one in outcome.measured.items()}
    assert [outcome.failures for outcome in outcomes] == [{}] * len(steps)
    assert len(found) == 3 * len(steps)
    for name, one in found.items():
        assert one.sigma < 0.25 * one.value
        if name in truth:
            assert abs(one.value - truth[name]["value"]) < 5 * one.sigma, name


@pytest.mark.slow
async def test_flips_leave_no_more_in_1_than_their_errors(node: Node) -> None:
    """After a half-pi pulse, two rounds: 0.9 % by rate equations, and what the readout gets wrong.

    A passive wait as short would leave nearly all of the half.
    """
    bench = replace(node.pulses.bench, active_reset=True)
    pulses = all_pulses(bench, bench.qubits)
    frames = frame_names(pulses)
    body = [
        *(p.half_pi() for p in pulses),
        *active_reset(pulses, frames),
        *measure_all(pulses),
        Barrier(frames),
    ]
    program = Program("left over", frames_of(pulses), tuple(body), shots=600, keep_shots=True)
    data = await node.lab.run(program)
    for p in pulses:
        reference = levels(bench, p.qubit)
        ones = reference.project(iq_of(data, p.qubit.element)) > 0.5
        assert data[f"{p.qubit.element}_reset0_outcome"].values.mean() > 0.35
        assert np.mean(ones) < 0.05, p.qubit.name
