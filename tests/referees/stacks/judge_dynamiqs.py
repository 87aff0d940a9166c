"""dynamiqs 0.3.7, unmodified, solves the same clusters and judges their joint states.

`make test-stacks STACKS=dynamiqs` runs this file; `make test` does not: JAX and all else that
dynamiqs wants take 0.9 GB. It builds operators, Hamiltonian and jumps itself, in double precision.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.benches.physics.dynamiqs_problem import problem_of
from tests.benches.physics.joint_clusters import (
    FRAME_HZ,
    random_state,
    random_steps,
    two_transmons,
    with_coupler,
)
from tests.benches.referees.foreign_stack import asked

from podium.sim_instruments.physics.joint.density_evolution import Steps, basis_of, evolve
from podium.sim_instruments.physics.joint.elements import Cluster, duffing
from podium.sim_instruments.physics.joint.line_response import LineResponse, at_rest, respond

TOLERANCE = 1e-6
TAILS = LineResponse(((-0.03, 4.0), (0.02, 60.0), (-0.02, 1_500.0), (0.01, 30_000.0)))


def judged(
    cluster: Cluster, steps: Steps, states: NDArray[np.complex128], folder: Path
) -> NDArray[np.complex128]:
    """Return dynamiqs's state behind the steps of each point, in the order of our basis."""
    count = len(cluster.elements)
    drive = np.zeros((*steps.levels_hz.shape[:2], count), np.complex128)
    if steps.drive_hz is not None:
        drive = steps.drive_hz
    places = [
        int(np.ravel_multi_index(tuple(row), (3,) * count)) for row in basis_of(cluster).level
    ]
    theirs = np.zeros_like(states)
    theirs[np.ix_(places, places)] = states
    problem = problem_of(cluster, steps.levels_hz, FRAME_HZ, theirs) | {
        "drive_i_hz": drive.real.tolist(),
        "drive_q_hz": drive.imag.tolist(),
        "saved_ns": [steps.levels_hz.shape[1]],
        "method": "Dopri8",
        "rtol": 1e-9,
        "atol": 1e-11,
        "populations": False,
        "repetitions": 0,
    }
    file = folder / "problem.json"
    file.write_text(json.dumps(problem))
    said = asked("dynamiqs", "dynamiqs_lab.py", str(file), folder=folder)
    found = np.array(said["states_re"]) + 1j * np.array(said["states_im"])
    return np.asarray(found[:, *np.ix_(places, places)])


def distorted(cluster: Cluster, steps: Steps) -> Steps:
    """Return the same pulses behind a line that answers with four exponentials."""
    levels = steps.levels_hz.copy()
    rest_hz = cluster.elements[0].levels_hz
    moved = steps.levels_hz[:, :, 0, 1] - rest_hz[1]
    moved, _ = respond(TAILS, moved, steps.step_ns, at_rest(TAILS, moved.shape[0]))
    levels[:, :, 0] = duffing(rest_hz[1] + moved, float(rest_hz[2] - 2 * rest_hz[1]))
    return Steps(steps.step_ns, levels, None, steps.drive_hz)


def stacked(rows: list[Steps]) -> Steps:
    """Return steps of which each is a point."""
    levels = np.concatenate([one.levels_hz for one in rows])
    return Steps(rows[0].step_ns, levels, None, np.concatenate([one.drive_hz for one in rows]))


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("tails", [False, True])
def test_two_transmons_come_out_as_of_dynamiqs(driven: bool, tails: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    cluster = two_transmons(random.uniform(-25e6, 25e6), 1e-5, 3e-5)
    steps = stacked([random_steps(cluster, random, driven=driven) for _ in range(8)])
    if tails:
        steps = distorted(cluster, steps)
    state = random_state(9, random)
    found = evolve(cluster, steps, state[None, None], frame_hz=FRAME_HZ).states[:, 0]
    assert found.shape[0] == 8
    assert np.abs(found - found[0]).max() > 1e-2, "points that differ"
    assert np.abs(found - judged(cluster, steps, state, tmp_path)).max() < TOLERANCE


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("tails", [False, True])
def test_transmons_and_their_coupler_come_out_as_of_dynamiqs(
    driven: bool, tails: bool, tmp_path: Path
) -> None:
    random = np.random.default_rng(12)
    cluster = with_coupler()
    steps = stacked([random_steps(cluster, random, driven=driven) for _ in range(2)])
    if tails:
        steps = distorted(cluster, steps)
    steps = Steps(1.0, steps.levels_hz[:, 6:14], None, steps.drive_hz[:, 6:14])
    state = random_state(27, random)
    found = evolve(cluster, steps, state[None, None], frame_hz=FRAME_HZ).states[:, 0]
    assert np.abs(found - judged(cluster, steps, state, tmp_path)).max() < TOLERANCE
