"""The result logger: where results go, averaged in one order or the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers

Numbers = NDArray[np.complex128] | NDArray[np.float64]
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
        self._sums: dict[int, Numbers] = {}
        """By unit, of those that were asked for anything: up to 8 MB each."""
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

    def has_results(self, unit: int) -> bool:
        """Tell whether a unit has taken anything."""
        return bool(self._taken[unit])

    def take(self, results: Mapping[int, Numbers], asked: Integers) -> None:
        """Take results where they were asked for; those too many are lost.

        ``results``: by unit, shape (readouts,), states as real numbers; a unit that is not there
        has found zeros. ``asked``: units as bits, shape (readouts,).
        """
        some, every = (int(bits.reduce(asked)) for bits in (np.bitwise_or, np.bitwise_and))
        for unit in range(self.units):
            if not some >> unit & 1:
                continue
            values: Numbers = results[unit] if unit in results else np.zeros(len(asked))
            if not every >> unit & 1:
                values = values[(asked >> unit & 1).astype(np.bool_)]
            self._add(unit, values[: self.capacity - int(self._taken[unit])])

    def _add(self, unit: int, values: Numbers) -> None:
        """Add one unit's next results to their points: the rest of a round, rounds, a beginning."""
        if unit not in self._sums:
            self._sums[unit] = np.zeros(self.settings.length, self._type)
        sums, taken = self._sums[unit], int(self._taken[unit])
        self._taken[unit] += len(values)
        cyclic = self.settings.order is Order.CYCLIC
        each = self.settings.length if cyclic else self.settings.averages
        whole, within = divmod(taken, each)
        if within:
            rest, values = values[: each - within], values[each - within :]
            if cyclic:
                sums[within : within + len(rest)] += rest
            else:
                sums[whole] += rest.sum()
                whole += 1
        rounds = len(values) // each
        many, begun = values[: rounds * each].reshape(rounds, each), values[rounds * each :]
        if cyclic:
            if rounds:
                sums += many.sum(axis=0)
            sums[: len(begun)] += begun
        else:
            sums[whole : whole + rounds] += many.sum(axis=1)
            if len(begun):
                sums[whole + rounds] += begun.sum()

    def data(self, unit: int) -> Numbers:
        """Return the averages of a unit, shape (points); points without a result are NaN.

        Complex numbers, or real ones where results are states. ASSUMED: so, and what the device
        shows of a run that is not over.
        """
        nothing = np.nan if self._type is np.float64 else complex(np.nan, np.nan)
        taken, length, each = int(self._taken[unit]), self.settings.length, self.settings.averages
        if taken == self.capacity:
            return self._sums[unit] * (1 / each)
        found: Numbers = np.full(length, nothing, self._type)
        if not taken:
            return found
        if self.settings.order is Order.CYCLIC:
            rounds, rest = divmod(taken, length)
            parts = ((0, rest, rounds + 1), (rest, length, rounds))
        else:
            whole, rest = divmod(taken, each)
            parts = ((0, whole, each), (whole, min(whole + 1, length), rest))
        for first, last, count in parts:
            if count:
                found[first:last] = self._sums[unit][first:last] * (1 / count)
        return found

    @property
    def _type(self) -> type[np.generic]:
        states = self.settings.source is Source.DISCRIMINATION
        return np.float64 if states else np.complex128
