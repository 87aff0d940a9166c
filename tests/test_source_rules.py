"""Functions fit a page, but for compiled loops that are named; first lines are sentences.

All of our source is parsed once for both, and expressions are not looked through.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("firmware_interfaces", "drivers", "sim_instruments", "control")
LINES = 70
"""A function has no more: one page."""
KERNELS = {
    "twins/qblox_cluster/processor/q1_kernel.py": ("execute",),
    "twins/zurich/sequencer/kernel.py": ("execute",),
    "twins/qblox_cluster/outputs/segment_kernel.py": ("segments",),
    "twins/qblox_cluster/outputs/filter_kernel.py": ("_walk",),
    "twins/zurich/signals/filter_kernel.py": ("walk_blocks",),
    "physics/evolution.py": ("evolve",),
    "physics/field.py": ("ring",),
    "physics/window_sums.py": ("take_windows",),
    "physics/joint/group_kernels.py": ("fill_parts",),
    "physics/joint/step_kernels.py": ("evolve_states",),
    "physics/meeting/shared_walk.py": ("walk_members",),
}
"""Compiled loops with their state in local variables: a call for each step costs speed."""
QUESTION = re.compile(r"(What|Who|How|Whether)\b")
WORDS_MAX = 20
ALLOWED: dict[str, dict[str, int]] = {room: {} for room in ROOMS}
"""By room and file, how many first lines still ask, or run on. May shrink, never grow."""

LOCKED = "unique", "axis"
"""A call of NumPy, and the argument by which it sorts rows with the interpreter's lock held."""

INSIDE = ("body", "orelse", "finalbody", "handlers", "cases")
"""Fields of a statement that hold statements."""
Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file's source is judged by."""

    lengths: tuple[tuple[str, int], ...]
    """Of its functions, those inside others too: name and lines."""
    first_lines: tuple[str, ...]
    """Of its docstrings."""


def documented(statements: Iterable[ast.AST]) -> Iterator[ast.ClassDef | Function]:
    """Yield all classes and functions, those inside others too."""
    for node in statements:
        if isinstance(node, ast.ClassDef | Function):
            yield node
        for name in INSIDE:
            yield from documented(getattr(node, name, ()))


def facts_of(source: str) -> Facts:
    tree = ast.parse(source)
    found = list(documented(tree.body))
    texts = [ast.get_docstring(node) for node in (tree, *found)]
    return Facts(
        tuple(
            (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
            for node in found
            if isinstance(node, Function)
        ),
        tuple(text.strip().splitlines()[0] for text in texts if text),
    )


@cache
def facts(room: str) -> dict[str, Facts]:
    """Return what is known of the files of a room, by their path in it."""
    inside = ROOT / room / "podium" / room
    return {
        file.relative_to(inside).as_posix(): facts_of(file.read_text(encoding="utf-8"))
        for file in sorted(inside.rglob("*.py"))
    }


def offenders(first_lines: Iterable[str]) -> list[str]:
    """Return the first lines that begin with a question's word, or are too long."""
    return [one for one in first_lines if QUESTION.match(one) or len(one.split()) > WORDS_MAX]


def sorts_rows(source: str) -> bool:
    """Return whether a source has NumPy sort whole rows, in which no other thread does anything."""
    name, argument = LOCKED
    return name in source and any(
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == name
        and any(one.arg == argument for one in node.keywords)
        for node in ast.walk(ast.parse(source))
    )


def test_no_twin_is_deaf_while_rows_are_sorted() -> None:
    inside = ROOT / "sim_instruments" / "podium"
    found = [str(file) for file in inside.rglob("*.py") if sorts_rows(file.read_text())]
    assert found == [], "take distinct_rows of physics/deduplicate.py"
    assert sorts_rows("np.unique(rows, axis=0)")
    assert not sorts_rows("np.unique(rows)")


def test_functions_fit_a_page_but_for_compiled_loops_that_are_named() -> None:
    named = {(file, name) for file, names in KERNELS.items() for name in names}
    found = {
        (file, name)
        for room in ROOMS
        for file, one in facts(room).items()
        for name, lines in one.lengths
        if lines > LINES
    }
    assert found - named == set(), f"longer than {LINES} lines: split them by their steps"
    assert named - found == set(), "no longer too long: take them off the list"


@pytest.mark.parametrize("room", ROOMS)
def test_first_lines_of_docstrings_say_what_is_and_are_short(room: str) -> None:
    found = {name: offenders(one.first_lines) for name, one in facts(room).items()}
    counts = Counter({name: len(lines) for name, lines in found.items() if lines})
    assert counts == ALLOWED[room], {name: found[name] for name in counts}


def test_a_question_and_a_long_line_are_found() -> None:
    long = " ".join(["word"] * (WORDS_MAX + 1))
    source = f'"""How it is."""\nif x:\n    def f():\n        """{long}"""\n'
    source += 'def g():\n    """Return one."""\n'
    assert offenders(facts_of(source).first_lines) == ["How it is.", long]


def test_functions_inside_others_count_with_their_lines() -> None:
    source = "class A:\n    async def f(self):\n        def g():\n            pass\n        pass\n"
    assert facts_of(source).lengths == (("f", 4), ("g", 2))
