"""An SHFQC of the facility file, compiled for, driven over the vendor's client, on the chip.

The same `lab.run` as with any controller; the hidden truth, which nothing of control has read, is
the judge.
"""

import numpy as np
import pytest
from scipy.optimize import curve_fit
from tests.benches.zurich.chip_laboratory import FACILITY, NS, US, Q, laboratory, truth

from podium.control.client.facility_access import open_facility
from podium.control.facility.load import load_facility
from podium.control.families.family import Compiler
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
    SetFrequency,
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.control.runs.errors import RunRefused

__all__ = ["laboratory", "truth"]


def _measured(truth, body, axis, shots):
    """Return a program that does ``body`` on the drive, then reads q0."""
    drive = Frame("d", f"{Q}.drive", truth[f"{Q}.f01"])
    readout = Frame("r", f"{Q}.readout", truth[f"{Q}.readout_frequency"])
    return Program(
        "on the chip",
        (drive, readout),
        (
            *body,
            Barrier(("d", "r")),
            Capture("r", "q0", 1000 * NS, 200 * NS),
            Play("r", Square(1200 * NS), 0.15),
            Barrier(("d", "r")),
            Delay(("d",), 250 * US),
        ),
        axes=(axis,),
        shots=shots,
    )


async def _swept(laboratory, truth, *programs):
    endpoints, state = laboratory / "e.json", laboratory / "up.json"
    async with open_facility(FACILITY, endpoints, state=state) as lab:
        await lab.ready(20.0)
        await lab.bias({f"{Q}.flux": truth[f"{Q}.sweet_spot"]})
        found = [await lab.run(program) for program in programs]
    return [_along(one["q0_i"].values + 1j * one["q0_q"].values) for one in found]


def _along(points):
    """Return points along the line on which they lie."""
    centred = points - points.mean()
    return (centred * np.exp(-0.5j * np.angle((centred**2).sum()))).real


@pytest.mark.slow
async def test_relaxation_spectroscopy_and_rabi_find_what_the_world_hides(laboratory, truth):
    wait_s = Variable("wait", "fs", Linear.steps(0, 8 * US, 16))
    pulse = Play("d", Gaussian(40 * NS, 10 * NS), 0.5)
    relaxing = _measured(
        truth, (pulse, Delay(("d",), Affine("wait"))), Axis("wait", (wait_s,)), 400
    )
    detuning = Variable("f", "Hz", Linear.steps(truth[f"{Q}.f01"] - 2e6, 0.2e6, 21))
    line = _measured(
        truth,
        (SetFrequency("d", Affine("f")), Play("d", Square(4000 * NS), 0.004)),
        Axis("f", (detuning,)),
        200,
    )
    height = Variable("a", "1", Linear.steps(0.0, 0.05, 20))
    rabi = _measured(
        truth, (Play("d", Gaussian(40 * NS, 10 * NS), Affine("a")),), Axis("a", (height,)), 100
    )
    decay, peak, turning = await _swept(laboratory, truth, relaxing, line, rabi)

    times = np.arange(16) * 8e-6
    (_, t1, _), _ = curve_fit(
        lambda t, a, t1, b: a * np.exp(-t / t1) + b, times, decay, (np.ptp(decay), 40e-6, 0)
    )
    assert t1 == pytest.approx(truth[f"{Q}.t1"], rel=0.15)

    peak = np.abs(peak - np.median(peak))
    centre = np.sum(peak**2 * np.linspace(-2e6, 2e6, 21)) / np.sum(peak**2)
    assert abs(centre) < 0.2e6

    # The chip was drawn with 40 MHz at full scale: an area of 25 ns of the Gaussian.
    amplitudes = np.linspace(0, 0.95, 20)
    guess = (np.ptp(turning) / 2, 1.0, 0.0)
    (_, turns, _), _ = curve_fit(
        lambda a, h, turns, b: h * np.cos(2 * np.pi * turns * a) + b, amplitudes, turning, guess
    )
    assert 0.6 < abs(turns) < 1.4


async def test_resonators_that_are_swept_together_are_one_program_and_are_where_they_are(
    laboratory, truth
):
    qubits = ("q0", "q1")
    hz = {q: truth[f"node_a.{q}.readout_frequency"] for q in qubits}
    probe = Axis("f", tuple(Variable(q, "Hz", Linear.steps(hz[q] - 15e6, 1e6, 31)) for q in qubits))
    body = [
        *(SetFrequency(q, Affine(q)) for q in qubits),
        # No multiple of 8 ns: every other shot lies beside the grid of 16 samples.
        Delay(qubits, 2 * US + 4 * NS),
    ]
    for q in qubits:
        body += [Capture(q, q, 800 * NS, 400 * NS), Play(q, Square(1200 * NS), 0.02)]
    frames = tuple(Frame(q, f"node_a.{q}.readout", hz[q]) for q in qubits)
    program = Program("a scan", frames, tuple(body), axes=(probe,), shots=400)
    assert len(Compiler(load_facility(FACILITY)).batches(program)) == 1
    async with open_facility(FACILITY, laboratory / "e.json", state=laboratory / "up.json") as lab:
        await lab.ready(20.0)
        data = await lab.run(program)
    for q in qubits:
        # Biased at 0 V, the line is near where it is at the sweet spot.
        dip = np.hypot(data[f"{q}_i"].values, data[f"{q}_q"].values)
        assert abs(float(data[q].values[np.argmin(dip)]) - hz[q]) < 8e6
        assert dip.min() < 0.7 * np.median(dip)


async def test_the_raw_trace_of_a_capture_is_the_scopes_record_read_by_the_vendors_client(
    laboratory, truth
):
    readout = Frame("r", f"{Q}.readout", truth[f"{Q}.readout_frequency"] + 40e6)
    body = (
        Capture("r", "q0", 1600 * NS),
        Delay(("r",), 600 * NS),
        Play("r", Square(400 * NS), 0.3),
        Delay(("r",), 20 * US),
    )
    program = Program("a trace", (readout,), body, shots=1, trace=True)
    async with open_facility(FACILITY, laboratory / "e.json", state=laboratory / "up.json") as lab:
        await lab.ready(20.0)
        data = await lab.run(program)
    size = np.hypot(data["q0_trace_i"].values, data["q0_trace_q"].values)
    assert len(size) == 1600
    rms = [np.sqrt(np.mean(size[part] ** 2)) for part in (slice(0, 550), slice(900, 1000))]
    assert rms[1] > 1.5 * rms[0]


async def test_what_does_not_fit_is_refused_by_name(laboratory, truth):
    heights = Axis("a", (Variable("a", "1", Linear.steps(0, 1, 2)),))
    program = _measured(truth, (Play("d", Square(40 * NS), 0.5),), heights, 1)
    far = Program(
        program.name,
        (Frame("d", f"{Q}.drive", 6.6e9), *program.frames[1:]),
        program.body,
        axes=program.axes,
    )
    with pytest.raises(RunRefused, match=r"d: 6600000000 Hz is \+600 MHz .* at most 500 MHz"):
        await _swept(laboratory, truth, far)
