"""qblox-scheduler, unmodified, finds worlds that nobody has looked at, and in good time.

`make test-stacks STACKS=qblox-scheduler` runs this file; `make test` does not.
"""

from pathlib import Path

import pytest
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


@pytest.mark.timeout(WITHIN_S + 60)
@pytest.mark.parametrize("seed", HELD_OUT)
def test_a_hardware_agent_finds_a_cz(pool: TwinPool, tmp_path: Path, seed: int) -> None:
    with pool.facility(pair_facility(tmp_path), seed=seed, strict=True) as world:
        host = world["cluster_a"].host
        found = asked(
            "qblox-scheduler", "qblox_scheduler_pair.py", host, folder=tmp_path, within_s=WITHIN_S
        )
        truth = world.truth_in_full()
    for qubit in ("q0", "q1"):
        finds_the_chevron(found, truth, qubit)
    volts = FULL_V * arrives(truth, found["gate_ns"] * 1e-9) * found["gate"]
    assert volts == pytest.approx(truth[f"{EDGE}.cz_resonance"], rel=PI_AMPLITUDE)
    assert abs(found["phase_off"]) < PI_RAD
    assert found["contrast"] > 0.9
    plays_a_cz(truth)
