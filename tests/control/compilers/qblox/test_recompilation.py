from dataclasses import replace

import pytest
from tests.benches.programs.example_programs import NS, US, frames, target

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.recompilation import KEPT, Recompiler
from podium.control.program.program import Delay, Parameter, Play, Program
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart


def pulse(theta: float, wait_fs: int = 10 * US, name: str = "pulse") -> Program:
    body = (
        Play("q0.drive", Square(40 * NS), Parameter("theta", theta)),
        Delay(("q0.drive",), Parameter("wait", wait_fs)),
    )
    return Program(name, frames("drive"), body)


def test_a_program_that_comes_again_with_other_parameters_is_compiled_once() -> None:
    compiling = Recompiler()
    for theta in (0.1, 0.2, -1.0, 0.1):
        made = compiling.compile(pulse(theta), target())
        assert made == compile_program(pulse(theta), target())
    assert compiling.compiled == 1


def test_another_start_is_another_program() -> None:
    compiling = Recompiler()
    late = ExternalStart(1, 100)
    assert compiling.compile(pulse(0.2), target(), late) != compiling.compile(pulse(0.2), target())
    assert compiling.compiled == 2


def test_a_delay_is_as_it_would_be_compiled() -> None:
    compiling = Recompiler()
    compiling.compile(pulse(0.1), target())
    other = pulse(0.1, 20 * US)
    assert compiling.compile(other, target()) == compile_program(other, target())


def test_what_is_refused_is_refused_with_its_limits_and_the_rest_goes_on() -> None:
    compiling = Recompiler()
    compiling.compile(pulse(0.1), target())
    with pytest.raises(DoesNotFit, match="'theta' goes from -1 to 1"):
        compiling.compile(pulse(1.5), target())
    assert compiling.compile(pulse(0.3), target()) == compile_program(pulse(0.3), target())


def test_only_so_many_programs_are_remembered() -> None:
    compiling = Recompiler()
    for number in range(KEPT + 3):
        compiling.compile(pulse(0.1, name=f"pulse {number}"), target())
    assert len(compiling._kept) == KEPT
    assert compiling.compile(replace(pulse(0.7), name="pulse 0"), target()).name == "pulse 0"
