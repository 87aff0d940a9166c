"""Series of programs: cut between all of them, with the axis of the series first."""

from dataclasses import replace

import pytest
from tests.benches.compilers.zurich_targets import shfqc

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.batches import compile_in_batches
from podium.control.compilers.zurich.compile import compile_program
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
from podium.control.program.series import Series
from podium.control.program.validate import ProgramError
from podium.control.program.waveforms import Gaussian, Square

NS = 10**6
FRAMES = (Frame("d", "node_a.q0.drive", 5.9e9), Frame("r", "node_a.q0.readout", 7.1e9))
BOTH = ("d", "r")
AXIS = Axis("a", (Variable("a", "1", Linear.steps(0.0, 0.1, 5)),))
PULSE = Gaussian(40 * NS, 10 * NS)
READ = (
    Barrier(BOTH),
    Capture("r", "q0", 400 * NS, 100 * NS),
    Play("r", Square(400 * NS), 0.2),
    Barrier(BOTH),
    Delay(BOTH, 1000 * NS),
)


def circuit(pulses: int) -> Program:
    body = (*(Play("d", PULSE, Affine("a")) for _ in range(pulses)), *READ)
    return Program(f"{pulses} pulses", FRAMES, body, axes=(AXIS,), shots=50)


def test_each_program_is_a_part_and_its_results_have_the_axis_of_the_series_first() -> None:
    programs = tuple(circuit(pulses) for pulses in (1, 2, 5))
    made = compile_in_batches(Series("lengths", programs, "length"), shfqc())
    assert [one.batch.piece for one in made] == [
        (slice(turn, turn + 1), slice(0, 5)) for turn in range(3)
    ]
    for part, program in zip(made, programs, strict=True):
        alone = compile_program(program, shfqc())
        assert part.artifact.cores == alone.cores
        assert part.artifact.name == "lengths"
        assert part.batch.shots == 50
        (result,) = part.artifact.results
        assert (result.axes, result.shape) == (("length", "a"), (1, 5))
        assert replace(result, axes=("a",), shape=(5,)) == alone.results[0]


def test_one_that_does_not_fit_is_named_with_its_place() -> None:
    far = circuit(1)
    far = replace(far, body=(SetFrequency("d", 9.9e9), *far.body))
    with pytest.raises(
        DoesNotFit, match=r"program 1 \('1 pulses'\) of the series: d: .*9900000000"
    ):
        compile_in_batches(Series("mixed", (circuit(2), far)), shfqc())


def test_programs_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ProgramError, match="other shots than program 0"):
        compile_in_batches(Series("mixed", (circuit(1), replace(circuit(2), shots=3))), shfqc())
