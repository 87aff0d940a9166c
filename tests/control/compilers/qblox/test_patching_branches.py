"""Parameters within branches: putting them anew gives what compiling anew gives, bit for bit."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.benches.programs.branch_programs import ALL, END, FRAMES, X, Y, read
from tests.benches.programs.example_programs import DRAG, NS, target
from tests.benches.programs.random_branches import branching
from tests.benches.thoroughness import cases

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.delay_range import NeedsCompiling
from podium.control.compilers.qblox.patching import compile_artifact
from podium.control.program.conditions import is_one, is_zero
from podium.control.program.parameters import parameters_of, with_parameters
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    If,
    Linear,
    Parameter,
    Play,
    Program,
    RepeatUntil,
    ShiftPhase,
    Statement,
    Value,
    Variable,
    walk,
)

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def changed(body: Sequence[Statement], new: Callable[[Statement], Statement]) -> list[Statement]:
    """The body with each statement in it, branches included, replaced."""
    made: list[Statement] = []
    for one in body:
        match one:
            case If(condition, then, orelse):
                one = If(condition, tuple(changed(then, new)), tuple(changed(orelse, new)))
            case RepeatUntil(inner):
                one = replace(one, body=tuple(changed(inner, new)))
        made.append(new(one))
    return made


@settings(QUIET, max_examples=cases(25, 60))
@given(branching(), st.lists(st.floats(-0.5, 0.5), min_size=30, max_size=30))
def test_patching_branches_gives_what_compiling_gives(
    program: Program, numbers: list[float]
) -> None:
    values: dict[str, float] = {}

    def unknown(value: Value) -> Value:
        if isinstance(value, Affine) or len(values) >= len(numbers):
            return value
        name = f"p{len(values)}"
        values[name] = numbers[len(values)]
        return Parameter(name, value)  # type: ignore[arg-type]

    def new(one: Statement) -> Statement:
        match one:
            case Play():
                return replace(one, amplitude=unknown(one.amplitude))
            case ShiftPhase():
                return replace(one, turns=unknown(one.turns))
        return one

    program = replace(program, body=tuple(changed(program.body, new)))
    try:
        artifact = compile_artifact(program, target())
        compiled = compile_program(with_parameters(program, values), target())
    except DoesNotFit:
        return
    try:
        patched = artifact.patched(values)
    except NeedsCompiling:
        patched = artifact.patched(values, compile_anew=True)
    assert patched == compiled
    assert patched.listing == compiled.listing


@settings(QUIET, max_examples=cases(8, 15))
@given(branching(), st.integers(0, 30), st.lists(st.integers(-100, 200), min_size=4, max_size=4))
def test_a_delay_among_branches_is_as_it_would_be_compiled(
    program: Program, which: int, waits: list[int]
) -> None:
    still = [
        one
        for _, one in walk(program.body)
        if isinstance(one, Delay) and not isinstance(one.duration_fs, Affine)
    ]
    chosen = still[which % len(still)]
    parameter = Parameter("wait", chosen.duration_fs)  # type: ignore[arg-type]
    body = changed(
        program.body, lambda one: replace(one, duration_fs=parameter) if one is chosen else one
    )
    program = replace(program, body=tuple(body))
    try:
        artifact = compile_artifact(program, target())
    except DoesNotFit:
        return
    for wait_ns in waits:
        value = max(0, int(parameter.value) + wait_ns * NS)
        try:
            patched = artifact.patched({"wait": value})
        except NeedsCompiling:
            continue
        assert patched == compile_program(with_parameters(program, {"wait": value}), target())


def test_an_angle_and_a_wait_within_branches_are_put_anew() -> None:
    angle, shift, wait = (
        Parameter("angle", 0.1),
        Parameter("shift", 0.0),
        Parameter("wait", 80 * NS),
    )
    first = read("q0", "m")
    then = (ShiftPhase("q0.drive", shift), Play("q0.drive", DRAG, angle), Delay(ALL, wait), Y)
    again = RepeatUntil((*read("q0", "k"), If(is_one("k"), (X,)), Barrier(ALL)), is_zero("k"), 2)
    program = Program(
        "p", FRAMES, (*first, If(is_one("m"), then, (Y,)), Barrier(ALL), again, END), shots=2
    )
    artifact = compile_artifact(program, target())
    assert parameters_of(program) == {"angle": 0.1, "shift": 0.0, "wait": 80 * NS}
    for values in (
        {"angle": -0.4, "shift": 0.3},
        {"wait": 200 * NS},
        {"angle": 0.2, "wait": 99 * NS},
    ):
        patched = artifact.patched(values)
        assert patched == compile_program(with_parameters(program, values), target())
        assert patched.sequencers != artifact.cluster.sequencers


def test_a_wait_that_makes_something_too_early_is_refused() -> None:
    wait = Delay(ALL, Parameter("wait", 400 * NS))
    first = read("q0", "m")[:-1]
    program = Program("p", FRAMES, (*first, wait, If(is_one("m"), (X,)), Barrier(ALL), END))
    artifact = compile_artifact(program, target())
    with pytest.raises(NeedsCompiling, match="from 364000000 to"):
        artifact.patched({"wait": 363 * NS})
    with pytest.raises(DoesNotFit, match="1 ns too late"):
        artifact.patched({"wait": 363 * NS}, compile_anew=True)


def test_a_shift_that_is_added_to_a_swept_one_is_compiled_anew() -> None:
    axis = Axis("x", (Variable("swept", "turn", Linear.steps(0.0, 0.1, 3)),))
    shifts = (
        ShiftPhase("q0.drive", Affine("swept")),
        ShiftPhase("q0.drive", Parameter("turn", 0.0)),
    )
    body = (*read("q0", "m"), If(is_one("m"), (*shifts, X)), Barrier(ALL), END)
    program = Program("p", FRAMES, body, (axis,))
    artifact = compile_artifact(program, target())
    with pytest.raises(NeedsCompiling, match="changes together with a sweep"):
        artifact.patched({"turn": 0.3})
