"""Fits by least squares with many starts, honest sigmas and a reason when it fails."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Model = Callable[[Mapping[str, float]], Array]
"""Takes parameters by name and returns the model's values at all points, shape (n,)."""
ParametersOrMany = Mapping[str, float] | Mapping[str, Array]
"""Parameters by name, or columns of many, which broadcast with the points."""
ModelOfMany = Callable[[Mapping[str, Array]], Array]
"""The same for m sets of parameters at once: takes columns of shape (m, 1), returns (m, n)."""
Residuals = Callable[[Array], Array]
"""Takes m places in the space of parameters, shape (m, p), and returns what is left there, shape
(m, n): of the data less the model, in sigmas."""


POLISHED = 4
"""How many starts are followed to their end: those with the smallest residuals."""


FOLLOWED = 8
"""Steps that a fit which is repeated may take with the slopes where it begins."""
PROPORTIONAL = 0.3
"""A repeated fit moves in proportion to its data up to so many of its sigmas: there its slopes are
as they were. A share of 1/10 that it bends is then less than 1/100 of the sigma that it adds to."""
SLOPES_OVER = 1e-5
"""Those slopes are differences of residuals that move by this share of what is left."""
STEP = float(np.sqrt(np.finfo(np.float64).eps))
"""Of one parameter, scaled by what moves the residuals, over which slopes are taken."""
LEAST = 8.0
"""Such a step is at least so many times what the machine tells apart there."""
FIRST = (10.0, 1.0)
"""Sigmas by which the first step may move what is left: far, and where that leads nowhere less."""
ENDS = 1e-7
"""A fit ends where a step has taken away that share of the squares: of a thousand points it is then
within a hundredth of a sigma of where it would go."""
MET = (1, 2, 3, 4)
"""What ``leastsq`` says of a search that has come to its end."""
SETTLED = 1e-4
"""Step, of the largest one, at which it has come to its end ..."""
SLOWEST = 0.3
"""... and share of the step before that each must fall below."""
BESIDE = 1.0
"""A start is given up that has come so near to where a better one has ended: what it would still
take away from the squares left is so many times what one point has left."""


class FitFailed(Exception):
    """The data do not carry what was asked of them. The message says what was seen."""


STILL = 1e-9
"""Data that move by less than this share of their size do not move: what is left is rounding."""


def look_at(*data: "Array | NDArray[np.complex128]") -> None:
    """Raise FitFailed when data hold what is not a number, or are the same everywhere."""
    for values in data:
        lost = int(np.count_nonzero(~np.isfinite(values)))
        if lost:
            raise FitFailed(f"{lost} of {values.size} points are not numbers (NaN)")
        size = float(np.max(np.abs(values)))
        if values.size > 1 and np.max(np.abs(values - values.flat[0])) <= STILL * size:
            raise FitFailed(
                f"all {values.size} points are the same ({complex(values.flat[0]):.4g}): "
                "nothing is measured; is the input connected?"
            )


