"""Twin of the Rohde & Schwarz SGS100A SGMA RF source."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.sim_instruments.twins.twin import IDLE, Horizon, Session


@dataclass(frozen=True, slots=True)
class Tone:
    """What leaves the RF connector."""

    frequency_hz: float
    power_dbm: float
    iq: bool
    """The I/Q modulator is on: the tone is what I and Q make of it."""


class RohdeSchwarzSGS100A:
    """An SGS100A: one tone, with or without its I/Q modulator."""

    def __init__(self, serial: str) -> None:
        self._serial = serial

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's one port."""
        return {"scpi": 5025}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        raise NotImplementedError

    def tone(self, now_fs: int) -> Tone | None:
        """Return the tone at the RF connector, or None when the RF output is off."""
        return None

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": 0, "unknown": 0, "unmeant": 0}
