"""Clusters of coupled elements for tests: random ones, and their master equation written out."""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.density_evolution import Steps, basis_of
from podium.sim_instruments.physics.joint.elements import Cluster, Exchange, duffing, transmon

FRAME_HZ = 5e9


def two_transmons(exchange_hz: float = 8e6, t1_s: float = 20e-6, phi_s: float = 30e-6) -> Cluster:
    """Return two transmons of three levels, 250 MHz apart."""
    return Cluster(
        (
            transmon(5.2e9, -250e6, t1_s, 1 / phi_s),
            transmon(4.95e9, -260e6, 0.8 * t1_s, 1 / phi_s),
        ),
        (Exchange(0, 1, exchange_hz),),
    )


def with_coupler() -> Cluster:
    """Return two transmons and a tunable coupler between them, with their next-nearest part."""
    return Cluster(
        (
            transmon(5.0e9, -250e6, 40e-6, 1 / 60e-6),
            transmon(6.5e9, -200e6, 15e-6, 1 / 10e-6),
            transmon(4.76e9, -250e6, 35e-6, 1 / 50e-6),
        ),
        (Exchange(0, 1, 90e6), Exchange(1, 2, 90e6), Exchange(0, 2, -6e6)),
    )


def random_steps(cluster: Cluster, random: np.random.Generator, *, driven: bool) -> Steps:
    """Return 24 steps of 1 ns in which the first element moves three times."""
    count = 24
    levels = np.zeros((1, count, len(cluster.elements), 3))
    for e, element in enumerate(cluster.elements):
        f01 = np.full(count, element.levels_hz[1])
        if e == 0:
            f01 += np.repeat(random.uniform(-4e8, 1e8, 3), count // 3)
        levels[0, :, e] = duffing(f01, element.levels_hz[2] - 2 * element.levels_hz[1])
    drive = np.zeros((1, count, len(cluster.elements)), np.complex128)
    if driven:
        kicks = random.normal(size=(3, 2)) @ np.array([1, 1j])
        drive[0, :, 0] = 15e6 * np.repeat(kicks, count // 3)
        drive[0, : count // 2, -1] = 10e6
    return Steps(1.0, levels, None, drive)


def random_state(size: int, random: np.random.Generator) -> NDArray[np.complex128]:
    """Return a mixed state with all coherences."""
    root = random.normal(size=(size, size)) + 1j * random.normal(size=(size, size))
    state = root @ root.conj().T
    return np.asarray(state / np.trace(state), np.complex128)


def lowering(cluster: Cluster) -> list[NDArray[np.float64]]:
    """Return the lowering operator of each element, (D, D), in the order of the product basis."""
    basis = basis_of(cluster)
    found = []
    for e, element in enumerate(cluster.elements):
        matrix = np.zeros((basis.size, basis.size))
        for i, levels in enumerate(basis.level):
            if levels[e] > 0:
                below = levels.copy()
                below[e] -= 1
                matrix[basis.index(*below), i] = element.ladder[levels[e] - 1]
        found.append(matrix)
    return found


def hamiltonians(cluster: Cluster, steps: Steps) -> list[NDArray[np.complex128]]:
    """Return H of each step of the first point, rad/ns, from operators."""
    basis, lower = basis_of(cluster), lowering(cluster)
    found = []
    for s in range(steps.levels_hz.shape[1]):
        matrix = np.zeros((basis.size, basis.size), np.complex128)
        for e in range(len(cluster.elements)):
            own = steps.levels_hz[0, s, e] - FRAME_HZ * np.arange(3)
            matrix += np.diag(own[basis.level[:, e]])
            if steps.drive_hz is not None:
                value = steps.drive_hz[0, s, e]
                matrix += value * lower[e].T + np.conj(value) * lower[e]
        for one in cluster.exchanges:
            hop = lower[one.one].T @ lower[one.other]
            matrix += one.strength_hz * (hop + hop.T)
        found.append(2e-9 * np.pi * matrix)
    return found


def jump_operators(cluster: Cluster) -> list[NDArray[np.float64]]:
    """Return Lindblad operators, 1/sqrt(ns): one for each jump, one for each dephasing."""
    basis = basis_of(cluster)
    found = []
    for e, element in enumerate(cluster.elements):
        own = basis.level[:, e]
        for to, of in np.argwhere(element.rates_1_s > 0):
            matrix = np.zeros((basis.size, basis.size))
            for i in np.flatnonzero(own == of):
                levels = basis.level[i].copy()
                levels[e] = to
                matrix[basis.index(*levels), i] = np.sqrt(1e-9 * element.rates_1_s[to, of])
            found.append(matrix)
        found.append(np.diag(np.sqrt(2e-9 * element.dephasing_1_s) * own))
    return found
