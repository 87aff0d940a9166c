"""Plain QCoDeS: a lab's own ``dond`` loops find f01 and T1 of worlds that nobody has looked at.

`make test-stacks STACKS=qcodes` runs this file; `make test` does not. The stack is qcodes and
qblox-instruments.
"""

from pathlib import Path

import pytest
from tests.benches.referees.foreign_stack import HELD_OUT, asked, finds_the_world

from podium.sim_instruments.testing import TwinPool


@pytest.fixture(scope="module")
def pool():
    with TwinPool() as pool:
        yield pool


@pytest.mark.parametrize("seed", HELD_OUT)
def test_loops_into_a_dataset_find_a_world(pool: TwinPool, tmp_path: Path, seed: int) -> None:
    with pool.instrument("qblox_cluster", chip="krinner2022", seed=seed, strict=True) as cluster:
        found = asked("qcodes", "qcodes_lab.py", cluster.host, folder=tmp_path)
        truth = cluster.truth
    finds_the_world(found, truth)
