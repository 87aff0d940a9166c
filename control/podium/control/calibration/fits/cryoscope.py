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
from podium.control.calibration.fits.line_phases import PhaseModel, Shots, spectrum_of
from podium.control.calibration.fits.line_places import (
    EXPECTED,
    REFLECTED,
    SMALL,
    Model,
    Place,
    coordinate,
    coordinates,
    expected_of,
    expected_value,
    inverse,
    slopes_of,
    values_at,
)
from podium.control.calibration.fits.line_rivals import APART, apart, strayed
from podium.control.calibration.fits.ramsey_phase import nearest_turn

Array = NDArray[np.float64]
BANDS_S = ((1.5e-9, 15e-9), (20e-9, 250e-9), (0.4e-6, 5e-6), (8e-6, 80e-6))
"""Where the time constants of the exponentials are looked for, one in each. The last one is looked
for where pulses have gone before that were longer than :data:`SHORT_S`."""
LAST = ("amplitude4", "tau4")
SLOW = ("amplitude3", "tau3", *LAST, "high_pass")
"""What long pulses before tell."""
SHORT_S = 5e-6
LONGER_S = 20e-6
"""What pulses before that are longer have left is foretold when all that others have left is
known: it seems well foretold by the high-pass that short ones make believe."""
MOST = 0.2
"""Amplitude of an exponential at most, of the step."""
HIGH_PASS_S = (60e-6, 20e-3)
"""Where the time constant of a bias tee's high-pass is looked for."""
REFLECTION_S = (4e-9, 32e-9)
"""Where a reflection is looked for: within what the FIR filters of an output undo."""
REFLECTION_STARTS_S = tuple(k * 0.5e-9 for k in range(8, 62))
REFLECTION_STARTS = 4
SCATTERED, PUZZLING, HOPELESS = 9.0, 2.0, 36.0
"""Squares of what is left for each phase: a line is not believed; a search looks for what is
missing; nothing is fitted."""
VAGUE = 5e-3
"""Sigma of the last exponential's amplitude above which it is left as it was known before."""
PAYS = 2.0
"""By so much, at least, each further parameter has to lower the sum of squares (Akaike): what a fit
foretells is then as near as data allow."""
PLAIN = 8.0
"""Sigmas from which on nobody looks for another reflection before all phases are there."""
RIVAL = 9.0
"""A line that evidence has less against it, in squares, than against the likeliest, is possible:
with more it is true in one of a hundred."""
BESIDE_S = 0.5e-9
"""So much earlier and later a reflection is tried."""
SURE = 3.0
"""Sigmas from which on a high-pass is one."""
DOUBTED = 0.15
"""Turns: a phase that is foretold no better is not known to a turn."""
STEPS, SHORTENED, SETTLED = 10, 6, 0.1
"""Steps at most, how often each is shortened, and what the last one may still take away from the
sum of squares."""
DAMPED = 1e-3
"""Of a step that is shortened first, see :func:`_step`."""
AT_END = 1e-3
"""Share of a time constant within which it is at an end of its band."""
STRAYS = 0.3
"""Turns by which a phase may be off from where it is foretold."""


def unwound(turns: Array, duration_s: Array, shift_hz: float) -> Array:
    """Return phases known but for whole turns as they go on with the duration, ascending.

    ``shift_hz``: as expected, good enough for the first durations. Then the slope between two
    goes on as it has changed before: a high-pass alone changes it by half a turn between the last.
    """
    found = np.array(turns, float)
    slopes: list[tuple[float, float]] = []  # in the middle between two durations, and what it is
    rate, near = shift_hz, shift_hz * duration_s[0]
    for k in range(found.size):
        found[k] -= round(found[k] - near)
        if k + 1 == found.size:
            break
        if k and duration_s[k] > SURE_S:
            step = duration_s[k] - duration_s[k - 1]
            slopes.append((duration_s[k] - step / 2, (found[k] - found[k - 1]) / step))
            rate = slopes[-1][1]
        if len(slopes) > 1:
            (before, was), (middle, now) = slopes[-2:]
            ahead = (duration_s[k] + duration_s[k + 1]) / 2 - middle
            rate = now + (now - was) * ahead / (middle - before)
        near = found[k] + rate * (duration_s[k + 1] - duration_s[k])
    return found


