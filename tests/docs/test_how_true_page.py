"""The page about how true twins are names every referee that there is, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "how-true-is-a-twin.md").read_text()
TABLE = PAGE.partition("## Who has judged what")[2].partition("\n## ")[0]
REFEREES = ROOT / "tests" / "referees"


STACKS = "".join(page.read_text() for page in (ROOT / "docs/how-to/stacks").glob("*.md"))
"""Pages of other people's stacks: each names the judge of its own."""


def test_the_table_names_every_referee_and_no_other():
    there = {
        str(file.relative_to(REFEREES))
        for kind in ("test_*.py", "judge_*.py")
        for file in REFEREES.rglob(kind)
    }
    named = set(re.findall(r"`((?:\w+/)*(?:test|judge)_\w+\.py)`", TABLE))
    elsewhere = {name for name in there if name.startswith("stacks/") and Path(name).name in STACKS}
    assert there - elsewhere <= named <= there


def test_it_says_first_that_nothing_was_compared_with_hardware():
    assert "**No twin has been compared with hardware.**" in PAGE.partition("## ")[0]
