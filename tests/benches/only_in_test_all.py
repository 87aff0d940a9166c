"""Lists what ``make test-all`` tries and ``make test`` does not.

``python -m tests.benches.only_in_test_all`` prints each test that has the mark ``slow``, or cases
that have it, with their number, and each place where ``cases`` gives ``make test`` the smaller
number (``tests/benches/thoroughness.py``).
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
SMALLER = re.compile(r"\bcases\((?P<sample>[\d_]+), (?P<everything>[\w.]+)\)")


def is_slow(mark: ast.expr) -> bool:
    """Say whether an expression is the mark ``slow``, or a list that holds it."""
    if isinstance(mark, ast.List | ast.Tuple):
        return any(map(is_slow, mark.elts))
    return ast.unparse(mark) == "pytest.mark.slow"


def tried_by_make_test(file: Path) -> set[str]:
    """Return the names of the tests of a file of which ``make test`` tries some case."""
    tree = ast.parse(file.read_text())
    for one in tree.body:
        marks = isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "pytestmark"
        if marks and is_slow(one.value):
            return set()
    return {
        one.name
        for one in ast.walk(tree)
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
        and one.name.startswith("test_")
        and not any(map(is_slow, one.decorator_list))
    }


def smaller_numbers() -> Iterator[str]:
    """Yield where ``make test`` tries a sample, and how many of how many."""
    for file in sorted(TESTS.rglob("test_*.py")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            for found in SMALLER.finditer(line):
                place = f"{file.relative_to(TESTS.parent)}:{number}"
                yield f"{place}: {found['sample']} of {found['everything']}"


class SlowTests:
    """A plugin that counts the cases of tests."""

    def __init__(self) -> None:
        self.cases: Counter[str] = Counter()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.cases.update(item.nodeid.partition("[")[0] for item in session.items)


def main() -> int:
    slow = SlowTests()
    quiet = ("--collect-only", "-qqq", "--no-header", "-m", "slow", str(TESTS))
    status = pytest.main([*quiet], plugins=[slow])
    for name, count in sorted(slow.cases.items()):
        print(name if count == 1 else f"{name} ({count} cases)")
    print(*smaller_numbers(), sep="\n")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
