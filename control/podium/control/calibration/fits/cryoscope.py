"""Fits what a flux line makes of a step, from phases that pulses on it give a qubit.

As in Rol et al., Appl. Phys. Lett. 116, 054001 (2020); but the exponentials are fitted to the
phases themselves, which nobody has to differentiate. Long ones and the high-pass are seen by what
a long pulse leaves to a short one that follows it late, as in arXiv:2503.04610.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares

Array = NDArray[np.float64]
BANDS_S = ((3e-9, 15e-9), (20e-9, 250e-9), (0.4e-6, 5e-6), (8e-6, 80e-6))
"""Where the time constants of the exponentials are looked for, one in each. The last one is looked
for where pulses have gone before that were longer than :data:`SHORT_S`."""
TYPICAL_S = (6e-9, 60e-9, 1.3e-6, 25e-6)
SHORT_S = 5e-6
MOST = 0.2
"""Amplitude of an exponential at most, of the step."""
HIGH_PASS_S = (60e-6, 5e-3)
"""Where the time constant of a bias tee's high-pass is looked for."""
HIGH_PASS_STARTS_S = (150e-6, 300e-6, 600e-6)
STEP_S = 1e-9
SCATTERED = 9.0
VAGUE = 5e-3
"""Sigma of the last exponential's amplitude above which it is left as it was known before."""
PASSES_ALL = 4.0
"""By so much, at least, a high-pass has to lower the sum of squares for its one parameter."""


@dataclass(frozen=True, slots=True, eq=False)
class Shots:
    """Shots of N kinds: a pulse of 1 from time 0 on, and what was played before it."""

    duration_s: Array
    """Of that pulse, shape (n,)."""
    before: Array
    """Begin, end (s, both below 0) and height of E earlier pulses, shape (n, E, 3); a height of 0:
    there is none."""
    period_s: Array
    """From shot to shot, shape (n,)."""
    whole_s: float
    """So long after time 0 the qubit's phase is read."""

    @property
    def earlier_s(self) -> Array:
        """For how long earlier pulses last, shape (n,)."""
        begin, end, height = (self.before[..., k] for k in range(3))
        return np.asarray(np.sum((end - begin) * (height != 0), axis=1))

    def of(self, which: NDArray[np.bool_]) -> "Shots":
        """Return some kinds."""
        return Shots(self.duration_s[which], self.before[which], self.period_s[which], self.whole_s)


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

    ``shift_of``: shift of the qubit in Hz by levels of the line, relative to the pulse's.
    """
    time = np.asarray((np.arange(round(shots.whole_s / STEP_S)) + 0.5) * STEP_S, np.float64)
    size, tau = modes_of(values)
    decays = np.exp(-time / tau[:, None])
    rise = size @ decays
    steps = np.rint(shots.duration_s / STEP_S).astype(np.int64)
    later = np.arange(time.size)[None, :] - steps[:, None]
    fall = np.append(rise, 0.0)[np.where(later >= 0, later, time.size)]
    own = np.stack([0 * shots.duration_s, shots.duration_s, 0 * shots.duration_s + 1], -1)
    left = _left(shots.before, 0.0, tau)
    forgets = np.isfinite(tau)
    period = shots.period_s[:, None]
    again = np.exp(-period / tau) / np.where(forgets, -np.expm1(-period / tau), 1.0)
    every = _left(np.concatenate([shots.before, own[:, None]], axis=1), period, tau)
    left = left + np.where(forgets, every * (1 + np.nan_to_num(again)), 0.0)
    level = values["scale"] * (rise[None, :] - fall + (left * size) @ decays)
    return np.asarray(values["offset"] + shift_of(level).sum(axis=1) * STEP_S)


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

    ``turns``: of shots with nothing before them unwound, of the others but for whole turns. What
    longer pulses have left is known to a turn by what shorter ones have told, so they come in one
    after another; where one does not follow, it and what is longer tell nothing.
    Returns ``amplitude1``, ``tau1`` (s) and so on, ``scale`` (of the level, as expected),
    ``offset`` (turns), and ``high_pass`` (s), where there is one. Raises FitFailed.
    """
    earlier_s = shots.earlier_s
    first = np.flatnonzero(earlier_s == 0)
    slope = float(np.polyfit(shots.duration_s[first][-5:], turns[first][-5:], 1)[0])
    scale = float(np.sqrt(max(0.25, slope / float(shift_of(np.ones(1))[0]))))
    count = len(BANDS_S) - 1
    flat = {f"tau{k}": tau for k, tau in enumerate(TYPICAL_S[:count], 1)}
    flat |= {f"amplitude{k}": 0.0 for k in range(1, count + 1)}
    flat |= {"scale": scale, "offset": 0.0}

    brief = earlier_s <= SHORT_S
    first_shots, measured = shots.of(brief), (turns[brief], sigma[brief])
    found = _fit(first_shots, *measured, shift_of, [flat], {})
    starts = [flat | {"high_pass": one} for one in HIGH_PASS_STARTS_S]
    try:
        behind = _fit(first_shots, *measured, shift_of, starts, {})
    except FitFailed:
        behind = found
    if behind.chi2 * behind.degrees < found.chi2 * found.degrees - PASSES_ALL:
        found = behind
    if found.chi2 > SCATTERED:
        raise FitFailed(
            f"{count} exponentials do not describe the line: the phases scatter "
            f"{np.sqrt(found.chi2):.1f} times as much as the shots explain"
        )
    return _with_last(found, shots, turns, sigma, shift_of)