@dataclass(frozen=True, slots=True)
class Bound:
    """Bounds a parameter, in its own unit."""

    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The outcome of a fit."""

    values: dict[str, float]
    sigmas: dict[str, float]
    """One standard deviation each; from the curvature, times sqrt(chi2) where that exceeds what
    the stated noise explains. A bound narrows no sigma."""
    covariance: Array
    """Shape (p, p), in the order of ``names``."""
    names: tuple[str, ...]
    chi2: float
    """Sum of squared weighted residuals per degree of freedom."""
    degrees: int

    def correlate(self, first: str, second: str) -> float:
        """Return the covariance of two parameters."""
        return float(self.covariance[self.names.index(first), self.names.index(second)])


def fit_least_squares(
    model: Model,
    data: Array,
    sigma: Array | float | None,
    starts: Sequence[Mapping[str, float]],
    bounds: Mapping[str, Bound] | None = None,
) -> Fit:
    """Fit ``model`` to ``data`` from the most promising starts and return the best.

    ``sigma``: standard deviation of each point, shape (n,) or one number; None where it is
    unknown: it is then taken from the residuals. Raises FitFailed if no start converges or the
    data do not fix a parameter.
    """

    def each(values: Mapping[str, Array]) -> Array:
        sets = zip(*(values[name][:, 0].tolist() for name in values), strict=True)
        return np.stack([model(dict(zip(values, one, strict=True))) for one in sets])

    return _fit(each, data, sigma, starts, bounds, together=False)


def fit_many_at_once(
    model: ModelOfMany,
    data: Array,
    sigma: Array | float | None,
    starts: Sequence[Mapping[str, float]],
    bounds: Mapping[str, Bound] | None = None,
) -> Fit:
    """Fit as :func:`fit_least_squares` does, with a model that takes many sets of parameters.

    What is left and its slopes are then one call, which numpy works out several times as fast as
    one set after another.
    """
    return _fit(model, data, sigma, starts, bounds, together=True)


def _fit(
    model: ModelOfMany,
    data: Array,
    sigma: Array | float | None,
    starts: Sequence[Mapping[str, float]],
    bounds: Mapping[str, Bound] | None,
    *,
    together: bool,
) -> Fit:
    if not np.all(np.isfinite(data)):
        look_at(data)
    bounds = bounds or {}
    names = tuple(starts[0])
    weights = 1.0 if sigma is None else 1.0 / np.asarray(sigma, dtype=np.float64)

    def residuals(at: Array) -> Array:
        values = {name: at[:, k : k + 1] for k, name in enumerate(names)}
        return np.asarray((model(values) - data) * weights, dtype=np.float64)

    low = np.array([bounds.get(name, Bound()).low for name in names])
    high = np.array([bounds.get(name, Bound()).high for name in names])
    begins = [np.clip([start[name] for name in names], low, high) for start in starts]
    best = _best(residuals, names, begins, low, high, together=together)
    if best is None:
        raise FitFailed(f"no fit from {len(starts)} starts came to an end")
    covariance = best.covariance
    if covariance is None:
        raise FitFailed(
            "the data do not fix all of " + ", ".join(names) + "; wider range or more shots"
        )
    degrees = max(1, len(data) - len(names))
    chi2 = 2 * best.cost / degrees
    if sigma is None or _significant(chi2, degrees):
        covariance = covariance * chi2
    values = dict(zip(names, best.at.tolist(), strict=True))
    sigmas = {name: float(np.sqrt(covariance[k, k])) for k, name in enumerate(names)}
    return Fit(values, sigmas, covariance, names, chi2, degrees)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Holds where one fit ended."""

    names: tuple[str, ...]
    at: Array
    """Shape (p,): the parameters, in their own units."""
    left: Array
    """Shape (n,): the residuals there."""
    jacobian: Array
    """Shape (n, p): their slopes there."""
    covariance: Array | None
    """Shape (p, p): the inverse of the curvature; None where the data do not fix a direction."""

    @property
    def cost(self) -> float:
        """Return half the sum of squared residuals."""
        return 0.5 * float(self.left @ self.left)

    @property
    def spread(self) -> float:
        """Return the standard deviation of the residuals."""
        return float(np.sqrt(2 * self.cost / max(1, self.left.size - self.at.size)))


@dataclass(slots=True)
class Solutions:
    """Collects the fits of one analysis, in their order."""

    found: list[Solution | None] = field(default_factory=list)
    """None where one led nowhere."""
    begun: int = 0
    """How many fits were begun."""

    @property
    def coming(self) -> Solution | None:
        """Return what the fit that begins next has found before, if it has."""
        return self.found[self.begun] if self.begun < len(self.found) else None

    def take(self) -> Solution | None:
        """Return what the fit that begins now has found before, if it has."""
        before = self.coming
        self.begun += 1
        return before

    def note(self, solution: Solution | None) -> None:
        """Note what the fit that was begun last has found, if it was the first time."""
        if self.begun > len(self.found):
            self.found.append(solution)


_solutions: ContextVar[Solutions | None] = ContextVar("solutions", default=None)


@contextmanager
def solutions_noted() -> Iterator[Solutions]:
    """Note what the fits of this thread find meanwhile, in the order in which they are made."""
    with _using(Solutions()) as solutions:
        yield solutions


