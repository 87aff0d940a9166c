"""Random programs that do what they measure: machine code against the reference renderer."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, event, given, seed, settings
from tests.benches.compilers.branch_dice import dice_of
from tests.benches.compilers.zurich_oracle import hold_against_reference
from tests.benches.compilers.zurich_targets import shfqc
from tests.benches.programs.random_branches import branching
from tests.benches.thoroughness import cases

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.results import LEAST_DELAY_FS
from podium.control.program.program import Program

QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    derandomize=True,
)
# Readouts are made in any case: what is repeated is tried once.
PROGRAMS = branching(LEAST_DELAY_FS, 1)


@settings(QUIET, max_examples=cases(20, 200))
@given(PROGRAMS)
def test_machine_code_of_random_branches_plays_what_they_mean(program: Program) -> None:
    _hold_or_refuse(program)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@settings(QUIET, max_examples=10_000)
@given(PROGRAMS)
def test_machine_code_of_many_random_branches_plays_what_they_mean(program: Program) -> None:
    _hold_or_refuse(program)


def _hold_or_refuse(program: Program) -> None:
    try:
        hold_against_reference(program, shfqc(), None, dice_of(program))
    except DoesNotFit as refusal:
        event(str(refusal)[:60])


def test_most_random_branches_fit() -> None:
    outcomes: Counter[bool] = Counter()
    why: Counter[str] = Counter()

    @seed(1)
    @settings(QUIET, derandomize=False, max_examples=cases(30, 60))
    @given(PROGRAMS)
    def count(program: Program) -> None:
        try:
            compile_program(program, shfqc())
            outcomes[True] += 1
        except DoesNotFit as refusal:
            outcomes[False] += 1
            why[str(refusal)] += 1

    count()
    assert outcomes[True] > outcomes[False], why.most_common(5)
