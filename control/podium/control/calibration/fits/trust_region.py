"""Least squares of few parameters within bounds, by the trust-region reflective method.

The steps are those of ``scipy.optimize.least_squares``, with its tolerances (Branch, Coleman, Li,
SIAM J. Sci. Comput. 21, 1 (1999); the radius by Moré, Lecture Notes in Mathematics 630, 105
(1977)). SciPy's own serves any size and looks at every argument anew at each evaluation, which
takes longer than our models of a hundred points; ``test_trust_region.py`` holds the two together.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Residuals = Callable[[Array], Array]

TOLERANCE = 1e-8
"""Relative: of the cost, of the parameters, and of the slope where it ends."""
EVALUATIONS = 100
"""Steps tried at most, for each parameter."""
DIFFERENCE = float(np.finfo(np.float64).eps) ** 0.5
"""Slopes are differences over this step, relative to a parameter above 1."""
EPSILON = float(np.finfo(np.float64).eps)
RADIUS_WITHIN = 0.01
"""A step that the radius limits is as long as the radius, to this share of it ..."""
RADIUS_ROUNDS = 10
"""... or what so many rounds of Newton's method find."""
INSIDE = 1e-10
"""The start is moved this far into the bounds, relative to a bound above 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Holds where a fit has ended."""

    at: Array
    """Shape (p,)."""
    cost: float
    """Half the sum of squared residuals."""
    jacobian: Array
    """Shape (n, p)."""


class Box:
    """Holds the bounds, and answers what the method asks of them."""

    def __init__(self, low: Array, high: Array) -> None:
        """Both of shape (p,); infinite where there is none. Raises ValueError if they cross."""
        if np.any(low >= high):
            raise ValueError(f"bounds {low} are not below bounds {high}")
        self.low, self.high = low, high
        self._has_low, self._has_high = np.isfinite(low), np.isfinite(high)
        self.is_open = not (self._has_low.any() or self._has_high.any())

    def holds(self, at: Array) -> bool:
        """Tell whether a point is inside or on a bound."""
        return bool(((at >= self.low) & (at <= self.high)).all())

    def begin(self, at: Array) -> Array:
        """Return a point that has at least :data:`INSIDE` to every bound."""
        low = self.low + INSIDE * np.maximum(1.0, np.abs(np.where(self._has_low, self.low, 0.0)))
        high = self.high - INSIDE * np.maximum(1.0, np.abs(np.where(self._has_high, self.high, 0)))
        middle = np.where(low > high, (low + high) / 2, at) if np.any(low > high) else at
        return np.clip(middle, np.minimum(low, middle), np.maximum(high, middle))

    def inner(self, at: Array) -> Array:
        """Return a point strictly inside, the next there is to ``at``."""
        if ((at > self.low) & (at < self.high)).all():
            return at
        return np.clip(at, np.nextafter(self.low, self.high), np.nextafter(self.high, self.low))

    def room(self, at: Array, gradient: Array) -> tuple[Array, Array]:
        """Return how far the bound is that the cost falls towards, and how that distance moves.

        1 and 0 where there is no such bound (the scaling of Coleman and Li).
        """
        up, down = (gradient < 0) & self._has_high, (gradient > 0) & self._has_low
        distance = np.where(up, self.high - at, np.where(down, at - self.low, 1.0))
        return distance, np.where(up, -1.0, np.where(down, 1.0, 0.0))

    def stride(self, at: Array, step: Array) -> tuple[float, NDArray[np.bool_]]:
        """Return how many times ``step`` leads to the first bound, and whose that is."""
        moves = step != 0
        divisor = np.where(moves, step, 1.0)
        with np.errstate(over="ignore"):
            strides = np.maximum((self.low - at) / divisor, (self.high - at) / divisor)
        strides[~moves] = np.inf
        first = float(strides.min())
        return first, moves & (strides == first)


def minimise(residuals: Residuals, start: Array, low: Array, high: Array) -> Minimum | None:
    """Minimise half the sum of squared ``residuals`` from ``start``, within ``low`` and ``high``.

    Arrays have shape (p,), residuals (n,). None where it does not settle in :data:`EVALUATIONS`,
    or residuals are no numbers where it begins or is led.
    """
    descent = Descent(residuals, start, Box(low, high))
    while np.isfinite(descent.jacobian).all():
        gradient = descent.jacobian.T @ descent.left
        distance, moves = descent.box.room(descent.at, gradient)
        slope = float(np.abs(gradient * distance).max())
        if slope < TOLERANCE:
            return Minimum(descent.at, descent.cost, descent.jacobian)
        if descent.tries <= 0:
            return None
        if descent.step(gradient, distance, moves):
            return Minimum(descent.at, descent.cost, descent.jacobian)
    return None


