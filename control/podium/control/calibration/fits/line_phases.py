"""Foretells the phase that pulses on a flux line give the qubit they move.

A step response is a sum of exponentials behind a high-pass, once more after a reflection.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.line_inverse import reflection_taps

Array = NDArray[np.float64]
STEP_S = 1e-9
NEAREST = 0.1
"""To one half, twice: there a share says nothing of what edges are."""


@dataclass(frozen=True, slots=True, eq=False)
class Shots:
    """Shots of N kinds: the pulses on the line, and when the qubit's phase counts.

    It counts from time 0 to ``whole_s``.
    """

    pulses: Array
    """Begin, end (s) and height of P pulses, shape (n, P, 3); a height of 0: there is none. Each is
    whole before time 0, or begins there or later, at whole nanoseconds."""
    period_s: Array
    """From shot to shot, shape (n,)."""
    whole_s: float

    @property
    def earlier_s(self) -> Array:
        """For how long pulses before time 0 last, shape (n,)."""
        begin, end, height = (self.pulses[..., k] for k in range(3))
        return np.asarray(np.sum((end - begin) * ((height != 0) & (end <= 0)), axis=1))

    @property
    def turning_s(self) -> Array:
        """For how long later ones last, shape (n,)."""
        begin, end, height = (self.pulses[..., k] for k in range(3))
        return np.asarray(np.sum((end - begin) * ((height != 0) & (begin >= 0)), axis=1))

    @property
    def counting(self) -> NDArray[np.int64]:
        """Number of the later ones, shape (n,)."""
        begin, height = self.pulses[..., 0], self.pulses[..., 2]
        return np.asarray(np.sum((height != 0) & (begin >= 0), axis=1))

    def steps(self) -> Array:
        """Return by how much the level moves at each ns from time 0 on, shape (n, whole)."""
        count = round(self.whole_s / STEP_S)
        found = np.zeros((self.pulses.shape[0], count + 1))
        for kind, pulses in enumerate(self.pulses):
            for begin, end, height in pulses.tolist():
                if begin >= 0:
                    found[kind, min(count, round(begin / STEP_S))] += height
                    found[kind, min(count, round(end / STEP_S))] -= height
        return found[:, :count]

    def of(self, which: NDArray[np.bool_]) -> "Shots":
        """Return some kinds."""
        return Shots(self.pulses[which], self.period_s[which], self.whole_s)


def modes_of(values: Mapping[str, float]) -> tuple[Array, Array]:
    """Return sizes and time constants (s) of the exponentials that a step response is.

    Of ``amplitude1``, ``tau1`` ... behind the high-pass ``high_pass`` (s), in partial fractions;
    without one the last time constant is infinite.
    """
    count = sum(name.startswith("tau") for name in values)
    size = np.array([values[f"amplitude{k}"] for k in range(1, count + 1)])
    tau = np.array([values[f"tau{k}"] for k in range(1, count + 1)])
    through = values.get("high_pass", np.inf)
    if np.isinf(through):
        return np.append(size, 1.0), np.append(tau, np.inf)
    rest = 1 - float(np.sum(size * tau / (through - tau)))
    return np.append(size * through / (through - tau), rest), np.append(tau, through)


def step_response(time_s: Array, values: Mapping[str, float]) -> Array:
    """Return what arrives of a step of 1: 0 before it."""
    size, tau = modes_of(values)
    after = np.maximum(time_s, 0.0)
    level = np.asarray(np.tensordot(size, np.exp(-after / tau.reshape(-1, *[1] * after.ndim)), 1))
    return np.where(time_s >= 0, level, 0.0)


def phases_of(
    shots: Shots, values: Mapping[str, float], shift_of: Callable[[Array], Array]
) -> Array:
    """Return the phase, turns, that each kind of shots gives the qubit, shape (n,).

    ``values``: of a fit, or any of them. ``shift_of``: shift of the qubit in Hz by levels of the
    line, relative to the pulse's.
    """
    return phases_by(shots, spectrum_of(shots), values, shift_of)


def phases_by(
    shots: Shots,
    spectrum: NDArray[np.complex128],
    values: Mapping[str, float],
    shift_of: Callable[[Array], Array],
) -> Array:
    """Return the same; ``spectrum``: of the steps, which are what they are in all of a fit."""
    count = round(shots.whole_s / STEP_S)
    time = (np.arange(count) + 0.5) * STEP_S
    size, tau = modes_of(values)
    decays = np.exp(-time / tau[:, None])
    again, later_s = values.get("reflection", 0.0), values.get("reflection_delay", 0.0)
    rest, bend = values["rest"], values["bend"]

    def bent(level: Array) -> Array:
        return shift_of(level) * (1 + bend * (level**2 - 1))

    share = _share(values["edges"] / STEP_S / float(bent(np.ones(1))[0]))
    rise = np.convolve(size @ decays, reflection_taps((again, later_s), 1 / STEP_S))[:count]
    rise -= share * np.diff(rise, prepend=0.0)
    length = _fast(2 * count)
    level = np.fft.irfft(spectrum * np.fft.rfft(rise, length), length, axis=1)[:, :count]
    forgets = np.isfinite(tau)
    period = shots.period_s[:, None]
    often = np.exp(-period / tau) / np.where(forgets, -np.expm1(-period / tau), 1.0)
    every = _left(shots.pulses, period, tau) * (1 + np.nan_to_num(often))
    left = _left(_before(shots.pulses), 0.0, tau) + np.where(forgets, every, 0.0)
    left *= size * (1 + again * np.exp(later_s / tau))
    level = rest + values["scale"] * (level + left @ decays)
    shift = bent(level) - bent(np.array(rest))
    alone = bent(np.array([share, 1 - share, 1.0]))  # what a pulse's edges are in it already
    edges = (values["edges"] - STEP_S * float(alone[0] + alone[1] - alone[2])) * shots.counting
    ends = values["halves"] * (shift[:, 0] + shift[:, -1])
    return np.asarray(values["offset"] + edges + ends + shift.sum(axis=1) * STEP_S)


def _share(edges: float) -> float:
    """Return the part of a nanosecond by which pulses begin and end later than one.

    ``edges``: what both edges of a pulse add to its phase, of the phase of a nanosecond. A part x
    of the level in the one and 1 - x in the other shift a qubit, by the square of a level, by
    2 x (1 - x) less than a whole one.
    """
    part = min(max(-2 * edges, 0.0), 1 - NEAREST**2)
    return (1 - float(np.sqrt(1 - part))) / 2


def spectrum_of(shots: Shots) -> NDArray[np.complex128]:
    """Return the Fourier transform of the steps of the level, at least twice as long as these."""
    steps = shots.steps()
    return np.asarray(np.fft.rfft(steps, _fast(2 * steps.shape[1]), axis=1))


def _fast(count: int) -> int:
    """Return the least length from ``count`` on of which Fourier transforms are fast.

    Its prime factors are 2, 3 and 5: a power of 2 may be twice as long.
    """
    length = count
    while True:
        left = length
        for factor in (2, 3, 5):
            while left % factor == 0:
                left //= factor
        if left == 1:
            return length
        length += 1


def _before(pulses: Array) -> Array:
    """Return pulses, those that do not end before time 0 left out."""
    return np.asarray(np.where(pulses[..., 1:2] <= 0, pulses, 0.0))


def _left(pulses: Array, ago_s: Array | float, tau: Array) -> Array:
    """Return what pulses leave of each mode at time 0, (n, K); ``ago_s``: so much earlier yet."""
    kind, place = np.nonzero(pulses[..., 2])
    begin, end, height = pulses[kind, place, :, None].swapaxes(0, 1)
    ago = np.broadcast_to(ago_s, (len(pulses), 1))[kind]
    share = height * (np.exp((begin - ago) / tau) - np.exp((end - ago) / tau))
    found = np.zeros((len(pulses), tau.size))
    np.add.at(found, kind, share)
    return found
