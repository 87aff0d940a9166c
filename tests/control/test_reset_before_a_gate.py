"""Coupled qubits are read and flipped, and a flux pulse follows, by ``lab.run`` on the example."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from tests.benches.command_line import draw_world, values_of

from podium.control.calibration.sequences import one_after_another
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.program.conditions import Discriminator, is_one
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
    ShiftPhase,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import open_serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "two_qubit" / "facility.yaml"
NS = 10**6
QUBITS = ("q0", "q1")
EVERY = ("d0", "d1", "r0", "r1", "f")
FULL_SCALE_V = 2.5 * 10 ** (-14 / 20)
"""Half the range of the file's flux output, less its attenuation."""
REST_NS = 250_000
EMPTY_NS = 6_000_000
"""Then a line has forgotten its pulses, its high-pass of 0.44 ms included: all shots are alike."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, slots=True)
class Node:
    """Two coupled qubits, as the truth and two short scans have them."""

    lab: Lab
    frames: tuple[Frame, ...]
    pis: tuple[Play, ...]
    tells: tuple[Discriminator, ...]
    gate: Play

    def half(self, k: int) -> Play:
        return replace(self.pis[k], amplitude=self.pis[k].amplitude / 2)

    def read(self, name: str) -> list[Statement]:
        """Read both, and wait until results are there and resonators are empty."""
        each = [readout(k, f"{q}_{name}", self.tells[k]) for k, q in enumerate(QUBITS)]
        return [Barrier(EVERY), *one_after_another(each), Barrier(EVERY), Delay(EVERY, 1500 * NS)]

    def gates(self) -> list[Statement]:
        """Return X on q0, and around a flux pulse that brings 11 to 20 and back sqrt(X) on q1."""
        return [
            Barrier(EVERY),
            self.pis[0],
            Barrier(EVERY),  # two carriers at one time are dear
            self.half(1),
            Barrier(EVERY),
            self.gate,
            Delay(("f",), 20 * NS),
            Barrier(EVERY),
            ShiftPhase("d1", 0.2),
            self.half(1),
            Barrier(EVERY),
        ]

    async def run(self, name: str, *body: Statement, rest_ns: int, shots: int):
        whole = (Delay(EVERY, rest_ns * NS), Barrier(EVERY), *body)
        return await self.lab.run(Program(name, self.frames, whole, shots=shots, keep_shots=True))


def readout(k: int, name: str, tells: Discriminator | None = None) -> list[Statement]:
    listen = Capture(f"r{k}", name, 1000 * NS, 200 * NS, tells)
    return [listen, Play(f"r{k}", Square(1200 * NS), 0.1)]


def pi_amplitude(turning: np.ndarray) -> float:
    """Return the amplitude of half a turn, by the best of some thousand cosines."""
    amplitudes, turns = np.linspace(0, 0.95, 20), np.linspace(0.5, 2.0, 1501)
    waves = np.cos(2 * np.pi * turns[:, None] * amplitudes)
    waves -= waves.mean(axis=1, keepdims=True)
    overlap = (waves @ turning) ** 2 / np.sum(waves**2, axis=1)
    return float(0.5 / turns[np.argmax(overlap)])


async def found(lab: Lab, frames: tuple[Frame, ...], k: int) -> tuple[Play, Discriminator]:
    """Return the pi pulse of a qubit, and what tells its 1 from 0."""
    height = Variable("a", "1", Linear.steps(0.0, 0.05, 20))
    pulse = Play(f"d{k}", Gaussian(40 * NS, 10 * NS), Affine("a"))
    body = (Delay(EVERY, REST_NS * NS), Barrier(EVERY), pulse, Barrier(EVERY), *readout(k, "m"))
    data = await lab.run(Program(f"rabi {k}", frames, body, axes=(Axis("a", (height,)),), shots=80))
    points = data.m_i.values + 1j * data.m_q.values
    centred = points - points.mean()
    turn = np.exp(-0.5j * np.angle((centred**2).sum()))
    amplitude = pi_amplitude((centred * turn).real)
    flip = Play(f"d{k}", Gaussian(40 * NS, 10 * NS), amplitude)
    cloud = []
    for prepared in ((), (flip,)):
        body = (Delay(EVERY, REST_NS * NS), Barrier(EVERY), *prepared, Barrier(EVERY))
        whole = (*body, *readout(k, "m"))
        data = await lab.run(Program("cloud", frames, whole, shots=100, keep_shots=True))
        cloud.append(np.median(data.m_i.values) + 1j * np.median(data.m_q.values))
    apart = cloud[1] - cloud[0]
    turns = -np.angle(apart) / (2 * np.pi)
    level = ((cloud[0] + cloud[1]) / 2 * np.exp(2j * np.pi * turns)).real
    return flip, Discriminator(float(turns), float(level))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    folder = tmp_path_factory.mktemp("coupled")
    twin, endpoints = folder / "twin.yaml", folder / "endpoints.json"
    draw_world(EXAMPLE, twin, "--seed", "4")
    values = values_of(twin)
    frames = [
        Frame(f"{letter}{k}", f"node_a.{q}.{port}", values[f"node_a.{q}.{hz}"])
        for letter, port, hz in (("d", "drive", "f01"), ("r", "readout", "readout_frequency"))
        for k, q in enumerate(QUBITS)
    ]
    frames.append(Frame("f", "node_a.q0.flux", 0.0))
    async with open_serving(EXAMPLE, twin, WorldClock(ClockMode.LEAP)) as serving:
        endpoints.write_text(json.dumps(serving.endpoints()))
        async with open_facility(EXAMPLE, endpoints, state=folder / "up.json") as lab:
            await lab.ready(30)
            await lab.bias({f"node_a.{q}.flux": values[f"node_a.{q}.sweet_spot"] for q in QUBITS})
            both = [await found(lab, tuple(frames), k) for k in (0, 1)]
            height = values["node_a.q0_q1.cz_flux"] / FULL_SCALE_V
            gate = Play("f", Square(72 * NS), height)
            pis, tells = zip(*both, strict=True)
            yield Node(lab, tuple(frames), pis, tells, gate)


@pytest.mark.slow
async def test_a_gate_behind_an_active_reset_does_what_it_does_behind_a_long_wait(
    node: Node,
) -> None:
    shots = 200
    last = node.read("then")
    flips = [If(is_one(f"{q}_first"), (node.pis[k],)) for k, q in enumerate(QUBITS)]
    mixed = [node.half(0), Barrier(EVERY), node.half(1), *node.read("first")]
    body = [*mixed, *flips, *node.gates(), *last]
    after = await node.run("active", *body, rest_ns=EMPTY_NS, shots=shots)
    plain = await node.run("passive", *node.gates(), *last, rest_ns=EMPTY_NS, shots=shots)
    bare = await node.run("bare", *mixed, *node.gates(), *last, rest_ns=EMPTY_NS, shots=shots)

    def shares(data) -> np.ndarray:
        """Return how often 00, 01, 10 and 11 are read at the end."""
        q0, q1 = data.q0_then_outcome.values, data.q1_then_outcome.values
        return np.bincount((2 * q0 + q1).astype(int), minlength=4) / shots

    for q in QUBITS:
        assert 0.35 < after[f"{q}_first_outcome"].mean() < 0.65, "the reset has something to do"
    # 3 % for what a round of reset leaves, and 5 sigma of a difference
    assert np.abs(shares(after) - shares(plain)).max() < 0.03 + 5 * np.sqrt(0.5 / shots)
    assert np.abs(shares(bare) - shares(plain)).max() > 0.2, "without the reset it is another"
