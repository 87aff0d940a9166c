"""What is fired is what compiling gives, bit for bit, whichever entries are equal."""

from random import Random

import numpy as np
import pytest
from tests.benches.compilers.zurich_targets import shfqc
from tests.benches.thoroughness import cases

from podium.control.compilers.zurich import prepared_program
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.prepared_program import KEPT, PreparedProgram
from podium.control.program.parameters import named_values, parameters_of, with_parameters
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Parameter,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Statement,
    SwapPhases,
    Value,
    Variable,
)
from podium.control.program.validate import ProgramError
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.zurich.program import ZurichProgram

NS = 10**6
FRAMES = (
    Frame("d0", "node_a.q0.drive", 5.9e9),
    Frame("again", "node_a.q0.drive", 5.9e9),
    Frame("other", "node_a.q0.drive", 5.72e9),
    Frame("d1", "node_a.q1.drive", 5.1e9),
    Frame("r0", "node_a.q0.readout", 7.1e9),
)
ALL = tuple(one.name for one in FRAMES)
PULSE, HELD = Gaussian(40 * NS, 10 * NS), Square(600 * NS)


def shot(*body: Statement, axes: tuple[Axis, ...] = ()) -> Program:
    """A readout after some statements."""
    whole = (
        *body,
        Barrier(ALL),
        Capture("r0", "q0", 400 * NS, 100 * NS),
        Play("r0", Square(400 * NS), 0.2),
        Barrier(ALL),
        Delay(ALL, 1000 * NS),
    )
    return Program("fired", FRAMES, whole, axes, shots=100)


def random_shot(rng: Random) -> Program:
    """Some pulses and shifts, of which some are parameters, some of them several times."""
    body: list[Statement] = []

    def value(low: float, high: float) -> Value:
        number, name = rng.uniform(low, high), f"p{rng.randrange(6)}"
        match rng.randrange(4):
            case 0:
                return round(number, 1)
            case 1:
                return Affine(Parameter(name, 0.3), rng.uniform(-0.5, 0.5), 0.125)
        return Parameter(name, 0.3)

    for _ in range(rng.randrange(1, 12)):
        frame = rng.choice(ALL[:4])
        if rng.random() < 0.5:
            body.append(ShiftPhase(frame, value(-2, 2)))
        else:
            body += [Play(frame, rng.choice([PULSE, HELD]), value(-0.9, 0.9)), Barrier(ALL)]
            body.append(Delay(ALL, 100 * NS))
    return shot(*body)


def check(fired: ZurichProgram, program: Program) -> None:
    made = compile_program(program, shfqc())
    assert fired == made
    assert tuple(fired.quantised) == tuple(made.quantised)
    assert fired.listing == made.listing


@pytest.mark.parametrize("seed", range(cases(20, 400)))
def test_what_is_fired_is_what_compiling_gives(seed: int) -> None:
    rng = Random(seed)
    program = random_shot(rng)
    names = tuple(parameters_of(program))
    prepared = PreparedProgram(program, shfqc())
    for _ in range(6):
        few = [0.0, 0.25, 0.5, 1.0]
        values = [rng.choice(few) if rng.random() < 0.4 else rng.uniform(-1, 1) for _ in names]
        named = named_values(names, values)
        check(prepared.fired_with(np.array(values)), with_parameters(program, named))


@pytest.fixture
def compiled(monkeypatch) -> list[Program]:
    """What is compiled."""
    found: list[Program] = []

    def compiling(program, *more):
        found.append(program)
        return compile_program(program, *more)

    monkeypatch.setattr(prepared_program, "compile_program", compiling)
    return found


def turning(*more: Statement, axes: tuple[Axis, ...] = ()) -> Program:
    """Three pulses with a phase of their own each."""
    turns = (ShiftPhase("d0", Parameter(name, 0.0)) for name in "abc")
    pulses = [one for turn in turns for one in (turn, Play("d0", PULSE, 0.3))]
    return shot(*pulses, *more, axes=axes)


