"""The pages as a site: all of them are there, in the order of the index, as they are written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.benches.docs.pages import NOTEBOOKS, PAGES, ROOT

pytest.importorskip("mkdocs", reason="pip install 'podium[docs]'")

from docs.tools import site_hooks

DOCS = ROOT / "docs"
AMONG_THE_README_AND_THE_LIST = {ROOT / "README.md", DOCS / "index.md"}


def listed(navigation: list) -> list[str]:
    found: list[str] = []
    for one in navigation:
        for target in one.values():
            found += [target] if isinstance(target, str) else listed(target)
    return found


def test_the_navigation_has_every_page_once() -> None:
    pages = listed(site_hooks.navigation((DOCS / "index.md").read_text()))
    assert len(pages) == len(set(pages))
    wanted = {page for page in PAGES if page not in AMONG_THE_README_AND_THE_LIST}
    wanted |= {notebook.with_suffix(".md") for notebook in NOTEBOOKS}
    assert {DOCS / one for one in pages} - {DOCS / "readme.md", DOCS / "index.md"} == wanted


def test_an_anchor_is_that_of_the_repository_s_host() -> None:
    assert (
        site_hooks.anchor("5. The same with `await`, twice", "-") == "5-the-same-with-await-twice"
    )


@pytest.mark.slow
def test_the_site_is_built_and_has_what_the_pages_say(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    home = (tmp_path / "site" / "readme.html").read_text()
    assert "fonts.googleapis" not in home
    notebook = (tmp_path / "site" / "tutorials" / "02-notebook.html").read_text()
    assert "data:image/png;base64" in notebook
    commands = (tmp_path / "site" / "reference" / "command_line.html").read_text()
    assert "FILE|URL" in commands
    assert r"FILE\|URL" not in commands
    example = tmp_path / "site" / "files" / "examples" / "first_light" / "facility.yaml.txt"
    assert example.read_text() == (ROOT / "examples" / "first_light" / "facility.yaml").read_text()
    found = json.loads((tmp_path / "site" / "search" / "search_index.json").read_text())["docs"]
    assert any(one["location"].startswith("how-to/add-an-instrument") for one in found)
