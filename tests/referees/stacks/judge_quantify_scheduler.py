"""quantify-scheduler, unmodified, and quantify-core's analyses find worlds that nobody has seen.

`make test-stacks STACKS=quantify-scheduler` runs this file; `make test` does not.
"""

from pathlib import Path

import pytest
from tests.benches.referees.foreign_stack import HELD_OUT, asked, finds_the_world, near

from podium.sim_instruments.testing import TwinPool


@pytest.fixture(scope="module")
def pool():
    with TwinPool() as pool:
        yield pool


@pytest.mark.parametrize("seed", HELD_OUT)
def test_its_schedules_and_analyses_find_a_world(pool: TwinPool, tmp_path: Path, seed: int) -> None:
    with pool.instrument("qblox_cluster", chip="krinner2022", seed=seed, strict=True) as cluster:
        found = asked("quantify-scheduler", "quantify_lab.py", cluster.host, folder=tmp_path)
        truth = cluster.truth
    finds_the_world(found, truth)
    f01_hz = truth["node_a.q0.f01"]
    assert near(found, "f01_theirs", f01_hz, 3e3 / f01_hz)
    assert near(found, "t1_theirs", truth["node_a.q0.t1"])
    assert near(found, "pi_theirs", found["pi"])
    assert abs(found["readout_hz"] - truth["node_a.q0.readout_frequency"]) < 1.5e6