def test_a_pattern_of_equal_entries_is_compiled_once(compiled) -> None:
    prepared = PreparedProgram(turning(), shfqc())
    tables = {
        prepared.fired_with(np.array([turn, turn, turn])).cores[0].command_table
        for turn in (0.1, 0.2, 0.3)
    }
    assert len(tables) == 3, "each has its own phases"
    assert len(compiled) == 2, "three equal entries, as prepared, and three different ones"
    prepared.fired_with(np.array([0.5, 0.5, 0.5]))  # the third pulse is as the first
    assert len(compiled) == 3
    prepared.fired_with(np.array([0.3, 0.2, 0.1]))
    prepared.fired_with(np.array([0.0, 0.0, 0.0]))
    assert len(compiled) == 3


def test_without_compiling_it_knows_the_patterns_that_have_come(compiled) -> None:
    prepared = PreparedProgram(turning(), shfqc())
    alike, apart = np.array([0.5, 0.0, 0.0]), np.array([0.1, 0.2, 0.3])
    known = prepared.patched_with(alike)
    assert known is not None
    check(known, with_parameters(turning(), {"a": 0.5}))
    assert prepared.patched_with(apart) is None
    before = len(compiled)
    wanted = prepared.fired_with(apart)
    assert len(compiled) == before + 1
    again = prepared.patched_with(apart)
    assert len(compiled) == before + 1
    assert again == wanted


def test_silences_of_shots_off_the_grid_stay_in_the_table() -> None:
    """A loop counts through them, as shots of a round lie differently on the grid of 16 samples."""
    program = shot(Play("d0", PULSE, Parameter("height", 0.1)), Delay(ALL, 3 * NS))
    prepared = PreparedProgram(program, shfqc())
    tables = set()
    for height in (0.1, 0.2, -0.35):
        fired = prepared.fired_with(np.array([height]))
        check(fired, with_parameters(program, {"height": height}))
        tables.add(str(fired.cores[0].command_table))
    assert len(tables) == 3
    assert all('"playZero"' in one for one in tables)


def test_no_more_patterns_are_kept_than_are_worth_it(compiled) -> None:
    count = 6
    turns = (ShiftPhase("d0", Parameter(f"p{k}", 0.0)) for k in range(count))
    program = shot(*(one for turn in turns for one in (turn, Play("d0", PULSE, 0.3))))
    prepared = PreparedProgram(program, shfqc())
    patterns = [[float(bool(k >> n & 1)) / 2 for n in range(count)] for k in range(2 * KEPT)]
    for values in patterns:
        prepared.fired_with(np.array(values))
    assert len(prepared._kept) <= KEPT
    before = len(compiled)
    prepared.fired_with(np.array(patterns[-1]))
    assert len(compiled) == before


@pytest.mark.parametrize(
    "program",
    [
        turning(SetFrequency("d0", Parameter("f", 5.91e9)), Play("d0", PULSE, 0.1)),
        turning(SetFrequency("d0", 5.91e9), Play("d0", PULSE, 0.1)),
        turning(Delay(ALL, Parameter("wait", 160 * NS))),
        turning(Barrier(ALL), SwapPhases("other", "d1"), Play("d1", PULSE, 0.1)),
        turning(Barrier(ALL), Play("d0", PULSE, 0.2), Play("other", PULSE, 0.0)),
        turning(
            Barrier(ALL),
            Play("r0", Square(400 * NS), Parameter("loud", 0.1)),
            Barrier(ALL),
            Delay(ALL, 400 * NS),
        ),
        turning(
            Play("d0", PULSE, Affine("x")),
            axes=(Axis("x", (Variable("x", "1", Linear.steps(0.1, 0.1, 4)),)),),
        ),
    ],
)
def test_what_is_more_than_entries_is_compiled(program: Program) -> None:
    known = parameters_of(program)
    prepared = PreparedProgram(program, shfqc())
    for turn in (0.1, 0.7):
        values = {**known, "a": turn, "b": 2 * turn}
        check(
            prepared.fired_with(np.array(list(values.values()))), with_parameters(program, values)
        )


@pytest.mark.parametrize("bad", [1.5, -1.01, float("inf")])
def test_an_amplitude_out_of_range_is_refused_as_by_the_compiler(bad: float) -> None:
    program = shot(Play("d0", PULSE, Parameter("height", 0.1)))
    prepared = PreparedProgram(program, shfqc())
    with pytest.raises(ProgramError):
        prepared.fired_with(np.array([bad]))
    check(prepared.fired_with(np.array([-1.0])), with_parameters(program, {"height": -1.0}))
