"""Places one axis's numbers on paper, with ticks and labels."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MARGIN = 0.05
"""Room at both ends of an axis, as a share of what the data span."""
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Ticks are such multiples of a power of ten apart."""
PLAIN = range(-4, 6)
"""Numbers of these orders of magnitude are written out; others have a power of ten beside the
label."""
NARROW = 1e-12
"""An axis is at least so wide, as a share of its largest number: numbers have 16 digits."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Places an axis's ticks and their labels."""

    places: tuple[float, ...]
    texts: tuple[str, ...]
    factor: str = ""
    """``1e−6`` where the numbers are to be multiplied by that."""

    @property
    def width(self) -> int:
        """Return how many characters the widest number has."""
        return max(map(len, self.texts), default=1)


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear or logarithmic axis between two numbers."""

    low: float
    high: float
    log: bool = False

    def share(self, values: Array) -> Array:
        """Return how far along the axis values lie: 0 at ``low``, 1 at ``high``."""
        if self.log:
            low, high = math.log10(self.low), math.log10(self.high)
            return np.asarray((np.log10(values) - low) / (high - low))
        return np.asarray((values - self.low) / (self.high - self.low))

    def ticks(self, most: int) -> Ticks:
        """Return at most so many ticks, and one more."""
        return self._decades() if self.log else self._multiples(most)

    def widened(self, ratio: float) -> "Axis":
        """Return the axis about the same middle, that many times as wide."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2 * ratio
        return Axis(middle - half, middle + half)

    def _multiples(self, most: int) -> Ticks:
        wanted = (self.high - self.low) / most
        power = 10.0 ** math.floor(math.log10(wanted))
        step = next(power * one for one in STEPS if power * one >= wanted * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        places = [number * step for number in range(first, last + 1)]
        largest = max(map(abs, places), default=0.0)
        order = math.floor(math.log10(largest)) if largest else 0
        factor = 0 if order in PLAIN else order
        scaled = [place / 10.0**factor for place in places]
        digits = _digits(scaled, step / 10.0**factor)
        texts = [_minus(f"{value + 0.0:.{digits}f}") for value in scaled]
        return Ticks(tuple(places), tuple(texts), _minus(f"1e{factor}") if factor else "")

    def _decades(self) -> Ticks:
        few = math.log10(self.high / self.low) < 2
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        every = [one * 10.0**decade for decade in decades for one in ((1, 2, 5) if few else (1,))]
        places = [place for place in every if self.low <= place <= self.high]
        return Ticks(tuple(places), tuple(_minus(f"{place:g}") for place in places))


def axis_over(data: Iterable[Array], marks: Sequence[float] = ()) -> Axis:
    """Return the axis on which all finite data lie, and marks at its edge at least."""
    finite = [values[np.isfinite(values)] for values in data]
    low = min((float(values.min()) for values in finite if values.size), default=math.inf)
    high = max((float(values.max()) for values in finite if values.size), default=-math.inf)
    if low > high:
        low, high = (min(marks), max(marks)) if marks else (0.0, 1.0)
    low, high = _apart(low, high)
    room = MARGIN * (high - low)
    outside = [mark for mark in marks if not low - room <= mark <= high + room]
    low, high = min([low, *outside]), max([high, *outside])
    room = MARGIN * (high - low)
    return Axis(low - room, high + room)


def edges_of(centres: Array, log: bool = False) -> Array:
    """Return the borders (n + 1,) of cells about their centres, half way between neighbours."""
    if centres.size == 1:
        return np.array([0.5, 2.0] if log else [-0.5, 0.5]) * (centres[0] if log else 1.0) + (
            0.0 if log else centres[0]
        )
    places = np.log10(centres) if log else centres
    middle = (places[1:] + places[:-1]) / 2
    edges = np.concatenate([[2 * places[0] - middle[0]], middle, [2 * places[-1] - middle[-1]]])
    return np.asarray(10.0**edges if log else edges)


def between(low: float, high: float, log: bool = False) -> Axis:
    """Return the axis from one number to another; somewhat wider where they are the same."""
    return Axis(low, high, log) if log else Axis(*_apart(low, high))


def _apart(low: float, high: float) -> tuple[float, float]:
    largest = max(abs(low), abs(high))
    if high - low > NARROW * largest:
        return low, high
    half = 0.05 * largest or 0.5
    return low - half, high + half


def _digits(scaled: Sequence[float], step: float) -> int:
    """Return how many decimals tell numbers ``step`` apart exactly."""
    for digits in range(16):
        if all(abs(round(value, digits) - value) < 1e-3 * step for value in scaled):
            return digits
    return 16


def _minus(text: str) -> str:
    return text.replace("-", "−")