SURE_S = 10e-9
"""From this duration on the slope between two pulses is known better than expected."""


@dataclass(frozen=True, slots=True, eq=False)
class WholeTurns:
    """Phases that are known to whole turns, and the lines by which they are."""

    turns: Array
    """Shape (n,)."""
    used: NDArray[np.bool_]
    """Those that are known, shape (n,)."""
    lines: tuple[Place, ...]
    """The likeliest first, see :func:`fit_cryoscope`; others are nearly as likely, and their steps
    differ by more than :data:`.line_rivals.APART`."""

    @property
    def values(self) -> Mapping[str, float]:
        """Return the likeliest line."""
        return self.lines[0].values


def fit_cryoscope(
    shots: Shots,
    turns: Array,
    sigma: Array,
    shift_of: Callable[[Array], Array],
    known: WholeTurns | None = None,
) -> Fit:
    """Fit phases of shots, shape (n,); see :func:`.line_phases.phases_of`.

    ``turns``: of single pulses with nothing before them unwound, of the others but for whole turns.
    ``known``: of phases that are nearly these.
    Returns ``amplitude1``, ``tau1`` (s) and so on, ``scale`` (of the level, as expected), ``rest``
    (the level without a pulse), ``offset`` and ``edges`` (turns, of a shot and of each pulse),
    ``bend`` (by how much more a level of x shifts than expected, over x squared less 1), ``halves``
    (s, by how much longer than expected each half pi pulse precesses), and, where they are there,
    ``high_pass`` (s), and ``reflection`` with ``reflection_delay`` (s).
    Raises FitFailed.
    """
    known = known or whole_turns(shots, turns, sigma, shift_of)
    turns = known.turns + nearest_turn(turns - known.turns, 0.0)
    long = known.used & (shots.earlier_s > SHORT_S)
    work = _Fitting(shots, turns, sigma, shift_of, known.used, spectrum_of(shots))
    if long.any():
        try:
            all_of_it = _fitted(work, known.values)
            if all_of_it.sigmas[LAST[0]] < VAGUE and all_of_it.chi2 < SCATTERED:
                return all_of_it
        except FitFailed:
            pass
    work = replace(work, used=known.used & ~long)
    found = _fitted(work, {name: one for name, one in known.values.items() if name not in LAST})
    if found.chi2 > SCATTERED:
        raise _undescribed(found.values, found.chi2)
    return found


def whole_turns(
    shots: Shots,
    turns: Array,
    sigma: Array,
    shift_of: Callable[[Array], Array],
) -> WholeTurns:
    """Find the whole turns of phases, as those of :func:`fit_cryoscope`. Raises FitFailed.

    Those of trains, then of what longer pulses and at last the longest have left, come in one after
    another, that first which the others foretell best: where none is foretold to a turn, the rest
    tell nothing.
    """
    single = (shots.earlier_s == 0) & (shots.counting == 1)
    last = shots.turning_s[single][-5:]
    slope = float(np.polyfit(last, turns[single][-5:], 1)[0])
    start = {name: expected_value(name) for name in EXPECTED if name != REFLECTED[0]}
    start["edges"] = 0.0
    start["scale"] = float(np.sqrt(max(0.25, slope / float(shift_of(np.ones(1))[0]))))
    work = _Fitting(shots, turns, sigma, shift_of, single, spectrum_of(shots))
    found = work.searched(start)
    if found.scattered > PUZZLING:
        without = {name: one for name, one in start.items() if name != "high_pass"}
        found = min(found, work.searched(without), key=lambda one: one.cost)
    if found.scattered > HOPELESS:
        raise _undescribed(found.line.values, found.scattered)
    return _with_rivals([_Search(found.by, one) for one in found.by.settled(found.line)])


