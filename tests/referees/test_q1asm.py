"""Our Q1 assembler against the vendor's: same verdict, same instructions in memory."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.benches.referees import q1asm_oracle
from tests.benches.referees.q1asm_oracle import (
    Unavailable,
    Verdict,
    judge,
    vendor_assembler,
    weaken,
)
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.qblox_cluster.q1asm import (
    AssembledProgram,
    AssemblyError,
    assemble,
    format_program,
    parse,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.commands import command
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import (
    FORMS,
    MAX_INSTRUCTIONS,
    Access,
    Form,
    Immediate,
)

pytestmark = pytest.mark.q1asm

ALIASES = {"lsl": "asl", "acquire_weighted": "acquire_weighed"}
"""The vendor's listing shows these under another name."""


@pytest.fixture(autouse=True, scope="module")
def _assembler() -> None:
    found = vendor_assembler()
    if isinstance(found, Unavailable):
        pytest.skip(found.reason)


def verdict_of_ours(text: str) -> AssembledProgram | AssemblyError:
    try:
        return assemble(text)
    except AssemblyError as error:
        return error


def vendor_listing(verdict: Verdict) -> list[str]:
    found = re.findall(r"^\d+: +(.*?) *$", verdict.log, re.MULTILINE)
    return [re.sub(r" +", " ", line) for line in found]


def assert_same(text: str) -> None:
    verdict = judge(text)
    program = verdict_of_ours(text)
    if isinstance(program, AssemblyError):
        assert not verdict.accepted, f"we refuse, they accept: {program}\n{text}"
        return
    assert verdict.accepted, f"we accept, they refuse: {verdict.log}\n{text}"
    assert len(program) == verdict.length, text
    theirs = vendor_listing(verdict)
    assert len(theirs) == verdict.length
    for address, right in enumerate(theirs):
        assert_same_word(program, address, right)


def assert_same_word(program: AssembledProgram, address: int, listed: str) -> None:
    mnemonic, _, rest = listed.partition(" ")
    instruction = program.instruction(address)
    where = f"at {address}: {instruction} is listed as {listed}"
    if mnemonic == "fb_cmd":  # the listing shows all commands by number
        assert_same_command(program, address, rest.split(", "), where)
        return
    assert ALIASES.get(instruction.mnemonic, instruction.mnemonic) == mnemonic, where
    if listed == "stop":  # the listing leaves out a 0
        rest = ", ".join("0x0" for _ in instruction.operands)
    words = rest.split(", ") if rest else []
    fields = FORMS[program.opcode[address]].fields
    for operand, field, word in zip(instruction.operands, fields, words, strict=True):
        if isinstance(operand, int) and isinstance(field, Immediate):
            width = 1 << 16 if field.low == -(1 << 15) else 1 << 32
            assert (int(word, 16) - operand) % width == 0, where
        else:
            assert word == str(operand), where


def assert_same_command(
    program: AssembledProgram, address: int, words: list[str], where: str
) -> None:
    form = FORMS[program.opcode[address]]
    row = program.operands[address].tolist()
    found = command(form, row)
    assert found is not None, where
    number, value, duration = words
    assert int(number, 16) == found.number, where
    assert value.startswith("R") == found.register, where
    assert int(value[1:] if found.register else value, 10 if found.register else 16) == found.value
    assert int(duration, 16) == row[len(form.fields) - 1], where


def spell(form: Form, values: dict[int, int] | None = None) -> str:
    operands = [
        str((values or {}).get(k, field.low)) if isinstance(field, Immediate) else f"R{k + 1}"
        for k, field in enumerate(form.fields)
    ]
    return f"{form.mnemonic} {','.join(operands)}".rstrip()


def test_every_form_at_its_lower_and_upper_limits_goes_to_memory_alike() -> None:
    lines = []
    for form in FORMS:
        lines.append(spell(form))
        lines.append(
            spell(form, {k: f.high for k, f in enumerate(form.fields) if isinstance(f, Immediate)})
        )
    assert_same("\n".join(lines))


def beyond_limits() -> list[str]:
    cases = []
    for form in FORMS:
        for k, field in enumerate(form.fields):
            if isinstance(field, Immediate):
                cases += [spell(form, {k: field.low - 1}), spell(form, {k: field.high + 1})]
            else:
                cases.append(spell(form).replace(f"R{k + 1}", "R64"))
    return cases


