"""The table of mutants fits the source, and the tool tells the living from the dead."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from tests.mutants.campaign import Campaign, Verdict, chosen
from tests.mutants.mutant import Mutant, StaleMutant
from tests.mutants.scratch_tree import ScratchTree
from tests.mutants.table import MUTANTS

ROOT = Path(__file__).parents[2]
LEAST = 60
SAMPLE = 12

TOY = "control/toy_limits.py"
SOURCE = "def inside(level, limit):\n    return abs(level) <= limit\n"
TESTS = """
import toy_limits

def test_up():
    assert toy_limits.inside(1, 1) and not toy_limits.inside(2, 1)

def test_down():
    assert not toy_limits.inside(-2, 1)

def test_that_fails():
    assert not toy_limits.inside(0, 1)
"""
ONE_SIDED = Mutant(
    "toy/one-sided", TOY, "abs(level)", "level", ("tests/test_toy.py::test_down",), "a limit of one"
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_fits_the_source_and_names_tests_that_there_are(mutant: Mutant) -> None:
    mutant.check(ROOT)


def test_the_table_is_long_enough_and_no_mistake_stands_twice() -> None:
    assert len(MUTANTS) >= LEAST
    names = Counter(one.name for one in MUTANTS)
    changes = Counter((one.file, one.before, one.after) for one in MUTANTS)
    assert [one for one, count in (names + changes).items() if count > 1] == []


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A repository with one limit, and with tests of which one fails."""
    for file, text in ((TOY, SOURCE), ("tests/test_toy.py", TESTS)):
        path = tmp_path / "toy" / file
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return tmp_path / "toy"


def tried(toy: Path, *mutants: Mutant) -> list[Verdict]:
    lines: list[str] = []
    outcomes = Campaign(toy, module="toy_limits", told=lines.append).run(mutants)
    assert len(lines) == len(mutants)
    assert (toy / TOY).read_text() == SOURCE, "the tree itself is not touched"
    return [one.verdict for one in outcomes]


def test_a_mistake_lives_where_no_test_that_is_named_notices_it(toy: Path) -> None:
    unseen = replace(ONE_SIDED, name="toy/unseen", tests=("tests/test_toy.py::test_up",))
    assert tried(toy, ONE_SIDED, unseen) == [Verdict.KILLED, Verdict.SURVIVED]


@pytest.mark.slow
def test_nothing_is_killed_by_tests_that_fail_anyway_or_do_not_run(toy: Path) -> None:
    failing = replace(ONE_SIDED, tests=("tests/test_toy.py",))
    assert tried(toy, failing) == [Verdict.NO_BASELINE]
    (toy / "tests/test_toy.py").write_text(
        f"import pytest\npytest.skip('not here', allow_module_level=True)\n{TESTS}"
    )
    assert tried(toy, ONE_SIDED) == [Verdict.NO_BASELINE]


@pytest.mark.slow
def test_a_module_that_can_no_longer_be_imported_is_no_kill(toy: Path) -> None:
    broken = replace(ONE_SIDED, before="def inside", after="raise ImportError\ndef inside")
    assert tried(toy, broken) == [Verdict.BROKEN]


@pytest.mark.slow
def test_tests_that_do_not_end_are_ended(toy: Path, tmp_path: Path) -> None:
    tree = ScratchTree(toy, tmp_path / "copy")
    endless = replace(
        ONE_SIDED, before="    return", after="    while True:\n        pass\n    return"
    )
    with tree.mutated(endless):
        assert tree.run(endless.tests, limit_s=3).status is None
    assert (tree.place / TOY).read_text() == SOURCE


@pytest.mark.parametrize(
    ("stale", "says"),
    [
        ({"before": "abs(height)"}, "occurs 0 times"),
        ({"before": "level"}, "occurs 2 times"),
        ({"after": "abs(level) "}, "means the same"),
        ({"after": "abs(level"}, "would be no Python"),
        ({"file": "control/gone.py"}, "there is no control/gone.py"),
        ({"tests": ()}, "no test is named"),
        ({"tests": ("tests/gone.py",)}, "there is no tests/gone.py"),
        ({"tests": ("tests/test_toy.py::test_gone",)}, "has no test test_gone"),
    ],
)
def test_a_table_that_has_gone_stale_is_refused_before_anything_runs(
    toy: Path, stale: dict[str, object], says: str
) -> None:
    with pytest.raises(StaleMutant, match=says):
        tried(toy, replace(ONE_SIDED, **stale))


def test_mutants_are_chosen_by_name_by_pattern_and_by_lot() -> None:
    assert [one.name for one in chosen(MUTANTS, ["bias/one-sided-limit"], None, 0)] == [
        "bias/one-sided-limit"
    ]
    assert len(chosen(MUTANTS, ["verdict/*"], None, 0)) > 5
    drawn = chosen(MUTANTS, [], 10, seed=1)
    assert len(drawn) == 10
    assert drawn == chosen(MUTANTS, [], 10, seed=1) != chosen(MUTANTS, [], 10, seed=2)
    with pytest.raises(LookupError, match="no mutant is called 'verdct/'"):
        chosen(MUTANTS, ["verdct/"], None, 0)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_of_a_sample_none_survives() -> None:
    outcomes = Campaign(ROOT).run(chosen(MUTANTS, [], SAMPLE, seed=1))
    assert [one.line() for one in outcomes if not one.verdict.is_killed] == []
