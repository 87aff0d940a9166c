"""Defines the timing plane as a frozen value: triggers, markers, result lines, references."""

from dataclasses import dataclass, field

from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.frozen_map import FrozenMap
from podium.firmware_interfaces.exact_time import FS_PER_S


@dataclass(frozen=True, slots=True)
class CableDelay:
    """Gives a cable's delay, as far as the laboratory knows."""

    value_s: float
    sigma_s: float
    """One standard deviation, >= 0."""

    @property
    def value_fs(self) -> int:
        """The delay in whole fs."""
        return round(self.value_s * FS_PER_S)

    @property
    def sigma_fs(self) -> float:
        """One standard deviation, fs."""
        return self.sigma_s * FS_PER_S


@dataclass(frozen=True, slots=True)
class TriggerWiring:
    """Names the trigger output that starts one controller."""

    output: ConnectorRef
    """Of the timing plane."""
    input: ConnectorRef
    """Of the controller."""
    event: str
    """The event message that raises the output."""
    delay: CableDelay


@dataclass(frozen=True, slots=True)
class MarkerWiring:
    """One node's way to the common time tagger."""

    node: str
    output: ConnectorRef
    input: ConnectorRef
    delay: CableDelay


@dataclass(frozen=True, slots=True)
class ResultLine:
    """A cable that carries results from one controller to another, one bit at a time."""

    name: str
    output: ConnectorRef
    """A marker of the controller that measures."""
    input: ConnectorRef
    """An input of the controller that acts."""
    delay: CableDelay


@dataclass(frozen=True, slots=True)
class PhaseReference:
    """Names what holds the phases of the nodes' microwaves together."""

    clock: str
    jitter_s: float
    """Rms, of the clock of one node against that of another."""

    def phase_deg(self, frequency_hz: float) -> float:
        """Return the rms phase that its jitter makes at ``frequency_hz``: 360 f sigma, degrees."""
        return 360 * frequency_hz * self.jitter_s


@dataclass(frozen=True, slots=True)
class TimingPlane:
    """All of it; empty where each controller starts by itself."""

    phase_reference: PhaseReference | None = None
    triggers: FrozenMap[str, TriggerWiring] = field(default_factory=FrozenMap)
    """By controller."""
    markers: FrozenMap[str, MarkerWiring] = field(default_factory=FrozenMap)
    """By node."""
    result_lines: FrozenMap[str, ResultLine] = field(default_factory=FrozenMap)
    """By name."""
