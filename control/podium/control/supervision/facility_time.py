"""Keeps the facility's time as readings tell it, and the host's where none does.

Pure: who calls says what the host's clock shows. Between two readings the time stands still, so
that nothing waits or ends by a time that nobody has read.
"""

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

TaiFs = tuple[int, int]


class FacilityTime:
    """The latest time that an instrument's readings were stamped with."""

    def __init__(self) -> None:
        self._now: Tai | None = None
        self._last: dict[str, Tai] = {}
        """By instrument: the stamp of its latest readings."""
        self.jumps = 0
        """How often the clock went back."""

    @property
    def told(self) -> bool:
        """Return whether a reading has told the time."""
        return self._now is not None

    def hear(self, instrument: str, stamp: TaiFs | None) -> None:
        """Take the stamp of an instrument's readings.

        Readings of several instruments may come in any order; one instrument's come in theirs, so
        an earlier stamp of the same one means that the clock was set back.
        """
        if stamp is None or not 0 <= stamp[1] < FS_PER_S:
            return
        told = Tai(*stamp)
        before = self._last.get(instrument)
        self._last[instrument] = told
        if before is not None and told < before:
            self.jumps += 1
            self._last = {instrument: told}
            self._now = told
        elif self._now is None or told > self._now:
            self._now = told

    def now(self, host_tai_s: float) -> TaiFs:
        """Return TAI in s and fs; ``host_tai_s``: the host's, where no reading told any."""
        now = self._now or Tai.from_fs(int(host_tai_s * 1e6) * (FS_PER_S // 1_000_000))
        return now.seconds, now.femtoseconds
