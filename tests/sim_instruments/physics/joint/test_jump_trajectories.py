import numpy as np
import pytest
from tests.benches.physics.joint_clusters import FRAME_HZ, random_steps, two_transmons
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.joint.density_evolution import Steps, basis_of, evolve
from podium.sim_instruments.physics.joint.jump_trajectories import trajectories


def test_their_mean_is_the_density_matrix() -> None:
    """An element errs by 0.5 / sqrt(T) at most: five of them, of 4000 in ``make test-all`` 0.04."""
    count = cases(1000, 4000)
    random = np.random.default_rng(5)
    cluster = two_transmons(12e6, t1_s=0.2e-6, phi_s=0.3e-6)
    steps = random_steps(cluster, random, driven=True)
    vector = random.normal(size=9) + 1j * random.normal(size=9)
    vector /= np.linalg.norm(vector)
    whole = evolve(cluster, steps, np.outer(vector, vector.conj())[None, None], frame_hz=FRAME_HZ)
    many = trajectories(cluster, steps, np.tile(vector, (count, 1)), 11, frame_hz=FRAME_HZ)
    mean = many.T @ many.conj() / len(many)
    assert np.abs(np.linalg.norm(many, axis=1) - 1).max() < 1e-10
    assert np.abs(mean - whole.states[0, 0]).max() < 5 * 0.5 / np.sqrt(count)


def test_without_decoherence_each_is_the_solution() -> None:
    random = np.random.default_rng(6)
    cluster = two_transmons(12e6, t1_s=np.inf, phi_s=np.inf)
    steps = random_steps(cluster, random, driven=True)
    vector = np.eye(9, dtype=np.complex128)[[3]]
    whole = evolve(cluster, steps, (vector.T @ vector)[None, None], frame_hz=FRAME_HZ)
    found = trajectories(cluster, steps, vector, 1, frame_hz=FRAME_HZ)
    assert np.abs(found.T @ found.conj() - whole.states[0, 0]).max() < 1e-10


def test_a_trajectory_depends_on_its_number_and_not_on_how_many_there_are() -> None:
    random = np.random.default_rng(8)
    cluster = two_transmons(12e6, t1_s=0.1e-6)
    steps = random_steps(cluster, random, driven=False)
    start = np.zeros((50, 9), np.complex128)
    start[:, basis_of(cluster).index(1, 1)] = 1
    many = trajectories(cluster, steps, start, 3, frame_hz=FRAME_HZ)
    few = trajectories(cluster, steps, start[:20], 3, frame_hz=FRAME_HZ)
    assert np.array_equal(many[:20], few)


def test_several_points_are_refused() -> None:
    with pytest.raises(ValueError, match="one point, not 2"):
        trajectories(two_transmons(), Steps(1.0, np.zeros((2, 1, 2, 3))), np.zeros((1, 9)), 1)
