from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from tests.benches.programs.random_programs import programs

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
    ShiftPhase,
    SwapPhases,
    Table,
    Variable,
)
from podium.control.program.validate import ProgramError, validate
from podium.control.program.waveforms import FlatTop, Gaussian, Square

FRAME = Frame("f", "node_a.q0.drive", 6e9)
AXIS = Axis(
    "x", (Variable("a", "1", Linear.steps(0.0, 0.3, 4)), Variable("t", "fs", Table((0, 5, 7, 9))))
)
GOOD = Program("p", (FRAME,), (Play("f", Square(40), Affine("a")),), (AXIS,))


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(programs())
def test_a_sound_program_passes(program: Program) -> None:
    validate(program)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (replace(GOOD, frames=(FRAME, FRAME)), "frame 'f' is there 2 times"),
        (replace(GOOD, axes=(AXIS, AXIS)), "axis 'x' is there 2 times.*variable 'a'"),
        (replace(GOOD, shots=0), "0 shots; at least 1"),
        (replace(GOOD, settle_fs=-1), "settle_fs is -1"),
        (replace(GOOD, axes=(Axis("x", ()),)), "axis 'x' has no variable"),
        (
            replace(GOOD, axes=(Axis("x", (Variable("a", "1", Table(())),)),)),
            "'a' has 0 values",
        ),
        (
            replace(
                GOOD,
                axes=(Axis("x", (AXIS.variables[0], Variable("t", "fs", Linear.steps(0, 1, 3)))),),
            ),
            "'t' has 3 values, 'a' has 4; they step together",
        ),
        (
            replace(GOOD, axes=(Axis("x", (Variable("a", "GHz", Linear.steps(0, 0.1, 3)),)),)),
            "unit 'GHz'",
        ),
        (replace(GOOD, body=(Barrier(("f", "g")),)), r"statement 0 \(Barrier\): no frame 'g'"),
        (replace(GOOD, body=(SetFrequency("f", Affine("b")),)), "no variable 'b'; there are"),
        (replace(GOOD, body=(Play("f", Square(4), 1.5),)), "amplitude is 1.5; from -1 to 1"),
        (
            replace(GOOD, body=(Play("f", Square(4), Affine("a", 2.0)),)),
            "amplitude is 1.79.* at point 3 of 'a'",
        ),
        (replace(GOOD, body=(Delay(("f",), -4),)), "duration_fs is -4; from 0"),
        (replace(GOOD, body=(Delay(("f",), 1e-6),)), "duration_fs is 1e-06; times are whole femto"),
        (replace(GOOD, body=(Capture("f", "m", 1e-6),)), "duration_fs is 1e-06; times are whole"),
        (replace(GOOD, body=(Play("f", Square(2e-8)),)), "duration_fs is 2e-08; times are whole"),
        (replace(GOOD, settle_fs=1e-3), "settle_fs is 0.001; times are whole femtoseconds"),
        (replace(GOOD, body=(Play("f", Square(0)),)), "lasts 0 fs"),
        (replace(GOOD, body=(Play("f", Gaussian(4, 0)),)), "sigma_fs is 0"),
        (replace(GOOD, body=(Play("f", FlatTop(4, 3)),)), "rise_fs is 3; from 0 to half"),
        (replace(GOOD, body=(Capture("f", "m", 0),)), "duration_fs is 0"),
        (
            replace(GOOD, frames=(replace(FRAME, restarts=True),), body=(ShiftPhase("f", 0.25),)),
            r"statement 0 \(ShiftPhase\): the carrier of frame 'f' restarts with every pulse",
        ),
        (replace(GOOD, body=(SwapPhases("f", "f"),)), "swaps frame 'f' with itself"),
        (replace(GOOD, body=(SwapPhases("f", "g"),)), r"statement 0 \(SwapPhases\): no frame 'g'"),
        (
            replace(
                GOOD,
                frames=(FRAME, Frame("g", "node_a.q1.drive", 6e9, restarts=True)),
                body=(SwapPhases("f", "g"),),
            ),
            r"statement 0 \(SwapPhases\): the carrier of frame 'g' restarts",
        ),
        (
            replace(GOOD, body=(Capture("f", "m", 4), Capture("f", "m", 4))),
            "capture 'm' is there 2",
        ),
        (
            replace(GOOD, axes=(Axis("shot", AXIS.variables),), keep_shots=True),
            "an axis is named 'shot'",
        ),
    ],
)
def test_each_contradiction_is_named(broken: Program, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        validate(broken)


def test_all_that_is_wrong_is_said_at_once() -> None:
    broken = replace(GOOD, shots=0, body=(Play("g", Square(4), 3.0),))
    with pytest.raises(ProgramError, match=r"0 shots.*no frame 'g'.*amplitude is 3.0"):
        validate(broken)


def test_a_time_that_is_not_whole_is_found_behind_an_equal_one_that_is() -> None:
    pulses = [Play("drive", Square(100.0), 0.5), Play("drive", Square(100.0), 0.5)]
    object.__setattr__(pulses[0].waveform, "duration_fs", 100)
    object.__setattr__(pulses[1].waveform, "duration_fs", 100.0)
    assert pulses[0].waveform == pulses[1].waveform
    program = Program("equal", (Frame("drive", "q0.drive", 5e9),), tuple(pulses))
    with pytest.raises(ProgramError, match=r"statement 1 \(Play\): duration_fs is 100\.0"):
        validate(program)
