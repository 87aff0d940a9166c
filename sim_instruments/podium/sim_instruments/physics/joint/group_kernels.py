"""Kernels of a group of pulses that is played to many states: its unitaries once, then each state.

As :mod:`.step_kernels`, whose splitting this is: unitaries of parts, and exact channels of
decoherence between them. Where carriers beat, the unitary of a part is a product of many
exponentials, and decoherence acts between parts as it does without a beat.
"""

from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.physics.joint.step_kernels import (
    EDGE,
    EVEN,
    ODD,
    decohere,
    fill_unitary,
    is_as_before,
    turn,
)


@njit(cache=True, nogil=True)
def fill_parts(
    diagonal: Any,
    exchange: Any,
    drive: Any,
    hops: Any,
    hop_size: Any,
    lifts: Any,
    lift_size: Any,
    block: Any,
    beats: int,
    parts: int,
    step_ns: float,
    which: Any,
    driven: Any,
    unitaries: Any,
) -> int:
    """Fill unitaries (N, D, D) and which (S * parts,) of them each part has; return N.

    ``diagonal`` (1, S * beats, D) and so on: each step has ``beats`` rows, one where it is held.
    ``driven`` (N,): whether a unitary is one block.
    """
    size = diagonal.shape[2]
    steps = diagonal.shape[1] // beats
    matrix = np.zeros((size, size), np.complex128)
    unitary = np.zeros((size, size), np.complex128)
    product = np.zeros((size, size), np.complex128)
    work = np.zeros((size, size), np.complex128)
    count = 0
    for s in range(steps):
        if beats == 1:
            if not is_as_before(diagonal, exchange, drive, 0, s):
                driven[count] = fill_unitary(
                    diagonal[0, s],
                    exchange[0, s],
                    hops,
                    hop_size,
                    drive[0, s],
                    lifts,
                    lift_size,
                    block,
                    step_ns / parts,
                    matrix,
                    unitary,
                    work,
                )
                unitaries[count, :, :] = unitary
                count += 1
            for r in range(parts):
                which[s * parts + r] = count - 1
            continue
        each = beats // parts
        for r in range(parts):
            for q in range(each):
                row = s * beats + r * each + q
                if row == 0 or not is_as_before(diagonal, exchange, drive, 0, row):
                    alone = fill_unitary(
                        diagonal[0, row],
                        exchange[0, row],
                        hops,
                        hop_size,
                        drive[0, row],
                        lifts,
                        lift_size,
                        block,
                        step_ns / beats,
                        matrix,
                        unitary,
                        work,
                    )
                    if not alone:
                        clear_between(block, unitary)
                if q == 0:
                    product[:, :] = unitary
                else:
                    np.dot(unitary, product, work)
                    product[:, :] = work
            unitaries[count, :, :] = product
            driven[count] = True
            which[s * parts + r] = count
            count += 1
    return count


@njit(cache=True, nogil=True)
def clear_between(block: Any, matrix: Any) -> None:
    """Set to 0 what stands between blocks."""
    for k in range(block.size - 1):
        for i in range(block[k], block[k + 1]):
            for j in range(matrix.shape[0]):
                if not block[k] <= j < block[k + 1]:
                    matrix[i, j] = 0.0


@njit(cache=True, nogil=True)
def play_parts(
    unitaries: Any,
    driven: Any,
    which: Any,
    pairs: Any,
    block: Any,
    groups: Any,
    with_level: Any,
    fade: Any,
    jumps: Any,
    decays: bool,
    parts: int,
    states: Any,
) -> None:
    """Take ``states`` (C, D, D) through all parts. Upper block pairs are left unset."""
    work = np.zeros((states.shape[1], states.shape[1]), np.complex128)
    last = which.size - 1
    for c in range(states.shape[0]):
        if decays:
            decohere(states[c], pairs, block, fade[EDGE], jumps[EDGE], groups, with_level)
        for r in range(which.size):
            turn(unitaries[which[r]], driven[which[r]], states[c], pairs, block, work)
            if decays:
                k = ODD if (r + 1) % parts % 2 else EVEN
                if r == last:
                    k = EDGE
                decohere(states[c], pairs, block, fade[k], jumps[k], groups, with_level)
