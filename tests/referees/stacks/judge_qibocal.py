"""qibolab's own Qblox driver and protocols of qibocal find worlds that nobody has looked at.

`make test-stacks STACKS=qibocal` runs this file; `make test` does not. Values and sigmas are those
of qibocal's fits, but for its chevron: that fit begins from a guess and ends far off (qibocal
issue 1246), so its data are judged by a plain one, and what its own says is printed.
"""

import math
from pathlib import Path

import pytest
from qblox_instruments import Cluster
from tests.benches.qblox_cluster.vendor_client import close
from tests.benches.referees.coupled_pair import (
    EDGE,
    FULL_V,
    PI_AMPLITUDE,
    PI_RAD,
    WITHIN_S,
    arrives,
    finds_the_chevron,
    pair_facility,
    plays_a_cz,
)
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


@pytest.mark.timeout(WITHIN_S + 60)
@pytest.mark.parametrize("seed", HELD_OUT)
def test_protocols_find_a_cz(pool: TwinPool, tmp_path: Path, seed: int) -> None:
    with pool.facility(pair_facility(tmp_path), seed=seed, strict=True) as world:
        host = world["cluster_a"].host
        found = asked("qibocal", "qibocal_pair.py", host, folder=tmp_path, within_s=WITHIN_S)
        played = world.truth_in_full()
        bias(host, found)
        truth = world.truth_in_full()
    for qubit in ("q0", "q1"):
        finds_the_chevron(found, truth, qubit)
        own = found.get(f"{qubit}_own_resonance", math.nan)
        print(f"qibocal's own fit: {own / found[f'{qubit}_resonance'] - 1:+.1%} of the amplitude")
    volts = FULL_V * arrives(truth, found["gate_ns"] * 1e-9) * found["gate"]
    assert volts == pytest.approx(truth[f"{EDGE}.cz_resonance"], rel=PI_AMPLITUDE)
    for angle in ("phase_off", "phase_off_swapped"):
        assert abs(found[angle]) < PI_RAD
    plays_a_cz(played)


def bias(host: str, found: dict[str, float]) -> None:
    """Hold flux lines where the script held them: qibolab sets them to 0 as it ends."""
    cluster = Cluster("cluster", host)
    try:
        cluster.module6.out0_offset(FULL_V * found["q0_offset"])
        cluster.module6.out1_offset(FULL_V * found["q1_offset"])
    finally:
        close(cluster)
