"""Functions are shorter than 70 lines, but for compiled loops that are named."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("firmware_interfaces", "drivers", "sim_instruments", "control")
LINES = 70
"""A function has no more: one page."""
KERNELS = {
    "twins/qblox_cluster/processor/q1_kernel.py": ("execute",),
    "twins/zurich/sequencer/kernel.py": ("execute",),
    "twins/qblox_cluster/outputs/segment_kernel.py": ("segments",),
    "twins/qblox_cluster/outputs/filter_kernel.py": ("_walk",),
    "twins/zurich/signals/precompensation.py": ("walk_blocks",),
    "physics/evolution.py": ("evolve",),
    "physics/field.py": ("ring",),
    "physics/window_sums.py": ("take_windows",),
    "physics/joint/group_kernels.py": ("fill_parts",),
    "physics/joint/step_kernels.py": ("evolve_states",),
    "physics/meeting/shared_walk.py": ("walk_members",),
}
"""Compiled loops with their state in local variables: a call for each step costs speed."""


INSIDE = ("body", "orelse", "finalbody", "handlers", "cases")
"""Fields of a statement that hold statements."""


def functions(statements: Iterable[ast.AST]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield all functions, those inside others too; expressions are not looked through."""
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        for name in INSIDE:
            yield from functions(getattr(node, name, ()))


def long_functions() -> set[tuple[str, str]]:
    """Return the files, behind their room, and names of all functions that are too long."""
    found = set()
    for room in ROOMS:
        inside = ROOT / room / "podium" / room
        for file in inside.rglob("*.py"):
            for one in functions(ast.parse(file.read_text()).body):
                assert one.end_lineno is not None
                if one.end_lineno - one.lineno + 1 > LINES:
                    found.add((file.relative_to(inside).as_posix(), one.name))
    return found


def test_functions_fit_a_page_but_for_compiled_loops_that_are_named() -> None:
    named = {(file, name) for file, names in KERNELS.items() for name in names}
    found = long_functions()
    assert found - named == set(), f"longer than {LINES} lines: split them by their steps"
    assert named - found == set(), "no longer too long: take them off the list"
