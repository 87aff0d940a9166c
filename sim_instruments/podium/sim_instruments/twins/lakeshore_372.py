"""Twin of the Lake Shore 372 AC resistance bridge."""

from collections.abc import Callable, Mapping

from podium.sim_instruments.twins.twin import IDLE, Horizon, Session


class LakeShore372:
    """A Lake Shore 372 whose channels read what ``reading(channel, now_fs)`` says, in kelvin."""

    def __init__(
        self, reading: Callable[[int, int], float], channels: Mapping[int, str], serial: str
    ) -> None:
        self._reading = reading
        self._channels = dict(channels)
        self._serial = serial

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's one port."""
        return {"scpi": 7777}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        raise NotImplementedError

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": 0, "unknown": 0, "unmeant": 0}
