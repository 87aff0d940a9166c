"""``pip install 'podium[all]'`` stays under 800 MB, but for what nobody imports."""

import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
ALL_MB = 800
NOT_IMPORTED = {"pyarrow"}
"""Required by QCoDeS; docs/decisions/0031."""


def required(extras: list[str]) -> dict[str, int]:
    """Return each distribution that Podium with these extras brings, and its size in bytes.

    Byte code is not counted. Those that nobody imports are left out with what they require.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    todo = [*project["dependencies"]]
    for extra in extras:
        todo += project["optional-dependencies"][extra]
    sizes: dict[str, int] = {}
    while todo:
        requirement = Requirement(todo.pop())
        name = canonicalize_name(requirement.name)
        wanted = [{"extra": extra} for extra in (*requirement.extras, "")]
        if name in sizes.keys() | NOT_IMPORTED:
            continue
        found = distribution(name)
        sizes[name] = sum(
            file.size or 0 for file in found.files or [] if not str(file).endswith(".pyc")
        )
        for line in found.requires or []:
            marker = Requirement(line).marker
            if marker is None or any(map(marker.evaluate, wanted)):
                todo.append(line)
    return sizes


def test_what_the_main_job_needs_is_under_800_mb() -> None:
    sizes = required(["chip", "lab"])
    assert {"llvmlite", "qcodes", "zhinst-core", "pandas"} <= sizes.keys()
    largest = sorted(sizes.items(), key=lambda one: -one[1])[:10]
    assert sum(sizes.values()) < ALL_MB * 1e6, largest


def test_pyarrow_is_still_required_by_qcodes() -> None:
    """Otherwise the words about it in README, Makefile and decision 31 can go."""
    lines = distribution("qcodes").requires or []
    assert "pyarrow" in {Requirement(line).name for line in lines}
