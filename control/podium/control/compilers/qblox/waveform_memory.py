"""The waveform memory of one sequencer: equal samples are stored once."""

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.points import FloatArray
from podium.control.compilers.qblox.rounding import sample_words
from podium.control.program.envelopes import sample_envelope
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.qblox_cluster.limits import (
    DAC_MAX,
    WAVEFORM_SAMPLES,
    WAVEFORMS,
)
from podium.firmware_interfaces.qblox_cluster.program import Waveform as StoredWaveform


class WaveformMemory:
    """Gathers the waveforms of one sequencer while its pulses are lowered."""

    def __init__(self, frame: str, late_fs: int = 0) -> None:
        """``late_fs``: by how much less than a sample all shapes come later."""
        self.frame = frame
        self._late_fs = late_fs
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
            samples = sample_envelope(waveform, self._late_fs)
            if part == "rise":
                samples = samples[: np.argmax(samples.real)]
            elif part == "fall":
                samples = samples[len(samples) - np.argmax(samples.real[::-1]) :]
            name = type(waveform).__name__.lower() + (f"_{part}" if part else "")
            imaginary = None
            if samples.imag.any():
                imaginary = self._store(samples.imag, f"{name}_q")
            self._known[key] = (self._store(samples.real, f"{name}_i"), imaginary)
        return self._known[key]

    def _store(self, samples: FloatArray, name: str) -> int:
        words = sample_words(samples)
        peak = int(np.abs(words).max())
        if peak > DAC_MAX:
            raise DoesNotFit(
                f"{self.frame}: {name} peaks at {peak / DAC_MAX:.4g} of full scale, at most 1; "
                "for a Drag, make beta_s smaller or sigma_fs larger"
            )
        key = words.tobytes()
        if key not in self._index:
            index = len(self._stored)
            if index >= WAVEFORMS:
                raise DoesNotFit(
                    f"{self.frame}: more than {WAVEFORMS} different waveforms in one sequencer; "
                    "play fewer shapes (amplitudes and phases cost none)"
                )
            if self.samples + len(words) > WAVEFORM_SAMPLES:
                raise DoesNotFit(
                    f"{self.frame}: waveforms need {self.samples + len(words)} samples, "
                    f"{self.samples + len(words) - WAVEFORM_SAMPLES} more than the "
                    f"{WAVEFORM_SAMPLES} of one sequencer; use Square or FlatTop for long pulses "
                    "(they take none for their constant part) or fewer shapes"
                )
            self._index[key] = index
            self.samples += len(words)
            self._stored.append(
                StoredWaveform(f"{name}{index}", index, tuple((words / DAC_MAX).tolist()))
            )
        return self._index[key]
