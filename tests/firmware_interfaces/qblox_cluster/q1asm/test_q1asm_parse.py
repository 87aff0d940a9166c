import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.qblox_cluster.q1asm import (
    AssemblyError,
    Instruction,
    Label,
    Register,
    format_program,
    parse,
)

WORDS = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
LINES = st.builds(
    Instruction,
    WORDS,
    st.lists(
        st.one_of(
            st.integers(-(2**33), 2**33),
            st.builds(Register, st.integers(0, 63)),
            st.builds(Label, WORDS),
        ),
        max_size=5,
    ).map(tuple),
    st.none() | WORDS,
    st.text("abc #,:$", max_size=8).map(lambda text: text.strip(" #")),
)


@given(st.lists(LINES, max_size=8))
def test_what_is_printed_is_read_back(lines: list[Instruction]) -> None:
    assert parse(format_program(lines)) == tuple(lines)


@given(st.text('aR1@$:,#.DEF \t\n-x0;"é', max_size=60))
def test_any_text_gives_instructions_or_an_assembly_error(text: str) -> None:
    try:
        lines, problems = parse(text), ()
    except AssemblyError as error:
        lines, problems = (), error.problems
    assert all(line.mnemonic or line.label or line.comment for line in lines)
    assert all(1 <= problem.line <= len(text.splitlines()) + 1 for problem in problems)


def test_every_way_to_write_an_operand() -> None:
    (line,) = parse("play 0x1f, 017 ,-5,R08,@there\n".replace("R08", "R010"))
    assert line.operands == (31, 15, -5, Register(8), Label("there"))


def test_a_definition_stands_for_an_operand_in_later_lines() -> None:
    text = ".DEF points 51\n.DEF counter R3\nstart: move $points,$counter # go\n"
    assert parse(text) == (
        Instruction("move", (51, Register(3)), label="start", comment="go", line=3),
    )


def test_lines_are_counted_from_one_over_all_line_ends() -> None:
    assert [line.line for line in parse("nop\r\n\nnop\rnop\n")] == [1, 3, 4]


def test_a_label_may_stand_on_its_own_line_or_behind_the_last_instruction() -> None:
    lines = parse("a:\nb: # here\nnop\nend:")
    assert [(line.label, line.mnemonic) for line in lines] == [
        ("a", ""),
        ("b", ""),
        (None, "nop"),
        ("end", ""),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("nop\nmove 1 R0", 2, "'1 R0' is not a valid integer"),
        ("move 09,R0", 1, "'09' is not a valid integer"),
        ("stop R-1", 1, "Invalid Register argument: Value 'R-1'"),
        ("nop;nop", 1, "spurious characters in 'nop;nop'"),
        ("move $n,R0\n.DEF n 5", 1, "Unresolved symbol: n; a .DEF must stand before its use"),
        (".DEF n 5\n.DEF n 6", 2, "Duplicate symbol: n"),
        (".FOO n 5", 1, "directive '.FOO' not supported; there is .DEF"),
        (".DEF n", 1, ".DEF takes a name and one value"),
        ("jmp @", 1, "'@' names no label"),
    ],
)
def test_an_error_names_line_and_cause(text: str, line: int, message: str) -> None:
    with pytest.raises(AssemblyError) as caught:
        parse(text)
    assert caught.value.line == line
    assert message in caught.value.message
    assert str(caught.value).startswith(f"line {line}: ")


def test_all_errors_are_reported_at_once() -> None:
    with pytest.raises(AssemblyError) as caught:
        parse("move 1 2\nnop\nstop x\n")
    assert [problem.line for problem in caught.value.problems] == [1, 3]
