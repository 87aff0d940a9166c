"""Programs that come again with other parameters: as if compiled, though little of it is."""

from random import Random

import pytest
from tests.benches.compilers.zurich_targets import shfqc

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich import recompilation
from podium.control.compilers.zurich.compile import compile_program, compile_together
from podium.control.compilers.zurich.recompilation import KEPT, Recompiler
from podium.control.compilers.zurich.target import ReadoutChannel, ZurichTarget
from podium.control.program.parameters import with_parameters
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
    Variable,
)
from podium.control.program.waveforms import Gaussian, Square
from podium.firmware_interfaces.zurich.program import Start

NS = 10**6
FRAMES = (
    Frame("d0", "node_a.q0.drive", 5.9e9),
    Frame("d1", "node_a.q1.drive", 5.1e9),
    Frame("r0", "node_a.q0.readout", 7.1e9),
)
ALL = tuple(one.name for one in FRAMES)
PULSE = Gaussian(40 * NS, 10 * NS)
VALUES = {"theta": 0.25, "turn": 0.1, "tone": 5.91e9, "loud": 0.5, "wait": 400 * NS}
RANGES = {
    "theta": (-1.0, 1.0),
    "turn": (-2.0, 2.0),
    "tone": (5.7e9, 6.1e9),
    "loud": (0.05, 0.5),
}


def program(name: str = "pulse", **values: float) -> Program:
    given = {key: Parameter(key, values.get(key, value)) for key, value in VALUES.items()}
    body = (
        SetFrequency("d0", given["tone"]),
        Play("d0", PULSE, given["theta"]),
        ShiftPhase("d0", Affine(given["turn"], 2.0, 0.25)),
        Delay(("d0",), 100 * NS),
        Play("d0", PULSE, Affine("a")),
        Play("d1", PULSE, 0.3),
        Barrier(ALL),
        Delay(ALL, given["wait"]),
        Capture("r0", "q0", 400 * NS, 100 * NS),
        Play("r0", Square(400 * NS), given["loud"]),
        Barrier(ALL),
        Delay(ALL, 1000 * NS),
    )
    axis = Axis("a", (Variable("a", "1", Linear.steps(0.0, 0.05, 11)),))
    return Program(name, FRAMES, body, axes=(axis,), shots=100)


@pytest.fixture
def made(monkeypatch) -> list[tuple[str, ...]]:
    """The cores that were compiled, by the names of their frames."""
    found: list[tuple[str, ...]] = []

    def compiling(program, target, start=None, kept=None):
        before = set(kept)
        result = compile_program(program, target, start, kept)
        found.extend(sorted(kept.keys() - before))
        return result

    monkeypatch.setattr(recompilation, "compile_program", compiling)
    return found


def test_what_comes_out_is_what_compiling_gives() -> None:
    random, again = Random(1), Recompiler()
    for _ in range(60):
        names = random.sample(sorted(RANGES), random.randint(1, 3))
        values = {name: random.uniform(*RANGES[name]) for name in names}
        if random.random() < 0.2:
            values["wait"] = random.randint(1, 40) * 16 * NS
        one = program(**values)
        assert again.compile(one, shfqc()) == compile_program(one, shfqc())


@pytest.mark.parametrize(
    ("changed", "cores"),
    [
        ({"theta": 0.3}, [("d0",)]),
        ({"turn": 0.7}, [("d0",)]),
        ({"tone": 5.8e9}, [("d0",)]),
        ({"loud": 0.1}, [("r0",)]),
        ({"loud": 0.1, "turn": 0.3}, [("d0",), ("r0",)]),
        ({}, []),
        ({"wait": 800 * NS}, [("d0",), ("d1",), ("r0",)]),
    ],
)
def test_only_cores_that_have_to_do_with_it_are_made_and_their_text_stays(
    made, changed, cores
) -> None:
    again = Recompiler()
    first = again.compile(program(), shfqc())
    made.clear()
    second = again.compile(program(**changed), shfqc())
    assert made == cores
    if "wait" not in changed:
        for one, other in zip(first.cores, second.cores, strict=True):
            assert one.text == other.text
            assert one.waveforms == other.waveforms


def test_a_value_that_does_not_fit_is_refused_and_the_rest_goes_on() -> None:
    again = Recompiler()
    again.compile(program(), shfqc())
    with pytest.raises(DoesNotFit, match=r"d0: .* MHz from the local oscillator"):
        again.compile(program(tone=6.9e9), shfqc())
    good = program(tone=5.95e9)
    assert again.compile(good, shfqc()) == compile_program(good, shfqc())


def test_another_start_is_another_program() -> None:
    again, late = Recompiler(), Start(8, offset_fs=8 * NS)
    again.compile(program(), shfqc())
    assert again.compile(program(), shfqc(), late) == compile_program(program(), shfqc(), late)


def test_what_is_without_parameters_is_compiled_each_time() -> None:
    plain = Program("plain", FRAMES[:1], (Play("d0", PULSE, 0.2), Delay(("d0",), 1000 * NS)))
    again = Recompiler()
    assert again.compile(plain, shfqc()) == compile_program(plain, shfqc())
    assert not again._kept


def test_only_so_many_programs_are_remembered() -> None:
    again = Recompiler()
    for number in range(KEPT + 2):
        again.compile(program(f"pulse {number}"), shfqc())
    assert len(again._kept) == KEPT
    one = with_parameters(program("pulse 0"), {"theta": 0.9})
    assert again.compile(one, shfqc()) == compile_program(one, shfqc())


def test_what_starts_on_several_instruments_comes_again_as_well() -> None:
    whole = shfqc()
    ports = dict(whole.ports)
    readout = {port: one for port, one in ports.items() if isinstance(one, ReadoutChannel)}
    boxes = (
        ZurichTarget("shfqa", "SHFQA4", readout),
        ZurichTarget("shfsg", "SHFSG8", {p: one for p, one in ports.items() if p not in readout}),
    )
    again, start = Recompiler(), Start(0, zsync=True)
    for theta in (0.1, 0.2):
        one = program(theta=theta)
        made = again.compile_together(one, boxes, start)
        assert made == compile_together(one, boxes, start)
