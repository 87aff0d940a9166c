"""Fits what a flux line makes of a step, from phases that pulses on it give a qubit.

As in Rol et al., Appl. Phys. Lett. 116, 054001 (2020); but the exponentials are fitted to the
phases themselves, which nobody has to differentiate. Short ones and a reflection are seen by trains
of short pulses, whose phases add up. Long ones and the high-pass are seen by what a long pulse
leaves to a short one that follows it late, as in arXiv:2503.04610.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares
from podium.control.compilers.line_inverse import reflection_taps

Array = NDArray[np.float64]
BANDS_S = ((1.5e-9, 15e-9), (20e-9, 250e-9), (0.4e-6, 5e-6), (8e-6, 80e-6))
"""Where the time constants of the exponentials are looked for, one in each. The last one is looked
for where pulses have gone before that were longer than :data:`SHORT_S`."""
EXPECTED = {
    "amplitude1": (0.0, 0.05),
    "tau1": (6e-9, 3e-9),
    "amplitude2": (0.0, 0.03),
    "tau2": (60e-9, 40e-9),
    "amplitude3": (0.0, 0.02),
    "tau3": (1.3e-6, 0.8e-6),
    "amplitude4": (0.0, 0.015),
    "tau4": (25e-6, 12e-6),
    "high_pass": (2500.0, 2500.0),
    "reflection": (0.0, 0.01),
    "rest": (0.0, 0.01),
    "offset": (0.0, 0.03),
}
"""Of a line that is not known yet, with spreads; of the high-pass one over its time constant. Fits
begin here, and do without where all phases are known to a turn."""
LAST = ("amplitude4", "tau4")
SHORT_S = 5e-6
MOST = 0.2
"""Amplitude of an exponential at most, of the step."""
HIGH_PASS_S = (60e-6, 20e-3)
"""Where the time constant of a bias tee's high-pass is looked for."""
REFLECTED = ("reflection", "reflection_delay")
REFLECTION_S = (4e-9, 32e-9)
"""Where a reflection is looked for: within what the FIR filters of an output undo."""
REFLECTION_STARTS_S = tuple(k * 0.5e-9 for k in range(8, 62))
REFLECTION_STARTS = 4
STEP_S = 1e-9
SCATTERED = 9.0
VAGUE = 5e-3
"""Sigma of the last exponential's amplitude above which it is left as it was known before."""
PAYS = 2.0
"""By so much, at least, each further parameter has to lower the sum of squares (Akaike): what a fit
foretells is then as near as data allow."""
SURE = 3.0
"""Sigmas from which on a high-pass is one."""
DOUBTED = 0.15
"""Turns: a phase that is foretold no better is not known to a turn."""
STEPS, SETTLED = 4, 0.1
"""Of Gauss and Newton at most, for each phase that comes in, and what the last one may still take
away from the sum of squares."""
STRAYS = 0.3
"""Turns by which a phase may be off from where it is foretold."""


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
    return _phases(shots, _spectrum(shots), values, shift_of)


