"""Temperatures of a fridge at the times at which a box has measured them.

A box shows a reading that is older, where a scanner has moved on or a reading takes a while. A
fridge that is integrated in world time can be read for some time after it has passed
(:data:`.cryostat.plant.HISTORY_FS`), and no more after that: then the box shows what it has read
last, or, where it has read nothing yet, what is now.
"""

from collections.abc import Callable

Reading = Callable[[int, int], float]
"""Temperature (K) at a channel and a time (fs); ValueError: the fridge has passed that time."""


class FridgeReadings:
    """Reads a fridge and remembers the last reading of each channel."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._last: dict[int, tuple[int, float]] = {}
        self.now_fs = 0
        """World time, as the box has heard of it last."""

    def kelvin(self, channel: int, at_fs: int) -> float:
        """Return what ``channel`` was at ``at_fs``, K."""
        try:
            kelvin = self._reading(channel, at_fs)
        except ValueError:
            last = self._last.get(channel)
            if last is not None and last[0] <= at_fs:
                return last[1]
            kelvin = self._reading(channel, max(self.now_fs, at_fs))
        self._last[channel] = (at_fs, kelvin)
        return kelvin
