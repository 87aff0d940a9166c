"""Mutants one after the other: a passing baseline first, then the mistake, then the verdict."""

import enum
import queue
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from tests.mutants.mutant import Mutant
from tests.mutants.scratch_tree import FAILED, PASSED, ScratchTree, TestRun

BASELINE_LIMIT_S = 300.0
"""Tests of one mutant that take longer unmutated are the wrong tests."""
SLOWER = 3.0
"""A mutant may take this much longer than its baseline, and some seconds more:"""
START_S, COMPILE_S = 20.0, 120.0
"""to begin, and to compile a kernel, on a machine with other things to do."""


class Verdict(enum.Enum):
    """What became of a mutant."""

    KILLED = "killed"
    OUT_OF_TIME = "killed: out of time"
    SURVIVED = "SURVIVED"
    NO_BASELINE = "NO BASELINE"
    """Its tests fail, or none runs, without the mistake."""
    BROKEN = "BROKEN"
    """The tests could not be collected: that is no mistake that anybody would make."""

    @property
    def is_killed(self) -> bool:
        """Tell whether the tests have noticed the mistake."""
        return self in (Verdict.KILLED, Verdict.OUT_OF_TIME)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One mutant's."""

    mutant: Mutant
    verdict: Verdict
    run: TestRun

    def line(self) -> str:
        """Return it as a line of the report."""
        by = f"  by {self.run.first_failure}" if self.run.first_failure else ""
        return f"{self.verdict.value:<10} {self.mutant.name}  ({self.run.seconds:.0f} s){by}"


@dataclass
class Campaign:
    """Tries mutants in copies of one repository."""

    root: Path
    jobs: int = 1
    module: str = "podium.control.timebase"
    """It must be found in the copy."""
    told: Callable[[str], None] = print
    _baselines: dict[tuple[str, ...], TestRun] = field(default_factory=dict)
    _locks: dict[tuple[str, ...], Lock] = field(default_factory=dict)

    def run(self, mutants: Sequence[Mutant]) -> list[Outcome]:
        """Try all mutants; raises ``StaleMutant`` before any is tried where one is stale."""
        for mutant in mutants:
            mutant.check(self.root)
            self._locks.setdefault(mutant.tests, Lock())
        with TemporaryDirectory(prefix="mutants-") as folder, self._trees(Path(folder)) as trees:

            def tried(mutant: Mutant) -> Outcome:
                tree = trees.get()
                try:
                    outcome = self._tried(tree, mutant)
                finally:
                    trees.put(tree)
                self.told(outcome.line())
                return outcome

            with ThreadPoolExecutor(self.jobs) as pool:
                return list(pool.map(tried, mutants))

    @contextmanager
    def _trees(self, folder: Path) -> Iterator["queue.Queue[ScratchTree]"]:
        trees: queue.Queue[ScratchTree] = queue.Queue()
        for number in range(self.jobs):
            tree = ScratchTree(self.root, folder / f"tree_{number}")
            tree.check_isolated(self.module)
            trees.put(tree)
        yield trees

    def _tried(self, tree: ScratchTree, mutant: Mutant) -> Outcome:
        with self._locks[mutant.tests]:
            if mutant.tests not in self._baselines:
                self._baselines[mutant.tests] = tree.run(mutant.tests, BASELINE_LIMIT_S)
        baseline = self._baselines[mutant.tests]
        if baseline.status != PASSED or baseline.passed == 0:
            return Outcome(mutant, Verdict.NO_BASELINE, baseline)
        with tree.mutated(mutant):
            more_s = COMPILE_S if mutant.compiled else START_S
            run = tree.run(mutant.tests, SLOWER * baseline.seconds + more_s)
        verdicts = {
            None: Verdict.OUT_OF_TIME,
            PASSED: Verdict.SURVIVED,
            FAILED: Verdict.KILLED,
        }
        return Outcome(mutant, verdicts.get(run.status, Verdict.BROKEN), run)


def chosen(
    mutants: Sequence[Mutant], patterns: Sequence[str], sample: int | None, seed: int
) -> list[Mutant]:
    """Return the mutants that a pattern names (all if there is none), or some of them at random.

    A pattern is a name with ``*``, or a part of one. Raises ``LookupError`` where one names none.
    """
    found = list(mutants)
    for pattern in patterns:
        if not any(_meant(pattern, one) for one in mutants):
            raise LookupError(f"no mutant is called {pattern!r}; --list lists all")
    if patterns:
        found = [one for one in mutants if any(_meant(each, one) for each in patterns)]
    if sample is not None and sample < len(found):
        drawn = set(random.Random(seed).sample(range(len(found)), sample))
        found = [one for number, one in enumerate(found) if number in drawn]
    return found


def _meant(pattern: str, mutant: Mutant) -> bool:
    return fnmatchcase(mutant.name, pattern) or pattern in mutant.name
