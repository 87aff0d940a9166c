"""Describes contents of readout waveforms and integration weights, and makes their samples."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.layout import ceil
from podium.control.compilers.zurich.shapes import samples_at
from podium.control.program.conditions import Discriminator
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.zurich.awg_limits import SHF_RATE_HZ, WAVE_MIN
from podium.firmware_interfaces.zurich.program import IntegrationWeights, ReadoutWaveform

Values = TypeVar("Values", bound=Hashable)


@dataclass(frozen=True, slots=True)
class ReadoutPulse:
    """A pulse within a readout waveform."""

    waveform: Waveform
    at: int
    """Its first sample."""
    amplitude: float
    turns: float
    """Phase of its carrier at sample 0 of the readout waveform."""
    offset_hz: float
    """Its carrier about the local oscillator."""
    late_fs: int
    """By how much it begins later than its first sample, see ``starts``."""


@dataclass(frozen=True, slots=True)
class FramePulses:
    """All that one frame plays after one start: equal ones are stored once."""

    frame: str
    sounds: tuple[ReadoutPulse, ...]


@dataclass(frozen=True, slots=True)
class IntegrationWindow:
    """Describes one set of weights: equal ones are stored once."""

    frame: str
    at: int
    """First sample, from the begin of the integration."""
    samples: int
    turns: float
    """Phase of the carrier at the start of the channel."""
    offset_hz: float
    discriminator: Discriminator | None = None
    """Its rotation is in the weights, so that the real part of the sum is compared; also where a
    window of the same frame tells no results."""


def numbers_of(values: Iterable[Values], number: Callable[[Values], int]) -> list[int]:
    """Return the numbers of values, asked for once for each that differs: most do not."""
    known: dict[Values, int] = {}
    found: list[int] = []
    for one in values:
        if one not in known:
            known[one] = number(one)
        found.append(known[one])
    return found


def waveform_of(content: FramePulses, slot: int) -> ReadoutWaveform:
    """Return the samples of a readout waveform; raises :class:`DoesNotFit` beyond full scale."""
    shapes = [samples_at(one.waveform, SHF_RATE_HZ, one.late_fs) for one in content.sounds]
    ends = (one.at + len(shape) for one, shape in zip(content.sounds, shapes, strict=True))
    made = np.zeros(max(ceil(max(ends)), WAVE_MIN), np.complex128)
    for one, shape in zip(content.sounds, shapes, strict=True):
        each = one.at + np.arange(len(shape))
        turns = one.turns + one.offset_hz / SHF_RATE_HZ * each
        made[each] += one.amplitude * shape * np.exp(2j * np.pi * turns)
    peak = np.abs(made).max()
    if peak > 1 + 1e-9:
        raise DoesNotFit(
            f"{content.frame}: a readout waveform peaks at {peak:.4g} of full scale, at most 1; "
            "make what overlaps smaller"
        )
    return ReadoutWaveform(slot, content.frame, *_paths(made))


def weights_of(
    content: IntegrationWindow, slot: int, length: int, delay: int
) -> IntegrationWeights:
    """Return weights of ``length`` samples for an integration ``delay`` samples after the start."""
    made = np.zeros(length, np.complex128)
    each = content.at + np.arange(content.samples)
    turns = content.turns + content.offset_hz / SHF_RATE_HZ * (each + delay)
    rotation = content.discriminator.rotation_turns if content.discriminator else 0.0
    made[each] = np.exp(2j * np.pi * (rotation - turns))
    return IntegrationWeights(slot, content.frame, *_paths(made))


def _paths(samples: NDArray[np.complex128]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    return tuple(samples.real.tolist()), tuple(samples.imag.tolist())
