"""Allocates the waveform memory of one sequencer: equal samples are stored once."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.points import FloatArray
from podium.control.compilers.qblox.rounding import sample_words
from podium.control.program.envelopes import duration_ns, is_hard, sample_envelope
from podium.control.program.waveforms import FlatTop, Square, Waveform
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import (
    DAC_MAX,
    WAVEFORM_SAMPLES,
    WAVEFORMS,
)
from podium.firmware_interfaces.qblox_cluster.program import Waveform as StoredWaveform


class NoRoom(DoesNotFit):
    """Of something there is less in waveform memory than is needed."""

    def __init__(self, message: str, needed: int, limit: int) -> None:
        super().__init__(message)
        self.needed = needed
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Shape:
    """One path of a shape, as waveform memory holds it."""

    name: str
    words: bytes
    """The integers; equal where the shapes are."""
    peak: int
    """The greatest of them."""
    samples: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """The first or the last samples of a pulse."""

    name: str
    """``rise`` or ``fall``."""
    count: int
    """How many samples, those that are 1 already or still included."""


Shapes: TypeAlias = dict[tuple[Waveform, Part | None, int], tuple[Shape, Shape | None]]
"""By waveform, part, and by how much it comes later (fs): real path, and imaginary path where it is
not 0."""


def _shape(waveform: Waveform, part: Part | None, late_fs: int) -> tuple[Shape, Shape | None]:
    if part is not None and isinstance(waveform, Square | FlatTop):
        # Its edges are those of a short one: the constant part is not sampled, however long.
        shortest_ns = 2 * (part.count + 2)
        if shortest_ns * FS_PER_NS < waveform.duration_fs:
            waveform = replace(waveform, duration_fs=shortest_ns * FS_PER_NS)
    samples = sample_envelope(waveform, late_fs)
    if part is not None:
        if is_hard(waveform) and late_fs == 0:  # at other points it has one sample more
            samples = np.append(samples, 0)
        samples = samples[: part.count] if part.name == "rise" else samples[-part.count :]
    name = type(waveform).__name__.lower() + ("" if part is None else f"_{part.name}")
    imaginary = _path(samples.imag, f"{name}_q") if samples.imag.any() else None
    return _path(samples.real, f"{name}_i"), imaginary


def _path(samples: FloatArray, name: str) -> Shape:
    words = sample_words(samples)
    peak = int(np.abs(words).max())
    return Shape(name, words.tobytes(), peak, tuple((words / DAC_MAX).tolist()))


class WaveformMemory:
    """Gathers the waveforms of one sequencer while its pulses are lowered."""

    def __init__(self, frame: str, rest_fs: int = 0, shapes: Shapes | None = None) -> None:
        """``rest_fs``: by how much the whole shot comes later than the grid, see ``first_sample``.

        ``shapes``: what other sequencers of this compilation have sampled.
        """
        self.frame = frame
        self.rest_fs = rest_fs
        """As it was given."""
        self._shapes: Shapes = {} if shapes is None else shapes
        self._index: dict[bytes, int] = {}
        self._stored: list[StoredWaveform] = []
        self._known: dict[tuple[Waveform, Part | None, int], tuple[int, int | None]] = {}
        self.samples = 0
        """How many samples are stored."""

    @property
    def stored(self) -> tuple[StoredWaveform, ...]:
        """All waveforms so far, by index."""
        return tuple(self._stored)

    def store(
        self, waveform: Waveform, part: Part | None = None, late_fs: int = 0
    ) -> tuple[int, int | None]:
        """Return the indices of real and imaginary samples; None for the second where it is 0.

        ``part``: None for the whole; ``late_fs``: by how much it starts later than its first
        sample. Raises :class:`DoesNotFit`.
        """
        key = (waveform, part, late_fs)
        if key not in self._known:
            if key not in self._shapes:
                if part is None and duration_ns(waveform) > WAVEFORM_SAMPLES:
                    self._check_room(duration_ns(waveform))  # before it is sampled
                self._shapes[key] = _shape(waveform, part, late_fs)
            real, imaginary = self._shapes[key]
            second = None if imaginary is None else self._store(imaginary)
            self._known[key] = (self._store(real), second)
        return self._known[key]

    def _store(self, shape: Shape) -> int:
        name, words, peak, samples = shape.name, shape.words, shape.peak, shape.samples
        if peak > DAC_MAX:
            raise DoesNotFit(
                f"{self.frame}: {name} peaks at {peak / DAC_MAX:.4g} of full scale, at most 1; "
                "for a Drag, make beta_s smaller or sigma_fs larger"
            )
        key = words
        if key not in self._index:
            index = len(self._stored)
            if index >= WAVEFORMS:
                raise NoRoom(
                    f"{self.frame}: more than {WAVEFORMS} different waveforms in one sequencer; "
                    "play fewer shapes (amplitudes and phases cost none)",
                    index + 1,
                    WAVEFORMS,
                )
            self._check_room(len(samples))
            self._index[key] = index
            self.samples += len(samples)
            self._stored.append(StoredWaveform(f"{name}{index}", index, samples))
        return self._index[key]

    def _check_room(self, count: int) -> None:
        needed = self.samples + count
        if needed > WAVEFORM_SAMPLES:
            raise NoRoom(
                f"{self.frame}: waveforms need {needed} samples, {needed - WAVEFORM_SAMPLES} more "
                f"than the {WAVEFORM_SAMPLES} of one sequencer; use Square or FlatTop for long "
                "pulses (they take none for their constant part) or fewer shapes",
                needed,
                WAVEFORM_SAMPLES,
            )