def told_apart(
    shots: Shots,
    turns: Array,
    sigma: Array,
    shift_of: Callable[[Array], Array],
    known: WholeTurns,
) -> WholeTurns:
    """Return what is known with phases of further kinds of shots, by which lines are told apart.

    ``shots``, ``turns``, ``sigma``: those of ``known``, and the further ones behind them, which
    each line foretells to a turn.
    """
    count, spectrum = known.turns.size, spectrum_of(shots)
    used = np.append(known.used, np.ones(turns.size - count, bool))
    found = []
    for line in known.lines:
        foretold = PhaseModel(shots, spectrum, shift_of)(line.values)
        own = foretold + nearest_turn(turns - foretold, 0.0)
        own[:count] = known.turns
        work = _Fitting(shots, own, sigma, shift_of, used, spectrum)
        found.append(_Search(work, work.followed(work.followed(work.place(line.values)))))
    return _with_rivals(sorted(found, key=lambda one: one.price))


def _with_rivals(found: Sequence["_Search"]) -> WholeTurns:
    """Return the first of lines, with those that are nearly as likely and do something else."""
    best = found[0]
    lines = [best.line]
    for one in found[1:]:
        is_other = all(apart(one.line.values, line.values) > APART for line in lines)
        if is_other and _is_rival(one.line, best.line):
            lines.append(one.line)
    beside = [best.by.place(strayed(best.line)), *best.by.beside(best.line)]
    lines += [one for one in beside if _is_rival(one, best.line)][:1]
    return WholeTurns(best.by.turns, best.by.used, tuple(lines))


def _is_rival(one: Place, best: Place) -> bool:
    """Tell whether a line is nearly as likely as the best one, and does something else."""
    return _price(one) - _price(best) < RIVAL and apart(one.values, best.values) > APART


def _undescribed(values: Mapping[str, float], chi2: float) -> FitFailed:
    count = sum(name.startswith("tau") for name in values)
    also = " and a reflection" if "reflection" in values else ""
    return FitFailed(
        f"{count} exponentials{also} do not describe the line: the phases scatter "
        f"{np.sqrt(chi2):.1f} times as much as the shots explain"
    )


def _fitted(work: "_Fitting", start: Mapping[str, float]) -> Fit:
    """Fit what is in ``start``, a high-pass where it pays.

    Raises FitFailed.
    """
    found = _within_bands(work, work.fit(start))
    if "high_pass" not in start or found.values["high_pass"] > SURE * found.sigmas["high_pass"]:
        return found
    without = {name: one for name, one in found.values.items() if name != "high_pass"}
    try:
        passing = work.fit(without)
    except FitFailed:
        return found
    lost = passing.chi2 * passing.degrees - found.chi2 * found.degrees
    return passing if lost < PAYS else found


def _within_bands(work: "_Fitting", found: Fit) -> Fit:
    """Fit once more, from what is expected, exponentials that have run to an end of their band.

    Where one of 20 ns is hardly there, a place at which it takes from the first one is a minimum,
    too, and the bend of the arc makes up for what is wrong by then.
    """
    start = dict(found.values)
    for name in found.values:
        if not name.startswith("tau"):
            continue
        of_bound = found.values[name] / np.array([BOUNDS[name].low, BOUNDS[name].high]) - 1
        if np.abs(of_bound).min() < AT_END:
            start |= {name: EXPECTED[name][0], f"amplitude{name[3:]}": 0.0}
    if start == found.values:
        return found
    try:
        again = work.fit(start)
    except FitFailed:
        return found
    return min(found, again, key=lambda fit: fit.chi2)


