"""Breakpoints in SeqC that control has compiled and the vendor's client has uploaded."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from podium.control.client.facility_access import open_facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.zurich.program import ZurichProgram
from podium.sim_instruments.testing import StoppedSequencer, TwinFacility, TwinPool, TwinRefused

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light_zi" / "facility.yaml"
Q = "node_a.q0"
WITHIN_S = 60
SHOTS = 2
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module")
def pool() -> Iterator[TwinPool]:
    with TwinPool() as pool:
        yield pool


@pytest.fixture
def lab(pool: TwinPool) -> Iterator[TwinFacility]:
    with pool.facility(EXAMPLE, seed=1, clock="manual") as lab:
        yield lab


def rabi(lab: TwinFacility) -> Program:
    """Drive q0 by nothing and by about a half turn, read it, wait; each point twice."""
    drive = Frame("d", f"{Q}.drive", lab.truth[f"{Q}.f01"])
    readout = Frame("r", f"{Q}.readout", lab.truth[f"{Q}.readout_frequency"])
    height = Variable("a", "1", Linear.steps(0.0, 0.5, 2))
    body = (
        Play("d", Gaussian(ns=40, sigma_ns=10), Affine("a")),
        Barrier(("d", "r")),
        Capture("r", "q0", 10**9, 200 * 10**6),
        Play("r", Square(ns=1200), 0.1),
        Barrier(("d", "r")),
        Delay(("d",), ns=100_000),
    )
    axes = (Axis("point", (height,)),)
    return Program("rabi", (drive, readout), body, axes=axes, shots=SHOTS, keep_shots=True)


async def measured(endpoints: Path, state: Path, program: Program) -> np.ndarray:
    async with open_facility(EXAMPLE, endpoints, state=state) as lab:
        await lab.ready(60.0)
        found = await lab.run(program)
    return np.asarray(found["q0_i"].values + 1j * found["q0_q"].values)


async def next_stop(lab: TwinFacility, before: StoppedSequencer | None) -> StoppedSequencer:
    """Return what stands at a breakpoint, once it is another stop than the one before."""
    while True:
        found = await asyncio.to_thread(lab.stopped, WITHIN_S)
        if found and (before is None or found[0].time_ns != before.time_ns):
            return found[0]


def line_of(lab: TwinFacility, endpoints: Path, program: Program, at: str, word: str) -> int:
    """Return the first line of a core's program that has a word."""
    artifact = compiler_for(load_facility(EXAMPLE, endpoints))(program)["zi_a"]
    assert isinstance(artifact, ZurichProgram)
    (text,) = [one.text for one in artifact.cores if one.node == f"{at}/awg"]
    return next(n for n, line in enumerate(text.splitlines(), 1) if word in line)


@pytest.mark.slow
async def test_a_run_stops_at_a_line_of_seqc_and_goes_on_as_if_it_had_not(lab, tmp_path) -> None:
    program = rabi(lab)
    with lab.fork() as other:
        (tmp_path / "other.json").write_text(json.dumps(other.endpoints))
        expected = await measured(tmp_path / "other.json", tmp_path / "other.state", program)
    (tmp_path / "e.json").write_text(json.dumps(lab.endpoints))
    with pytest.raises(TwinRefused, match="is no sequencer; there are dev12000/"):
        lab.break_at("sgchannels/9", line=1)
    line = line_of(lab, tmp_path / "e.json", program, "sgchannels/0", "executeTableEntry")
    lab.break_at("sgchannels/0", line=line)
    stops: list[StoppedSequencer] = []
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(measured(tmp_path / "e.json", tmp_path / "state", program))
        try:
            one = None
            for _ in range(2 * SHOTS):
                one = await next_stop(lab, one)
                assert (one.instrument, one.sequencer) == ("zi_a", "dev12000/sgchannels/0/awg")
                assert (one.line, "executeTableEntry" in one.source) == (line, True)
                assert lab.time_s() == lab.time_s(), "world time stands still"
                while one.line == line:
                    (one,) = await asyncio.to_thread(lab.step)
                stops.append(one)
                await asyncio.to_thread(lab.go_on)
        finally:
            await asyncio.to_thread(lab.clear_breakpoints)
        found = await running
    np.testing.assert_array_equal(found, expected)
    assert lab.stopped(0.0) == ()
    rest, driven, *_ = stops
    assert driven.registers["R1"] - rest.registers.get("R1", 0) == 1, "the point"
    assert driven.played[-1]["amplitudes"] == [0.5, -0.5, 0.5, 0.5]
    assert driven.queue_ns == (driven.played[-1]["time_ns"],), "put out, and not yet played"
    shares = [one.populations[f"{Q}"] for one in stops]
    assert [sum(one) for one in shares] == pytest.approx([1.0] * 4, abs=1e-6)
    assert shares[0][1] < 0.01
    assert shares[1][1] > 0.9, "by the second point's pulse"
    assert shares[2][1] < 0.2, "read in 1, and 100 us later"
    assert shares[3][1] > 0.7
