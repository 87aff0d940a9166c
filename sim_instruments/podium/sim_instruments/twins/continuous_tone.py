"""The tone at the connector of a microwave source without I/Q inputs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContinuousTone:
    """A tone as it leaves the connector."""

    frequency_hz: float
    power_dbm: float
    iq: bool = False
    """Its I and Q inputs modulate it: it has none."""
    lock: str = ""
    """Name of the present lock of its synthesiser."""
