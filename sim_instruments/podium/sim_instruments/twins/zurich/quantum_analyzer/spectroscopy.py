"""Spectroscopy mode: one oscillator out, the same oscillator to integrate what comes in."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
)

MAX_LENGTH: Final = 2**25
"""Samples; node documentation of ``spectroscopy/length``."""
MAX_ENVELOPE: Final = 2**16
"""Samples; zhinst-utils, ``shf_sweeper.py``."""
DELAY_STEP: Final = 4
"""Samples: 2 ns."""
OSCILLATOR: Final = 0
"""ASSUMED: the first one of a channel is the one that spectroscopy uses."""


class BadSpectroscopy(ValueError):
    """Settings that spectroscopy cannot have. The message names the setting and what fits."""


@dataclass(frozen=True, slots=True, eq=False)
class SpectroscopySettings:
    """The nodes under ``spectroscopy/``, times in samples at 2 GSa/s."""

    length: int
    delay: int = 0
    """From the trigger to the integration."""
    envelope: Complexes | None = None
    """None: the oscillator goes out as it is, before and after."""
    envelope_delay: int = 0
    gain: float = 1.0
    """Node ``oscs/0/gain``."""

    def __post_init__(self) -> None:
        """Refuse what spectroscopy cannot have: :class:`BadSpectroscopy`."""
        if not 1 <= self.length <= MAX_LENGTH:
            raise BadSpectroscopy(f"integration length {self.length}: 1 to {MAX_LENGTH} samples")
        for name, delay in (("integration", self.delay), ("envelope", self.envelope_delay)):
            if delay < 0 or delay % DELAY_STEP:
                raise BadSpectroscopy(
                    f"{name} delay {delay}: 0 or more, in steps of {DELAY_STEP} samples"
                )
        if self.envelope is not None:
            if not 1 <= len(self.envelope) <= MAX_ENVELOPE:
                raise BadSpectroscopy(
                    f"an envelope of {len(self.envelope)} samples: 1 to {MAX_ENVELOPE}"
                )
            if np.abs(self.envelope).max() > 1:
                raise BadSpectroscopy("the envelope leaves the unit circle")


def rms(amplitudes: Complexes) -> Complexes:
    """Return amplitudes of sines as results have them: volts, root mean square, which zhinst-utils
    (0.7.2, ``ShfSweeper.plot``, as its toolkit's examples do) makes into dBm at 50 ohms. ASSUMED:
    they are means over the integration and not sums: the vendor's sweeper takes them for volts."""
    return np.asarray(amplitudes / sqrt(2), np.complex128)


def power_density(results: Complexes, settings: SpectroscopySettings) -> Complexes:
    """Return what results become with ``psd/enable``: power per bandwidth, V^2/Hz, as the real
    part. ASSUMED: the squared magnitude times the time of integration."""
    density = np.abs(results) ** 2 * settings.length / SAMPLE_RATE_HZ
    return density.astype(np.complex128)
