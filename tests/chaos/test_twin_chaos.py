"""A few faults on twins with everything real around them."""

import pytest
from tests.chaos.__main__ import held
from tests.chaos.on_twins import twin_chaos

A_FEW = ("lose trigger", "kill agent", "re-lock", "freeze coordinator", "late event")


@pytest.mark.slow
async def test_a_few_faults_on_twins(tmp_path) -> None:
    total = await twin_chaos(tmp_path, seed=3, faults=len(A_FEW), kinds=A_FEW)
    assert held(total), "\n".join(total.problems)
    assert total.problems == []
    assert {f"twins: {kind}" for kind in A_FEW} == set(total.kinds)
    assert total.completed >= 1
    assert total.pulses >= 2 * total.completed


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("example", ["mixed", "mixed_rack"])
async def test_a_few_faults_on_twins_of_two_families(tmp_path, example) -> None:
    total = await twin_chaos(tmp_path, seed=3, faults=len(A_FEW), kinds=A_FEW, example=example)
    assert held(total), "\n".join(total.problems)
    assert total.problems == []
    assert total.completed >= 1
    assert total.pulses >= 2 * total.completed
