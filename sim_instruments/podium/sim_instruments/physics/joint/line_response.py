"""A flux line's response: what is left of a step on its way to the chip, and how long.

The step response is ``r(t) = 1 + sum of a_k exp(-t / tau_k)`` from the line's delay on, and what
comes of it runs through the high-pass of a bias tee, ``exp(-t / tau)``. By partial fractions that
is again a constant (1, or 0 behind a bias tee) and exponentials, one more of them. Signals are held
in steps, so each exponential is one number that is carried from step to step, exactly, and through
waits in one go. What is returned is the mean over each step: what a cluster whose levels are held
feels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.flux_line import LineResponse as LineResponse


@dataclass(frozen=True, slots=True, eq=False)
class LineState:
    """All that a line remembers between two steps, for P signals."""

    last: NDArray[np.float64]
    """Shape (P,): the level before."""
    tails: NDArray[np.float64]
    """Shape (P, K): what is left of earlier steps of the level, for each exponential."""


def at_rest(response: LineResponse, signals: int = 1) -> LineState:
    """Return the state of a line on which there has been nothing."""
    return LineState(np.zeros(signals), np.zeros((signals, response.modes()[0].size)))


def respond(
    response: LineResponse, held: NDArray[np.float64], step_ns: float, state: LineState
) -> tuple[NDArray[np.float64], LineState]:
    """Return the means over each step (P, S) of what arrives of ``held`` (P, S), and the state.

    Delay and reflection are not in it: see :func:`echoed`.
    """
    last, tails = state.last.copy(), state.tails.copy()
    out = np.empty(held.shape)
    size, tau = response.modes()
    respond_steps(
        np.ascontiguousarray(held, np.float64),
        response.steady(),
        size,
        np.exp(-step_ns / tau),
        -np.expm1(-step_ns / tau) * tau / step_ns,
        last,
        tails,
        out,
    )
    return out, LineState(last, tails)


def wait(response: LineResponse, duration_ns: float, state: LineState) -> LineState:
    """Return the state after a time in which the level is zero, from its first instant on."""
    begin = state.tails - state.last[:, None]
    return LineState(np.zeros_like(state.last), begin * np.exp(-duration_ns / response.modes()[1]))


def echoed(response: LineResponse, held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``held`` (S,), steps of 1 ns, with the rest of the delay and its reflection.

    The delay's whole part is left to the caller. A level that is held and comes a part of a step
    later is, in the mean over each step, shared between two of them: exactly.
    """
    rest = response.delay_ns - np.floor(response.delay_ns)
    taps = [(1.0, rest), (response.reflection[0], rest + response.reflection[1])]
    out = np.zeros(held.size + reach_ns(response))
    for size, later in taps:
        if size == 0.0:
            continue
        whole = int(np.floor(later))
        part = later - whole
        out[whole : whole + held.size] += size * (1 - part) * held
        if part:
            out[whole + 1 : whole + 1 + held.size] += size * part * held
    return out


def reach_ns(response: LineResponse) -> int:
    """Return by how many ns :func:`echoed` makes a signal longer."""
    size, later = response.reflection
    rest = response.delay_ns - np.floor(response.delay_ns)
    return int(np.ceil(rest + (later if size else 0.0)))


@njit(cache=True, nogil=True)
def respond_steps(
    held: Any,
    steady: float,
    size: Any,
    left: Any,
    mean: Any,
    last: Any,
    tails: Any,
    out: Any,
) -> None:
    """Fill ``out`` (P, S); ``last`` and ``tails`` are taken to the end."""
    for p in range(held.shape[0]):
        for s in range(held.shape[1]):
            rise = held[p, s] - last[p]
            last[p] = held[p, s]
            value = steady * held[p, s]
            for k in range(size.size):
                tails[p, k] += rise
                value += size[k] * mean[k] * tails[p, k]
                tails[p, k] *= left[k]
            out[p, s] = value
