"""qibolab's own Qblox driver and ten protocols of qibocal find worlds that nobody has looked at.

`make test-stacks STACKS=qibocal` runs this file; `make test` does not. Values and sigmas are those
of qibocal's fits.
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
def test_protocols_find_a_world(pool: TwinPool, tmp_path: Path, seed: int) -> None:
    with pool.instrument("qblox_cluster", chip="krinner2022", seed=seed, strict=True) as cluster:
        found = asked("qibocal", "qibocal_lab.py", cluster.host, folder=tmp_path)
        truth = cluster.truth
    finds_the_world(found, truth)
    assert abs(found["readout_hz"] - truth["node_a.q0.readout_frequency"]) < 1.5e6
    assert abs(found["best_readout_hz"] - truth["node_a.q0.readout_frequency"]) < 4e6
    assert found["fidelity"] > 0.8
    assert found["pi_by_flips"] == pytest.approx(found["pi"], rel=0.05)
    assert 0.996 < found["gate_fidelity"] < 1
