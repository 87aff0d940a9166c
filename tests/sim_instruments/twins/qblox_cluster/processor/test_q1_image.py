"""Stale register reads, against a plain interpreter that delays each write by one instruction."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.qblox_cluster.q1asm import (
    Instruction,
    Operand,
    Register,
    assemble,
    format_program,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_alone
from podium.sim_instruments.twins.qblox_cluster.processor.q1_image import build_image
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Q1Processor,
    SequencerSetup,
)

MASK = 0xFFFF_FFFF
REGISTERS = 4


def interpret(lines: list[Instruction]) -> tuple[list[int], int]:
    """Return the registers at ``stop`` and the number of instructions executed."""
    registers = [0] * 64
    late: dict[int, int] = {}
    zero = False
    address = count = 0
    while True:
        line = lines[address]
        count += 1
        address += 1
        seen = list(registers)
        for register, value in late.items():
            registers[register] = value
        late = {}

        def read(operand: Operand, seen: list[int] = seen) -> int:
            return seen[operand.number] if isinstance(operand, Register) else int(str(operand))

        match line.mnemonic, line.operands:
            case "stop", _:
                return registers, count
            case "move", (source, Register(target)):
                late = {target: read(source) & MASK}
            case ("add" | "sub") as name, (left, right, Register(target)):
                value = (read(left) + (read(right) if name == "add" else -read(right))) & MASK
                zero = value == 0
                late = {target: value}
            case "mulu32", (left, right, Register(low), Register(high)):
                product = read(left) * read(right)
                zero = product == 0
                late = {low: product & MASK}
                late[high] = product >> 32
            case "jnz", (target_address,):
                address = address if zero else read(target_address)
            case "jmp", (target_address,):
                address = read(target_address)


register = st.builds(Register, st.integers(0, REGISTERS - 1))
number = st.integers(0, 3)


@st.composite
def programs(draw: st.DrawFn) -> list[Instruction]:
    size = draw(st.integers(1, 25))
    lines = []
    for k in range(size):
        kind = draw(st.sampled_from(["move", "add", "add", "sub", "mulu32", "jump"]))
        source = st.one_of(register, number)
        if kind == "move":
            lines.append(Instruction("move", (draw(source), draw(register))))
        elif kind == "mulu32":
            low = draw(st.integers(0, REGISTERS - 2))
            lines.append(
                Instruction(
                    "mulu32", (draw(register), draw(source), Register(low), Register(low + 1))
                )
            )
        elif kind == "jump":
            # Forward only, so that it ends; into the middle of hazards as well.
            name = draw(st.sampled_from(["jnz", "jmp"]))
            lines.append(Instruction(name, (draw(st.integers(k + 1, size)),)))
        else:
            lines.append(Instruction(kind, (draw(register), draw(source), draw(register))))
    return [*lines, Instruction("stop")]


@settings(max_examples=cases(60, 400), deadline=None, derandomize=True)
@given(programs())
def test_a_register_read_right_behind_its_write_still_holds_its_old_value(
    lines: list[Instruction],
) -> None:
    expected, count = interpret(lines)
    shown = [
        Instruction("nop"),
        *(
            instruction
            for k in range(REGISTERS)
            for part in (0, 16)
            for instruction in (
                Instruction("lsr", (Register(k), part, Register(60))),
                Instruction("nop"),
                Instruction("set_awg_gain", (Register(60), Register(60))),
                Instruction("upd_param", (1000,)),
            )
        ),
        Instruction("stop"),
    ]
    program = assemble(format_program([*lines[:-1], *shown]))
    trace = run_alone(Q1Processor(program, SequencerSetup()))
    halves = [int(gain) & 0xFFFF for gain in trace.gain0]
    values = [low | high << 16 for low, high in zip(halves[::2], halves[1::2], strict=True)]
    assert values == expected[:REGISTERS]
    assert trace.instructions == count + len(shown) - 1


def test_a_chain_of_stale_reads_is_laid_out_once() -> None:
    length = 16_000
    image = build_image(assemble("add R0,1,R0\n" * length + "stop"))
    assert len(image.stale_reads) == length - 1
    assert len(image.code) < 7 * length
    assert np.array_equal(np.unique(image.address), np.arange(length + 2))


def test_equal_constants_share_a_slot() -> None:
    image = build_image(assemble("move 5,R0\nmove 5,R1\nmove -1,R2\nmove 0xffffffff,R3\nstop"))
    assert sorted(image.slots[68:].tolist()) == [0, 5, 0xFFFF_FFFF]


def test_a_stale_read_is_told_in_the_log() -> None:
    program = assemble("move 3,R0\nset_awg_gain R0,R0\nupd_param 4\nstop")
    trace = run_alone(Q1Processor(program, SequencerSetup()))
    assert trace.gain0.tolist() == [0]
    assert len(trace.log) == 1
    assert "line 2 (set_awg_gain R0,R0) reads a register" in trace.log[0]


@pytest.mark.parametrize("into", range(6))
def test_whoever_jumps_among_instructions_that_are_done_at_once_finds_his_own(into: int) -> None:
    trace = run_alone(
        Q1Processor(
            assemble(f"upd_param 1000\njmp {2 + into}\n" + "nop\n" * 5 + "upd_param 4\nstop"),
            SequencerSetup(),
        )
    )
    assert trace.instructions == 2 + (5 - into) + 2
    assert trace.time_ns.tolist() == [0, 1000]


@pytest.mark.parametrize(("way", "left"), [("jmp 5", 5), ("nop", 4)])
def test_a_jump_between_a_subtraction_and_its_jump_does_not_subtract(way: str, left: int) -> None:
    text = f"move 5,R0\nnop\ncmp R0,R1\n{way}\nsub R0,1,R0\njnz 7\nillegal\nstop R0"
    trace = run_alone(Q1Processor(assemble(text), SequencerSetup()))
    assert trace.exit_code == left
    assert trace.instructions == 6 + (way == "nop")


def test_what_is_done_at_once_costs_and_counts_as_before() -> None:
    """The last instruction comes as late as each of those before it makes it."""
    joined = "nop\n" * 7 + "move 3,R0\nnop\nagain: sub R0,1,R0\njnz @again\n"
    apart = "cmp R9,R9\n" * 2 + "move 3,R0\nnop\nagain: sub R0,1,R0\nnop\njnz @again\n"
    for body, ticks, count in (
        (joined, 7 + 2 + 3 * 4 + 2 * 3, 15),
        (apart, 2 * 4 + 2 + 3 * 5 + 2 * 3, 13),
    ):
        for slack in (0, -4):
            lasting = ticks * 4 + 4 + slack
            text = "nop\n" * 9 + f"upd_param {lasting}\n{body}upd_param 60000\nstop"
            trace = run_alone(Q1Processor(assemble(text), SequencerSetup()))
            assert bool(trace.flags) == (slack < 0)
            if not trace.flags:
                assert trace.instructions == 9 + 1 + count + 2
