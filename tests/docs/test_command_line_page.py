"""The page of the command line is the one that its parsers give."""

from tests.benches.docs.page_tools import page_tool


def test_the_page_of_the_command_line_is_current():
    tool = page_tool("command_line")
    assert tool.page() == tool.PAGE.read_text(encoding="utf-8"), "run docs/tools/command_line.py"
