"""Branches of programs: what they mean, what is wrong with them, how they are kept."""

from dataclasses import replace

import numpy as np
import pytest

from podium.control.program.capture_counts import CaptureCount, capture_counts
from podium.control.program.conditions import Condition, Discriminator, is_one, is_zero
from podium.control.program.parameters import parameters_of, with_parameters
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Parameter,
    Play,
    Program,
    RepeatUntil,
    ShiftPhase,
    Statement,
    walk,
)
from podium.control.program.render import OutcomeMissing, render
from podium.control.program.serialise import from_json, to_json
from podium.control.program.validate import ProgramError, validate
from podium.control.program.waveforms import Square

NS = 1_000_000
FRAMES = (Frame("d", "drive", 0.0), Frame("r", "readout", 0.0))
READS = Discriminator(0.25, 1e-3)
READ = Capture("r", "m", 100 * NS, 0, READS)
WAIT = Delay(("d", "r"), 500 * NS)
SHORT, LONG = Play("d", Square(10 * NS), 0.5), Play("d", Square(30 * NS), -0.25)


def program(*body: Statement) -> Program:
    return Program("p", FRAMES, body)


CHOICE = program(READ, WAIT, If(is_one("m"), (SHORT,), (LONG, ShiftPhase("d", 0.5))), SHORT)
RETRY = program(
    RepeatUntil((READ, WAIT, If(is_one("m"), (LONG,)), Barrier(("d", "r"))), is_zero("m"), 3), SHORT
)


def test_the_branch_that_a_result_tells_is_rendered_and_both_take_the_same_time() -> None:
    shots = [render(CHOICE, (), outcomes={"m": [result]}) for result in (0, 1)]
    zero, one = (shot.samples["d"].real for shot in shots)
    assert [shot.duration_ns for shot in shots] == [540, 540]
    np.testing.assert_allclose(zero[500:530], -0.25)
    np.testing.assert_allclose(zero[530:], -0.5)  # behind the shift of half a turn
    np.testing.assert_allclose(one[500:510], 0.5)
    np.testing.assert_allclose(one[510:530], 0.0)
    np.testing.assert_allclose(one[530:], 0.5)


@pytest.mark.parametrize(
    ("results", "tries", "flips"),
    [([0], 1, 0), ([1, 0], 2, 1), ([1, 1, 0], 3, 2), ([1, 1, 1], 3, 3)],
)
def test_it_is_repeated_until_the_result_or_as_often_as_allowed(results, tries, flips) -> None:
    shot = render(RETRY, (), outcomes={"m": results})
    assert [window.start_ns for window in shot.captures] == [530 * k for k in range(tries)]
    assert np.count_nonzero(shot.samples["d"] == -0.25) == 30 * flips
    assert shot.duration_ns == 3 * 530 + 10
    np.testing.assert_allclose(shot.samples["d"][-10:], 0.5)


def test_a_result_that_is_not_given_is_asked_for() -> None:
    with pytest.raises(OutcomeMissing, match="result 2 of capture 'm' in this shot, of which 1"):
        render(RETRY, (), outcomes={"m": [1]})


@pytest.mark.parametrize(
    ("operation", "met"),
    [
        ("all", [0, 0, 0, 1]),
        ("any", [0, 1, 1, 1]),
        ("odd", [0, 1, 1, 0]),
        ("not all", [1, 1, 1, 0]),
        ("none", [1, 0, 0, 0]),
        ("even", [1, 0, 0, 1]),
    ],
)
def test_conditions_count_ones(operation, met) -> None:
    condition = Condition(("a", "b"), operation)
    seen = [condition.met({"a": a, "b": b}) for a in (0, 1) for b in (0, 1)]
    assert seen == [bool(one) for one in met]
    other = [condition.opposite.met({"a": a, "b": b}) for a in (0, 1) for b in (0, 1)]
    assert other == [not one for one in seen]


@pytest.mark.parametrize("one", [CHOICE, RETRY])
def test_branches_come_back_from_json(one: Program) -> None:
    validate(one)
    assert from_json(to_json(one)) == one
    assert hash(from_json(to_json(one))) == hash(one)


def test_statements_are_numbered_through_branches() -> None:
    names = [type(statement).__name__ for _, statement in walk(CHOICE.body)]
    assert names == ["Capture", "Delay", "If", "Play", "Play", "ShiftPhase", "Play"]
    assert [number for number, _ in walk(CHOICE.body)] == list(range(7))


def test_parameters_within_branches_are_found_and_set() -> None:
    soft = replace(SHORT, amplitude=Parameter("soft", 0.1))
    one = program(
        READ, WAIT, RepeatUntil((READ, If(is_one("m"), (soft,), (soft,))), is_one("m"), 2)
    )
    assert parameters_of(one) == {"soft": 0.1}
    assert parameters_of(with_parameters(one, {"soft": 0.3})) == {"soft": 0.3}


def test_how_often_captures_are_made_is_told() -> None:
    inner = Capture("r", "k", 100 * NS)
    one = program(RepeatUntil((READ, WAIT, If(is_one("m"), (inner,))), is_zero("m"), 3))
    assert capture_counts(one) == {
        "m": CaptureCount("m", READS, 1, 3),
        "k": CaptureCount("k", None, 0, 3),
    }


BARE = replace(READ, name="bare", discriminator=None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ((READ, WAIT, If(is_one("n"), (SHORT,))), "'n', which is no capture; there are 'm'"),
        ((If(is_one("m"), (SHORT,)), READ), r"0 \(If\): .* 'm', which is captured only later"),
        ((BARE, WAIT, If(is_one("bare"), (SHORT,))), "'bare', which has no discriminator"),
        (
            (READ, WAIT, If(is_one("m"), (replace(READ, name="k"),)), If(is_one("k"), (SHORT,))),
            r"statement 4 \(If\): .* 'k', which is captured in a branch that may not have been",
        ),
        ((READ, If(Condition(()), (SHORT,))), "a condition on no capture"),
        ((READ, If(Condition(("m", "m")), (SHORT,))), "names a capture twice: m, m"),
        ((READ, If(Condition(("m",), "most"), (SHORT,))), "condition 'most'; one of 'all', 'any'"),
        ((RepeatUntil((READ,), is_one("m"), 0),), "at_most is 0; a whole number, at least 1"),
        (
            (READ, RepeatUntil((SHORT,), is_one("m"), 2)),
            "until a condition on m, which its body does not capture: that would never change",
        ),
        ((READ, If(is_one("m"), (READ,))), "capture 'm' is there 2 times"),
        ((READ, If(is_one("m"), (Play("x", Square(NS)),))), r"statement 2 \(Play\): no frame 'x'"),
        (
            (replace(READ, discriminator=Discriminator(0.0, float("nan"))),),
            "threshold_v of its discriminator is nan; a finite number",
        ),
    ],
)  # fmt: skip
def test_branches_that_contradict_themselves_are_named(body, message) -> None:
    with pytest.raises(ProgramError, match=message):
        validate(program(*body))
