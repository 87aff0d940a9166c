"""Every page: links and anchors lead somewhere, code is run or says why it is not."""

import json
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.benches.docs.pages import (
    FENCE,
    LINK,
    NOTEBOOKS,
    PAGES,
    ROOT,
    anchors_of,
    blocks_of,
    links_of,
    name_of,
    prose_of,
)
from tests.benches.docs.tutorial_reader import ELSEWHERE, EXECUTED

PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
INDEX = ROOT / "docs" / "index.md"
TOO_MANY_LINES = {"docs/how-to/add-an-instrument.md": 240, "README.md": 120}
"""The how-to holds the whole of an instrument: five files, half of its lines."""
DECISION_WORDS = 700
"""A decision is one page at most."""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_anchors_lead_somewhere(page: Path):
    for target in links_of(page):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), f"{target} leaves the repository"
        if anchor:
            assert anchor in anchors_of(there), f"{target}: it has {sorted(anchors_of(there))}"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_links_of_a_notebook_lead_to_pages(notebook: Path):
    cells = json.loads(notebook.read_text())["cells"]
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    targets = [target for target in LINK.findall(text) if "://" not in target]
    assert targets
    for target in targets:
        path, _, anchor = target.partition("#")
        there = notebook.parent / path
        assert there.exists(), target
        assert not anchor or anchor in anchors_of(there), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(page: Path):
    head = 0
    for line in FENCE.sub("", page.read_text()).splitlines():
        cells = len(re.split(r"(?<!\\)\|", line.strip())) if line.startswith("|") else 0
        assert not head or not cells or cells == head, line
        head = cells and (head or cells)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_is_run_or_says_why_it_is_not(page: Path):
    runnable = [block for block in blocks_of(page) if block.runnable]
    run = page in EXECUTED or name_of(page) in ELSEWHERE
    for block in runnable:
        assert run or block.reason is not None, f"line {block.line}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_fence_that_is_opened_is_closed_and_has_a_language(page: Path):
    fences = re.findall(r"^ *```(.*)$", page.read_text(), re.MULTILINE)
    assert len(fences) % 2 == 0
    assert all(fences[0::2]), f"a block of {page.name} has no language"
    assert not any(fences[1::2])


@cache
def pages_of_index() -> set[Path]:
    return {(INDEX.parent / link.partition("#")[0]).resolve() for link in links_of(INDEX)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_page_has_one_title_and_is_reached_from_the_index(page: Path):
    titles = re.findall(
        r"^# .+$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M
    )
    assert len(titles) == 1
    if page not in (INDEX, ROOT / "README.md"):
        assert page in pages_of_index(), f"docs/index.md does not name {name_of(page)}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_and_modules_that_a_page_names_are_there(page: Path):
    text = page.read_text()
    for path in re.findall(r"`((?:docs|tests|benches|examples)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    for room, rest in re.findall(r"`podium\.(\w+)((?:\.[\w]+)+)", text):
        parts = rest.strip(".").split(".")
        folder = ROOT / room / "podium" / room
        while parts and (folder / parts[0]).is_dir():
            folder /= parts.pop(0)
        assert not parts or (folder / f"{parts[0]}.py").exists(), f"podium.{room}{rest}"
    for path in re.findall(
        r"`((?:control|drivers|sim_instruments|firmware_interfaces)/[\w./]+)`", text
    ):
        room, _, inside = path.partition("/")
        assert any(
            place.exists() for place in (ROOT / path, ROOT / room / "podium" / room / inside)
        ), path


@pytest.mark.parametrize("name", TOO_MANY_LINES)
def test_short_pages_are_short(name: str):
    assert len((ROOT / name).read_text().splitlines()) <= TOO_MANY_LINES[name]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name == "decisions"], ids=name_of
)
def test_a_decision_says_what_was_decided_and_is_one_page(page: Path):
    headings = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)
    assert headings[:3] == ["Context", "Decision", "Consequences"]
    assert "Alternatives" in headings
    prose = [line for line in prose_of(page).splitlines() if not line.startswith("|")]
    assert sum(len(line.split()) for line in prose) <= DECISION_WORDS
    assert re.match(rf"# {int(page.name[:4])}\. ", page.read_text())


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.name)
def test_pictures_are_told_in_words_too_and_are_shown_somewhere(picture: Path):
    tree = ElementTree.fromstring(picture.read_text())
    said = [tree.find(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("title", "desc")]
    assert all(part is not None and part.text for part in said)
    assert "prefers-color-scheme: dark" in picture.read_text()
    assert any(picture.name in link for link in links_of_all_pages())


@cache
def links_of_all_pages() -> tuple[str, ...]:
    return tuple(link for page in PAGES for link in links_of(page))