@dataclass(frozen=True, slots=True, eq=False)
class _Fitting:
    """Fits phases of some kinds of shots."""

    shots: Shots
    turns: Array
    sigma: Array
    shift_of: Callable[[Array], Array]
    used: NDArray[np.bool_]
    spectrum: NDArray[np.complex128]
    """Of all kinds, as :func:`.line_phases.spectrum_of` has it."""

    def fit(self, start: Mapping[str, float]) -> Fit:
        """Fit what is in ``start``, near :data:`EXPECTED`. Raises FitFailed."""
        bounds = {name: BOUNDS[name] for name in start}
        model = self._model(self.used)
        known = [name for name in start if name in EXPECTED]
        expected, spread = np.array([EXPECTED[name] for name in known]).T
        return fit_least_squares(
            lambda values: np.append(model(values), [_as_expected(values, one) for one in known]),
            np.append(self.turns[self.used], expected),
            np.append(self.sigma[self.used], spread),
            [start],
            bounds,
        )

    def searched(self, start: Mapping[str, float]) -> "_Search":
        """Return the whole turns of all that are foretold, from those of these on."""
        behind, longest = self.shots.earlier_s > 0, self.shots.earlier_s > LONGER_S
        work, found = self, self.followed(self.place(start))
        for more in (~behind, behind & ~longest, longest):
            work, found = work.foretold(found, more)
            if np.any(work.used & ~self.used):
                found = work.reflected(found)
            for polish in (work.followed, work.followed, work.reflected, work.followed):
                if found.squares > PUZZLING * work.used.sum():
                    found = polish(found)
        return _Search(work, found)

    def foretold(self, found: Place, more: NDArray[np.bool_]) -> tuple["_Fitting", Place]:
        """Return the same with whole turns of further kinds, and the line by them.

        ``more``: these, one after another, the one first that is foretold best.
        """
        work, tried = self, 0
        while np.any(more & ~work.used):
            rest = np.flatnonzero(more & ~work.used)
            phases, slopes = slopes_of(work._model(more & ~work.used), found.values)
            unsure = np.linalg.norm(slopes @ inverse(found.slopes), axis=1)
            off = nearest_turn(work.turns[rest] - phases, 0.0)
            k, count = int(np.argmin(unsure)), int(work.used.sum())
            is_foretold = unsure[k] < DOUBTED and abs(off[k]) < STRAYS
            puzzled = not is_foretold or found.squares > PUZZLING * count
            if puzzled and count > tried and np.any(work.used & more):
                found, tried = work.reflected(work.anew(found)), count
                continue
            if not is_foretold:
                break
            turns, used = work.turns.copy(), work.used.copy()
            turns[rest[k]], used[rest[k]] = phases[k] + off[k], True
            work = replace(work, turns=turns, used=used)
            row, sigma = int(used[: rest[k]].sum()), work.sigma[rest[k]]
            found = Place(
                found.values,
                np.insert(found.slopes, row, slopes[k] / sigma, axis=0),
                np.insert(found.left, row, off[k] / sigma),
            )
            found = work.followed(found)
        return work, found

    def anew(self, found: Place) -> Place:
        """Return a line whose slow parts begin as expected, where that leaves less.

        The last exponential of 80 us, the end of its band, can take a part of the high-pass: a
        minimum, too. So is a high-pass of 20 ms, the end of its own, with both slow exponentials at
        ends of theirs: a step towards a first long pulse may lead there.
        """
        starts = []
        for names in (LAST, SLOW):
            anew = {name: expected_value(name) for name in names if name in found.values}
            starts.append({**found.values, **anew})
        lines = [self.followed(self.place(one)) for one in starts if one != found.values]
        return min(found, *lines, key=lambda one: one.squares)

    def followed(self, found: Place) -> Place:
        """Return where the squares of what is left are least, near :data:`EXPECTED`.

        By steps of Gauss and Newton, shortened where they do not lead down (Levenberg, Marquardt).
        """
        model, names = self._model(self.used), tuple(found.values)
        ends = [coordinates({n: getattr(BOUNDS[n], end) for n in names}) for end in ("low", "high")]
        low, high = np.sort(ends, axis=0)
        damping = 0.0
        for _ in range(STEPS):
            for _ in range(SHORTENED):
                at = coordinates(found.values)
                values = values_at(names, at + _step(found, damping, low - at, high - at))
                left = self._left(model(values), values)
                gained = found.squares - float(left @ left)
                if gained > 0:
                    break
                damping = max(10 * damping, DAMPED)
            else:
                break
            damping = damping / 10 if damping > DAMPED else 0.0
            if gained < SETTLED:
                return Place(values, found.slopes, left)
            found = self.place(values)
        return found

    def place(self, values: Mapping[str, float]) -> Place:
        """Return how well phases fix a line."""
        now, slopes = slopes_of(self._model(self.used), values)
        near = [name for name in values if name in EXPECTED]
        expected = np.zeros((len(near), len(values)))
        for k, name in enumerate(near):
            expected[k, list(values).index(name)] = 1 / expected_of(name)[1]
        slopes = np.vstack([slopes / self.sigma[self.used][:, None], expected])
        return Place(values, slopes, self._left(now, values))

    def _left(self, phases: Array, values: Mapping[str, float]) -> Array:
        """Return what is left of phases, and of what is expected, in sigmas."""
        beside = []
        for name in values:
            if name in EXPECTED:
                middle, spread = expected_of(name)
                beside.append((middle - coordinate(name, values[name])) / spread)
        return np.append((self.turns[self.used] - phases) / self.sigma[self.used], beside)

    def _model(self, which: NDArray[np.bool_]) -> Model:
        """Return what foretells the phases of some kinds."""
        shots, spectrum = self.shots.of(which), self.spectrum[which]
        return PhaseModel(shots, spectrum, self.shift_of)

    def reflected(self, found: Place) -> Place:
        """Return a line with a reflection where that pays; one that is plain stays for now."""
        if found.sigmas_of(REFLECTED[0]) > PLAIN and found.squares < PUZZLING * self.used.sum():
            return found
        return self.settled(found)[0]

    def settled(self, found: Place) -> tuple[Place, ...]:
        """Return lines with reflections of any delay, and one without: those that pay first.

        A reflection may stand out by many sigmas at a delay at which there is none, where a first
        exponential that is too short makes up for it: the other one is looked for all the same.
        """
        without = {name: one for name, one in found.values.items() if name not in REFLECTED}
        bare = self.followed(self.place(without))
        with_one = [self.followed(self.place(one)) for one in self._reflections(bare)]
        return tuple(sorted([bare, found, *with_one], key=_price))

    def beside(self, found: Place) -> tuple[Place, ...]:
        """Return lines whose reflection comes up to :data:`BESIDE_S` earlier or later, all else as
        phases then have it to first order: slopes at whole nanoseconds know one side alone."""
        if REFLECTED[1] not in found.values:
            return ()
        names = tuple(found.values)
        free = np.array([name != REFLECTED[1] for name in names])
        lines = []
        for later_s in (-BESIDE_S, BESIDE_S):
            delay_s = float(np.clip(found.values[REFLECTED[1]] + later_s, *REFLECTION_S))
            near = self.place({**found.values, REFLECTED[1]: delay_s})
            at = coordinates(near.values)
            at[free] += np.linalg.lstsq(near.slopes[:, free], near.left, rcond=None)[0]
            lines.append(self.place(values_at(names, at)))
        return tuple(lines)

    def _reflections(self, found: Place) -> list[dict[str, float]]:
        """Return starts with a reflection: the delays at which one takes most away from what is
        left, everything else following it to first order."""
        model, sigma = self._model(self.used), self.sigma[self.used]
        now = model(found.values)
        own = np.linalg.qr(found.slopes)[0]
        left = found.left - own @ (own.T @ found.left)
        gains, sizes = np.zeros(len(REFLECTION_STARTS_S)), np.zeros(len(REFLECTION_STARTS_S))
        for k, later_s in enumerate(REFLECTION_STARTS_S):
            one = {**found.values, "reflection": SMALL, "reflection_delay": later_s}
            step = np.zeros(left.size)
            step[: now.size] = (model(one) - now) / sigma
            step -= own @ (own.T @ step)
            gains[k] = float(step @ left) ** 2 / float(step @ step)
            sizes[k] = SMALL * float(step @ left) / float(step @ step)
        around = np.pad(gains, 1)
        peaks = np.flatnonzero((gains >= around[:-2]) & (gains >= around[2:]))
        best = peaks[np.argsort(-gains[peaks])][:REFLECTION_STARTS]
        return [
            {
                **found.values,
                "reflection": float(sizes[k]),
                "reflection_delay": REFLECTION_STARTS_S[k],
            }
            for k in best
        ]


