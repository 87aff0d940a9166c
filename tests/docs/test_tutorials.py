"""Pages with code are executed: every block in order, what it prints beside what the page shows.

What a page asks the demo for takes a minute; unless the slow tests are asked for, the report
of a demo that was kept (``kept_report``, written by ``keep_report.py``) is laid in its place.
Pages on several nodes have a module of their own: their starts keep deadlines.
"""

from pathlib import Path

import pytest
from tests.benches.docs.pages import blocks_of, difference, name_of
from tests.benches.docs.tutorial_reader import ON_ONE_NODE, Reader, follow, reader
from tests.benches.thoroughness import sampled

__all__ = ["reader"]


LONG = (
    "docs/how-to/act-on-a-measurement.md",
    "docs/how-to/network-analyzer.md",
    "docs/how-to/second-day.md",
    "docs/how-to/see-what-is-played.md",
    "docs/how-to/test-in-ci.md",
    "docs/how-to/write-a-routine.md",
    "docs/reference/testing.md",
    "docs/tutorials/01-first-light.md",
    "docs/tutorials/04-test-your-lab-code.md",
)
"""What they do has tests of its own: in ``tests/control/commands``, ``calibration`` (the routine of
that page is tried on all bad data), ``testing``, ``compilers`` and ``tests/referees``; what first
light shows, in ``test_end_to_end`` and by ``README.md``, which is followed."""


@pytest.mark.parametrize(
    "page",
    sampled(ON_ONE_NODE, kept=[one for one in ON_ONE_NODE if name_of(one) not in LONG]),
    ids=name_of,
)
def test_the_code_of_a_page_runs_and_prints_what_the_page_shows(page: Path, reader: Reader):
    follow(page, reader, slowly=False)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "page", [p for p in ON_ONE_NODE if any("slow" in b.words for b in blocks_of(p))], ids=name_of
)
def test_the_slow_parts_of_a_page_run_too(page: Path, reader: Reader):
    follow(page, reader, slowly=True)


def test_an_output_that_differs_is_noticed():
    shown = "T1 = 31.3 ± 0.9 µs\n... done\n"
    assert difference(shown, "T1 = 31.3 ± 0.9 µs\nall that is done", 0.0) is None
    assert difference(shown, "T1 = 33.3 ± 0.8 µs\nall that is done", 0.2) is None
    assert difference(shown, "T1 = 33.3 ± 0.8 µs\nall that is done", 0.0) is not None
    assert difference(shown, "T1 = 313 ± 0.9 µs\nall that is done", 0.2) is not None
    assert difference(shown, "T2 = 31.3 ± 0.9 µs\nall that is done", None) is not None
    assert difference(shown, "T1 = 9 ± 4 µs\nis done", None) is None