class Descent:
    """Goes down from one start."""

    def __init__(self, residuals: Residuals, start: Array, box: Box) -> None:
        """``start``: shape (p,)."""
        self.box = box
        self.at = box.begin(start)
        self.tries = EVALUATIONS * start.size - 1
        """Evaluations that are left."""
        self._residuals = residuals
        self.left = residuals(self.at)
        """Residuals, shape (n,)."""
        self.cost = 0.5 * float(self.left @ self.left)
        self.jacobian = _slopes(residuals, self.at, self.left, box)
        distance, _ = box.room(self.at, self.jacobian.T @ self.left)
        self._radius = _length(self.at / np.sqrt(distance)) or 1.0
        self._damping = 0.0

    def step(self, gradient: Array, distance: Array, moves: Array) -> bool:
        """Take the next step that lowers the cost; return whether it was the last one."""
        steps = Steps(self, gradient, distance, moves)
        inset = max(0.995, 1 - float(np.abs(gradient * distance).max()))
        has_moved = settled = False
        while self.tries > 0 and not (settled or has_moved):
            scaled, self._damping = steps.within(self._radius, self._damping)
            step, scaled, promised = steps.inside(scaled, self._radius, inset)
            there = self.box.inner(self.at + step)
            left = self._residuals(there)
            self.tries -= 1
            length = _length(scaled)
            cost = 0.5 * float(left @ left)
            if not math.isfinite(cost):
                self._radius = 0.25 * length
                continue
            gained = self.cost - cost
            radius, ratio = _next_radius(self._radius, gained, promised, length)
            settled = (gained < TOLERANCE * self.cost and ratio > 0.25) or (
                _length(step) < TOLERANCE * (TOLERANCE + _length(self.at))
            )
            if not settled:
                self._damping *= self._radius / radius
                self._radius = radius
            if gained > 0:
                has_moved, self.at, self.left, self.cost = True, there, left, cost
        if has_moved:
            self.jacobian = _slopes(self._residuals, self.at, self.left, self.box)
        return settled


