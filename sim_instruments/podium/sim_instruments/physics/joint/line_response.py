"""A flux line's response: what is left of a step on its way to the chip, and how long.

The step response is ``r(t) = 1 + sum of a_k exp(-t / tau_k)`` from the line's delay on, and what
comes of it runs through the high-pass of a bias tee, ``exp(-t / tau)``. Signals are held in steps,
so each exponential is one number that is carried from step to step, exactly, and through waits in
one go. What is returned is the mean over each step: what a cluster whose levels are held feels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LineResponse:
    """The response of one flux line."""

    exponentials: tuple[tuple[float, float], ...] = ()
    """(a, tau in ns) of each."""
    high_pass_ns: float = np.inf
    """Time constant of the bias tee; infinite: none."""


@dataclass(frozen=True, slots=True, eq=False)
class LineState:
    """All that a line remembers between two steps, for P signals."""

    last: NDArray[np.float64]
    """Shape (P,): the level before."""
    tails: NDArray[np.float64]
    """Shape (P, K): what is left of earlier steps of the level, for each exponential."""
    charge: NDArray[np.float64]
    """Shape (P,): what the bias tee takes off."""


def at_rest(response: LineResponse, signals: int = 1) -> LineState:
    """Return the state of a line on which there has been nothing."""
    tails = np.zeros((signals, len(response.exponentials)))
    return LineState(np.zeros(signals), tails, np.zeros(signals))


def respond(
    response: LineResponse, held: NDArray[np.float64], step_ns: float, state: LineState
) -> tuple[NDArray[np.float64], LineState]:
    """Return the means over each step (P, S) of what arrives of ``held`` (P, S), and the state."""
    last, tails, charge = state.last.copy(), state.tails.copy(), state.charge.copy()
    out = np.empty(held.shape)
    size = np.array([a for a, _ in response.exponentials], np.float64)
    tau = np.array([tau for _, tau in response.exponentials], np.float64)
    respond_steps(
        np.ascontiguousarray(held, np.float64),
        size,
        np.exp(-step_ns / tau),
        -np.expm1(-step_ns / tau) * tau / step_ns,
        float(-np.expm1(-step_ns / response.high_pass_ns)),
        last,
        tails,
        charge,
        out,
    )
    return out, LineState(last, tails, charge)


def wait(response: LineResponse, duration_ns: float, state: LineState) -> LineState:
    """Return the state after a time in which the level is zero, from its first instant on."""
    tau = np.array([tau for _, tau in response.exponentials], np.float64)
    size = np.array([a for a, _ in response.exponentials], np.float64)
    begin = state.tails - state.last[:, None]
    left = np.exp(-duration_ns / tau)
    folds = duration_ns / response.high_pass_ns
    charge = state.charge * np.exp(-folds)
    if np.isfinite(response.high_pass_ns):
        # the tails go through the bias tee: d charge/dt = (sum of a z - charge) / high_pass
        through = tau / (tau - response.high_pass_ns) * (left - np.exp(-folds))
        charge = charge + begin @ (size * through)
    return LineState(np.zeros_like(state.last), begin * left, charge)


@njit(cache=True, nogil=True)
def respond_steps(
    held: Any,
    size: Any,
    left: Any,
    mean: Any,
    charged: float,
    last: Any,
    tails: Any,
    charge: Any,
    out: Any,
) -> None:
    """Fill ``out`` (P, S); ``last``, ``tails`` and ``charge`` are taken to the end."""
    for p in range(held.shape[0]):
        for s in range(held.shape[1]):
            rise = held[p, s] - last[p]
            last[p] = held[p, s]
            value = held[p, s]
            for k in range(size.size):
                tails[p, k] += rise
                value += size[k] * mean[k] * tails[p, k]
                tails[p, k] *= left[k]
            # the level is held: what is taken off goes to it exponentially
            gone = charge[p]
            charge[p] += charged * (value - charge[p])
            out[p, s] = value - 0.5 * (gone + charge[p])
