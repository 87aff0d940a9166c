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
    """Shape (P, K): the level before, as each exponential has it."""
    tails: NDArray[np.float64]
    """Shape (P, K): what is left of earlier steps of the level, for each exponential."""

    def left(self) -> NDArray[np.float64]:
        """Return what is left (P, K) of each exponential where the level is zero from now on."""
        return self.tails - self.last


def at_rest(response: LineResponse, signals: int = 1) -> LineState:
    """Return the state of a line on which there has been nothing."""
    count = response.modes()[0].size
    return LineState(np.zeros((signals, count)), np.zeros((signals, count)))


def respond(
    response: LineResponse, held: NDArray[np.float64], step_ns: float, state: LineState
) -> tuple[NDArray[np.float64], LineState]:
    """Return the means over each step (P, S) of what arrives of ``held`` (P, S), and the state.

    Delay and reflection are not in it: see :func:`echoed`, which makes of a signal (P, 1 + K, S),
    the level itself and as each exponential has it; ``held`` may be that, too.
    """
    last, tails = state.last.copy(), state.tails.copy()
    size, tau = response.modes()
    if held.ndim == 2:
        held = np.broadcast_to(held[:, None], (held.shape[0], 1 + tau.size, held.shape[1]))
    out = np.empty((held.shape[0], held.shape[2]))
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
    left = state.left() * np.exp(-duration_ns / response.modes()[1])
    return LineState(np.zeros_like(state.last), left)


def echoed(response: LineResponse, held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``held`` (S,), steps of 1 ns, with the rest of the delay and its reflection.

    Shape (1 + K, S'): the level, and as each exponential has it. The delay's whole part is left to
    the caller. What comes a part of a step later is shared between two of them, so that means over
    steps are exact, and what is left behind them: evenly of the level, of each exponential so that
    it begins within the step.
    """
    rest = response.delay_ns - np.floor(response.delay_ns)
    taps = [(1.0, rest), (response.reflection[0], rest + response.reflection[1])]
    tau = response.modes()[1]
    out = np.zeros((1 + tau.size, held.size + reach_ns(response)))
    rises = np.diff(held, prepend=0.0, append=0.0)
    for size, later in taps:
        if size == 0.0:
            continue
        whole = int(np.floor(later))
        part = later - whole
        there = np.append(1 - part, np.expm1(-(1 - part) / tau) / np.expm1(-1 / tau))
        behind = np.exp(-(1 - part) / tau) - there[1:] * np.exp(-1 / tau)
        steps = np.zeros_like(out)
        count = min(rises.size, out.shape[1] - whole)
        steps[:, whole : whole + count] += there[:, None] * rises[:count]
        if part:
            count = min(rises.size, out.shape[1] - whole - 1)
            own = np.append(part, behind)[:, None] * rises[:count]
            steps[:, whole + 1 : whole + 1 + count] += own
        out += size * np.cumsum(steps, axis=1)
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
        for s in range(held.shape[2]):
            value = steady * held[p, 0, s]
            for k in range(size.size):
                tails[p, k] += held[p, 1 + k, s] - last[p, k]
                last[p, k] = held[p, 1 + k, s]
                value += size[k] * mean[k] * tails[p, k]
                tails[p, k] *= left[k]
            out[p, s] = value
