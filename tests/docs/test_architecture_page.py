"""What the page on the architecture names is there, and every rule has its guard."""

import re
import tomllib
from pathlib import Path

import pytest
from tests.benches.only_in_test_all import tried_by_make_test

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
ROOMS = ("control", "drivers", "firmware_interfaces", "sim_instruments")
INVARIANTS = 20
CHANGES = 20
NAMED = re.compile(r"`((?:control|drivers|firmware_interfaces|sim_instruments|tests)/[^`\s]*)`")


def place(name: str) -> Path:
    """Return where something stands that the page names; a test's own name is left out."""
    name = name.partition("::")[0]
    room, _, rest = name.partition("/")
    return ROOT / room / "podium" / room / rest if room in ROOMS else ROOT / name


def rules() -> list[str]:
    lines = [line for line in PAGE.splitlines() if line.startswith("- **")]
    return [line for line in lines if "Kept by" in line or "kept by" in line]


@pytest.mark.parametrize("name", sorted(set(NAMED.findall(PAGE))))
def test_what_is_named_is_there(name: str) -> None:
    assert place(name).exists()
    _, _, test = name.partition("::")
    if test:
        assert re.search(rf"def {test}\(", place(name).read_text())


def test_contracts_have_their_names_in_the_projects_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = {one["name"] for one in project["tool"]["importlinter"]["contracts"]}
    named = re.findall(r'contract\* "([^"]+)"', PAGE)
    assert set(named) == contracts


def test_there_are_twenty_rules_and_each_has_its_guard() -> None:
    assert len(rules()) >= INVARIANTS
    for rule in rules():
        guard = rule[rule.lower().index("kept by") :]
        assert "contract" in guard or "`tests/" in guard, rule


def test_make_test_tries_the_guard_of_every_rule() -> None:
    """Of a rule with several guards, one at least."""
    for rule in rules():
        tried = []
        for name in NAMED.findall(rule):
            file, _, test = name.partition("::")
            if name.startswith("tests/"):
                here = tried_by_make_test(ROOT / file)
                tried.append(test in here if test else bool(here))
        assert not tried or any(tried), rule


@pytest.mark.parametrize("room", ROOMS)
def test_every_folder_of_a_room_has_its_words(room: str) -> None:
    """Of drivers and codecs, which are one for each instrument, the room alone is described."""
    assert f"\n## {room}" in PAGE
    if room in ("drivers", "firmware_interfaces"):
        return
    folders = [one for one in (ROOT / room / "podium" / room).iterdir() if one.is_dir()]
    named = {one.name for one in folders if not one.name.startswith("__")}
    assert {one for one in named if f"{room}/{one}" not in PAGE} == set()


def test_twenty_changes_have_a_file_to_begin_with() -> None:
    table = PAGE[PAGE.index("## Twenty changes") :]
    rows = [row for row in table.splitlines() if row.startswith("| ")][2:]
    assert len(rows) >= CHANGES
    for row in rows:
        assert NAMED.search(row), row
