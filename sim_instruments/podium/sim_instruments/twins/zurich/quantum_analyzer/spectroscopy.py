"""Spectroscopy mode: one oscillator out, the same oscillator to integrate what comes in."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
    Integers,
)
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators, oscillator_turns

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


def sent(
    trace: Trace,
    oscillators: Oscillators,
    settings: SpectroscopySettings,
    trigger: int,
    samples: int,
) -> Complexes:
    """Return what goes out from a trigger on, shape (samples), full scale 1."""
    carrier = _carrier(trace, oscillators, trigger, samples) * settings.gain
    if settings.envelope is None:
        return carrier
    envelope = np.zeros(samples, np.complex128)
    part = envelope[settings.envelope_delay :]
    used = settings.envelope[: len(part)]
    part[: len(used)] = used
    return carrier * envelope


def integrate(
    records: Complexes,
    trace: Trace,
    oscillators: Oscillators,
    settings: SpectroscopySettings,
    triggers: Integers,
) -> Complexes:
    """Return the results, shape (triggers): the mean of record times conjugate oscillator.

    ``records`` has shape (triggers, samples) from each trigger on, in volts. ASSUMED: the mean and
    not the sum: the vendor's sweeper takes results for volts.
    """
    found = np.empty(len(triggers), np.complex128)
    for k, trigger in enumerate(triggers.tolist()):
        record = records[k, settings.delay : settings.delay + settings.length]
        carrier = _carrier(trace, oscillators, trigger + settings.delay, len(record))
        found[k] = np.sum(record * carrier.conj()) / settings.length
    return found


def rms(amplitudes: Complexes) -> Complexes:
    """Return amplitudes of sines as results have them: volts, root mean square, which zhinst-utils
    (0.7.2, ``ShfSweeper.plot``, as its toolkit's examples do) makes into dBm at 50 ohms."""
    return np.asarray(amplitudes / sqrt(2), np.complex128)


def power_density(results: Complexes, settings: SpectroscopySettings) -> Complexes:
    """Return what results become with ``psd/enable``: power per bandwidth, V^2/Hz, as the real
    part. ASSUMED: the squared magnitude times the time of integration."""
    density = np.abs(results) ** 2 * settings.length / SAMPLE_RATE_HZ
    return density.astype(np.complex128)


def _carrier(trace: Trace, oscillators: Oscillators, start: int, samples: int) -> Complexes:
    turns = oscillator_turns(trace, oscillators, OSCILLATOR, SAMPLE_RATE_HZ, start, start + samples)
    return np.asarray(np.exp(2j * np.pi * turns), np.complex128)
