"""Programs are cut where a result has to travel to another controller."""

import numpy as np
import pytest

from podium.control.compilers.placing import place_in_fs
from podium.control.compilers.slow_branches import (
    CannotCut,
    ShotState,
    after,
    check_cuts,
    next_part,
    slow_conditions,
)
from podium.control.program.conditions import Condition, Discriminator, is_one
from podium.control.program.program import (
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Linear,
    Play,
    Program,
    RepeatUntil,
    SetFrequency,
    ShiftPhase,
    SwapPhases,
    Variable,
)
from podium.control.program.validate import validate
from podium.control.program.waveforms import Square

NS = 10**6
FRAMES = tuple(
    Frame(f"{node}.{what}", f"node_{node}.q0.{what}", 6e9)
    for node in "ab"
    for what in ("drive", "readout")
)
PLACES = {one.name: f"cluster_{one.name[0]}" for one in FRAMES}
NAMES = tuple(one.name for one in FRAMES)
LEVEL = Discriminator(0.0, 0.1)


def program(*body, **words) -> Program:
    made = Program("cut", FRAMES, body, **words)
    validate(made)
    return made


def measured(node: str, name: str) -> tuple[Capture, Play, Barrier]:
    read = Capture(f"{node}.readout", name, ns=600, discriminator=LEVEL)
    return read, Play(f"{node}.readout", Square(ns=700)), Barrier(NAMES)


def pulse(node: str, ns: int = 40) -> Play:
    return Play(f"{node}.drive", Square(ns=ns))


def test_a_program_is_cut_at_a_condition_on_another_controllers_result() -> None:
    whole = program(
        pulse("a"),
        Barrier(NAMES),
        *measured("a", "m"),
        Delay(NAMES, ns=300),
        If(is_one("m"), (pulse("b"),)),
        Barrier(NAMES),
        *measured("b", "n"),
    )
    (slow,) = slow_conditions(whole, PLACES)
    assert slow.measured_at == ("cluster_a",)
    assert slow.needed_at == ("cluster_b",)
    assert slow.left_fs == 400 * NS  # 700 ns of readout less a window of 600, and 300 ns
    first = next_part(whole, whole.body, ShotState(), PLACES)
    assert first.captures == ("m",)
    assert first.length_fs == 1_040 * NS
    assert {one.name[0] for one in first.program.frames} == {"a"}
    assert place_in_fs(first.program).shot_fs.max() == first.length_fs
    for result, pulses in ((1, 2), (0, 1)):
        state = after(first, ShotState(), {"m": result})
        second = next_part(whole, first.rest, state, PLACES)
        assert second.rest == ()
        assert second.captures == ("n",)
        assert {one.name[0] for one in second.program.frames} == {"b"}
        assert sum(isinstance(one, Play) for one in second.program.body) == pulses
        # both branches take the same time
        assert second.length_fs == 740 * NS
        assert place_in_fs(second.program).shot_fs.max() == second.length_fs
        validate(second.program)


def test_a_condition_on_a_controllers_own_result_stays_in_the_program() -> None:
    whole = program(*measured("a", "m"), If(is_one("m"), (pulse("a"),)))
    assert slow_conditions(whole, PLACES) == ()
    part = next_part(whole, whole.body, ShotState(), PLACES)
    assert part.rest == ()
    assert any(isinstance(one, If) for one in part.program.body)


def test_frames_stand_behind_a_cut_as_they_stood_before() -> None:
    whole = program(
        ShiftPhase("b.drive", 0.75),
        SetFrequency("b.drive", 6.1e9),
        *measured("a", "m"),
        *measured("b", "n"),
        If(is_one("n"), (ShiftPhase("b.drive", 0.5),)),
        If(is_one("m"), (pulse("b"),)),
    )
    first = next_part(whole, whole.body, ShotState(), PLACES)
    state = after(first, ShotState(), {"m": 1, "n": 1})
    assert state.turns == {"b.drive": 0.25}
    second = next_part(whole, first.rest, state, PLACES)
    drive = next(one for one in second.program.frames if one.name == "b.drive")
    assert drive.frequency_hz == 6.1e9
    assert second.program.body[0] == ShiftPhase("b.drive", 0.25)


def test_branches_within_a_slow_branch_are_cut_again() -> None:
    inner = If(is_one("n"), (pulse("a"),))
    whole = program(
        *measured("a", "m"), If(is_one("m"), (*measured("b", "n"), inner)), *measured("b", "o")
    )
    state, rest, parts = ShotState(), whole.body, []
    while rest:
        part = next_part(whole, rest, state, PLACES)
        parts.append(part.captures)
        state = after(part, state, dict.fromkeys(part.captures, 1))
        rest = part.rest
    assert parts == [("m",), ("n",), ("o",)]


def test_a_condition_on_several_results_waits_for_all_of_them() -> None:
    whole = program(
        *measured("a", "m"),
        *measured("b", "n"),
        If(Condition(("m", "n"), "odd"), (pulse("b"),)),
    )
    first = next_part(whole, whole.body, ShotState(), PLACES)
    assert first.captures == ("m", "n")
    second = next_part(whole, first.rest, after(first, ShotState(), {"m": 1, "n": 1}), PLACES)
    assert second.program is None  # even: there is nothing to do
    assert second.length_fs == 40 * NS


def test_a_wait_for_a_controller_that_does_nothing_is_kept() -> None:
    whole = program(
        *measured("a", "m"),
        If(is_one("m"), (pulse("b"),)),
        Delay(("a.drive",), ns=5_000),
        Barrier(NAMES),
        *measured("b", "n"),
    )
    first = next_part(whole, whole.body, ShotState(), PLACES)
    second = next_part(whole, first.rest, after(first, ShotState(), {"m": 0}), PLACES)
    assert {one.name[0] for one in second.program.frames} == {"b"}
    placed = place_in_fs(second.program)
    (read,) = (one for one in placed.frames if one.frame.name == "b.readout")
    assert int(np.max(read.items[0].start_fs)) == 5_000 * NS
    assert placed.shot_fs.max() == second.length_fs == 5_700 * NS


def test_what_cannot_be_cut_is_refused_with_what_would_be_right() -> None:
    wait = Delay(("a.drive",), ns=100)
    loop = RepeatUntil((*measured("a", "m"), pulse("b"), wait), is_one("m"), 3)
    whole = program(loop)
    with pytest.raises(CannotCut, match="write its turns out"):
        next_part(whole, whole.body, ShotState(), PLACES)
    axis = Axis("wait", (Variable("wait", "fs", Linear(0, 400 * NS, 5)),))
    with pytest.raises(CannotCut, match="sweeps wait"):
        check_cuts(program(pulse("a"), axes=(axis,)))
    with pytest.raises(CannotCut, match="swaps the phases of frames"):
        check_cuts(program(SwapPhases("a.drive", "b.drive")))
