"""Stores the waveforms of one core, and places them in the wave table."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.zurich.rounding import sample_words
from podium.control.compilers.zurich.shapes import samples_at
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.zurich.awg_limits import (
    HDAWG_WAVE_SAMPLES,
    SHFSG_WAVE_PAGE,
    SHFSG_WAVE_SAMPLES,
    WAVE_WORD_MAX,
)
from podium.firmware_interfaces.zurich.program import Core
from podium.firmware_interfaces.zurich.program import Waveform as StoredWaveform


@dataclass(frozen=True, slots=True)
class WavePart:
    """A pulse within a waveform."""

    waveform: Waveform
    at: int
    """Its first sample; before the waveform's own first where it is a later piece of the pulse."""
    plane: int = 0
    """Of an HDAWG core: which of its two channels."""
    amplitude: float = 1.0
    turns: float = 0.0
    """Phase at sample 0 of the waveform."""
    offset_hz: float = 0.0
    """Its carrier about the one that the waveform rides on."""
    late_fs: int = 0
    """By how much it begins later than its first sample, see ``starts``."""


@dataclass(frozen=True, slots=True)
class Content:
    """Describes a waveform's content: equal contents are stored once."""

    length: int
    parts: tuple[WavePart, ...]


class WaveTable:
    """Waveforms in the order of their indices."""

    def __init__(self, kind: Core, rate_hz: int, frames: str) -> None:
        self.kind = kind
        self.rate_hz = rate_hz
        self.samples = 0
        """How much of the memory they take."""
        self.contents: list[Content] = []
        self._frames = frames
        self._index: dict[Content, int] = {}
        self._shapes: dict[tuple[Waveform, int], NDArray[np.complex128]] = {}

    @property
    def samples_max(self) -> int:
        """Return the number of samples that can be stored."""
        return SHFSG_WAVE_SAMPLES if self.kind == "sg" else HDAWG_WAVE_SAMPLES

    def shape(self, waveform: Waveform, late_fs: int = 0) -> NDArray[np.complex128]:
        """Return the samples of a pulse."""
        key = (waveform, late_fs)
        if key not in self._shapes:
            self._shapes[key] = samples_at(waveform, self.rate_hz, late_fs)
        return self._shapes[key]

    def store(self, content: Content) -> int:
        """Return the index of a waveform; raises :class:`TooLarge` where the memory is full."""
        if content not in self._index:
            self.samples = self._end_of(content.length)
            if self.samples > self.samples_max:
                raise TooLarge(
                    f"{self._frames}: waveforms need {self.samples} samples or more, at most "
                    f"{self.samples_max} in one channel; let pulses that follow each other at once "
                    "change together, or use Square or FlatTop for long ones",
                    self.samples,
                    self.samples_max,
                )
            self._index[content] = len(self.contents)
            self.contents.append(content)
        return self._index[content]

    def _end_of(self, length: int) -> int:
        """Return where the next waveform ends in the memory."""
        if self.kind != "sg":
            return self.samples + length
        left = -self.samples % SHFSG_WAVE_PAGE
        begin = self.samples + (left if length > left else 0)
        return begin + (length if length <= SHFSG_WAVE_PAGE else _pages(length))

    def stored(self, channels: tuple[int, ...]) -> tuple[StoredWaveform, ...]:
        """Return all waveforms; ``channels`` of an HDAWG core that are used.

        Raises :class:`DoesNotFit` where one is beyond full scale.
        """
        made = []
        for index, content in enumerate(self.contents):
            planes = [self._samples(content, plane) for plane in (0, 1)]
            if self.kind == "sg":
                paths = [planes[0].real, planes[0].imag]
            else:
                paths = [planes[channel].real for channel in channels]
            words = [sample_words(path) for path in paths]
            peak = max(int(np.abs(one).max()) for one in words)
            if peak > WAVE_WORD_MAX:
                raise DoesNotFit(
                    f"{self._frames}: a waveform peaks at {peak / WAVE_WORD_MAX:.4g} of full "
                    "scale, at most 1; make what overlaps smaller, or beta_s of a Drag"
                )
            i, *rest = (tuple(one.tolist()) for one in words)
            q = rest[0] if rest else None
            made.append(StoredWaveform(index, self._name(content), i, q))
        return tuple(made)

    def _name(self, content: Content) -> str:
        return "_".join(type(part.waveform).__name__.lower() for part in content.parts[:3])

    def _samples(self, content: Content, plane: int) -> NDArray[np.complex128]:
        made = np.zeros(content.length, np.complex128)
        for part in content.parts:
            if part.plane != plane:
                continue
            shape = self.shape(part.waveform, part.late_fs)
            first, last = max(part.at, 0), min(part.at + len(shape), content.length)
            each = np.arange(first, last)
            turns = part.turns + part.offset_hz / self.rate_hz * each
            carried = shape[first - part.at : last - part.at] * part.amplitude
            made[first:last] += carried * np.exp(2j * np.pi * turns) if turns.any() else carried
        return made


def _pages(length: int) -> int:
    """Return the samples of the pages that a long waveform takes."""
    return length + -length % SHFSG_WAVE_PAGE