def _with_last(
    found: Fit,
    shots: Shots,
    turns: Array,
    sigma: Array,
    shift_of: Callable[[Array], Array],
) -> Fit:
    """Return a fit with the last exponential, as far as long pulses tell it."""
    count = len(BANDS_S)
    amplitude, tau, typical = f"amplitude{count}", f"tau{count}", TYPICAL_S[-1]
    kinds = list(zip(shots.duration_s.tolist(), shots.earlier_s.tolist(), strict=True))
    longer = sorted({kind for kind in kinds if kind[1] > SHORT_S})
    for k in range(len(longer) + 1 if longer else 0):
        # Until all is there, one time constant is as good as another.
        every = k == len(longer)
        start = {amplitude: 0.0, **found.values} | ({tau: typical} if every else {})
        known = {} if every else {tau: typical}
        which = np.array([kind[1] <= SHORT_S or kind in longer[: k + 1] for kind in kinds])
        try:
            further = _fit(shots.of(which), turns[which], sigma[which], shift_of, [start], known)
        except FitFailed:
            break
        if further.chi2 > SCATTERED or (k and further.sigmas[amplitude] > VAGUE):
            break
        found = further
    if amplitude in found.values and tau not in found.values:
        values, sigmas = {**found.values, tau: typical}, {**found.sigmas, tau: typical}
        return replace(found, values=values, sigmas=sigmas)
    return found


def _fit(
    shots: Shots,
    turns: Array,
    sigma: Array,
    shift_of: Callable[[Array], Array],
    starts: list[dict[str, float]],
    known: Mapping[str, float],
) -> Fit:
    """Fit phases of some kinds of shots: what is in ``starts``, the rest being ``known``."""
    behind = shots.earlier_s > 0

    def model(values: Mapping[str, float]) -> Array:
        off = phases_of(shots, {**values, **known}, shift_of) - turns
        off[behind] -= np.round(off[behind])
        return turns + off

    bounds = {f"tau{k}": Bound(a, b) for k, (a, b) in enumerate(BANDS_S, 1)}
    bounds |= {f"amplitude{k}": Bound(-MOST, MOST) for k in range(1, len(BANDS_S) + 1)}
    bounds |= {"scale": Bound(0.5, 1.6), "offset": Bound(-0.3, 0.3)}
    bounds |= {"high_pass": Bound(*HIGH_PASS_S)}
    return fit_least_squares(
        model, turns, sigma, starts, {name: bounds[name] for name in starts[0]}
    )
