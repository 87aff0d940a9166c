"""No test module imports another: what they share stands in ``tests/benches`` or a ``conftest``."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

OURS = re.compile(
    r"^[ \t]*((?:from|import) (?:\.|tests\b)[^(\n]*(?:\((?:#[^\n]*|[^()#])*\))?)", re.MULTILINE
)


def probable(text: str) -> Iterator[ast.AST]:
    """Yield what looks like imports of ours: to parse the whole of all files takes seconds."""
    for found in OURS.finditer(text):
        try:
            yield from ast.parse(found[1]).body
        except SyntaxError:  # a sentence that begins like one
            continue


def imported(nodes: Iterable[ast.AST], file: Path, root: Path) -> Iterator[str]:
    """Yield the dotted names of the modules under ``tests`` that ``file`` imports by ``nodes``."""
    package = file.relative_to(root).parts[:-1]
    for node in nodes:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "tests":
                while parts and not root.joinpath(*parts).with_suffix(".py").exists():
                    parts.pop()
                if parts:
                    yield ".".join(parts)


def may_import(file: Path, module: str, root: Path) -> bool:
    """Say whether ``file`` may import ``module``.

    It may when that is a bench, a conftest of its own folder or of one above, or part of a program:
    of a folder that Python runs (``python -m tests.chaos``).
    """
    folder, name = module.split(".")[1:-1], module.split(".")[-1]
    here = list(file.relative_to(root).parts[1:-1])
    if name.startswith("test_"):
        return False
    if name == "conftest":
        return here[: len(folder)] == folder
    if not folder:
        return False
    return folder[0] == "benches" or (root / "tests" / folder[0] / "__main__.py").exists()


def wrong_imports(root: Path) -> list[str]:
    return [
        f"{file.relative_to(root)} imports {module}"
        for file in sorted((root / "tests").rglob("*.py"))
        for module in wrong_in(file, root)
    ]


def wrong_in(file: Path, root: Path) -> list[str]:
    """Return what ``file`` imports and may not; what stands in its strings it does not import."""
    text = file.read_text()
    if all(may_import(file, module, root) for module in imported(probable(text), file, root)):
        return []
    found = imported(ast.walk(ast.parse(text)), file, root)
    return [module for module in found if not may_import(file, module, root)]


def test_what_test_modules_share_stands_with_the_benches() -> None:
    assert wrong_imports(ROOT) == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("from tests.room.test_other import VALUE", "tests.room.test_other"),
        ("from tests.room.test_other import (\n    VALUE,  # (one)\n)", "tests.room.test_other"),
        ("def f():\n    from tests.room.test_other import VALUE", "tests.room.test_other"),
        ("import tests.room.test_other as other  # why", "tests.room.test_other"),
        ("from tests.room import test_other", "tests.room.test_other"),
        ("from .test_other import VALUE", "tests.room.test_other"),
        ("import tests.room.test_other", "tests.room.test_other"),
        ("from tests.room.helper import VALUE", "tests.room.helper"),
        ("from tests.else_where.conftest import VALUE", "tests.else_where.conftest"),
        ("from tests.room.conftest import VALUE", None),
        ("from tests.benches.helper import VALUE", None),
        ("from tests.benches import helper", None),
        ("from tests.chaos.world import World", None),
    ],
)
def test_an_import_is_judged_by_where_it_leads(
    line: str, wrong: str | None, tmp_path: Path
) -> None:
    for name in (
        "room/test_other",
        "room/helper",
        "room/conftest",
        "else_where/conftest",
        "benches/helper",
        "chaos/world",
        "chaos/__main__",
    ):
        file = tmp_path / "tests" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("VALUE = 1\n")
    (tmp_path / "tests" / "room" / "test_one.py").write_text(f"{line}\n")
    found = [f"tests/room/test_one.py imports {wrong}"] if wrong else []
    assert wrong_imports(tmp_path) == found
