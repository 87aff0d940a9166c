"""Pure states of a cluster that is too large for a density matrix: quantum jumps.

Molmer, Castin and Dalibard, J. Opt. Soc. Am. B 10, 524 (1993): each trajectory is a pure state; in
the middle of each step every element either stays, its amplitudes damped, or jumps. White
dephasing is a random phase for each excitation. Means over T trajectories have a standard error
of at most ``0.5 / sqrt(T)`` a population; one step errs by the square of (rate * step), and by
Strang's splitting, 3e-6 of a population in a coupler's CZ with steps of 1 ns.

Random numbers are those of Philox, by key, trajectory, and step: trajectories do not disturb each
other, and a longer run begins as a shorter one.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.density_evolution import (
    Steps,
    basis_of,
    in_frame,
    operators,
)
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.step_kernels import fill_unitary, is_as_before
from podium.sim_instruments.physics.noise import gaussian_at, philox, unit


def trajectories(
    cluster: Cluster,
    steps: Steps,
    states: NDArray[np.complex128],
    key: int,
    *,
    frame_hz: float = 0.0,
) -> NDArray[np.complex128]:
    """Return what becomes of pure states (T, D), normalised, one trajectory each.

    ``steps`` are those of one point (P = 1). Raises ValueError for more.
    """
    if steps.levels_hz.shape[0] != 1:
        raise ValueError(f"trajectories have one point, not {steps.levels_hz.shape[0]}")
    basis = basis_of(cluster)
    diagonal, exchange, drive = in_frame(cluster, basis, steps, frame_hz)
    most = basis.with_level.shape[1]
    rates = np.zeros((len(cluster.elements), most, most))
    for e, element in enumerate(cluster.elements):
        rates[e, : element.count, : element.count] = 1e-9 * element.rates_1_s
    after = np.array(states, np.complex128)
    evolve_trajectories(
        diagonal,
        exchange,
        drive,
        *operators(cluster, basis),
        basis.block,
        basis.level,
        basis.with_level,
        rates,
        np.array([1e-9 * one.dephasing_1_s for one in cluster.elements]),
        steps.step_ns,
        np.uint64(key),
        after,
    )
    return after


@njit(cache=True, nogil=True)
def evolve_trajectories(
    diagonal: Any,
    exchange: Any,
    drive: Any,
    hops: Any,
    hop_size: Any,
    lifts: Any,
    lift_size: Any,
    block: Any,
    level: Any,
    with_level: Any,
    rates: Any,
    dephasing: Any,
    step_ns: float,
    key: Any,
    states: Any,
) -> None:
    """Take ``states`` (T, D) through all steps."""
    size = states.shape[1]
    matrix = np.zeros((size, size), np.complex128)
    unitary = np.zeros((size, size), np.complex128)
    work = np.zeros((size, size), np.complex128)
    half = np.zeros(size, np.complex128)
    driven = False
    for s in range(diagonal.shape[1]):
        if not is_as_before(diagonal, exchange, drive, 0, s):
            driven = fill_unitary(
                diagonal[0, s],
                exchange[0, s],
                hops,
                hop_size,
                drive[0, s],
                lifts,
                lift_size,
                block,
                0.5 * step_ns,
                matrix,
                unitary,
                work,
            )
        for t in range(states.shape[0]):
            apply_unitary(unitary, driven, block, states[t], half)
            for e in range(level.shape[1]):
                jump_or_stay(
                    level, with_level[e], e, rates[e], dephasing[e], step_ns, key, t, s, half
                )
            apply_unitary(unitary, driven, block, half, states[t])


@njit(cache=True, nogil=True)
def apply_unitary(unitary: Any, driven: bool, block: Any, state: Any, out: Any) -> None:
    """Fill ``out`` (D,) with the unitary times a state; in blocks where nothing drives."""
    blocks = 1 if driven else block.size - 1
    for k in range(blocks):
        low = 0 if driven else block[k]
        high = state.size if driven else block[k + 1]
        for i in range(low, high):
            total = 0j
            for j in range(low, high):
                total += unitary[i, j] * state[j]
            out[i] = total


@njit(cache=True, nogil=True)
def jump_or_stay(
    level: Any,
    with_level: Any,
    e: int,
    rates: Any,
    dephasing: float,
    span: float,
    key: Any,
    trajectory: int,
    step: int,
    state: Any,
) -> None:
    """Let one element of a normalised state jump or stay over ``span`` ns, and be dephased."""
    levels = rates.shape[0]
    counter = (np.uint64(step) << np.uint64(8)) + np.uint64(2 * e)
    held = np.zeros(levels)
    for i in range(state.size):
        held[level[i, e]] += state[i].real ** 2 + state[i].imag ** 2
    damp = np.ones(levels)
    stays = 0.0
    for n in range(levels):
        damp[n] = np.exp(-0.5 * span * rates[:, n].sum())
        stays += held[n] * damp[n] ** 2
    word, other = philox(key, np.uint64(trajectory), counter)
    angle = 0.0
    if dephasing > 0.0:
        pair = gaussian_at(key, np.uint64(trajectory), counter + np.uint64(1))
        angle = np.sqrt(2.0 * dephasing * span) * pair.real
    if unit(word) < stays / held.sum():
        scale = 1.0 / np.sqrt(stays)
        for i in range(state.size):
            n = level[i, e]
            state[i] *= scale * damp[n] * np.exp(1j * angle * n)
        return
    total = 0.0
    for m in range(levels):
        for n in range(levels):
            total += rates[m, n] * held[n]
    rest = unit(other) * total
    to, of = 0, 1
    for m in range(levels):
        for n in range(levels):
            if rates[m, n] * held[n] > 0.0 and rest >= 0.0:
                to, of = m, n
                rest -= rates[m, n] * held[n]
    scale = 1.0 / np.sqrt(held[of])
    before = state.copy()
    for i in range(state.size):
        state[i] = 0.0
    for i in range(state.size):
        if level[i, e] == of:
            state[with_level[to, i]] = scale * before[i]
