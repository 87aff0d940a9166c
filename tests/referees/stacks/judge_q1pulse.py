"""q1pulse, unmodified, with its own TurboCluster, finds worlds that nobody has looked at.

`make test-stacks STACKS=q1pulse` runs this file; `make test` does not. q1pulse 1.3.0 wants
Python 3.12.
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
def test_programs_with_loops_find_a_world(pool: TwinPool, tmp_path: Path, seed: int) -> None:
    with pool.instrument("qblox_cluster", chip="krinner2022", seed=seed, strict=True) as cluster:
        found = asked("q1pulse", "q1pulse_lab.py", cluster.host, folder=tmp_path)
        truth = cluster.truth
    finds_the_world(found, truth)
    assert abs(found["readout_hz"] - truth["node_a.q0.readout_frequency"]) < 1.5e6
    assert found["shots"] == 2000
    assert found["fidelity"] > 0.8
