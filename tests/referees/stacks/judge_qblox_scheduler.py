"""qblox-scheduler, unmodified, finds worlds that nobody has looked at, and in good time.

`make test-stacks STACKS=qblox-scheduler` runs this file; `make test` does not.
"""

from pathlib import Path

import pytest
from tests.benches.referees.foreign_stack import HELD_OUT, asked, finds_the_world

from podium.sim_instruments.testing import TwinPool

RABI_S = 2.0


@pytest.fixture(scope="module")
def pool():
    with TwinPool() as pool:
        yield pool


@pytest.mark.parametrize("seed", HELD_OUT)
def test_a_hardware_agent_finds_a_world(pool: TwinPool, tmp_path: Path, seed: int) -> None:
    with pool.instrument("qblox_cluster", chip="krinner2022", seed=seed, strict=True) as cluster:
        found = asked("qblox-scheduler", "qblox_scheduler_lab.py", cluster.host, folder=tmp_path)
        truth = cluster.truth
    finds_the_world(found, truth)
    assert abs(found["readout_hz"] - truth["node_a.q0.readout_frequency"]) < 1.5e6
    assert found["shots"] == 2000
    assert found["fidelity"] > 0.8
    assert found["rabi_seconds"] < RABI_S * 5, "far from what it takes on an idle machine"
