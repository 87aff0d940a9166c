"""First lines of docstrings are sentences, not questions."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
QUESTION = re.compile(r"(What|Who|How|Whether)\b")
WORDS_MAX = 20
ALLOWED: dict[str, dict[str, int]] = {
    "firmware_interfaces": {},
    "drivers": {},
    "sim_instruments": {},
    "control": {},
}
"""By room and file, how many first lines still ask, or run on. May shrink, never grow."""

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def offenders(source: str) -> list[str]:
    """Return the first lines of docstrings that begin with a question's word, or are too long."""
    texts = [
        ast.get_docstring(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, Documented)
    ]
    lines = [text.strip().splitlines()[0] for text in texts if text]
    return [one for one in lines if QUESTION.match(one) or len(one.split()) > WORDS_MAX]


@pytest.mark.parametrize("room", ALLOWED)
def test_first_lines_of_docstrings_say_what_is_and_are_short(room: str) -> None:
    folder = ROOT / room / "podium" / room
    found = {
        str(path.relative_to(folder)): offenders(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    }
    counts = Counter({name: len(lines) for name, lines in found.items() if lines})
    assert counts == ALLOWED[room], {name: found[name] for name in counts}


def test_a_question_and_a_long_line_are_found() -> None:
    long = " ".join(["word"] * (WORDS_MAX + 1))
    source = f'"""How it is."""\ndef f():\n    """{long}"""\ndef g():\n    """Return one."""\n'
    assert offenders(source) == ["How it is.", long]
