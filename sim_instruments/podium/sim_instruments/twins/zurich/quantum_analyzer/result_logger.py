"""The result logger: where results go, averaged in one order or the other."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes

MAX_LENGTH: Final = 2**19  # ASSUMED: half a million points, as the user manual of the SHFQA has it
MAX_AVERAGES: Final = 2**17  # ASSUMED: the same manual


class Order(IntEnum):
    """Values of the node ``result/mode``."""

    CYCLIC = 0
    """The whole sequence of points, then all of it again."""
    SEQUENTIAL = 1
    """One point as often as it is averaged, then the next."""


class Source(IntEnum):
    """Values of the node ``result/source``."""

    INTEGRATION = 1
    DISCRIMINATION = 3


class BadLogger(ValueError):
    """Settings that no logger can have. The message names the setting and what fits."""


@dataclass(frozen=True, slots=True)
class LoggerSettings:
    """The nodes under ``result/``."""

    length: int
    """Points."""
    averages: int = 1
    order: Order = Order.CYCLIC
    source: Source = Source.INTEGRATION

    def __post_init__(self) -> None:
        """Refuse what no logger can have: :class:`BadLogger`."""
        if not 1 <= self.length <= MAX_LENGTH:
            raise BadLogger(f"result length {self.length}: 1 to {MAX_LENGTH}")
        if not 1 <= self.averages <= MAX_AVERAGES:
            raise BadLogger(f"{self.averages} averages: 1 to {MAX_AVERAGES}")


class ResultLogger:
    """One logger: takes results until it has all, shows the averages.

    Every unit (integrator) takes what was asked of it, in its own order.
    """

    def __init__(self, settings: LoggerSettings, units: int) -> None:
        self.settings = settings
        self._sums = np.zeros((units, settings.length), np.complex128)
        self._counts = np.zeros((units, settings.length), np.int64)
        self._taken = np.zeros(units, np.int64)

    @property
    def units(self) -> int:
        """Return how many units it takes results of."""
        return len(self._taken)

    @property
    def capacity(self) -> int:
        """Return how many results a unit takes."""
        return self.settings.length * self.settings.averages

    @property
    def acquired(self) -> int:
        """Node ``result/acquired``: how many results the busiest unit has taken."""
        return int(self._taken.max(initial=0))

    @property
    def done(self) -> bool:
        """Tell whether all points of every unit that was asked are there."""
        asked = self._taken[self._taken > 0]
        return bool(len(asked) and (asked >= self.capacity).all())

    def take(self, results: Complexes, asked: NDArray[np.bool_]) -> None:
        """Take results, shape (readouts, units), where they were asked for; those too many are
        lost."""
        for unit in range(self._sums.shape[0]):
            if not asked[:, unit].any():
                continue
            values = results[asked[:, unit], unit]
            values = values[: self.capacity - int(self._taken[unit])]
            index = np.arange(len(values)) + self._taken[unit]
            if self.settings.order is Order.CYCLIC:
                point = index % self.settings.length
            else:
                point = index // self.settings.averages
            if not len(point):
                continue
            first, last = int(point.min()), int(point.max())
            here, count = slice(first, last + 1), last + 1 - first
            self._sums[unit, here] += np.bincount(point - first, values.real, count)
            self._sums[unit, here] += 1j * np.bincount(point - first, values.imag, count)
            self._counts[unit, here] += np.bincount(point - first, minlength=count)
            self._taken[unit] += len(values)

    def data(self, unit: int) -> Complexes:
        """Return the averages of a unit, shape (points); points without a result are NaN.

        ASSUMED: what the device shows of a run that is not over.
        """
        counts = self._counts[unit]
        found = np.full(self.settings.length, complex(np.nan, np.nan))
        known = counts > 0
        found[known] = self._sums[unit, known] / counts[known]
        return found
