"""What Q1 instructions do to registers, flags and time, against plain Python integers.

A program is run for each case; its result is what ``stop`` says, its flags are the jumps taken.
"""

import itertools
import operator
from collections.abc import Callable

import pytest

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_alone
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Q1Processor,
    SequencerSetup,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)

UNDERFLOW = "SEQUENCE PROCESSOR RT EXEC COMMAND UNDERFLOW"
SETUP = SequencerSetup(waveform_lengths={0: 4, 1: 4})
VALUES = (0, 1, 2, 7, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
PAIRS = tuple(itertools.product(VALUES, repeat=2))
BITS = 32


def signed(value: int, bits: int = BITS) -> int:
    value %= 2**bits
    return value - 2**bits if value >= 2 ** (bits - 1) else value


def run(text: str, setup: SequencerSetup = SETUP, **options: object) -> RealTimeTrace:
    return run_alone(Q1Processor(assemble(text), setup), **options)  # type: ignore[arg-type]


def results(body: str, cases: tuple[tuple[int, ...], ...]) -> list[int]:
    """Return what ``R2`` holds, unsigned, after ``body`` with each case in ``R0``, ``R1``."""
    found = []
    for case in cases:
        moves = "".join(f"move {value},R{k}\n" for k, value in enumerate(case))
        trace = run(f"{moves}nop\n{body}\nnop\nstop R2")
        assert (trace.flags, trace.ending) == ((), Ending.STOPPED), (body, case, trace.log)
        found.append(trace.exit_code % 2**BITS)
    return found


TWO_OPERANDS: dict[str, Callable[[int, int], int]] = {
    "add R0,R1,R2": operator.add,
    "sub R0,R1,R2": operator.sub,
    "and R0,R1,R2": operator.and_,
    "or R0,R1,R2": operator.or_,
    "xor R0,R1,R2": operator.xor,
    "not R0,R2": lambda a, _: ~a,
}


@pytest.mark.parametrize("body", TWO_OPERANDS)
def test_results_are_those_of_integers_cut_to_32_bits(body: str) -> None:
    expected = [TWO_OPERANDS[body](a, b) % 2**BITS for a, b in PAIRS]
    assert results(body, PAIRS) == expected
    # A register has no more bits than these: none comes in from above.
    assert results(f"{body}\nnop\nlsr R2,1,R2", PAIRS) == [one >> 1 for one in expected]


SHIFTS: dict[str, Callable[[int, int], int]] = {
    "asl": lambda a, by: a << by,
    "asr": lambda a, by: signed(a) >> by,
    "lsr": lambda a, by: a >> by,
}


@pytest.mark.parametrize("name", SHIFTS)
def test_shifts_keep_the_sign_where_they_are_arithmetic(name: str) -> None:
    for by in (0, 1, 15, 16, 31):
        expected = [SHIFTS[name](a, by) % 2**BITS for a in VALUES]
        assert results(f"{name} R0,{by},R2", tuple((a,) for a in VALUES)) == expected


PRODUCTS: dict[str, Callable[[int, int], int]] = {
    "mulu32l R0,R1,R2": lambda a, b: a * b,
    "mulu32h R0,R1,R2": lambda a, b: a * b >> 32,
    "muls32l R0,R1,R2": lambda a, b: signed(a) * signed(b),
    "muls32h R0,R1,R2": lambda a, b: signed(a) * signed(b) >> 32,
    "mulu16 R0,R1,R2": lambda a, b: (a % 2**16) * (b % 2**16),
    "muls16 R0,R1,R2": lambda a, b: signed(a, 16) * signed(b, 16),
}


@pytest.mark.parametrize("body", PRODUCTS)
def test_products_are_those_of_integers_cut_to_32_bits(body: str) -> None:
    expected = [PRODUCTS[body](a, b) % 2**BITS for a, b in PAIRS]
    assert results(body, PAIRS) == expected
    assert results(f"{body}\nnop\nlsr R2,1,R2", PAIRS) == [one >> 1 for one in expected]


COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "jz": lambda a, b: a == b,
    "jnz": lambda a, b: a != b,
    "jg": lambda a, b: signed(a) > signed(b),
    "jge": lambda a, b: signed(a) >= signed(b),
    "jl": lambda a, b: signed(a) < signed(b),
    "jle": lambda a, b: signed(a) <= signed(b),
    "ja": operator.gt,
    "jae": operator.ge,
    "jb": operator.lt,
    "jbe": operator.le,
    "js": lambda a, b: signed(a - b) < 0,
    "jns": lambda a, b: signed(a - b) >= 0,
    "jo": lambda a, b: signed(a) - signed(b) != signed(a - b),
    "jno": lambda a, b: signed(a) - signed(b) == signed(a - b),
}


@pytest.mark.parametrize("jump", COMPARISONS)
def test_a_jump_after_a_comparison_is_taken_as_its_name_says(jump: str) -> None:
    """``cmp`` leaves its operands alone."""
    body = f"move R0,R2\nnop\ncmp R2,R1\n{jump} @taken\nstop 1\ntaken: sub R2,R0,R2\nnop"
    found = results(body, PAIRS)
    assert found == [0 if COMPARISONS[jump](a, b) else 1 for a, b in PAIRS]