def _price(found: Place) -> float:
    """Return what evidence has against a line, in squares."""
    return found.squares + reflection_price(found)


def reflection_price(found: Place) -> float:
    """Return by how much a reflection has to lower the squares to be believed; 0: there is none.

    A reflection is looked for at many delays, and noise has a chance at each. Lines with one and
    without one are alike likely before anything is measured: then by Bayes the more likely is the
    one whose evidence, the likelihood's mean over all that is expected, is larger. Expected is a
    size within ``S`` of 0 (Gaussian, :data:`EXPECTED`) and any delay of a span ``T``
    (:data:`REFLECTION_S`); phases leave an ellipse of size and delay whose area in sigmas is ``A =
    sigma_size sigma_delay sqrt(1 - correlation^2)``. The mean over both is the best likelihood
    times ``2 pi A / (sqrt(2 pi) S T)``, the share that is left of what was expected (Occam factor;
    MacKay, Neural Computation 4, 415 (1992)). So a reflection pays if it lowers the squares by more
    than ``2 ln(S T / (sqrt(2 pi) A))``. With sigmas of 3e-4 and 0.5 ns that is 2 ln(33 x 22) = 13:
    as of 33 sizes at each of 22 delays that phases tell apart. What is expected of the size itself
    is among the squares already.
    """
    if REFLECTED[0] not in found.values:
        return 0.0
    rows = [list(found.values).index(name) for name in REFLECTED]
    root = inverse(found.slopes)[rows]
    area = float(np.sqrt(np.linalg.det(root @ root.T)))
    expected = EXPECTED[REFLECTED[0]][1] * (REFLECTION_S[1] - REFLECTION_S[0])
    shares = expected / (np.sqrt(2 * np.pi) * area)
    return max(PAYS * len(REFLECTED), 2 * float(np.log(shares)))


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """Where a search has ended."""

    by: _Fitting
    line: Place

    @property
    def scattered(self) -> float:
        """Return the squares of what is left for each phase."""
        return self.line.squares / int(self.by.used.sum())

    @property
    def cost(self) -> float:
        """Return the squares of what is left, a phase that is not known as one of 3 sigma."""
        return self.line.squares + 9.0 * int(np.sum(~self.by.used))

    @property
    def price(self) -> float:
        """Return what evidence has against the line, in squares."""
        return _price(self.line)