@contextmanager
def near(solutions: Solutions) -> Iterator[None]:
    """Begin each fit of this thread from what the same one found before, and nowhere else.

    For an analysis that is repeated with something shifted a little: how its result moves is
    wanted, not whether there is a better one elsewhere.
    """
    with _using(Solutions(solutions.found[:])):
        yield


def starts_of_next(
    search: Callable[[], Sequence[Mapping[str, float]]],
) -> Sequence[Mapping[str, float]]:
    """Return what ``search`` finds to begin the next fit from, or where that has ended before.

    Where an analysis is repeated :func:`near` an earlier one there is nothing to search for.
    """
    solutions = _solutions.get()
    before = None if solutions is None else solutions.coming
    if before is None:
        return search()
    return [dict(zip(before.names, before.at.tolist(), strict=True))]


@contextmanager
def _using(solutions: Solutions) -> Iterator[Solutions]:
    token = _solutions.set(solutions)
    try:
        yield solutions
    finally:
        _solutions.reset(token)


def _best(
    residuals: Residuals,
    names: tuple[str, ...],
    begins: list[Array],
    low: Array,
    high: Array,
    *,
    together: bool,
) -> Solution | None:
    """Return the best solution: from the one noted before, or from the best of ``begins``."""
    solutions = _solutions.get() or Solutions()
    before = solutions.take()
    best: Solution | None = None
    if before is not None and before.names == names:
        best = _follow(residuals, before, low, high)
        if best is None:
            best = _solve(residuals, names, before.at, low, high, FIRST[0], together=together)
        if best is not None and best.covariance is None:
            best = None  # it stays where a slope vanishes, at a bound
    if best is None:
        squares = np.sum(residuals(np.stack(begins)) ** 2, axis=1)
        order = np.argsort(squares, kind="stable")[:POLISHED]
        for far in FIRST:
            ends: list[Solution] = []
            for k in order:
                fixed = [one for one in ends if one.covariance is not None]
                end = _solve(residuals, names, begins[k], low, high, far, fixed, together=together)
                ends += [] if end is None else [end]
            best = min(ends, key=lambda one: one.cost, default=None)
            if best is not None and best.covariance is not None:
                break
    solutions.note(best)
    return best


def _follow(residuals: Residuals, before: Solution, low: Array, high: Array) -> Solution | None:
    """Return where the solution moves with its data: by their slopes, or step by step where far.

    None where neither will do: other points, a bound, slopes that change on the way.
    """
    left = residuals(before.at[None])[0]
    if left.shape != before.left.shape or not np.all(np.isfinite(left)):
        return None
    if np.array_equal(left, before.left):
        return before
    if before.covariance is None:
        return None
    step = -before.covariance @ (before.jacobian.T @ left)
    moved = before.jacobian @ step
    if float(np.linalg.norm(moved)) > PROPORTIONAL * before.spread:
        return _follow_far(residuals, before, left, low, high)
    at = before.at + step
    if np.any(at <= low) or np.any(at >= high):
        return None
    return replace(before, at=at, left=left + moved)


def _follow_far(
    residuals: Residuals, before: Solution, left: Array, low: Array, high: Array
) -> Solution | None:
    """Return where the solution moves: Gauss-Newton, with new slopes where it was.

    ``left``: the residuals there. None where that does not settle quickly.
    """
    norms = np.linalg.norm(before.jacobian, axis=0)
    size = float(np.linalg.norm(left))
    at = before.at
    steps = SLOPES_OVER * size / norms
    jacobian = _differences(residuals, at, left, steps)
    if not np.all(np.isfinite(jacobian)):
        return None
    slopes = jacobian / norms
    inverse = np.linalg.pinv(slopes)
    last = moved = 0.0
    for _ in range(FOLLOWED):
        scaled = inverse @ left
        length = float(np.linalg.norm(slopes @ scaled))
        if last and length > SLOWEST * last:
            return None
        at = at - scaled / norms
        if np.any(at <= low) or np.any(at >= high):
            return None
        moved, last = max(moved, length), length
        left = residuals(at[None])[0]
        if not np.all(np.isfinite(left)):
            return None
        if length <= SETTLED * moved + STILL * size:
            return Solution(before.names, at, left, jacobian, _covariance(jacobian))
    return None