def test_a_loop_goes_round_as_often_as_its_register_says() -> None:
    for turns in (1, 2, 7):
        assert results("again: add R1,1,R1\nloop R0,@again\nmove R1,R2", ((turns, 0),)) == [turns]


@pytest.mark.parametrize("by", [1, 4])
def test_the_carry_of_a_shift_is_the_last_bit_that_went_out(by: int) -> None:
    for shift, bit in (("lsr", by - 1), ("asr", by - 1), ("asl", BITS - by)):
        body = f"{shift} R0,{by},R3\njb @carry\nmove 0,R2\njmp @end\ncarry: move 1,R2\nend: nop"
        found = results(body, tuple((a,) for a in VALUES))
        assert found == [a >> bit & 1 for a in VALUES], shift


# Time: a shot that just fits, and the same with one more of what costs


def fits(body: str, lasts_ns: int) -> bool:
    """Tell whether ``body`` is done while an instruction before it lasts ``lasts_ns``."""
    return run(f"upd_param {lasts_ns}\n{body}\nupd_param 4\nstop").flags == ()


def cost_ns(body: str) -> int:
    """Return the least time in which ``body`` is done, found by trying."""
    return next(ns for ns in range(4, 4_000, 4) if fits(body, ns))


def test_a_jump_that_is_taken_costs_three_cycles_more() -> None:
    """q1simulator 1.3.4, q1core.py: a jump empties the pipeline; a cycle is 4 ns."""
    before = "nop\n" * 10
    assert cost_ns(f"{before}nop") - cost_ns(before) == 4
    not_taken = cost_ns(f"{before}move 1,R0\nnop\njz @n\nn: nop")
    taken = cost_ns(f"{before}move 1,R0\nnop\njnz @n\nn: nop")
    assert taken - not_taken == 3 * 4
    assert cost_ns(f"{before}jmp @n\nn: nop") - cost_ns(f"{before}nop") == (1 + 3) * 4


@pytest.mark.parametrize(("work_ns", "in_time"), [(32_500, True), (33_500, False)])
def test_the_queue_holds_32_instructions_that_have_not_begun(work_ns: int, in_time: bool) -> None:
    """Of 40 waits the last is put into the queue when the one 32 before it begins, at 7 us."""
    text = "wait 1000\n" * 40 + "nop\n" * (work_ns // 4) + "upd_param 4\nstop"
    assert run(text).flags == (() if in_time else (UNDERFLOW,))


# Triggers: conditions and latches


CONDITIONS: tuple[Callable[[int, int], bool], ...] = (
    lambda hits, mask: hits != 0,
    lambda hits, mask: hits == 0,
    lambda hits, mask: hits == mask,
    lambda hits, mask: hits != mask,
    lambda hits, mask: hits.bit_count() % 2 == 1,
    lambda hits, mask: hits.bit_count() % 2 == 0,
)
"""OR, NOR, AND, NAND, XOR, XNOR of the triggers in the mask."""


@pytest.mark.parametrize("operation", range(6))
def test_a_condition_is_that_of_the_triggers_in_its_mask(operation: int) -> None:
    for mask, came in itertools.product((0b001, 0b011, 0b111, 0b101), range(8)):
        triggers = [Trigger(100 + k, k + 1) for k in range(3) if came >> k & 1]
        text = f"set_latch_en 1,4\nwait 996\nset_cond 1,{mask},{operation},40\nupd_param 100\nstop"
        trace = run(text, triggers=triggers)
        assert (len(trace) == 1) == CONDITIONS[operation](came & mask, mask), (mask, came)


def met(text: str, triggers: list[Trigger]) -> bool:
    """Tell whether the play after ``text`` happens, on the condition that trigger 1 came."""
    trace = run(f"{text}\nset_cond 1,1,0,40\nplay 0,1,100\nstop", triggers=triggers)
    assert trace.flags == ()
    return len(trace) == 1


def test_only_triggers_that_are_latched_count() -> None:
    assert met("set_latch_en 1,4\nwait 996", [Trigger(500, 1)])
    assert not met("wait 1000", [Trigger(500, 1)])
    assert not met("wait 600\nset_latch_en 1,4\nwait 396", [Trigger(500, 1)])
    assert not met("set_latch_en 1,4\nwait 396\nset_latch_en 0,4\nwait 596", [Trigger(500, 1)])


def test_a_reset_forgets_what_was_latched() -> None:
    assert not met("set_latch_en 1,4\nwait 596\nlatch_rst 4\nwait 396", [Trigger(500, 1)])
    twice = [Trigger(500, 1), Trigger(700, 1)]
    assert met("set_latch_en 1,4\nwait 596\nlatch_rst 4\nwait 396", twice)
    counting = SequencerSetup(waveform_lengths={0: 4, 1: 4}, trigger_counts=(2,) * 15)
    text = (
        "set_latch_en 1,4\nwait 596\nlatch_rst 4\nwait 396\nset_cond 1,1,0,40\nupd_param 100\nstop"
    )
    assert len(run(text, counting, triggers=twice)) == 0, "of two one was before the reset"
    assert len(run(text, counting, triggers=[*twice, Trigger(800, 1)])) == 1
