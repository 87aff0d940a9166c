"""``podium twin budget`` of links in this process, once for each table that is asked for."""

from collections.abc import Sequence
from pathlib import Path

from tests.benches.command_line import podium_here

_BUDGETS: dict[str, str] = {}


async def budget_here(_: str, words: Sequence[str]) -> str:
    """Return what the command prints; stands in for ``child_processes.call``."""
    asked = words[words.index("twin") :]
    named = _named(Path(asked[asked.index("budget") + 1]))
    if named not in _BUDGETS:
        ended = podium_here(*asked)
        assert ended.returncode == 0, ended.stderr
        _BUDGETS[named] = ended.stdout
    return _BUDGETS[named]


def _named(table: Path) -> str:
    """Return what a file holds, or the name of a paper."""
    return table.read_text(encoding="utf-8") if table.is_file() else table.name
