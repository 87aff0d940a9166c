"""Nodes of the members' slow noise in a cluster: as few as a stated error in means allows."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.noise import Quadrature, hermite, quadrature

NOISE_ERROR = 1e-3
"""Error allowed in the mean over each member's slow noise."""
MOST_NODES = 5
TESTED = 32
"""Phases at which nodes are tested, beside 0."""


def noise_nodes(
    slow_hz: tuple[float, float], span_ns: float, allowed: float = NOISE_ERROR
) -> Quadrature:
    """Return few enough nodes of a member's slow noise, in Hz.

    ``slow_hz``: its mean, and how far it strays; ``span_ns``: for how long it turns the member.
    """
    mean_hz, stray_hz = slow_hz
    reach = 2e-9 * np.pi * stray_hz * span_ns
    if error_of_mean(stray_hz, span_ns) < allowed:
        return Quadrature(np.array([mean_hz]), np.ones(1))
    for count in range(2, MOST_NODES + 1):
        node, weight = hermite(count)
        if holds(node, weight, reach, allowed):
            found = Quadrature(node, weight)
            break
    else:
        found = quadrature(reach)
    return Quadrature(mean_hz + stray_hz * found.node, found.weight)


def error_of_mean(stray_hz: float, span_ns: float) -> float:
    """Return the error of a phase's mean at the mean of noise that strays so far from it."""
    return float(1.0 - np.exp(-0.5 * (2e-9 * np.pi * stray_hz * span_ns) ** 2))


@njit(cache=True, nogil=True)
def holds(node: Any, weight: Any, reach: float, allowed: float) -> bool:
    """Tell whether nodes average every phase up to ``reach``, rad, to within ``allowed``."""
    for k in range(TESTED, -1, -1):  # where they fail, they mostly do at the widest
        phase = reach * k / TESTED
        mean = 0.0
        for i in range(node.size):
            mean += weight[i] * np.cos(phase * node[i])
        if abs(mean - np.exp(-0.5 * phase**2)) >= allowed:
            return False
    return True


def stray_hz(nodes: Quadrature) -> float:
    """Return how far noise strays from its mean."""
    mean = float(nodes.weight @ nodes.node)
    return float(np.sqrt(nodes.weight @ (nodes.node - mean) ** 2))


def fewer_nodes(nodes: Quadrature, span_ns: float, allowed: float) -> Quadrature:
    """Return no more nodes of the same mean and variance, for a larger error."""
    if nodes.node.size == 1:
        return nodes
    mean = float(nodes.weight @ nodes.node)
    found = noise_nodes((mean, stray_hz(nodes)), span_ns, allowed)
    return found if found.node.size < nodes.node.size else nodes


def on_grid(nodes: Sequence[Quadrature]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all combinations of the members' nodes, (K, M), Hz, and their weights (K,)."""
    node_hz = np.array(list(product(*(one.node.tolist() for one in nodes))))
    weights = np.array(list(product(*(one.weight.tolist() for one in nodes))))
    return node_hz, np.asarray(np.prod(weights, axis=1))
