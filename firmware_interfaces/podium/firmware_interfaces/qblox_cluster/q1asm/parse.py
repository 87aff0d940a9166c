"""Q1ASM text to instructions.

The grammar is that of the assembler of qblox-instruments 1.4.1: one statement a line, ``#`` starts
a comment, ``name:`` is a label, operands are separated by commas (a comma behind the last one is
let pass), numbers are written as in C (``0x1f``, octal ``017``, ``-5``), ``.DEF name value`` names
an operand that later lines write as ``$name``. Everything is case-sensitive.

One difference: after some stray characters (``;`` or a quote, for instance) that assembler drops
the rest of the line without a word. Here every stray character is refused.
"""

import re

from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import (
    AssemblyError,
    Instruction,
    Label,
    Operand,
    Problem,
    Register,
)

# Possessive (++, *+): a line that does not fit costs no more than its length.
_SPACE = " \t\v"
_STATEMENT = re.compile(
    r"[ \t\v]*+(?:([A-Za-z_]\w*+)[ \t\v]*+:)?"  # label
    r"[ \t\v]*+(?:(\w++)(?:(?:[ \t\v]++|(?=,))([^#]*+))?)?"  # mnemonic, operands
    r"[ \t\v]*+(?:#(.*))?",  # comment
    re.ASCII,
)
_DEFINITION = re.compile(
    r"[ \t\v]*+\.DEF[ \t\v]++(\w++)[ \t\v,]++([^ \t\v,#][^#]*+)(?:#.*)?", re.ASCII
)
_DIRECTIVE = re.compile(r"[ \t\v]*(\.\w*)")
_SYMBOL = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NUMBER = re.compile(r"(-?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]+)|([1-9][0-9]*|0))")
_END_OF_LINE = re.compile(r"\r\n|\r|\n")

DIGITS_MAX = 64
"""Of a number, sign and 0x included. ASSUMED: 32 bits in binary take no more."""


class _BadOperand(Exception):
    """An operand cannot be read."""


def parse(text: str) -> tuple[Instruction, ...]:
    """Return the lines of ``text`` that hold an instruction, a label or a comment.

    Raises :class:`AssemblyError`, naming every line whose syntax is wrong. Whether mnemonics and
    operands exist is for ``assemble`` to say.
    """
    symbols: dict[str, str] = {}
    known: dict[str, Operand] = {}
    lines: list[Instruction] = []
    problems: list[Problem] = []
    for number, line in enumerate(_END_OF_LINE.split(text), 1):
        match = _STATEMENT.fullmatch(line)
        try:
            if match is None:
                _define(line, symbols)
                continue
            label, mnemonic, arguments, remark = match.groups()
            comment = (remark or "").strip(_SPACE)
            arguments = (arguments or "").rstrip(_SPACE)
            if mnemonic is None and label is None and not comment:
                continue
            operands = _operands(arguments, symbols, known) if arguments else ()
        except _BadOperand as error:
            problems.append(Problem(number, f"Syntax error: {error}"))
            continue
        lines.append(Instruction(mnemonic or "", operands, label, comment, number))
    if problems:
        raise AssemblyError(tuple(problems))
    return tuple(lines)


def _define(line: str, symbols: dict[str, str]) -> None:
    """Take up a ``.DEF``; raise :class:`_BadOperand` for any other line."""
    match = _DEFINITION.fullmatch(line)
    if match is None:
        directive = _DIRECTIVE.match(line)
        if directive is None:
            raise _BadOperand(f"spurious characters in {_shown(line.strip())!r}")
        if directive[1] == ".DEF":
            raise _BadOperand("directive .DEF takes a name and one value: .DEF name value")
        raise _BadOperand(f"directive '{_shown(directive[1])}' not supported; there is .DEF")
    name, value = match.groups()
    if name in symbols:
        raise _BadOperand(f"Duplicate symbol: {_shown(name)}")
    symbols[name] = value.rstrip(_SPACE + ",")


def _operands(
    arguments: str, symbols: dict[str, str], known: dict[str, Operand]
) -> tuple[Operand, ...]:
    words = arguments.rstrip(", \t\v").split(",")
    if words == [""]:
        return ()
    return tuple(
        [known[word] if word in known else _operand(word.strip(), symbols, known) for word in words]
    )


def _operand(word: str, symbols: dict[str, str], known: dict[str, Operand]) -> Operand:
    if word.startswith("$"):
        name = word[1:]
        if not _SYMBOL.fullmatch(name):
            raise _BadOperand(f"Invalid symbol name: '{_shown(name)}'")
        if name not in symbols:
            raise _BadOperand(
                f"Unresolved symbol: {_shown(name)}; a .DEF must stand before its use"
            )
        value = symbols[name]
        if value.startswith("$"):
            raise _BadOperand(f"Invalid argument: symbol {_shown(name)} stands for another symbol")
        return _operand(value, symbols, known)
    operand: Operand
    if word.startswith("@"):
        if not _SYMBOL.fullmatch(word[1:]):
            raise _BadOperand(f"Invalid argument: '{_shown(word)}' names no label")
        operand = Label(word[1:])
    elif word.startswith("R"):
        operand = Register(_number(word[1:], "Register", word))
    else:
        operand = _number(word, "Immediate", word)
    known[word] = operand
    return operand


def _number(digits: str, kind: str, word: str) -> int:
    match = _NUMBER.fullmatch(digits) if len(digits) <= DIGITS_MAX else None
    if match is None or (kind == "Register" and match[1]):
        why = "is not a valid integer" if len(digits) <= DIGITS_MAX else "is too long"
        raise _BadOperand(f"Invalid {kind} argument: Value '{_shown(word)}' {why}")
    sign, hexadecimal, octal, decimal = match.groups()
    value = int(decimal) if decimal else int(hexadecimal, 16) if hexadecimal else int(octal, 8)
    return -value if sign else value


def _shown(text: str) -> str:
    """Return what a message quotes: the beginning of a long text."""
    return text if len(text) <= 60 else f"{text[:57]}..."
