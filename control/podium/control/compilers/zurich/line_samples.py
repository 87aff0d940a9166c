"""Undoes in samples what a flux line does to pulses, where no filter of the instrument is set.

Each pulse is made such that what arrives while it lasts is what the program means: the line's
response to what was played before in the pulse is taken away, ns by ns. What the line still brings
after the pulse is left: no sample is played there. Podium sets no precompensation of an HDAWG.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.line_inverse import step_means
from podium.control.compilers.placing import PlacedPulse
from podium.control.facility.line_response import LineResponse
from podium.control.program.envelopes import sample_envelope
from podium.control.program.waveforms import Sampled, Waveform

LONGEST_NS = 4096
"""A longer pulse takes too many samples."""
LEFT_FROM_NS = 5


def corrected_pulse(where: str, placed: PlacedPulse, response: LineResponse) -> PlacedPulse:
    """Return a pulse that arrives as ``placed`` is meant, while it lasts.

    Raises :class:`DoesNotFit` for one with a carrier or a phase, one that is too long, and one that
    would be beyond full scale.
    """
    carrier = placed.carrier
    if carrier.frequency_hz.any() or carrier.turns.any() or placed.turned:
        raise DoesNotFit(
            f"{where}: an HDAWG's line is corrected in samples, without a carrier or a phase"
        )
    if placed.waveform.duration_fs > LONGEST_NS * 1_000_000:
        raise DoesNotFit(
            f"{where}: a pulse of {placed.waveform.duration_fs / 1e6:g} ns; an HDAWG's line is "
            f"corrected in samples, up to {LONGEST_NS} ns of a pulse"
        )
    waveform, height = _corrected(placed.waveform, response)
    highest = float(np.abs(placed.amplitude).max()) * height
    if highest > 1:
        raise DoesNotFit(
            f"{where}: corrected for its line it reaches {highest:.4g} of full scale, at most 1: "
            f"lower its amplitude to {1 / height:.4g}, or the line's attenuation"
        )
    return replace(placed, waveform=waveform, amplitude=placed.amplitude * height)


def left_after(response: LineResponse) -> float:
    """Return how much of a step is left after it at most, from 5 ns on: nothing undoes that."""
    return float(np.abs(arriving(response, LONGEST_NS)[LEFT_FROM_NS:] - 1).max())


def arriving(response: LineResponse, count: int) -> NDArray[np.float64]:
    """Return the means over each ns of what arrives of a step through all, shape (count,)."""
    means = step_means(response, count)
    if response.high_pass_s is None:
        return means
    faded = np.exp(-(np.arange(count) + 0.5) * 1e-9 / response.high_pass_s)
    return np.asarray(np.convolve(np.diff(means, prepend=0.0), faded)[:count])


@lru_cache(maxsize=256)
def _corrected(waveform: Waveform, response: LineResponse) -> tuple[Sampled, float]:
    """Return samples of height 1 at most, and by what they are to be multiplied."""
    meant = sample_envelope(waveform).real
    impulse = np.diff(arriving(response, len(meant)), prepend=0.0)
    if impulse[0] <= 0:
        raise DoesNotFit(f"nothing arrives at first of a step behind {response}")
    played = np.empty(len(meant))
    for n in range(len(meant)):
        played[n] = (meant[n] - np.dot(played[:n], impulse[n:0:-1])) / impulse[0]
    height = max(1.0, float(np.abs(played).max()))
    return Sampled((played / height).tolist()), height
