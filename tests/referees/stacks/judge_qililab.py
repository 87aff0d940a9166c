"""qililab, unmodified, with its own platform and QPrograms, finds worlds that nobody has looked at.

`make test-stacks STACKS=qililab` runs this file; `make test` does not. qililab 0.33.3 wants
qblox-instruments 1.0.3, and that takes a cluster with firmware 0.13.0 only.
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
    with pool.instrument(
        "qblox_cluster",
        chip="krinner2022",
        options={"firmware": "0.13.0"},
        seed=seed,
        strict=True,
    ) as cluster:
        found = asked("qililab", "qililab_lab.py", cluster.host, folder=tmp_path)
        truth = cluster.truth
    finds_the_world(found, truth)
    assert abs(found["readout_hz"] - truth["node_a.q0.readout_frequency"]) < 1.5e6
    assert found["shots"] == 2000
    assert found["fidelity"] > 0.8