def _phases(
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
    rise = np.convolve(size @ decays, reflection_taps((again, later_s), 1 / STEP_S))[:count]
    level = np.fft.irfft(spectrum * np.fft.rfft(rise, 2 * count), 2 * count, axis=1)[:, :count]
    forgets = np.isfinite(tau)
    period = shots.period_s[:, None]
    often = np.exp(-period / tau) / np.where(forgets, -np.expm1(-period / tau), 1.0)
    every = _left(shots.pulses, period, tau) * (1 + np.nan_to_num(often))
    left = _left(_before(shots.pulses), 0.0, tau) + np.where(forgets, every, 0.0)
    left *= size * (1 + again * np.exp(later_s / tau))
    rest = values["rest"]
    level = rest + values["scale"] * (level + left @ decays)
    shift = shift_of(level) - shift_of(np.array(rest))
    edges = values["edges"] * shots.counting
    return np.asarray(values["offset"] + edges + shift.sum(axis=1) * STEP_S)


def _spectrum(shots: Shots) -> NDArray[np.complex128]:
    """Return the Fourier transform of the steps of the level, twice as long as these."""
    steps = shots.steps()
    return np.asarray(np.fft.rfft(steps, 2 * steps.shape[1], axis=1))


def _before(pulses: Array) -> Array:
    """Return pulses, those that do not end before time 0 left out."""
    return np.asarray(np.where(pulses[..., 1:2] <= 0, pulses, 0.0))


def _left(pulses: Array, ago_s: Array | float, tau: Array) -> Array:
    """Return what pulses leave of each mode at time 0, (n, K); ``ago_s``: so much earlier yet."""
    begin, end, height = (pulses[..., k, None] for k in range(3))
    ago = np.asarray(ago_s)[..., None]
    share = height * (np.exp((begin - ago) / tau) - np.exp((end - ago) / tau))
    return np.asarray(share.sum(axis=1))


def unwound(turns: Array, duration_s: Array, shift_hz: float) -> Array:
    """Return phases known but for whole turns as they go on with the duration, ascending.

    ``shift_hz``: as expected, good enough for the first duration.
    """
    found = np.array(turns, float)
    rate = shift_hz
    near = rate * duration_s[0]
    for k in range(found.size):
        found[k] -= round(found[k] - near)
        if k + 1 < found.size:
            if k and duration_s[k] > SURE_S:
                rate = (found[k] - found[k - 1]) / (duration_s[k] - duration_s[k - 1])
            near = found[k] + rate * (duration_s[k + 1] - duration_s[k])
    return found


SURE_S = 10e-9
"""From this duration on the slope between two pulses is known better than expected."""


def fit_cryoscope(
    shots: Shots,
    turns: Array,
    sigma: Array,
    shift_of: Callable[[Array], Array],
) -> Fit:
    """Fit phases of shots, shape (n,); see :func:`phases_of`.

    ``turns``: of single pulses with nothing before them unwound, of the others but for whole turns.
    Those of trains, and then of what longer pulses have left, come in one after another, that
    first which the others foretell best: where none is foretold to a turn, the rest tell nothing.
    Returns ``amplitude1``, ``tau1`` (s) and so on, ``scale`` (of the level, as expected), ``rest``
    (the level without a pulse), ``offset`` and ``edges`` (turns, of a shot and of each pulse), and,
    where they are there, ``high_pass`` (s), and ``reflection`` with ``reflection_delay`` (s).
    Raises FitFailed.
    """
    work = _Fitting(shots, turns, sigma, shift_of)
    behind = shots.earlier_s > 0
    single = ~behind & (shots.counting == 1)
    last = shots.turning_s[single][-5:]
    slope = float(np.polyfit(last, turns[single][-5:], 1)[0])
    scale = float(np.sqrt(max(0.25, slope / float(shift_of(np.ones(1))[0]))))
    start = {name: one for name, (one, _) in EXPECTED.items() if name != "reflection"}
    start |= {"high_pass": 1 / start["high_pass"], "scale": scale, "edges": 0.0}
    found = work.fit(single, [start], expecting=True)
    work, found, used = work.foretold(found, single, ~behind)
    found = work.fit(used, [found.values], expecting=True)
    if not np.all(single | behind):
        found = work.better(found, used, work.reflections(found, used), expecting=True)
    work, found, used = work.foretold(found, used, behind)
    long = used & (shots.earlier_s > SHORT_S)
    if long.any():
        try:
            all_of_it = work.free(found.values, used)
            last = all_of_it.sigmas[LAST[0]]
            if last < VAGUE and all_of_it.chi2 < SCATTERED:
                return _described(all_of_it)
        except FitFailed:
            pass
    without = {name: one for name, one in found.values.items() if name not in LAST}
    return _described(work.free(without, used & ~long))


def _described(found: Fit) -> Fit:
    """Return a fit that describes the line; raises FitFailed."""
    if found.chi2 > SCATTERED:
        count = sum(name.startswith("tau") for name in found.values)
        also = " and a reflection" if "reflection" in found.values else ""
        raise FitFailed(
            f"{count} exponentials{also} do not describe the line: the phases scatter "
            f"{np.sqrt(found.chi2):.1f} times as much as the shots explain"
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Fitting:
    """Fits phases of some kinds of shots."""

    shots: Shots
    turns: Array
    sigma: Array
    shift_of: Callable[[Array], Array]

    def fit(
        self,
        which: NDArray[np.bool_],
        starts: list[dict[str, float]],
        *,
        expecting: bool = False,
    ) -> Fit:
        """Fit what is in ``starts``; ``expecting``: near :data:`EXPECTED`. Raises FitFailed."""
        near = [name for name in starts[0] if expecting and name in EXPECTED]
        model = self._model(self.shots.of(which), near)
        data, deviation = self._data(which, near)
        bounds = {name: BOUNDS[name] for name in starts[0]}
        return fit_least_squares(model, data, deviation, starts, bounds)

    def free(self, start: dict[str, float], which: NDArray[np.bool_]) -> Fit:
        """Fit the same, with a reflection and a high-pass where they pay. Raises FitFailed."""
        bare = {name: one for name, one in start.items() if name not in REFLECTED}
        found = self.fit(which, [bare])
        reflected = [found.values | {name: start[name] for name in REFLECTED if name in start}]
        reflected += self.reflections(found, which)
        found = self.better(found, which, [one for one in reflected if REFLECTED[0] in one])
        if found.values["high_pass"] > SURE * found.sigmas["high_pass"]:
            return found
        without = {name: one for name, one in found.values.items() if name != "high_pass"}
        try:
            passing = self.fit(which, [without])
        except FitFailed:
            return found
        lost = passing.chi2 * passing.degrees - found.chi2 * found.degrees
        return passing if lost < PAYS else found

    def better(
        self,
        found: Fit,
        which: NDArray[np.bool_],
        starts: list[dict[str, float]],
        *,
        expecting: bool = False,
    ) -> Fit:
        """Return the fit of ``starts`` where its further parameters pay, else ``found``."""
        try:
            further = self.fit(which, starts, expecting=expecting)
        except FitFailed:
            return found
        gained = found.chi2 * found.degrees - further.chi2 * further.degrees
        more = len(further.names) - len(found.names)
        return further if gained > PAYS * more else found

    def foretold(
        self, found: Fit, used: NDArray[np.bool_], more: NDArray[np.bool_]
    ) -> tuple["_Fitting", Fit, NDArray[np.bool_]]:
        """Return the same with whole turns of further kinds, a fit, and the kinds that it uses.

        ``more``: these, one after another, the one first that is foretold best.
        """
        work, used = self, used.copy()
        while np.any(more & ~used):
            rest = np.flatnonzero(more & ~used)
            phases, slopes = _slopes(found, work._model(work.shots.of(more & ~used)))
            unsure = np.sqrt(np.einsum("ni,ij,nj->n", slopes, found.covariance, slopes))
            off = work.turns[rest] - phases
            off -= np.round(off)
            next_one = int(np.argmin(unsure))
            if unsure[next_one] > DOUBTED or abs(off[next_one]) > STRAYS:
                break
            turns = work.turns.copy()
            turns[rest[next_one]] = phases[next_one] + off[next_one]
            used[rest[next_one]] = True
            work = replace(work, turns=turns)
            found = work._followed(found, used)
        return work, found, used

    def _followed(self, found: Fit, which: NDArray[np.bool_]) -> Fit:
        """Return a fit, near :data:`EXPECTED`, with one kind more than ``found`` knows.

        By steps of Gauss and Newton, where they lead down and stay within bounds; else by a fit.
        """
        jacobian, left = self._near(found, which)
        for _ in range(STEPS):
            scale = np.linalg.norm(jacobian, axis=0)
            inverse = np.linalg.pinv(jacobian / scale)
            moved = (inverse @ left / scale).tolist()
            values = {
                name: found.values[name] + by for name, by in zip(found.names, moved, strict=True)
            }
            if any(not BOUNDS[name].low < one < BOUNDS[name].high for name, one in values.items()):
                break
            covariance = inverse @ inverse.T / np.outer(scale, scale)
            sigmas = dict(zip(found.names, np.sqrt(np.diag(covariance)).tolist(), strict=True))
            further = replace(found, values=values, sigmas=sigmas, covariance=covariance)
            jacobian, after = self._near(further, which)
            if float(after @ after) > float(left @ left):
                break
            found, gained, left = further, float(left @ left) - float(after @ after), after
            if gained < SETTLED:
                return found
        try:
            return self.fit(which, [found.values], expecting=True)
        except FitFailed:
            return found

    def _near(self, found: Fit, which: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Return slopes (n, p) and what is left (n,), in sigmas: of phases, and of what is
        expected."""
        near = [name for name in found.names if name in EXPECTED]
        data, deviation = self._data(which, near)
        now, slopes = _slopes(found, self._model(self.shots.of(which), near))
        return slopes / deviation[:, None], (data - now) / deviation

    def _model(
        self, shots: Shots, near: Sequence[str] = ()
    ) -> Callable[[Mapping[str, float]], Array]:
        """Return what foretells phases, and behind them what is expected of ``near``."""
        spectrum = _spectrum(shots)

        def model(values: Mapping[str, float]) -> Array:
            there = [1 / values[one] if one == "high_pass" else values[one] for one in near]
            return np.append(_phases(shots, spectrum, values, self.shift_of), there)

        return model

    def _data(self, which: NDArray[np.bool_], near: Sequence[str]) -> tuple[Array, Array]:
        """Return phases, and behind them what is expected of ``near``, with their sigmas."""
        expected, spread = np.array([EXPECTED[name] for name in near]).reshape(-1, 2).T
        return np.append(self.turns[which], expected), np.append(self.sigma[which], spread)

    def reflections(self, found: Fit, which: NDArray[np.bool_]) -> list[dict[str, float]]:
        """Return starts with a reflection: the delays at which one takes most away from what is
        left, everything else following it to first order."""
        model, sigma = self._model(self.shots.of(which)), self.sigma[which]
        now, slopes = _slopes(found, model)
        left = (self.turns[which] - now) / sigma
        own = np.linalg.qr(slopes / sigma[:, None])[0]
        left -= own @ (own.T @ left)
        gains, sizes = np.zeros(len(REFLECTION_STARTS_S)), np.zeros(len(REFLECTION_STARTS_S))
        for k, later_s in enumerate(REFLECTION_STARTS_S):
            one = found.values | {"reflection": 1e-4, "reflection_delay": later_s}
            step = (model(one) - now) / sigma
            step -= own @ (own.T @ step)
            gains[k] = float(step @ left) ** 2 / float(step @ step)
            sizes[k] = 1e-4 * float(step @ left) / float(step @ step)
        around = np.pad(gains, 1)
        peaks = np.flatnonzero((gains >= around[:-2]) & (gains >= around[2:]))
        best = peaks[np.argsort(-gains[peaks])][:REFLECTION_STARTS]
        return [
            found.values
            | {"reflection": float(sizes[k]), "reflection_delay": REFLECTION_STARTS_S[k]}
            for k in best
        ]


def _slopes(found: Fit, model: Callable[[Mapping[str, float]], Array]) -> tuple[Array, Array]:
    """Return what a model foretells with the values of a fit, (n,), and its slopes, (n, p)."""
    now = model(found.values)
    slopes = np.empty((now.size, len(found.names)))
    for k, name in enumerate(found.names):
        step = 1e-3 * found.sigmas[name]
        slopes[:, k] = (model({**found.values, name: found.values[name] + step}) - now) / step
    return now, slopes


BOUNDS = {
    **{f"tau{k}": Bound(a, b) for k, (a, b) in enumerate(BANDS_S, 1)},
    **{f"amplitude{k}": Bound(-MOST, MOST) for k in range(1, len(BANDS_S) + 1)},
    "scale": Bound(0.5, 1.6),
    "rest": Bound(-0.1, 0.1),
    "offset": Bound(-0.3, 0.3),
    "edges": Bound(-0.5, 0.5),
    "high_pass": Bound(*HIGH_PASS_S),
    "reflection": Bound(-0.03, 0.03),
    "reflection_delay": Bound(*REFLECTION_S),
}
"""Where each parameter is looked for."""
