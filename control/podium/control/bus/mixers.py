"""Defines messages for calibrating mixers: a request for ports, and its findings."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CalibrateMixers:
    """Let the owners of these ports' outputs calibrate the outputs' mixers.

    Ends with ``MixersCalibrated``.
    """

    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MixerFound:
    """Carries the settings of one output's mixer since it was calibrated."""

    offset_i_v: float
    offset_q_v: float
    gain_ratio: float
    phase_rad: float


@dataclass(frozen=True, slots=True)
class MixersCalibrated:
    """The mixers of all ports that were asked for are calibrated."""

    found: Mapping[str, MixerFound]
    """By output: ``cluster_a.slot4.out0``."""