def test_one_beyond_each_limit_is_refused_line_by_line_alike() -> None:
    cases = beyond_limits()
    assert len(cases) > 600
    error = verdict_of_ours("\n".join(cases))
    assert isinstance(error, AssemblyError)
    verdict = judge("\n".join(cases))
    theirs = {
        int(line) for line in re.findall(r"^program\.q1asm:(\d+):\d+: Syntax", verdict.log, re.M)
    }
    assert {problem.line for problem in error.problems} == theirs == set(range(1, len(cases) + 1))


def test_operand_kinds_that_are_in_no_form_are_refused_alike() -> None:
    cases = sorted(
        {
            f"{form.mnemonic} {','.join(kinds)}"
            for form in FORMS
            for k in range(len(form.fields) + 1)
            for kinds in (
                [
                    ["1", "R1"][isinstance(f, Immediate) ^ (j != k)]
                    for j, f in enumerate(form.fields)
                ],
                [["R1", "1"][isinstance(f, Immediate)] for f in form.fields[:k]],
                ["R1"] * k,
                ["1"] * k,
            )
        }
    )
    text = "\n".join(cases)
    error = verdict_of_ours(text)
    assert isinstance(error, AssemblyError)
    verdict = judge(text)
    theirs = {
        int(line) for line in re.findall(r"^program\.q1asm:(\d+):\d+: Syntax", verdict.log, re.M)
    }
    assert {problem.line for problem in error.problems} == theirs


@pytest.mark.parametrize("length", [MAX_INSTRUCTIONS - 1, MAX_INSTRUCTIONS, MAX_INSTRUCTIONS + 1])
def test_the_length_of_memory_counts_after_expansion(length: int) -> None:
    # One "loop" becomes two instructions.
    assert_same("again: " + "nop\n" * (length - 2) + "loop R0,@again\n")


def test_unknown_words_are_no_mnemonics() -> None:
    for word in ("jc", "jnc", "neg", "div", "NOP", "Move", "log", "acquire_scope", "set_ph_ns"):
        assert_same(f"{word} R1,R2\n")


CORNERS = [
    "", "\n\n", "# only a comment", "a:", "a:\nb:\nnop", "a: b: nop", "a : nop", "a:nop", "nop:",
    "nop\njmp @a\na:", "jmp @a", "a: nop\na: nop", "R0: nop\njmp @R0", "nop: nop\njmp @nop",
    "1a: nop", "jmp @", "jmp a\na: nop", "jmp @ a\na: nop", "_l: jmp @_l", "MOVE 1,R0",
    "move 1,r0", "move 1 R0", "move 1,R0,", "move 1,R0 ,", "stop 1,,", "move 1,,R0", "nop,",
    "move 0X10,R0", "move 010,R0", "move 09,R0", "move 1.5,R0", "move 1e3,R0", "move +1,R0",
    "move -0x10,R0", "move - 1,R0", "move 0x,R0", "move R64,R0", "move R0,R064", "move R00,R1",
    "move R-1,R0", "move R0x3F,R1", "move R1x,R2", "stop R", "stop R1R2", "stop --1", "stop -",
    "stop 1x", "stop 0xfg", "stop -010", "stop 1 2", "move 99999999999999999999,R0",
    ".DEF a 5\nmove $a,R0", ".DEF a R5\nmove $a,R0", ".DEF a @l\nl: jmp $a", ".DEF a 5 6\nnop",
    ".def a 5\nnop", ".DEF a\nnop", ".DEF", ".FOO a 5", "move $a,R0\n.DEF a 5",
    ".DEF a 5\n.DEF a 6\nnop", ".DEF a foo\nnop", ".DEF a foo\nstop $a", ".DEF a 010\nstop $a",
    ".DEF a -5\nstop $a", ".DEF R1 5\nstop $R1", ".DEF 1a 5\nstop $1a", ".DEF a 5\nstop -$a",
    ".DEF b 4\n.DEF a $b\nstop $a", "a: .DEF b 5", "stop $", "stop $zz", "  .DEF  a\t5  # x",
    "l: move @l,R0", "l: add R0,@l,R1", "l: wait @l", "l: play @l,0,4", "nop\r\nstop\r\n",
    "\tnop\t", "move\t1 ,\tR0", "nop # x", "nop#x", "l: # x", "wait 4//x", "jge R0,1,2", "jge 1",
    "jge R0,R1,@a\na:", "loop 1,@a\na:", "l: loop R0,@l", "jlt R1,5,R2",
]  # fmt: skip


