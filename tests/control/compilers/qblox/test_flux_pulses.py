"""Flux pulses on single outputs of a QCM: shapes, carriers and phases as the program means."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.compilers.qblox_oracle import hold_against_reference

from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.program.program import (
    Affine,
    Axis,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Variable,
)
from podium.control.program.validate import ProgramError
from podium.control.program.waveforms import (
    FlatTop,
    NetZero,
    Sampled,
    Slepian,
    Square,
    Waveform,
)

PORT = "node_a.q0.flux"
TARGET = QbloxTarget("cluster_a", {PORT: PortTarget(6, "QCM", "out0", 0.0)})
NOISE = tuple(np.random.default_rng(7).uniform(-1, 1, 48).tolist())


def program(*body: object, frequency_hz: float = 0.0, axes: tuple[Axis, ...] = ()) -> Program:
    frame = Frame("f", PORT, frequency_hz)
    return Program("flux", (frame,), (*body, Delay(("f",), ns=4000)), axes, shots=2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "waveform",
    [
        NetZero(ns=48),
        NetZero(ns=60, rise_ns=5, gap_ns=8, ratio=0.83),
        Slepian(ns=48, theta_initial=0.1, lambda_2=-0.13),
        Sampled(NOISE),
        Sampled(NOISE[:16], step_ns=4),
        Square(ns=40),
        FlatTop(ns=300, rise_ns=20),
    ],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("frequency_hz", [0.0, 137.25e6])
def test_a_qcm_plays_each_shape_with_and_without_a_carrier(
    waveform: Waveform, frequency_hz: float
) -> None:
    high = Axis("a", (Variable("a", "1", Linear(-0.4, 0.9, 4)),))
    body = (
        Delay(("f",), ns=20),
        Play("f", waveform, Affine("a")),
        ShiftPhase("f", 0.31),
        SetFrequency("f", frequency_hz / 2),
        Play("f", waveform, 0.5),
    )
    made = hold_against_reference(program(*body, frequency_hz=frequency_hz, axes=(high,)), TARGET)
    assert [one.output for one in made.sequencers] == ["out0"]


def test_equal_samples_are_stored_once_whatever_the_object() -> None:
    body = (Play("f", Sampled(NOISE)), Delay(("f",), ns=100), Play("f", Sampled(list(NOISE)), 0.3))
    (sequencer,) = compile_program(program(*body), TARGET).sequencers
    assert len(sequencer.waveforms) == 1


@pytest.mark.parametrize(
    ("play", "said"),
    [
        (
            Play("f", Sampled((0.1, float("nan"), 0.2))),
            r"statement 0 \(Play\): sample 1 of 3 is nan; a finite number from -1 to 1",
        ),
        (Play("f", Sampled((0.1, -1.2))), "sample 1 of 2 is 1.2 of full scale; at most 1"),
        (
            Play("f", Sampled(NOISE, step_fs=1_250_000)),
            "its samples are 1250000 fs apart, off the grid: whole nanoseconds, nearest 1000000 fs "
            "or 2000000 fs",
        ),
        (Play("f", Sampled(NOISE, NOISE[:4])), "48 real samples and 4 imaginary ones"),
        (Play("f", Sampled(())), "lasts 0 fs; more than 0"),
        (Play("f", NetZero(ns=40), 1.01), "amplitude is 1.01; from -1 to 1"),
        (Play("f", NetZero(ns=40, ratio=1.25), 0.5), "ratio of a NetZero is 1.25; .* at most 1:"),
        (Play("f", NetZero(ns=40, rise_ns=11)), "rise_fs is 11000000; from 0 to half of a half"),
        (Play("f", Slepian(ns=40, theta_final=3.2)), "the angles of a Slepian"),
    ],
)
def test_samples_and_amplitudes_beyond_the_range_are_refused_with_place_and_limit(
    play: Play, said: str
) -> None:
    with pytest.raises(ProgramError, match=said):
        compile_program(program(play), TARGET)


def test_a_sampled_pulse_is_known_by_its_content() -> None:
    one = Sampled(NOISE)
    assert one == Sampled(NOISE)
    assert hash(one) == hash(Sampled(NOISE))
    assert one != Sampled((*NOISE[:-1], 0.0))
    assert one != Sampled(NOISE, step_ns=2)
    assert one != Sampled(NOISE, (0.0,) * len(NOISE))
    assert replace(Play("f", one), amplitude=1.0) == Play("f", Sampled(NOISE))
