"""Registers of programs of the vendor's compiler: counters, times of results, and what shows."""

import numpy as np
import pytest
from tests.benches.referees import seqc_corpus

from podium.firmware_interfaces.zurich.elf import read_elf
from podium.sim_instruments.twins.zurich.sequencer.image import (
    SHFSG,
    Feedback,
    make_image,
)
from podium.sim_instruments.twins.zurich.sequencer.register_use import ProgramRegisters
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    REGISTERS,
    Op,
    Result,
    State,
)

HEAD = (
    "wave w = ones(64); assignWaveIndex(1, 2, w, 0);"
    "configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0); var t = 8; waitDigTrigger(1);"
)


def at_the_result(body: str):
    """Return the use of registers where a result is asked for, and the program's words."""
    elf, _ = seqc_corpus.vendor_elf(HEAD + body, "SHFQC")
    code = make_image(read_elf(elf), SHFSG).code
    (pc,) = np.flatnonzero((code[:, 0] == Op.TABLE) & (code[:, 1] == Result.QA)).tolist()
    registers = ProgramRegisters(code)
    return registers.at(pc), registers


def test_a_loop_counts_and_a_latency_is_a_time() -> None:
    use, registers = at_the_result(
        "repeat (50) { playZero(2432); executeTableEntry(QA_DATA_PROCESSED, t + 300);"
        "playZero(4096); t += 1000; }"
    )
    assert len(use.counters) == len(use.times) == 1
    assert set(use.counters) <= set(registers.counters)
    assert not use.shown, "what held a constant of an instruction before is dead"


def test_a_counter_that_is_looked_at_shows() -> None:
    use, _ = at_the_result(
        "var k; for (k = 0; k < 9; k++) { playZero(2432);"
        "executeTableEntry(QA_DATA_PROCESSED, 300); playZero(64 + 16 * k); waitDigTrigger(1); }"
    )
    assert use.shown
    assert not use.times


def test_a_time_that_a_swept_delay_is_added_to_is_one_and_the_delay_shows() -> None:
    use, _ = at_the_result(
        "var v; var u; repeat (50) { v = 0; u = 0; repeat (4) { playZero(2432);"
        "executeTableEntry(QA_DATA_PROCESSED, t + 300); playZero(v + 4096); t += u + 1000;"
        "v += 160; u += 20; } }"
    )
    assert len(use.times) == 1
    assert len(use.shown) == 2
    assert len(use.counters) == 2


def test_a_time_that_also_is_played_shows() -> None:
    use, _ = at_the_result(
        "repeat (50) { playZero(2432); executeTableEntry(QA_DATA_PROCESSED, t + 300);"
        "playZero(t); t += 16; }"
    )
    assert use.shown
    assert not use.times


BRANCHES = (Op.BRANCH_ZERO, Op.BRANCH_NOT_ZERO, Op.BRANCH_POSITIVE)
WRITES = (Op.ADD, Op.SUBTRACT, Op.SHIFT_LEFT, Op.ADD_CONSTANT, Op.AND_CONSTANT, Op.RECALL)
READS = {
    **dict.fromkeys((Op.ADD, Op.SUBTRACT, Op.PLAY_LONG), (1, 2)),
    **dict.fromkeys((Op.SHIFT_LEFT, Op.WAIT_TIMER), (1,)),
    **dict.fromkeys((*BRANCHES, Op.ADD_CONSTANT, Op.AND_CONSTANT, Op.REMEMBER), (2,)),
    **dict.fromkeys((Op.NOP, Op.JUMP, Op.END, Op.RECALL), ()),
}
"""Columns of an instruction that are registers it reads."""


def searched(code: np.ndarray, pc: int, register: int) -> tuple[set[str], bool]:
    """Follow a register on every way from an instruction; return what its value ends up in.

    And whether it is only counted down by one until then.
    """
    ends: set[str] = set()
    only_down, ways, met = True, [(pc, register)], set()
    while ways:
        at, mine = ways.pop()
        if (at, mine) in met or at >= len(code):
            continue
        met.add((at, mine))
        op, a, b, c = Op(code[at, 0]), *code[at, 1:].tolist()
        after = [] if op in (Op.JUMP, Op.END) else [at + 1]
        after += [c] if op is Op.JUMP or op in BRANCHES else []
        reads = [code[at, column] for column in READS[op]]
        goes_on = [] if op in WRITES and a == mine else [mine]
        if mine in reads and op is Op.ADD_CONSTANT:
            only_down = only_down and a == mine and c == -1
            goes_on = list({a, mine})
        elif op is Op.ADD and a != b and mine == a:
            only_down, goes_on = False, [a]
        elif mine in reads:
            latency = op is Op.REMEMBER and c == State.LATENCY
            ends.add("counts" if op is Op.BRANCH_POSITIVE else "time" if latency else "shown")
        ways += [(one, each) for one in after for each in goes_on]
    return ends, only_down


def test_uses_are_those_that_a_search_from_each_instruction_finds() -> None:
    rng = np.random.default_rng(17)
    for _ in range(300):
        size = int(rng.integers(3, 20))
        code = rng.integers(0, 5, (size, 4))
        code[:, 0] = rng.choice([int(one) for one in READS], size)
        code[:, 3] = rng.choice([-1, 0, int(State.LATENCY)], size)
        jumps = np.isin(code[:, 0], [int(one) for one in (Op.JUMP, *BRANCHES)])
        code[jumps, 3] = rng.integers(0, size + 1, int(jumps.sum()))
        registers = ProgramRegisters(code)
        for pc in range(size):
            use = registers.at(pc)
            for register in range(1, REGISTERS - 1):
                ends, only_down = searched(code, pc, register)
                counts = ends == {"counts"} and only_down
                assert (register in use.counters) is counts
                assert (register in use.times) is (ends == {"time"})
                shown = bool(ends) and not counts and ends != {"time"}
                assert (register in use.shown) is shown


@pytest.mark.parametrize(
    ("body", "bits"),
    [
        ("executeTableEntry(QA_DATA_PROCESSED, t + 300);", 0b1),
        (
            "configureFeedbackProcessing(QA_DATA_PROCESSED, 6, 2, 0);"
            "executeTableEntry(QA_DATA_PROCESSED, t + 300);",
            0b11 << 6,
        ),
        (
            "executeTableEntry(QA_DATA_PROCESSED, t + 300); playZero(4096);"
            "configureFeedbackProcessing(QA_DATA_PROCESSED, 4, 1, 0);"
            "if (getFeedback(QA_DATA_PROCESSED, t + 900)) { playZero(64); }",
            0b1_0001,
        ),
        ("if (getFeedback(QA_DATA_RAW, t + 300) & 1) { playZero(64); }", -1),
        ("playZero(64);", 0),
    ],
    ids=["one", "others", "one, then another", "whole words", "none"],
)
def test_bits_of_words_that_a_program_may_look_at(body: str, bits: int) -> None:
    elf, _ = seqc_corpus.vendor_elf(HEAD + body, "SHFQC")
    registers = ProgramRegisters(make_image(read_elf(elf), SHFSG).code)
    assert registers.result_bits(0, Feedback().packed()) == bits
