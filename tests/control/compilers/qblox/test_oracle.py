from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, seed, settings
from tests.control.compilers.qblox.edge_programs import edge_programs
from tests.control.compilers.qblox.example_programs import first_light, target
from tests.control.compilers.qblox.oracle import compare_samples, hold_against_reference
from tests.control.compilers.qblox.random_programs import programs

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.program.program import Program

PROGRAMS = first_light() | edge_programs()
QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    derandomize=True,
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_machine_code_plays_what_the_program_means(name: str) -> None:
    hold_against_reference(PROGRAMS[name], target())


@settings(QUIET, max_examples=200)
@given(programs())
def test_machine_code_of_random_programs_plays_what_they_mean(program: Program) -> None:
    _hold_or_refuse(program)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(QUIET, max_examples=10_000)
@given(programs())
def test_machine_code_of_many_random_programs_plays_what_they_mean(program: Program) -> None:
    _hold_or_refuse(program)


def _hold_or_refuse(program: Program) -> None:
    try:
        hold_against_reference(program, target())
    except DoesNotFit as refusal:
        event(str(refusal)[:60])


def test_most_random_programs_fit() -> None:
    outcomes: Counter[bool] = Counter()

    @seed(1)
    @settings(QUIET, derandomize=False, max_examples=100)
    @given(programs())
    def count(program: Program) -> None:
        try:
            compile_program(program, target())
            outcomes[True] += 1
        except DoesNotFit:
            outcomes[False] += 1

    count()
    assert outcomes[True] > outcomes[False]


def test_the_oracle_sees_a_shift_of_one_sample_and_an_error_of_two_lsb() -> None:
    reference = np.zeros(100, np.complex128)
    reference[20:60] = 0.01
    words = np.round(reference * 32766)
    compare_samples(words, np.zeros(100), reference)
    with pytest.raises(AssertionError):
        compare_samples(np.roll(words, 1), np.zeros(100), reference)
    with pytest.raises(AssertionError):
        compare_samples(words + 2j, np.zeros(100), reference)
