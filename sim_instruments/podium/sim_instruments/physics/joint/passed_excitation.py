"""Tells how much of an excitation an exchange passes on to those that nothing drives.

A flux pulse that changes the detuning D of a neighbour turns dressed levels against bare ones, by
the angle ``theta = arctan(2 G / D) / 2``: what does not go back is passed on.

In a cluster, slow noise of a member shifts the phase of what it holds. One that is driven holds
superpositions of its own; one that nothing drives is in a level, whose phase is nobody's, but for
what it shares with others: of two transitions that are D apart, joined by G, at most
``4 G**2 / (4 G**2 + D**2)`` goes over (Rabi), and a level that is pushed by G**2 / D moves with the
noise by a quarter of that at most.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.drive_line import Drives
from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import MemberSignals
from podium.sim_instruments.physics.shots import thermal

Array = NDArray[np.float64]
HIGHEST = 2
"""The level that a member is driven to, at most: what leaks beyond is too little to count."""


def passed_amplitude(
    lines: FluxLines,
    names: tuple[str, str],
    biases_v: Mapping[str, float],
    ends: Sequence[float],
    levels: int,
) -> float:
    """Return the amplitude that a flux pulse on the first passes on to the second at most.

    To first order, of a rectangle of the worst length: twice what theta as above differs by.
    ``ends``: where pulses lead, flux quanta of the first; ``levels``: in how many above 0 the first
    may be, the second in 0.
    """
    first, second = names
    (levels_hz, charge), there = (lines.bare_at(name, biases_v, 0.0) for name in names)
    twice_hz = 2.0 * abs(lines.coupled_to(first)[second]) * charge[:levels] * there[1][0]
    moved_hz = [levels_hz, *(lines.bare_at(first, biases_v, end)[0] for end in ends)]
    apart_hz = np.diff(moved_hz, axis=1)[:, :levels] - there[0][1]
    return float(np.ptp(np.arctan2(twice_hz, apart_hz), axis=0).max())


def noise_shares(point: ClusterPoint, played: Sequence[MemberSignals]) -> Array:
    """Return the largest share of an excitation that each member may hold, (M,): 1 if driven.

    Levels of which it has few in equilibrium count by so many. Mediated exchange is taken to second
    order, at the least detuning on the way that flux pulses lead.
    """
    if all(one.drives.start_ns.size for one in played):
        return np.ones(len(played))
    elements = point.cluster.elements
    windows = [_transitions_hz(point, m, one.fluxes) for m, one in enumerate(played)]
    strengths_hz = _strengths_hz(point, windows)
    shares = np.zeros(len(elements))
    for m, one in enumerate(elements):
        if played[m].drives.start_ns.size:
            shares[m] = 1.0
            continue
        weight = thermal(point.qubits[m])[: one.count]
        weight = np.maximum(weight[1:], weight[:-1])[:, None]
        for k, other in enumerate(elements):
            if k != m and strengths_hz[m, k]:
                twice_hz = 2.0 * strengths_hz[m, k] * np.outer(one.ladder, other.ladder[:HIGHEST])
                gap_hz = _gaps_hz(windows[m], windows[k][:, :HIGHEST])
                passed = weight * twice_hz**2 / (twice_hz**2 + gap_hz**2)
                shares[m] = max(shares[m], float(passed.max()))
    return shares


def _transitions_hz(point: ClusterPoint, member: int, fluxes: Drives) -> Array:
    """Return the least and the most of a member's transitions on its way, (2, L-1), Hz."""
    levels_hz = point.cluster.elements[member].levels_hz
    at = [np.diff(levels_hz)]
    if fluxes.shapes:
        held = [np.append(one.samples.real, complex(one.level).real) for one in fluxes.shapes]
        ends = min(float(one.min()) for one in held), max(float(one.max()) for one in held)
        at += [np.diff(levels_hz + point.shift_hz(member, end)) for end in ends]
    return np.stack([np.min(at, axis=0), np.max(at, axis=0)])


def _gaps_hz(one: Array, other: Array) -> Array:
    """Return how far apart transitions stay, (N, K), Hz, of those in (2, N) and (2, K)."""
    above = one[0][:, None] - other[1][None, :]
    below = other[0][None, :] - one[1][:, None]
    return np.asarray(np.maximum(0.0, np.maximum(above, below)))


def _strengths_hz(point: ClusterPoint, windows: Sequence[Array]) -> Array:
    """Return the exchange of each two members, (M, M), Hz, with what a third one mediates."""
    count = len(windows)
    direct = np.zeros((count, count))
    for one in point.cluster.exchanges:
        direct[one.one, one.other] = direct[one.other, one.one] = abs(one.strength_hz)
    found = direct.copy()
    for c in range(count):
        gap_hz = np.array(
            [_gaps_hz(windows[m][:, :1], windows[c][:, :1])[0, 0] for m in range(count)]
        )
        least = np.minimum(gap_hz[:, None], gap_hz[None, :])
        weaker = np.minimum(direct[c][:, None], direct[c][None, :])
        product = direct[c][:, None] * direct[c][None, :]
        found += np.minimum(weaker, product / np.maximum(least, 1.0))
    np.fill_diagonal(found, 0.0)
    return found
