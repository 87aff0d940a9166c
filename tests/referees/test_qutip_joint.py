"""QuTiP solves the same clusters from scratch and judges their joint states."""

import numpy as np
import pytest
import qutip
from tests.benches.physics.joint_clusters import (
    FRAME_HZ,
    hamiltonians,
    jump_operators,
    random_state,
    random_steps,
    two_transmons,
    with_coupler,
)
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.joint.density_evolution import Steps, evolve
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.group_maps import pack, propagator, unpack

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

TOLERANCE = 1e-6


def judged(cluster: Cluster, steps: Steps, state: np.ndarray) -> np.ndarray:
    """The state behind the steps, by exponentials of QuTiP's Liouvillian."""
    jumps = [qutip.Qobj(one) for one in jump_operators(cluster)]
    vector = qutip.operator_to_vector(qutip.Qobj(state))
    known: dict[bytes, qutip.Qobj] = {}
    for matrix in hamiltonians(cluster, steps):
        content = matrix.tobytes()
        if content not in known:
            known[content] = qutip.liouvillian(qutip.Qobj(matrix), jumps).expm()
        vector = known[content] * vector
    return np.asarray(qutip.vector_to_operator(vector).full())


@pytest.mark.parametrize("driven", [False, True])
def test_two_transmons_come_out_as_of_qutip(driven: bool) -> None:
    for seed in range(cases(3, 90)):
        random = np.random.default_rng(seed)
        cluster = two_transmons(
            random.uniform(-25e6, 25e6),
            10 ** random.uniform(-5.5, -4),
            10 ** random.uniform(-5, -4),
        )
        steps = random_steps(cluster, random, driven=driven)
        state = random_state(9, random)
        found = evolve(cluster, steps, state[None, None], frame_hz=FRAME_HZ).states[0, 0]
        assert np.abs(found - judged(cluster, steps, state)).max() < TOLERANCE, seed


@pytest.mark.parametrize("beats", [1, 24])
def test_groups_of_pulses_that_are_worked_out_once_come_out_as_of_qutip(beats: int) -> None:
    """Each row is cut in ``beats`` equal ones, as where carriers beat."""
    for seed in range(cases(2, 20)):
        random = np.random.default_rng(seed)
        cluster = two_transmons(random.uniform(-25e6, 25e6), 3e-5, 3e-5)
        steps = random_steps(cluster, random, driven=True)
        states = np.stack([random_state(9, random) for _ in range(2)])
        rows = Steps(
            steps.step_ns / beats,
            np.repeat(steps.levels_hz, beats, axis=1),
            np.full((1, beats * steps.levels_hz.shape[1], 1), cluster.exchanges[0].strength_hz),
            np.repeat(steps.drive_hz, beats, axis=1),
        )
        found = propagator(cluster, rows, beats, FRAME_HZ).play(states)
        assert np.abs(unpack(pack(found), 9) - found).max() < 1e-14
        for one, state in zip(found, states, strict=True):
            assert np.abs(one - judged(cluster, steps, state)).max() < TOLERANCE, seed


def test_transmons_and_their_coupler_come_out_as_of_qutip() -> None:
    for seed in range(cases(1, 20)):
        random = np.random.default_rng(seed)
        cluster = with_coupler()
        steps = random_steps(cluster, random, driven=bool(seed % 2))
        steps = Steps(1.0, steps.levels_hz[:, 6:10], None, steps.drive_hz[:, 6:10])
        state = random_state(27, random)
        found = evolve(cluster, steps, state[None, None], frame_hz=FRAME_HZ).states[0, 0]
        by_equation = solved(cluster, steps, state)
        assert np.abs(found - by_equation).max() < TOLERANCE, seed


def solved(cluster: Cluster, steps: Steps, state: np.ndarray) -> np.ndarray:
    """The state behind the steps by QuTiP's solver of the master equation."""
    jumps = [qutip.Qobj(one).to("CSR") for one in jump_operators(cluster)]
    options = {"method": "adams", "atol": 1e-11, "rtol": 1e-9, "progress_bar": "", "nsteps": 10**6}
    found = qutip.Qobj(state)
    for matrix in hamiltonians(cluster, steps):
        still = qutip.Qobj(matrix).to("CSR")  # else 729 x 729 numbers a step
        found = qutip.mesolve(still, found, [0, 1], jumps, options=options).states[-1]
    return np.asarray(found.full())
