"""A sequencer that is stopped and goes on does what it does by itself, and shows what it holds."""

import random
from typing import Any

import numpy as np
import pytest
from tests.benches.referees.random_seqc import random_program
from tests.benches.referees.seqc_corpus import compile_seqc

from podium.sim_instruments.execution.breakpoints import Breakpoint
from podium.sim_instruments.execution.processor_watch import (
    BadCondition,
    Condition,
    SequencerStops,
    stops_at,
)
from podium.sim_instruments.twins.zurich.sequencer import image
from podium.sim_instruments.twins.zurich.sequencer.processor import Input, Processor, Setup, Trace
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source, Status
from podium.sim_instruments.twins.zurich.sequencer.sequencer_view import (
    WORDS,
    SequencerBreaks,
    SequencerView,
    listing_of,
)

PROGRAM = """\
wave w = gauss(64, 1.0, 32, 8);
assignWaveIndex(1, 2, w, 0);
var i;
for (i = 0; i < 3; i++) {
  waitDigTrigger(1);
  playWave(1, 2, w);

  playZero(320);
  setUserReg(3, i);
}
if (getUserReg(0)) {
  playZero(64);
} else {
  playZero(96);
}
"""
TRIGGERS = [Input(4096 * k, Source.DIGITAL_1) for k in (1, 2, 3)]
GOING_ON = (Status.UNKNOWN, Status.COUNT_LIMIT)


def executed(source: str, stops: SequencerBreaks | None, device: str = "SHFSG8") -> Trace:
    elf = compile_seqc(source, device).elf
    model = image.MODELS["HDAWG" if device == "HDAWG8" else device[:5]]
    made = image.make_image(elf, model)
    processor = Processor(made, Setup(user_registers=(1,)))
    if stops is not None:
        processor.watch(stops.watch("sg0"), listing_of(elf, made, model.sample_rate_hz))
    processor.feed(TRIGGERS)
    for known in range(4_000, 60_000, 4_000):  # in pieces, as runs are
        trace = processor.run(known=known, until=known, instructions=20_000)
    return trace


def same(one: Trace, other: Trace) -> None:
    np.testing.assert_array_equal(one.rows, other.rows)
    for name in ("status", "pc", "instructions", "end", "gaps", "user_registers", "waiting"):
        assert getattr(one, name) == getattr(other, name), name


def visited(*breakpoints: Breakpoint, steps: bool = False) -> list[dict[str, Any]]:
    """Return how it stands at each stop; the run has done what it does by itself."""
    seen: list[dict[str, Any]] = []

    def halted(view: SequencerView) -> bool:
        seen.append(view.told())
        return steps

    same(executed(PROGRAM, stops_at(breakpoints, WORDS, halted)), executed(PROGRAM, None))
    return seen


def test_it_stops_before_a_line_each_time_it_comes_there() -> None:
    seen = visited(Breakpoint(6))
    assert [one["line"] for one in seen] == [6, 6, 6]
    assert [one["source"] for one in seen] == ["playWave(1, 2, w);"] * 3
    assert {one["instruction"].split()[0] for one in seen} == {"wvfe"}
    # triggers come every 4096 samples at 2 GSa/s
    assert np.diff([one["time_ns"] for one in seen]).tolist() == [2048, 2048]
    assert [one["registers"].get("user3", 0) for one in seen] == [0, 0, 1]
    waves = [[row for row in one["played"] if row["what"] == "wave"] for one in seen]
    assert [len(rows) for rows in waves] == [0, 1, 2]
    last = waves[2][-1]
    assert (last["samples"], last["amplitudes"]) == (64, [1.0] * 4)
    assert seen[2]["time_ns"] - last["time_ns"] > 1000


@pytest.mark.parametrize(
    ("line", "times"), [(4, 4), (5, 3), (6, 3), (8, 3), (9, 3), (11, 1), (12, 1), (14, 0)]
)
def test_a_line_is_reached_as_often_as_its_source_says(line: int, times: int) -> None:
    """Line 4 is reached at its beginning, and at each ``i++``."""
    assert [one["line"] for one in visited(Breakpoint(line))] == [line] * times


def test_a_line_without_an_instruction_stands_for_the_next_that_has_one() -> None:
    assert [one["line"] for one in visited(Breakpoint(7))] == [8, 8, 8]
    assert [one["line"] for one in visited(Breakpoint(1))] == [4] * 4
    assert visited(Breakpoint(40)) == []


def test_an_address_of_the_listing_is_a_condition() -> None:
    at_line = visited(Breakpoint(6))
    address = at_line[0]["address"]
    assert visited(Breakpoint(when=f"address == {address}")) == at_line


def test_steps_visit_every_instruction() -> None:
    seen = visited(Breakpoint(when="address == 0"), steps=True)
    assert [one["instructions"] for one in seen] == list(range(len(seen)))
    assert seen[-1]["instruction"] == "end"
    lines = [one["line"] for one in seen]
    assert lines.count(6) == lines.count(5) == 3
    assert seen[0]["line"] == 0, "nobody's: the compiler's own"


@pytest.mark.parametrize(
    ("when", "line", "name", "value"),
    [("user3 == 2", 9, "user3", 2), ("user3 > 0", 9, "user3", 1), ("R1 == 2", 9, "R1", 2)],
)
def test_it_stops_once_a_condition_begins_to_hold(when, line, name, value) -> None:
    (one,) = visited(Breakpoint(when=when))
    assert one["registers"][name] == value
    assert one["line"] == line


def test_it_stops_at_the_first_instruction_from_a_time_on() -> None:
    (one,) = visited(Breakpoint(when="time >= 4110"))
    assert (one["line"], 4110 <= one["time_ns"] < 4300) == (8, True)
    assert one["queue_ns"] == []


def test_negative_numbers_are_registers_of_their_own() -> None:
    (one,) = visited(Breakpoint(when="R2 < -1"))
    assert one["registers"]["R2"] == -2


@pytest.mark.parametrize("text", ["", "R16 == 1", "user16 == 1", "R1 = 1", "zero", "carry"])
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(BadCondition, match=r"a condition is like R3 == 5 \(R0 to R15\)"):
        Condition.of_text(text, WORDS)


@pytest.mark.parametrize("seed", range(12))
def test_random_programs_do_the_same_with_stops_anywhere(seed: int) -> None:
    source = random_program(seed)[0]
    rng = random.Random(seed)
    lines = tuple(rng.sample(range(1, source.count("\n") + 2), 2))
    conditions = (Condition.of_text(rng.choice(["R1 > 5", "time >= 2000", "user0 != 0"]), WORDS),)
    for words in ({"lines": lines}, {"conditions": conditions}):
        order = random.Random(seed)
        stops = SequencerStops(lambda _, order=order: order.random() < 0.3, **words)
        same(executed(source, stops), executed(source, None))
