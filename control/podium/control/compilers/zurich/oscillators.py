"""Allocates the oscillators of one channel: each carrier that is played has one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import Carrier
from podium.control.compilers.points import FloatArray, IntArray, describe, where_first
from podium.control.compilers.zurich.rounding import (
    frequency_hz,
    frequency_text,
    frequency_words,
)
from podium.control.compilers.zurich.steps import FixedText, Kind, Sweep
from podium.control.program.program import Axis
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.awg_limits import BAND_HZ, OSCILLATORS

SWEPT, TABLED = 128, 256
"""Samples in which an oscillator is set by ``setSweepStep``, by ``setOscFreq``: the cycles that
compile_seqc lets pass for it, and those of the instructions around: 8 samples a cycle."""


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """An oscillator that goes in equal steps along one axis."""

    number: int
    start: int
    step: int
    """Both in words."""
    axis: int


class Oscillators:
    """Those of one channel, in the order in which they are asked for."""

    def __init__(self, lo_hz: float | None, frames: str, most: int = OSCILLATORS) -> None:
        """``lo_hz``: what they add to; None on an HDAWG, which has none."""
        self.lo_hz = lo_hz
        self._most = most
        self.fixed: dict[int, int] = {}
        """Words by number, of those that stay as they are."""
        self.swept: list[Swept] = []
        self.tabled: dict[int, IntArray] = {}
        """Words at all points, of those that go in steps that are not equal."""
        self._numbers: dict[tuple[tuple[int, ...], bytes], int] = {}
        self._frames = frames
        self._spread: Mapping[int, Sequence[int]] | None = None

    def spread(self, numbers: Mapping[int, Sequence[int]]) -> None:
        """Have each carrier by several oscillators, which go alike: ``numbers`` by its own."""
        self._spread = numbers

    def _those(self, number: int) -> Sequence[int]:
        return (number,) if self._spread is None else self._spread[number]

    def words(self, hz: FloatArray) -> tuple[IntArray, Swept | None]:
        """Return what an oscillator holds for a carrier, and how it is swept if it is evenly."""
        asked = frequency_words(hz - (self.lo_hz or 0.0))
        axes = [axis for axis, count in enumerate(asked.shape) if count > 1]
        if len(axes) != 1 or asked.size < 3:
            return asked, None
        flat = asked.ravel()
        count = len(flat)
        step = round(int(flat[-1] - flat[0]) / (count - 1))
        even = flat[0] + step * np.arange(count)
        if np.abs(even - flat).max() > count / 2:
            return asked, None
        return even.reshape(asked.shape), Swept(-1, int(flat[0]), step, axes[0])

    def got_hz(self, hz: FloatArray) -> FloatArray:
        """Return a carrier about the local oscillator as it is played."""
        if self.lo_hz is None:
            return hz
        return frequency_hz(self.words(hz)[0])

    def carrier(
        self, frame: str, carrier: Carrier, axes: tuple[Axis, ...]
    ) -> tuple[int, FloatArray]:
        """Return the number of the oscillator of a carrier, and its frequency about the LO.

        Raises :class:`DoesNotFit` beyond the band, or where all oscillators are taken.
        """
        hz = carrier.frequency_hz
        if self.lo_hz is None:
            return 0, hz
        far = np.abs(hz - self.lo_hz) > BAND_HZ
        if far.any():
            at = where_first(far, axes)
            raise DoesNotFit(
                f"{frame}: {hz[at]:.12g} Hz is {(hz[at] - self.lo_hz) / 1e6:+.6g} MHz from the "
                f"local oscillator at {self.lo_hz:.12g} Hz ({describe(at, far.shape, axes)}); "
                f"at most {BAND_HZ / 1e6:g} MHz: move the LO or narrow the sweep"
            )
        words, swept = self.words(hz)
        key = (words.shape, words.tobytes())
        if key not in self._numbers:
            number = len(self._numbers)
            if number >= self._most:
                raise DoesNotFit(
                    f"{self._frames}: more than {self._most} carriers on one channel, which has "
                    "as many oscillators; use fewer frequencies in one shot"
                )
            self._numbers[key] = number
            if words.size == 1:
                self.fixed[number] = int(words.flat[0])
            elif swept is not None:
                self.swept.append(Swept(number, swept.start, swept.step, swept.axis))
            else:
                self.tabled[number] = words
        return self._numbers[key], frequency_hz(words)

    def alike(self, shape: tuple[int, ...], points: IntArray) -> list[IntArray]:
        """Return ``points`` in groups at which the same is said of the oscillators."""
        if not self.tabled:
            return [points]
        flat = [_at(words, shape)[points] for words in self.tabled.values()]
        _, group = np.unique(np.stack(flat), axis=1, return_inverse=True)
        group = group.reshape(-1)
        return [points[group == number] for number in range(int(group.max()) + 1)]

    @property
    def longest_tuning(self) -> int:
        """Return how much silence it takes to set one of the carriers at most, in samples."""
        return TABLED if self.tabled else SWEPT if self.swept else 0

    @property
    def tuning(self) -> int:
        """Return how much silence it takes to set the carriers of a shot, in samples."""
        swept = sum(len(self._those(one.number)) for one in self.swept)
        return SWEPT * swept + TABLED * sum(len(self._those(number)) for number in self.tabled)

    def tune(self, shape: tuple[int, ...], points: IntArray) -> list[tuple[Kind, IntArray]]:
        """Return how the carriers of a shot are set that are not the same in all."""
        said: list[tuple[Kind, IntArray]] = []
        none = np.zeros(len(points), np.int64)
        for one in self.swept:
            # An uneven run has a dimension more, before those of the axes.
            axis = one.axis + len(shape) - self._dimensions
            step = np.unravel_index(points, shape)[axis]
            for number in self._those(one.number):
                said.append((Sweep(number), np.asarray(step, np.int64)))
        for number, words in self.tabled.items():
            word = int(_at(words, shape)[points[0]])
            for mine in self._those(number):
                said.append((FixedText(f"setOscFreq({mine}, {frequency_text(word)});"), none))
        return said

    @property
    def count(self) -> int:
        """Return how many are in use."""
        return sum(len(self._those(number)) for number in range(len(self._numbers)))

    @property
    def _dimensions(self) -> int:
        return len(next(iter(self._numbers))[0])

    def head(self) -> list[str]:
        """Return what is said once, before the first shot."""
        return [
            f"configFreqSweep({number}, {frequency_text(one.start)}, {frequency_text(one.step)});"
            for one in self.swept
            for number in self._those(one.number)
        ]

    def settings(self) -> list[tuple[int, float]]:
        """Return frequencies of those that stay as they are, by number."""
        return [
            (mine, float(frequency_hz(np.array(word))))
            for number, word in self.fixed.items()
            for mine in self._those(number)
        ]


def _at(words: IntArray, shape: tuple[int, ...]) -> IntArray:
    return np.broadcast_to(words, shape).ravel()


def phase_before(carrier: Carrier, oscillators: Oscillators) -> FloatArray:
    """Return the turns by which retunings have moved a carrier that always had its frequency."""
    turns: FloatArray = np.zeros((1,) * carrier.frequency_hz.ndim)
    for one in carrier.retuned:
        moved_hz = oscillators.got_hz(one.from_hz) - oscillators.got_hz(one.to_hz)
        turns = turns + np.where(one.counts, moved_hz * (one.at_fs / FS_PER_S), 0.0)
    return turns


__all__: Sequence[str] = ("Oscillators", "Swept", "phase_before")
