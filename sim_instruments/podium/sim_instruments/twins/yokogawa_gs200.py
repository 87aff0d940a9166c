"""Twin of the Yokogawa GS200 DC voltage and current source."""

from collections.abc import Mapping

from podium.sim_instruments.twins.twin import IDLE, Horizon, Session


class YokogawaGS200:
    """A GS200: a level, an output relay and a program that ramps the level."""

    def __init__(self, serial: str) -> None:
        self._serial = serial

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's one port."""
        return {"scpi": 7655}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        raise NotImplementedError

    def level_v(self, now_fs: int) -> float:
        """Return the voltage at the terminals: 0 when the output is off."""
        return 0.0

    def horizon(self, now_fs: int) -> Horizon:
        """Return when the running program ends."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": 0, "unknown": 0, "unmeant": 0}