class Steps:
    """Proposes steps from one point: its slopes are decomposed once."""

    def __init__(self, descent: Descent, gradient: Array, distance: Array, moves: Array) -> None:
        """Parameters are scaled by the root of the distance to a bound, here called scaled."""
        self._box, self._at = descent.box, descent.at
        self._scale = np.sqrt(distance)
        self._gradient = self._scale * gradient
        self._bend = gradient * moves
        """By how much the bounds bend the cost, shape (p,)."""
        matrix = self._slopes = descent.jacobian * self._scale
        self._points, parameters = matrix.shape
        if not self._box.is_open:
            matrix = np.concatenate([matrix, np.diag(np.sqrt(self._bend))])
        left, singular, self._right = np.linalg.svd(matrix, full_matrices=False)
        self._onto = left[: self._points].T @ descent.left
        self._singular = singular
        self._is_full = (
            self._points >= parameters and singular[-1] > EPSILON * self._points * singular[0]
        )
        self._weighed: list[float] = (singular * self._onto).tolist()
        self._squares: list[float] = (singular**2).tolist()

    def within(self, radius: float, damping: float) -> tuple[Array, float]:
        """Return the best scaled step no longer than ``radius``, and the damping that makes it so.

        ``damping``: where to begin to look for it (Moré).
        """
        if self._is_full:
            newton = -(self._onto / self._singular) @ self._right
            if _length(newton) <= radius:
                return newton, 0.0
        upper = math.sqrt(sum(one * one for one in self._weighed)) / radius
        lower = 0.0
        if self._is_full:
            beyond, slope = self._beyond(0.0, radius)
            lower = -beyond / slope
        elif damping == 0:
            damping = max(0.001 * upper, math.sqrt(lower * upper))
        for _ in range(RADIUS_ROUNDS):
            if damping < lower or damping > upper:
                damping = max(0.001 * upper, math.sqrt(lower * upper))
            beyond, slope = self._beyond(damping, radius)
            if beyond < 0:
                upper = damping
            ratio = beyond / slope
            lower = max(lower, damping - ratio)
            damping -= (beyond + radius) * ratio / radius
            if abs(beyond) < RADIUS_WITHIN * radius:
                break
        step = -(self._singular * self._onto / (self._singular**2 + damping)) @ self._right
        return step * (radius / _length(step)), damping

    def _beyond(self, damping: float, radius: float) -> tuple[float, float]:
        """Return by how much a damped step is longer than ``radius``, and how that moves."""
        length2 = slope = 0.0
        for weighed, square in zip(self._weighed, self._squares, strict=True):
            share = weighed / (square + damping)
            length2 += share * share
            slope += share * share / (square + damping)
        length = math.sqrt(length2)
        return length - radius, -slope / length

    def inside(self, scaled: Array, radius: float, inset: float) -> tuple[Array, Array, float]:
        """Return a step that stays within the bounds, the same scaled, and what it promises.

        Of a step that would cross a bound: itself as far as the bound, reflected there, or down
        the gradient, whichever promises most; ``inset`` times as far as the bound at most.
        """
        step = self._scale * scaled
        if self._box.holds(self._at + step):
            return step, scaled, -self._value(scaled)
        stride, hits = self._box.stride(self._at, step)
        bound, turned = scaled * stride, np.where(hits, -scaled, scaled)
        down = -self._gradient
        to_bound, _ = self._box.stride(self._at, self._scale * down)
        to_radius = radius / _length(down)
        longest = inset * to_bound if to_bound < to_radius else to_radius
        candidates = [bound * inset, self._lowest(np.zeros_like(down), down, 0.0, longest)]
        # What comes back from the bound crosses another bound first, or the radius.
        to_radius = _to_sphere(bound, turned, radius)
        to_bound, _ = self._box.stride(self._at + self._scale * bound, self._scale * turned)
        longest = min(to_bound, to_radius)
        if longest > 0:
            least = (1 - inset) * stride / longest
            most = inset * to_bound if longest == to_bound else to_radius
            if least <= most:
                candidates.append(self._lowest(bound, turned, least, most))
        values = [self._value(one) for one in candidates]
        best = candidates[values.index(min(values))]
        return self._scale * best, best, -min(values)

    def _value(self, scaled: Array) -> float:
        """Return by how much the cost changes with a step, were the residuals linear."""
        moved = self._slopes @ scaled
        bent = float((scaled * self._bend) @ scaled)
        return 0.5 * (float(moved @ moved) + bent) + float(scaled @ self._gradient)

    def _lowest(self, base: Array, direction: Array, least: float, most: float) -> Array:
        """Return the point of least cost on a line: ``direction`` times ``least`` to ``most``."""
        along = self._slopes @ direction
        square = 0.5 * (float(along @ along) + float((direction * self._bend) @ direction))
        linear = float(self._gradient @ direction + (self._slopes @ base) @ along)
        linear += float((base * self._bend) @ direction)
        times = [least, most]
        if square != 0 and least < -0.5 * linear / square < most:
            times.append(-0.5 * linear / square)
        return base + direction * min(times, key=lambda t: t * (square * t + linear))


def _slopes(residuals: Residuals, at: Array, left: Array, box: Box) -> Array:
    """Return the residuals' differences over small steps, shape (n, p): forward where they fit."""
    columns = np.empty((at.size, left.size))
    for k, here in enumerate(at.tolist()):
        low, high = float(box.low[k]), float(box.high[k])
        step = math.copysign(DIFFERENCE * max(1.0, abs(here)), here if here else 1.0)
        if not low <= here + step <= high:
            room = max(here - low, high - here)
            step = -step if abs(step) <= room else (room if high - here >= here - low else -room)
        there = at.copy()
        there[k] = here + step
        columns[k] = (residuals(there) - left) / (there[k] - here)
    return columns.T


def _next_radius(
    radius: float, gained: float, promised: float, length: float
) -> tuple[float, float]:
    """Return the radius after a step of that length, and its share gained of what it promised."""
    ratio = 1.0 if promised == gained == 0 else 0.0
    if promised > 0:
        ratio = gained / promised
    if ratio < 0.25:
        return 0.25 * length, ratio
    return (2 * radius if ratio > 0.75 and length > 0.95 * radius else radius), ratio


def _to_sphere(base: Array, direction: Array, radius: float) -> float:
    """Return how many times ``direction`` leads from ``base`` to the length ``radius``."""
    square, middle = float(direction @ direction), float(base @ direction)
    inside = min(0.0, float(base @ base) - radius**2)
    root = -(middle + math.copysign(math.sqrt(middle**2 - square * inside), middle))
    return max(root / square, inside / root) if root else 0.0


def _length(vector: Array) -> float:
    return math.sqrt(float(vector @ vector))
