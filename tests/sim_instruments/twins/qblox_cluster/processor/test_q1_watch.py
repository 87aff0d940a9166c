"""A processor that is stopped and goes on does what it does by itself, and shows what it holds."""

import random
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest
from tests.benches.referees.random_q1_programs import BINS, WAVEFORMS, WEIGHTS, random_program

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.execution.processor_watch import BadCondition, Condition
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import Route
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_alone, run_together
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Limits,
    Q1Processor,
    SequencerSetup,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_watch import (
    WORDS,
    Q1Stops,
    SeenProcessor,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import RealTimeTrace

PROGRAM = """\
    move 3,R0       # line 1
again: set_mrk 1    # 2
    upd_param 100
    nop
    nop             # 5
    nop
    play 0,0,20
    loop R0,@again  # 8, two instructions in memory
    move 7,R5
    add R5,1,R6     # 10: reads what the line before has written
    upd_param 40
    stop            # 12
"""
TRIGGERS = [Trigger(900 * k, 1 + k % 15) for k in range(1, 200)]


def execute(text: str, stops: Q1Stops | None, **more: Any) -> RealTimeTrace:
    setup = SequencerSetup(
        waveform_lengths=dict(enumerate(WAVEFORMS)),
        weight_lengths=dict(enumerate(WEIGHTS)),
        acquisition_bins=BINS,
        readout=True,
        sync=True,
        watch=None if stops is None else stops.watch("slot2.sequencer0"),
    )
    processor = Q1Processor(assemble(text), setup)
    return run_together((processor,), triggers=TRIGGERS, routes=lambda *_: Route((0,)), **more)[0]


def same(one: RealTimeTrace, other: RealTimeTrace) -> None:
    for a, b in zip(astuple(one), astuple(other), strict=True):
        np.testing.assert_array_equal(a, b)


def visited(text: str, *, steps: bool = False, **stops: Any) -> list[dict[str, Any]]:
    """Return how it stands at each stop; the run has done what it does by itself."""
    seen: list[dict[str, Any]] = []

    def halted(processor: SeenProcessor) -> bool:
        seen.append(processor.told())
        return steps

    same(execute(text, Q1Stops(halted, **stops)), execute(text, None))
    return seen


def test_it_stops_before_a_line_each_time_it_comes_there() -> None:
    seen = visited(PROGRAM, lines=(7,))
    assert [one["line"] for one in seen] == [7, 7, 7]
    assert [one["registers"]["R0"] for one in seen] == [3, 2, 1]
    assert [one["instruction"] for one in seen] == ["play 0,0,20"] * 3
    # each turn takes 120 ns of the real-time side; the row before was the update
    assert np.diff([one["time_ns"] for one in seen]).tolist() == [120, 120]
    assert [len(one["played"]) for one in seen] == [1, 3, 5]
    last = seen[2]["played"][-1]
    assert (last["what"], last["marker"]) == ("update", 1)
    assert seen[2]["played"][-2]["waves"] == [0, 0]


@pytest.mark.parametrize("line", range(1, 13))
def test_it_stops_at_every_line_also_within_what_is_executed_as_one(line: int) -> None:
    seen = visited(PROGRAM, lines=(line,))
    assert [one["line"] for one in seen] == [line] * (3 if 2 <= line <= 8 else 1)


def test_a_line_without_an_instruction_stands_for_the_next_that_has_one() -> None:
    text = "# nothing\n\n    move 1,R1\n    stop\n"
    assert [one["line"] for one in visited(text, lines=(1,))] == [3]
    assert visited(text, lines=(5,)) == []


def test_steps_visit_every_instruction() -> None:
    seen = visited(PROGRAM, steps=True, lines=(1,))
    turn = [2, 3, 4, 5, 6, 7, 8, 8]
    assert [one["line"] for one in seen] == [1, *turn * 3, 9, 10, 11, 12]
    assert [one["instructions"] for one in seen] == list(range(len(seen)))
    assert seen[-1]["registers"] == {"R5": 7, "R6": 1}, "the old value is read: no nop between"


@pytest.mark.parametrize(
    ("when", "line", "registers"),
    [
        ("R0 == 1", 8, {"R0": 1}),
        ("R5 > 6", 10, {"R5": 7}),
        ("zero", 8, {}),
        ("R0 != 0", 2, {"R0": 3}),
    ],
)
def test_it_stops_once_a_condition_begins_to_hold(when: str, line: int, registers: dict) -> None:
    (first, *more) = visited(PROGRAM, conditions=(Condition.of_text(when, WORDS),))
    assert (first["line"], first["registers"], more) == (line, registers, [])


def test_an_address_is_a_condition_that_stops_each_time() -> None:
    at_line = visited(PROGRAM, lines=(7,))
    wanted = Condition.of_text(f"address == {at_line[0]['address']}", WORDS)
    assert visited(PROGRAM, conditions=(wanted,)) == at_line
    assert len(at_line) == 3


def test_it_stops_at_the_first_instruction_from_a_time_on() -> None:
    begin = visited(PROGRAM, lines=(2,))[0]["time_ns"]
    (seen,) = visited(PROGRAM, conditions=(Condition.of_text(f"time >= {begin + 150}", WORDS),))
    assert begin + 150 <= seen["time_ns"] < begin + 300


@pytest.mark.parametrize("seed", range(25))
def test_random_programs_do_the_same_with_stops_anywhere(seed: int) -> None:
    rng = random.Random(seed)
    text = random_program(seed).text
    lines = tuple(rng.sample(range(1, text.count("\n") + 1), 3))
    conditions = (Condition.of_text(rng.choice(["R1 > 5", "time >= 2000", "carry"]), WORDS),)
    for words in ({"lines": lines}, {"conditions": conditions}):
        order = random.Random(seed)
        stops = Q1Stops(lambda _, order=order: order.random() < 0.3, **words)
        same(execute(text, stops), execute(text, None))


def test_a_program_without_end_is_cut_as_without_stops() -> None:
    text = "again: upd_param 1000\n    jmp @again\n"
    stops = Q1Stops(lambda seen: False, lines=(1,))
    limits = Limits(time_ns=50_000)
    same(execute(text, stops, limits=limits), execute(text, None, limits=limits))
    setup = SequencerSetup(watch=stops.watch("x"))
    assert len(run_alone(Q1Processor(assemble(text), setup), limits=limits)) == 51


@pytest.mark.parametrize("text", ["", "R64 == 1", "R1 = 1", "R1 == -1", "speed > 1", "R1 == 1 x"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(BadCondition, match="a condition is like R3 == 5"):
        Condition.of_text(text, WORDS)