def _as_expected(values: Mapping[str, float], name: str) -> float:
    """Return a value as :data:`EXPECTED` has it."""
    return 1 / values[name] if name == "high_pass" else values[name]


def _step(found: Place, damping: float, low: Array, high: Array) -> Array:
    """Return the step, (p,), that lowers the squares most, between bounds and damped."""
    step = np.zeros(low.size)
    free = np.ones(low.size, bool)
    while free.any():
        slopes, left = found.slopes[:, free], found.left - found.slopes[:, ~free] @ step[~free]
        scale = np.linalg.norm(slopes, axis=0)
        ways, sizes, across = np.linalg.svd(slopes / scale, full_matrices=False)
        step[free] = across.T @ ((ways.T @ left) * sizes / (sizes**2 + damping)) / scale
        beyond = free & ((step < low) | (step > high))
        step[beyond] = np.clip(step, low, high)[beyond]
        if not beyond.any():
            break
        free &= ~beyond
    return step


BOUNDS = {
    **{f"tau{k}": Bound(a, b) for k, (a, b) in enumerate(BANDS_S, 1)},
    **{f"amplitude{k}": Bound(-MOST, MOST) for k in range(1, len(BANDS_S) + 1)},
    "scale": Bound(0.5, 1.6),
    "rest": Bound(-0.1, 0.1),
    "offset": Bound(-0.3, 0.3),
    "bend": Bound(-0.05, 0.05),
    "halves": Bound(-10e-9, 10e-9),
    "edges": Bound(-0.5, 0.5),
    "high_pass": Bound(*HIGH_PASS_S),
    "reflection": Bound(-0.03, 0.03),
    "reflection_delay": Bound(*REFLECTION_S),
}
"""Where each parameter is looked for."""
