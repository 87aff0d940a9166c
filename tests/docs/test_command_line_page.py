"""The page of the command line is the one that its parsers give."""

import importlib.util
from pathlib import Path

TOOL = Path(__file__).parents[2] / "docs" / "tools" / "command_line.py"


def test_the_page_of_the_command_line_is_current():
    spec = importlib.util.spec_from_file_location("command_line_page", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == module.PAGE.read_text(encoding="utf-8"), f"run python {TOOL.name}"
