"""Describes the work of one quantum analyzer channel, and the places of its captures."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.results import ResultAvailability
from podium.control.compilers.zurich.steps import Steps
from podium.firmware_interfaces.zurich.program import IntegrationWeights, ReadoutWaveform


@dataclass(frozen=True, slots=True, eq=False)
class CaptureLocation:
    """Gives the place of a capture."""

    name: str
    frame: str
    slots: tuple[int, ...]
    entry: int
    samples: int
    rotation_turns: float = 0.0
    """By which its weights turn what they sum up."""
    threshold_v: float | None = None
    """None: it tells no results."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelReadout:
    """Describes the channel's work at all points."""

    steps: Steps
    waveforms: tuple[ReadoutWaveform, ...]
    weights: tuple[IntegrationWeights, ...]
    heard: tuple[CaptureLocation, ...]
    entries: int
    """Of the result logger, in a shot."""
    length: int
    """Samples that are integrated."""
    delay: int
    """From a start to the integration, in samples."""
    oscillators: Oscillators | None
    """That waveforms and weights ride on; None: their carriers are in them."""
    told: Mapping[str, ResultAvailability]
    """By capture: when and where its result can be heard."""
    first: int | None = None
    """When the first shot starts its first integration, from the multiple of 16 samples at or
    before the shot's begin; None: it listens to nothing."""
    thresholds: tuple[tuple[int, float], ...] = ()
    """By integrator that tells results: what its sum is compared with, V."""