@pytest.mark.parametrize("text", CORNERS)
def test_corners_of_the_grammar_are_read_alike(text: str) -> None:
    assert_same(text)


NAMES = ("again", "l1", "_x", "R7", "nop")
GAPS = st.sampled_from(["", " ", "  ", "\t"])


@st.composite
def operands(draw: st.DrawFn, field: Access | Immediate) -> str:
    if not isinstance(field, Immediate):
        return f"R{draw(st.sampled_from([*range(64), 64]))}"
    kind = draw(st.integers(0, 11))
    if kind == 0:
        return f"@{draw(st.sampled_from(NAMES))}"
    if kind == 1:
        return f"${draw(st.sampled_from(['n', 'm']))}"
    if kind == 2:
        return f"R{draw(st.integers(0, 63))}"
    edges = [field.low, field.high, field.low - 1, field.high + 1]
    inside = st.integers(field.low, field.high)
    value = draw(st.sampled_from(edges) if kind == 3 else inside)
    style = draw(st.sampled_from("ddx0"))
    sign = "-" if value < 0 else ""
    if style == "x":
        return f"{sign}0x{abs(value):x}"
    return f"{sign}0{abs(value):o}" if style == "0" else str(value)


@st.composite
def statements(draw: st.DrawFn) -> str:
    form = draw(st.sampled_from(FORMS))
    words = [draw(operands(field)) for field in form.fields]
    slip = draw(st.integers(0, 30))
    mnemonic = form.mnemonic
    if slip == 0:
        words = words[:-1]
    elif slip == 1:
        words.append("1")
    elif slip == 2:
        mnemonic = draw(st.sampled_from(["jc", "neg", "Nop", "mov", "play2"]))
    elif slip == 3 and words:
        words[draw(st.integers(0, len(words) - 1))] = draw(
            st.sampled_from(["x", "09", "1.5", "r1", "R", "@", "$", "-", "0x"])
        )
    gap = draw(GAPS)
    comma = f"{draw(GAPS)},{gap}"
    label = draw(st.sampled_from(["", "", "", "label"]))
    head = f"{draw(st.sampled_from(NAMES))}{draw(GAPS)}:{gap}" if label else ""
    tail = draw(st.sampled_from(["", "", " # comment, with @l $n", "#", ","]))
    return f"{draw(GAPS)}{head}{mnemonic} {comma.join(words)}{tail if words or tail != ',' else ''}"


PROGRAMS = st.lists(
    st.one_of(
        statements(),
        statements(),
        st.sampled_from(
            ["", "# c", "again:", "l1: nop", "_x:", "R7: nop", ".DEF n 5", ".DEF m R3"]
        ),
    ),
    min_size=1,
    max_size=8,
).map("\n".join)


@settings(
    max_examples=cases(40, 300),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(PROGRAMS)
def test_random_programs_get_the_same_verdict(text: str) -> None:
    assert_same(text)


@settings(
    max_examples=cases(25, 150),
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.sampled_from(FORMS), min_size=1, max_size=12), st.data())
def test_random_correct_programs_go_to_memory_alike(forms: list[Form], data: st.DataObject) -> None:
    lines = [
        spell(
            form,
            {
                k: data.draw(st.integers(field.low, field.high))
                for k, field in enumerate(form.fields)
                if isinstance(field, Immediate)
            },
        )
        for form in forms
    ]
    text = "\n".join(lines)
    assert isinstance(verdict_of_ours(text), AssembledProgram)
    assert_same(text)
    assert_same(format_program(parse(text)))


def test_a_file_that_needs_more_of_the_new_library_is_not_patched() -> None:
    path = vendor_assembler()
    assert not isinstance(path, Unavailable)
    image = path.read_bytes()
    with pytest.raises(ValueError, match="knows no"):
        weaken(image.replace(b"GLIBC_2.2.5\0", b"GLIBC_9.9.9\0"))


def test_under_ci_a_missing_assembler_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(q1asm_oracle, "_find", lambda: Unavailable("none for this machine"))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(RuntimeError, match="under CI: none for this machine"):
        vendor_assembler.__wrapped__()
    monkeypatch.delenv("CI")
    assert vendor_assembler.__wrapped__() == Unavailable("none for this machine")
