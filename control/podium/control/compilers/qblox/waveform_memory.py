"""The waveform memory of one sequencer: equal samples are stored once."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.points import FloatArray
from podium.control.compilers.qblox.rounding import sample_words
from podium.control.program.envelopes import duration_ns, sample_envelope
from podium.control.program.waveforms import FlatTop, Waveform
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import (
    DAC_MAX,
    WAVEFORM_SAMPLES,
    WAVEFORMS,
)
from podium.firmware_interfaces.qblox_cluster.program import Waveform as StoredWaveform


@dataclass(frozen=True, slots=True)
class Shape:
    """One path of a shape, as waveform memory holds it."""

    name: str
    words: bytes
    """The integers; equal where the shapes are."""
    peak: int
    """The greatest of them."""
    samples: tuple[float, ...]


Shapes: TypeAlias = dict[tuple[Waveform, str], tuple[Shape, Shape | None]]
"""By waveform and part: real path, and imaginary path where it is not 0."""


def _shape(waveform: Waveform, part: str, late_fs: int) -> tuple[Shape, Shape | None]:
    if isinstance(waveform, FlatTop) and part:
        # Its edges are those of a short one: the constant part is not sampled, however long.
        shortest_ns = 2 * (waveform.rise_fs // FS_PER_NS + 2)
        if shortest_ns * FS_PER_NS < waveform.duration_fs:
            waveform = replace(waveform, duration_fs=shortest_ns * FS_PER_NS)
    samples = sample_envelope(waveform, late_fs)
    if part == "rise":
        samples = samples[: np.argmax(samples.real)]
    elif part == "fall":
        samples = samples[len(samples) - np.argmax(samples.real[::-1]) :]
    name = type(waveform).__name__.lower() + (f"_{part}" if part else "")
    imaginary = _path(samples.imag, f"{name}_q") if samples.imag.any() else None
    return _path(samples.real, f"{name}_i"), imaginary


def _path(samples: FloatArray, name: str) -> Shape:
    words = sample_words(samples)
    peak = int(np.abs(words).max())
    return Shape(name, words.tobytes(), peak, tuple((words / DAC_MAX).tolist()))


class WaveformMemory:
    """Gathers the waveforms of one sequencer while its pulses are lowered."""

    def __init__(self, frame: str, late_fs: int = 0, shapes: Shapes | None = None) -> None:
        """``late_fs``: by how much less than a sample all shapes come later.

        ``shapes``: what other sequencers of this compilation have sampled.
        """
        self.frame = frame
        self._late_fs = late_fs
        self._shapes: Shapes = {} if shapes is None else shapes
        self._index: dict[bytes, int] = {}
        self._stored: list[StoredWaveform] = []
        self._known: dict[tuple[Waveform, str], tuple[int, int | None]] = {}
        self.samples = 0
        """How many samples are stored."""

    @property
    def stored(self) -> tuple[StoredWaveform, ...]:
        """All waveforms so far, by index."""
        return tuple(self._stored)

    def store(self, waveform: Waveform, part: str = "") -> tuple[int, int | None]:
        """Return the indices of real and imaginary samples; None for the second where it is 0.

        ``part``: the whole, or ``rise`` or ``fall`` of a flat top. Raises :class:`DoesNotFit`.
        """
        key = (waveform, part)
        if key not in self._known:
            if key not in self._shapes:
                if not part and duration_ns(waveform) > WAVEFORM_SAMPLES:
                    self._check_room(duration_ns(waveform))  # before it is sampled
                self._shapes[key] = _shape(waveform, part, self._late_fs)
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
                raise DoesNotFit(
                    f"{self.frame}: more than {WAVEFORMS} different waveforms in one sequencer; "
                    "play fewer shapes (amplitudes and phases cost none)"
                )
            self._check_room(len(samples))
            self._index[key] = index
            self.samples += len(samples)
            self._stored.append(StoredWaveform(f"{name}{index}", index, samples))
        return self._index[key]

    def _check_room(self, count: int) -> None:
        needed = self.samples + count
        if needed > WAVEFORM_SAMPLES:
            raise DoesNotFit(
                f"{self.frame}: waveforms need {needed} samples, {needed - WAVEFORM_SAMPLES} more "
                f"than the {WAVEFORM_SAMPLES} of one sequencer; use Square or FlatTop for long "
                "pulses (they take none for their constant part) or fewer shapes"
            )