def _solve(
    residuals: Residuals,
    names: tuple[str, ...],
    start: Array,
    low: Array,
    high: Array,
    far: float,
    ends: Sequence[Solution] = (),
    *,
    together: bool,
) -> Solution | None:
    """Minimise from one start; None when it leads nowhere, or to one of ``ends``.

    ``far``: of :data:`FIRST`. ``together``: slopes are worked out with what is left, as it costs
    little more; few places are tried that are no step.

    Parameters are scaled by what moves the residuals: GHz beside dimensionless numbers.
    """
    begin = np.clip(start, low, high)
    width = np.where(np.isfinite(high - low), high - low, 1.0)
    step = 1e-7 * np.where(begin != 0.0, np.abs(begin), width)
    step = np.where(begin + step <= high, step, -step)
    left = residuals(begin[None])[0]
    slopes = np.linalg.norm(_differences(residuals, begin, left, step), axis=0)
    if not np.all(np.isfinite(slopes)):
        return None
    scale = np.where(slopes > 0, 1 / np.maximum(slopes, 1e-300), np.maximum(np.abs(begin), 1.0))
    inner = (low - begin) / scale, (high - begin) / scale
    scaled = _ScaledResiduals(residuals, begin, scale, inner, together, (begin, left))
    # Strictly inside, as both methods want it.
    first = np.clip(np.zeros(len(begin)), inner[0] + 1e-9, inner[1] - 1e-9)

    def slopes_at(u: Array) -> Array:
        if any(_is_beside(scaled.place(u), one) for one in ends):
            raise _SameEnd
        return scaled.slopes_at(u)

    try:
        try:
            found = _minimum(scaled.left_inside, slopes_at, first, far)
        except _Outside:
            found = _minimum_within(scaled.left_at, slopes_at, first, far, inner)
    except (_SameEnd, ValueError, np.linalg.LinAlgError):
        return None
    if found is None:
        return None
    end, jacobian = found[0], found[1] / scale
    left = scaled.left_at(end)
    if not np.all(np.isfinite(left)):
        return None
    return Solution(names, scaled.place(end), left, jacobian, _covariance(jacobian))


@dataclass(slots=True, eq=False)
class _ScaledResiduals:
    """Remembers what is left and its slopes, over parameters scaled by what moves the residuals."""

    residuals: Residuals
    begin: Array
    scale: Array
    bounds: tuple[Array, Array]
    together: bool
    """Slopes are worked out with what is left."""
    last: tuple[Array, Array]
    """Place, and what is left there."""
    steep: tuple[Array, Array] | None = None
    """Place, and the slopes there."""

    def place(self, u: Array) -> Array:
        """Return parameters in their own units."""
        return np.asarray(self.begin + u * self.scale)

    def left_at(self, u: Array) -> Array:
        """Return what is left, shape (n,)."""
        at = self.place(u)
        if np.array_equal(self.last[0], at):
            return self.last[1]
        if self.together:
            left, slopes = _with_slopes(self.residuals, at, self._steps(u))
            self.last, self.steep = (at, left), (at, slopes * self.scale)
        else:
            self.last = at, self.residuals(at[None])[0]
        return self.last[1]

    def left_inside(self, u: Array) -> Array:
        """Return it; raises ``_Outside`` where :func:`_minimum` does not go."""
        if np.any(u <= self.bounds[0]) or np.any(u >= self.bounds[1]):
            raise _Outside
        left = self.left_at(u)
        if left.size < u.size:
            raise _Outside  # MINPACK wants as many points as parameters
        return left

    def slopes_at(self, u: Array) -> Array:
        """Return its slopes, shape (n, p)."""
        left, at = self.left_at(u), self.place(u)
        if self.steep is None or not np.array_equal(self.steep[0], at):
            slopes = _differences(self.residuals, at, left, self._steps(u))
            self.steep = at, slopes * self.scale
        return self.steep[1]

    def _steps(self, u: Array) -> Array:
        return _steps_within(u, *self.bounds) * self.scale


