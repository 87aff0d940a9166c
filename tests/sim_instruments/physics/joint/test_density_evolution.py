import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import expm
from tests.benches.physics.joint_clusters import (
    FRAME_HZ,
    hamiltonians,
    jump_operators,
    random_state,
    random_steps,
    two_transmons,
    with_coupler,
)
from tests.benches.thoroughness import sampled

from podium.sim_instruments.physics.joint.density_evolution import (
    Steps,
    TooLarge,
    basis_of,
    evolve,
)
from podium.sim_instruments.physics.joint.elements import Cluster, Exchange, duffing, transmon


def solved(cluster: Cluster, steps: Steps, state: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """The master equation by one exponential of its whole generator for each step."""
    size = state.shape[0]
    one = np.eye(size)
    decay = np.zeros((size**2, size**2), np.complex128)
    for jump in jump_operators(cluster):
        loss = jump.T @ jump
        decay += np.kron(jump, jump) - 0.5 * np.kron(loss, one) - 0.5 * np.kron(one, loss.T)
    known: dict[bytes, NDArray[np.complex128]] = {}
    vector = state.reshape(-1)
    for matrix in hamiltonians(cluster, steps):
        if matrix.tobytes() not in known:
            turning = -1j * (np.kron(matrix, one) - np.kron(one, matrix.T))
            known[matrix.tobytes()] = expm(turning + decay)
        vector = known[matrix.tobytes()] @ vector
    return vector.reshape(size, size)


@pytest.mark.parametrize("driven", [False, True])
@pytest.mark.parametrize("seed", sampled(range(2), {0}))
def test_it_solves_the_master_equation_of_two_transmons(seed: int, driven: bool) -> None:
    random = np.random.default_rng(seed)
    cluster = two_transmons(random.uniform(-20e6, 20e6))
    steps = random_steps(cluster, random, driven=driven)
    state = random_state(9, random)
    found = evolve(cluster, steps, state[None, None], frame_hz=FRAME_HZ).states[0, 0]
    assert np.abs(found - solved(cluster, steps, state)).max() < 1e-6


def test_a_resonant_exchange_is_that_of_the_textbook() -> None:
    """11 and 20 on resonance: P(11) = cos^2(2 pi sqrt(2) g t); 01 is far away."""
    g, ns = 5e6, np.arange(100)
    cluster = Cluster((transmon(5.2e9, -250e6), transmon(4.95e9, -250e6)), (Exchange(0, 1, g),))
    basis = basis_of(cluster)
    levels = np.stack(
        [duffing(np.full(99, 5.2e9), -250e6), duffing(np.full(99, 4.95e9), -250e6)], axis=1
    )
    start = np.zeros((1, 1, 9, 9), np.complex128)
    start[0, 0, basis.index(1, 1), basis.index(1, 1)] = 1
    found = evolve(cluster, Steps(1.0, levels[None]), start, frame_hz=FRAME_HZ, saved=ns)
    there = found.populations[0, :, 0, basis.index(1, 1)]
    # 02 is 500 MHz away and takes (2 sqrt(2) g / 500 MHz)**2 at most
    assert np.abs(there - np.cos(2e-9 * np.pi * np.sqrt(2) * g * ns) ** 2).max() < 4e-3


def test_the_sign_of_an_exchange_turns_the_phase_of_what_is_handed_over() -> None:
    phases = []
    for g in (5e6, -5e6):
        cluster = Cluster((transmon(5e9, -250e6), transmon(5e9, -250e6)), (Exchange(0, 1, g),))
        basis = basis_of(cluster)
        levels = np.tile(duffing(np.array(5e9), -250e6), (1, 50, 2, 1))
        vector = np.zeros(9, np.complex128)
        vector[[basis.index(0, 0), basis.index(1, 0)]] = np.sqrt(0.5)
        start = np.outer(vector, vector.conj())[None, None]
        state = evolve(cluster, Steps(1.0, levels), start, frame_hz=5e9).states[0, 0]
        phases.append(state[basis.index(0, 1), basis.index(0, 0)])
    assert abs(phases[0] - (-0.5j)) < 1e-3
    assert abs(phases[0] + phases[1]) < 1e-12


def test_a_coupler_in_steps_of_a_nanosecond_is_good_to_1e_6() -> None:
    """Judged by steps of a tenth: the splitting's error falls with the fourth power."""
    cluster = with_coupler()
    basis = basis_of(cluster)
    count = 60
    f01 = np.array([5.0e9, 5.6e9, 4.76e9]) + np.zeros((count, 3))
    levels = duffing(f01, -250e6)
    start = np.zeros((1, 1, 27, 27), np.complex128)
    index = basis.index(1, 0, 1)
    start[0, 0, index, index] = 1
    coarse = evolve(cluster, Steps(1.0, levels[None]), start, frame_hz=FRAME_HZ)
    fine = evolve(
        cluster, Steps(0.1, np.repeat(levels, 10, axis=0)[None]), start, frame_hz=FRAME_HZ
    )
    assert 0.1 < fine.states[0, 0, index, index].real < 0.999  # it does swap
    assert np.abs(coarse.states - fine.states).max() < 1e-6


def test_states_stay_states() -> None:
    random = np.random.default_rng(7)
    cluster = two_transmons(t1_s=0.3e-6, phi_s=0.2e-6)
    state = random_state(9, random)
    steps = random_steps(cluster, random, driven=True)
    found = evolve(cluster, steps, state[None, None], frame_hz=FRAME_HZ).states[0, 0]
    assert abs(np.trace(found) - 1) < 1e-11
    assert np.abs(found - found.conj().T).max() < 1e-14
    assert np.linalg.eigvalsh(found).min() > 0


def test_populations_on_the_way_are_those_of_shorter_runs() -> None:
    random = np.random.default_rng(3)
    cluster = two_transmons(t1_s=1e-6)
    steps = random_steps(cluster, random, driven=True)
    state = random_state(9, random)[None, None]
    kept = np.array([0, 5, 24])
    whole = evolve(cluster, steps, state, frame_hz=FRAME_HZ, saved=kept).populations[0, :, 0]
    for count, found in zip(kept, whole, strict=True):
        assert steps.drive_hz is not None
        short = Steps(1.0, steps.levels_hz[:, :count], None, steps.drive_hz[:, :count])
        end = evolve(cluster, short, state, frame_hz=FRAME_HZ).states[0, 0]
        assert np.abs(np.diag(end).real - found).max() < 1e-8


def test_more_states_than_a_density_matrix_takes_are_refused() -> None:
    five = Cluster(tuple(transmon(5e9, -250e6) for _ in range(5)), ())
    with pytest.raises(TooLarge, match="243 states; at most 81"):
        evolve(five, Steps(1.0, np.zeros((1, 1, 5, 3))), np.zeros((1, 1, 243, 243), complex))
