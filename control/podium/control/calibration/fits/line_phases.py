"""Foretells the phase that pulses on a flux line give the qubit they move.

A step response is a sum of exponentials behind a high-pass, once more after a reflection.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.line_inverse import reflection_taps

Array = NDArray[np.float64]
STEP_S = 1e-9
ENDED = 40.0
"""Time constants of a mode within which it has ended: exp(-40) of 1 is less than its rounding."""
LITTLE = 1e-4
"""Of the level, over which slopes of the shift are taken."""
BESIDE_LINE = frozenset({"scale", "rest", "bend", "offset", "halves", "edges"})
"""Values that count where the level of a line turns the qubit; the others, and the edges as well,
make that level."""
LEVELS = frozenset({"scale", "rest"})
"""Those that make the level another one for the qubit."""
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
    return PhaseModel(shots, spectrum_of(shots), shift_of)(values)


@dataclass(frozen=True, slots=True, eq=False)
class _Arriving:
    """Holds what a line makes of a step, and what it keeps of pulses before time 0."""

    rise: Array
    """What has arrived of a step in each ns after it, shape (whole,)."""
    left: Array
    """What pulses before have left of each mode at time 0, shape (n, K)."""
    decays: Array
    """What is left of each mode in each ns, shape (K, whole)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Mode:
    """Holds what an exponential does, whatever its size."""

    left: Array
    """What pulses before time 0 have left of it then, shape (n,)."""
    decay: Array
    """What is left of it in each ns, shape (whole,)."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shifted:
    """Holds levels of the line in each ns, (n, whole), and what shift they are expected to make."""

    at: Array
    expected_hz: Array

    def bent(self, bend: float) -> Array:
        """Return the shift of the qubit, Hz."""
        return self.expected_hz * (1 + bend * (self.at**2 - 1))


@dataclass(frozen=True, slots=True, eq=False)
class PhaseModel:
    """Foretells the phases of some kinds of shots by the values of a line, turns."""

    shots: Shots
    spectrum: NDArray[np.complex128]
    """Of the steps, by :func:`spectrum_of`: what they are in all of a fit."""
    shift_of: Callable[[Array], Array]

    def __call__(self, values: Mapping[str, float]) -> Array:
        """Return the phases, shape (n,)."""
        level = self._level(self._arriving(values, {}))
        return self._turned(self._shifted(level, values), values)

    def near(
        self, values: Mapping[str, float], others: Sequence[Mapping[str, float]]
    ) -> tuple[Array, Array]:
        """Return the phases, (n,), and to first order by how much each of ``others`` moves them.

        These, (n, m), are near ``values``. What a level in each ns counts for is worked out once:
        by the Fourier transforms of two fits in place of one more for each of m. So are modes and
        shifts that several of them share.
        """
        modes: dict[float, _Mode] = {}
        line = self._arriving(values, modes)
        level = self._level(line)
        shifted = self._shifted(level, values)
        now = self._turned(shifted, values)
        counts = self._counts(level, values)
        length = 2 * self.spectrum.shape[1] - 2
        turned = np.fft.rfft(counts, length, axis=1) * self.spectrum.conj()
        of_rise = np.fft.irfft(turned, length, axis=1)[:, : counts.shape[1]]
        of_left = line.left * (counts @ line.decays.T)
        moved = np.zeros((now.size, len(others)))
        for k, other in enumerate(others):
            names = {name for name, one in other.items() if one != values[name]}
            if names & BESIDE_LINE:
                own = self._shifted(level, other) if names & LEVELS else shifted
                moved[:, k] += self._turned(own, other) - now
            if names - BESIDE_LINE or "edges" in names:
                there = self._arriving(other, modes)
                later = there.left * (counts @ there.decays.T) - of_left
                moved[:, k] += of_rise @ (there.rise - line.rise) + later.sum(axis=1)
        return now, moved

    def _bent(self, level: Array, values: Mapping[str, float]) -> Array:
        """Return the shift of the qubit by a level, Hz."""
        return self.shift_of(level) * (1 + values["bend"] * (level**2 - 1))

    def _share(self, values: Mapping[str, float]) -> float:
        """Return the part of a nanosecond by which pulses begin and end later than one."""
        return _share(values["edges"] / STEP_S / float(self._bent(np.ones(1), values)[0]))

    def _arriving(self, values: Mapping[str, float], modes: dict[float, _Mode]) -> _Arriving:
        """Return what a line makes of a step of 1; ``modes``: by time constant, those known."""
        size, tau = modes_of(values)
        each = tau.tolist()
        self._add_modes(np.array([one for one in each if one not in modes]), modes)
        left = np.stack([modes[one].left for one in each], axis=1)
        decays, count = np.stack([modes[one].decay for one in each]), modes[each[0]].decay.size
        again, later_s = values.get("reflection", 0.0), values.get("reflection_delay", 0.0)
        taps = reflection_taps((again, later_s), 1 / STEP_S)
        rise = np.convolve(size @ decays, taps)[:count]
        rise -= self._share(values) * np.diff(rise, prepend=0.0)
        return _Arriving(rise, left * size * (1 + again * np.exp(later_s / tau)), decays)

    def _add_modes(self, tau: Array, modes: dict[float, _Mode]) -> None:
        """Add exponentials of these time constants, s, to those known."""
        if not tau.size:
            return
        pulses, count = self.shots.pulses, round(self.shots.whole_s / STEP_S)
        time = (np.arange(count) + 0.5) * STEP_S
        decays = np.exp(-time / tau[:, None])
        left = _left(_before(pulses), 0.0, tau)
        # What shots before have left: of modes that a period ends nothing is left to see.
        period = self.shots.period_s[:, None]
        lasts = np.isfinite(tau) & (tau > (float(period.min()) - self.shots.whole_s) / ENDED)
        long = np.exp(-period / tau[lasts]) / -np.expm1(-period / tau[lasts])
        left[:, lasts] += _left(pulses, period, tau[lasts]) * (1 + long)
        for one, own, decay in zip(tau.tolist(), left.T, decays, strict=True):
            modes[one] = _Mode(own, decay)

    def _level(self, line: _Arriving) -> Array:
        """Return what arrives in each ns from time 0 on, of a pulse's level, (n, whole)."""
        length, count = 2 * self.spectrum.shape[1] - 2, line.rise.size
        level = np.fft.irfft(self.spectrum * np.fft.rfft(line.rise, length), length, axis=1)
        return np.asarray(level[:, :count] + line.left @ line.decays)

    def _shifted(self, level: Array, values: Mapping[str, float]) -> _Shifted:
        """Return what levels of the line, (n, whole), are with :data:`LEVELS`."""
        at = values["rest"] + values["scale"] * level
        return _Shifted(at, self.shift_of(at))

    def _turned(self, shifted: _Shifted, values: Mapping[str, float]) -> Array:
        """Return the phases that levels give the qubit, (n,)."""
        share = self._share(values)
        shift = shifted.bent(values["bend"])
        shift -= self._bent(np.array(values["rest"]), values)
        # what a pulse's edges are in it already
        alone = self._bent(np.array([share, 1 - share, 1.0]), values)
        edges = values["edges"] - STEP_S * float(alone[0] + alone[1] - alone[2])
        ends = values["halves"] * (shift[:, 0] + shift[:, -1])
        turned = values["offset"] + edges * self.shots.counting + ends
        return np.asarray(turned + shift.sum(axis=1) * STEP_S)

    def _counts(self, level: Array, values: Mapping[str, float]) -> Array:
        """Return by how much a phase moves with the level in each ns, turns, (n, whole)."""
        at = values["rest"] + values["scale"] * level
        rise = self._bent(at + LITTLE, values) - self._bent(at - LITTLE, values)
        counts = values["scale"] / (2 * LITTLE) * rise
        ends = values["halves"] * counts[:, [0, -1]]
        counts *= STEP_S
        counts[:, [0, -1]] += ends
        return counts


def _share(edges: float) -> float:
    """Return by which part of a nanosecond pulses begin and end later than at a whole one.

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
