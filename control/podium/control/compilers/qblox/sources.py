"""Operands that depend on parameters: each knows how it comes about, so that it can be put anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from podium.control.compilers.qblox.rounding import (
    PHASE_STEPS,
    frequency_words,
    gain_words,
    level_words,
    phase_words,
)
from podium.control.program.program import Affine, Parameter, Value, as_set, parameter_in

Setting: TypeAlias = Literal["gain", "level", "phase", "tune", "delta"]
"""A field of an event."""


@dataclass(frozen=True, slots=True)
class Source:
    """Derives an operand from its setting."""

    setting: Setting
    values: tuple[Value, ...]
    """What it is the sum of, in this order."""
    lo_hz: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that it depends on."""
        found = [parameter_in(value) for value in self.values]
        return tuple(dict.fromkeys(one.name for one in found if one is not None))

    @property
    def swept(self) -> bool:
        """Return whether a sweep is part of the sum, if only of one point."""
        return any(isinstance(as_set(value), Affine) for value in self.values)

    def asked(self, values: Mapping[str, float]) -> float:
        """Return the sum with parameters set to ``values``; others are as they were compiled."""
        total = 0.0
        for value in self.values:
            new = as_set(with_value(value, values))
            assert not isinstance(new, Affine)  # what is swept has no source
            total = total + new
        return total

    def word(self, values: Mapping[str, float]) -> int:
        """Return the operand with parameters set to ``values``."""
        asked = np.array(self.asked(values), np.float64)
        match self.setting:
            case "gain":
                return int(gain_words(asked))
            case "level":
                return int(level_words(asked))
            case "phase":
                return int(phase_words(asked))
            case "delta":
                return sum(self._each(value, values) for value in self.values) % PHASE_STEPS
            case "tune":
                return int(frequency_words(asked - self.lo_hz))

    def _each(self, value: Value, values: Mapping[str, float]) -> int:
        """Return the word of one shift: each is rounded by itself."""
        return int(phase_words(np.array(Source("phase", (value,)).asked(values), np.float64)))


def with_value(value: Value, values: Mapping[str, float]) -> Value:
    """Return ``value`` with its parameter set anew, where ``values`` have it."""
    one = parameter_in(value)
    if one is None or one.name not in values:
        return value
    new = Parameter(one.name, values[one.name])
    return Affine(new, value.scale, value.offset) if isinstance(value, Affine) else new


Sources: TypeAlias = tuple[Source, ...]


def source_of(sources: Sources, setting: Setting) -> Source | None:
    """Return the one of ``sources`` that is about ``setting``."""
    return next((one for one in sources if one.setting == setting), None)


class Word(int):
    """An operand with its source.

    It equals what has the same source alone: which lines are written must not depend on values
    that will change.
    """

    source: Source

    def __new__(cls, value: int, source: Source) -> "Word":
        """Return ``value``, which ``source`` gives as things are."""
        word = super().__new__(cls, value)
        word.source = source
        return word

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Word) and other.source == self.source

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.source)
