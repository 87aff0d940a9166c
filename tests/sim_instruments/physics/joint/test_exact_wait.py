"""A wait is exact: against the exponential of a whole Liouvillian, and against many parts."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm
from tests.benches.physics.coupler_chip import BIASES, CHIP, NAMES

from podium.sim_instruments.physics.joint.cluster_point import cluster_point
from podium.sim_instruments.physics.joint.density_evolution import basis_of
from podium.sim_instruments.physics.joint.elements import Cluster, transmon
from podium.sim_instruments.physics.joint.exact_wait import waited
from podium.sim_instruments.physics.joint.states_at_nodes import StatesAtNodes


def state(size: int, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(2, count, size, size))
    root = parts[0] + 1j * parts[1]
    found = root @ np.conj(np.swapaxes(root, -1, -2))
    return (found / np.einsum("kii->k", found)[:, None, None])[:, None]


def liouvillian(cluster: Cluster, energies_hz: np.ndarray) -> np.ndarray:
    """Return dr/dt, (D * D, D * D), 1/ns, of r by rows: of each jump between product states."""
    basis = basis_of(cluster)
    unit = np.eye(basis.size)
    hamiltonian = 2e-9 * np.pi * np.diag(energies_hz)
    whole = -1j * (np.kron(hamiltonian, unit) - np.kron(unit, hamiltonian))

    def dissipate(jump: np.ndarray) -> None:
        nonlocal whole
        square = jump.T @ jump
        whole = whole + np.kron(jump, jump)
        whole = whole - 0.5 * (np.kron(square, unit) + np.kron(unit, square.T))

    for e, element in enumerate(cluster.elements):
        for to, of in np.argwhere(element.rates_1_s > 0):
            jump = np.zeros((basis.size, basis.size))
            rows = np.flatnonzero(basis.level[:, e] == of)
            jump[basis.with_level[e, to, rows], rows] = 1.0
            dissipate(np.sqrt(1e-9 * element.rates_1_s[to, of]) * jump)
        dissipate(np.sqrt(2e-9 * element.dephasing_1_s) * np.diag(basis.level[:, e]))
    return whole


@pytest.mark.parametrize("span_ns", [40.0, 3_000.0, 90_000.0])
def test_it_is_the_exponential_of_the_whole_liouvillian(span_ns: float) -> None:
    hot = transmon(6e9, -0.12e9, t1_s=9e-6, dephasing_1_s=3e4)
    hot = replace(hot, rates_1_s=hot.rates_1_s + np.diag([4e3, 6e3], -1))
    cluster = Cluster((transmon(4.6e9, -0.2e9, t1_s=30e-6, dephasing_1_s=9e3), hot), ())
    rng = np.random.default_rng(3)
    energies = rng.normal(size=9) * 4e6  # each pair shifts the others by megahertz
    before = state(9, 2, 4)
    turn_hz = np.repeat((energies[:, None] - energies[None, :])[None], 2, axis=0)
    found = waited(before, cluster, turn_hz, span_ns)
    whole = expm(liouvillian(cluster, energies) * span_ns)
    wanted = (whole @ before.reshape(2, 81, 1)).reshape(before.shape)
    assert np.abs(found - wanted).max() < 1e-10


def test_a_wait_of_a_cluster_with_a_coupler_keeps_what_many_parts_would() -> None:
    point = cluster_point([CHIP.element_at(name, BIASES) for name in NAMES], CHIP, BIASES)
    nodes = np.array([[0.0, 0.0, 0.0], [3e4, -2e4, 0.0]])
    at = StatesAtNodes(point, None, nodes)  # type: ignore[arg-type]  # no pulses are played
    before = state(point.basis.size, 2, 5)
    found = at.wait(before, 1_500, coherent=True)
    parts = before
    for _ in range(1_500):
        parts = at.wait(parts, 1, coherent=True)
    assert np.einsum("kcii->k", found).real == pytest.approx(1.0)
    assert np.abs(found - parts).max() < 1e-6