def _minimum(
    left_at: Callable[[Array], Array], slopes_at: Callable[[Array], Array], first: Array, far: float
) -> tuple[Array, Array] | None:
    """Return where a minimum is, and the slopes there; None where the way to it does not end.

    By Levenberg and Marquardt as MINPACK has it (More, Lect. Notes Math. 630, 105 (1978)), whose
    steps cost a tenth of those that mind bounds. Raises what ``left_at`` does.
    """
    from scipy.optimize import leastsq  # heavy: the page imports routines, and fits nothing

    end, _, _, _, how = leastsq(
        left_at,
        first,
        Dfun=slopes_at,
        full_output=True,
        ftol=ENDS,
        factor=1.0,
        diag=np.full(len(first), 1 / far),
    )
    return (end, slopes_at(end)) if how in MET else None


def _minimum_within(
    left_at: Callable[[Array], Array],
    slopes_at: Callable[[Array], Array],
    first: Array,
    far: float,
    bounds: tuple[Array, Array],
) -> tuple[Array, Array] | None:
    """Do so with bounds, where a step has led beyond them."""
    from scipy.optimize import least_squares  # heavy

    found = least_squares(left_at, first, jac=slopes_at, bounds=bounds, x_scale=far, ftol=ENDS)
    if found.status <= 0 or not np.isfinite(found.cost):
        return None
    return np.asarray(found.x), np.asarray(found.jac, dtype=np.float64)


class _Outside(Exception):
    """A step leads beyond a bound, or there are fewer points than parameters."""


class _SameEnd(Exception):
    """A start leads where another one has ended."""


def _is_beside(at: Array, end: Solution) -> bool:
    """Tell whether a place is as near to an end as :data:`BESIDE` says, by the slopes there."""
    moved = end.jacobian @ (at - end.at)
    return float(moved @ moved) * len(moved) < BESIDE * 2 * end.cost


def _steps_within(at: Array, low: Array, high: Array) -> Array:
    """Return steps over which slopes are taken: away from 0 where bounds leave room for it."""
    ahead = at >= 0
    size = STEP * np.maximum(1.0, np.abs(at))
    room = np.where(ahead, high - at, at - low)
    ahead = np.where(room >= size, ahead, high - at > at - low)
    return np.where(ahead, np.minimum(size, high - at), -np.minimum(size, at - low))


def _differences(residuals: Residuals, at: Array, left: Array, steps: Array) -> Array:
    """Return the slopes of what is ``left`` at a place, shape (n, p), by a step along each axis."""
    there = _stepped(at, steps)
    return _slopes(at, there, left, residuals(there))


def _with_slopes(residuals: Residuals, at: Array, steps: Array) -> tuple[Array, Array]:
    """Return what is left at a place and its slopes, in one call."""
    there = _stepped(at, steps)
    seen = residuals(np.vstack([at, there]))
    return seen[0], _slopes(at, there, seen[0], seen[1:])


def _stepped(at: Array, steps: Array) -> Array:
    """Return a place with a step along each axis, shape (p, p)."""
    least = LEAST * np.spacing(np.abs(at))
    return np.asarray(
        at + np.diag(np.where(np.abs(steps) < least, np.copysign(least, steps), steps))
    )


def _slopes(at: Array, there: Array, left: Array, seen: Array) -> Array:
    # Divided by what was added, as far as the machine could add it.
    return np.asarray((seen - left).T / (np.diagonal(there) - at))


def _covariance(jacobian: Array) -> Array | None:
    """Return the inverse of the curvature, or None where a direction is not fixed by the data."""
    norms = np.linalg.norm(jacobian, axis=0)
    if np.any(norms == 0) or not np.all(np.isfinite(norms)):
        return None
    _, singular, right = np.linalg.svd(jacobian / norms, full_matrices=False)
    if singular[-1] < 1e-6 * singular[0]:  # slopes from finite differences are good to 1e-7
        return None
    inverse = (right.T / singular**2) @ right
    return np.asarray(inverse / np.outer(norms, norms))


def _significant(chi2: float, degrees: int) -> bool:
    """Tell whether chi2 per degree of freedom is above what noise gives in 1 of 1000 fits."""
    return chi2 > 1 + 3.1 * float(np.sqrt(2 / degrees))
