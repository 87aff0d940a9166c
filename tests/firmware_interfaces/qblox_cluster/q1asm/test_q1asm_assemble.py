import numpy as np
import pytest

from podium.firmware_interfaces.qblox_cluster.q1asm import (
    AssemblyError,
    Instruction,
    Label,
    Register,
    assemble,
    format_program,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.assemble import SUGGESTIONS_MAX
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, MAX_INSTRUCTIONS


def mnemonics(text: str) -> list[str]:
    return [FORMS[opcode].mnemonic for opcode in assemble(text).opcode]


def test_text_and_instructions_assemble_alike() -> None:
    lines = (
        Instruction("move", (-1, Register(5))),
        Instruction("jnz", (Label("end"),), label="again"),
        Instruction("jmp", (Label("again"),)),
        Instruction("stop", label="end"),
    )
    ours, read = assemble(lines), assemble(format_program(lines))
    assert np.array_equal(ours.opcode, read.opcode)
    assert np.array_equal(ours.operands, read.operands)
    assert ours.labels == read.labels == {"again": 1, "end": 3}
    assert ours.operands[0].tolist() == [-1, 5, 0, 0, 0]
    assert ours.operands[1, 0] == 3


@pytest.mark.parametrize(
    ("deprecated", "expansion"),
    [
        ("loop R3,@l", ["sub", "jnz"]),
        ("jge R3,5,@l", ["cmp", "jae"]),
        ("jlt R3,5,R4", ["cmp", "jb"]),
    ],
)
def test_deprecated_instructions_become_two_and_are_warned_of(
    deprecated: str, expansion: list[str]
) -> None:
    text = f"nop\n{deprecated}\nl: stop\n"
    program = assemble(text)
    assert mnemonics(text) == ["nop", *expansion, "stop"]
    assert program.line.tolist() == [1, 2, 2, 3]
    assert program.labels == {"l": 3}
    assert [warning.line for warning in program.warnings] == [2]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("nop\nfop 1", 2, "instruction 'fop' not found; nearest: nop"),
        ("wait 65536", 1, "argument 1 (seq_cnt_imm) value: 65536 out of range (0,65535)"),
        ("move 1,R64", 1, "argument 2 (register) value: 64 out of range (0,63)"),
        (
            "jmp @strat\nstart: nop",
            1,
            "Unresolved address label: strat; nearest: start",
        ),
        ("a: nop\na: nop", 2, "Duplicate address label: a"),
        (
            "set_awg_gain R0,1",
            1,
            'does not support argument signature "R#,#"; supported: "R#,R#" or "#,#"',
        ),
    ],
)
def test_an_error_names_line_cause_and_what_would_be_right(
    text: str, line: int, message: str
) -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble(text)
    assert caught.value.line == line
    assert message in caught.value.message


def test_errors_of_all_kinds_come_in_the_order_of_the_text() -> None:
    with pytest.raises(AssemblyError) as caught:
        assemble("wait 65536\nfoo\njmp @nowhere\nnop\nadd 1,2,R3\n")
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 5]


def test_memory_counts_expanded_instructions() -> None:
    assert len(assemble("nop\n" * MAX_INSTRUCTIONS)) == MAX_INSTRUCTIONS
    with pytest.raises(AssemblyError, match=r"Program too long \(16385\). Maximum 16384"):
        assemble("a: " + "nop\n" * (MAX_INSTRUCTIONS - 1) + "loop R0,@a")
    with pytest.raises(AssemblyError, match=r"Maximum 3 instructions"):
        assemble("nop\n" * 4, max_instructions=3)


def test_an_empty_program_has_no_instructions() -> None:
    assert len(assemble("")) == 0
    assert assemble("# nothing\n").operands.shape == (0, 5)


def test_instructions_made_by_hand_are_counted_as_lines_in_errors() -> None:
    with pytest.raises(AssemblyError, match=r"line 2: .*seq_mrk_imm"):
        assemble((Instruction("nop"), Instruction("set_mrk", (16,))))


def test_of_many_unknown_names_the_first_few_are_told_with_the_nearest() -> None:
    labels = "".join(f"loop_a{n}: nop\n" for n in range(200))
    jumps = "".join(f"jmp @loop_b{n}\n" for n in range(200))
    with pytest.raises(AssemblyError) as refused:
        assemble(labels + jumps)
    told = [problem.message for problem in refused.value.problems]
    assert len(told) == 200
    assert sum("nearest" in text for text in told) == SUGGESTIONS_MAX
    assert "nearest" in told[0]
