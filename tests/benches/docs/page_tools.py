"""The tools that write pages of the docs, which lie outside of every package."""

import importlib.util
from pathlib import Path
from types import ModuleType

TOOLS = Path(__file__).parents[3] / "docs" / "tools"


def page_tool(name: str) -> ModuleType:
    """Return ``docs/tools/NAME.py`` as a module."""
    spec = importlib.util.spec_from_file_location(f"{name}_page", TOOLS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
