"""Pages on several nodes are executed as the others are (``test_tutorials.py``), by themselves."""

from pathlib import Path

import pytest
from tests.benches.docs.pages import blocks_of, name_of
from tests.benches.docs.tutorial_reader import (
    EXECUTED,
    OF_SEVERAL_NODES,
    ON_ONE_NODE,
    Reader,
    follow,
    reader,
)
from tests.benches.thoroughness import sampled

__all__ = ["reader"]
LONG = (
    "docs/how-to/across-racks.md",
    "docs/how-to/herald-a-pair.md",
    "docs/how-to/start-nodes-together.md",
)
"""Their commands are those of ``test_up_two_nodes.py``, ``test_serve_parts.py``,
``test_up_skews.py``, ``test_skews_on_twins.py`` and ``test_herald_stations.py``."""
PAGES = [page for page in EXECUTED if page not in ON_ONE_NODE]


def test_each_of_these_pages_is_executed():
    assert {name_of(page) for page in PAGES} == OF_SEVERAL_NODES


@pytest.mark.parametrize(
    "page", sampled(PAGES, kept=[one for one in PAGES if name_of(one) not in LONG]), ids=name_of
)
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(page: Path, reader: Reader):
    follow(page, reader, slowly=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "page", [p for p in PAGES if any("slow" in b.words for b in blocks_of(p))], ids=name_of
)
def test_the_slow_parts_of_a_page_run_too(page: Path, reader: Reader):
    follow(page, reader, slowly=True)
