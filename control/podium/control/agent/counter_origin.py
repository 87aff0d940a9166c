"""Finds the time at which instruments began to count that know no time of day.

Found once from both clocks, read over networks, and kept with the epochs: as long as the counter
goes on from there it stays the same, to the femtosecond, whoever asks. How far it is off is in the
record of each start, and measured with the skew.
"""

from collections.abc import Mapping

from podium.control.agent.instruments import Instruments
from podium.control.agent.playback import CLOCK_S
from podium.firmware_interfaces.exact_time import FS_PER_MS
from podium.firmware_interfaces.tai import Tai

COUNTS_FROM = "counts from, fs"
"""The sign under which it is kept: where it moves, the epoch does."""
NEAR_FS = 500 * FS_PER_MS
"""A controller's time is TAI's if it is not further off. ASSUMED: whoever sets it does so better,
and what is finer shows in the record of each start."""
READINGS = 5
"""Of both clocks; those that took the least time count."""


class CounterOrigins:
    """Of the controllers that a trigger node starts; others have none."""

    def __init__(self, instruments: Instruments, planes: Mapping[str, str]) -> None:
        """``planes``: by controller, its trigger node."""
        self._instruments = instruments
        self._planes = planes
        self._agreed: dict[str, tuple[int, int]] = {}
        """Connection under which a controller received its origin, and that origin."""
        self._others: set[str] = set()
        """Controllers that tell the time themselves."""

    def signs(self, name: str) -> dict[str, int]:
        """Return what an instrument shows of its counter, by what was agreed last."""
        return {} if name not in self._agreed else {COUNTS_FROM: self._agreed[name][1]}

    async def agree(self, name: str, kept_fs: int) -> None:
        """Tell a controller when it began to count; once for each connection.

        ``kept_fs``: what was found before; 0: nothing. It stands if the counter still shows the
        time by it, and is found anew otherwise: then it was switched off meanwhile.
        """
        if name not in self._planes or name in self._others:
            return
        worker = self._instruments.any_worker(name)
        if self._agreed.get(name, (-1, 0))[0] == worker.health.connections > 0:
            return
        if not await worker.call("whether it counts from power-on", _counts, CLOCK_S):
            self._others.add(name)
            return
        connection = worker.health.connections
        found_fs = min([await self._reading(name) for _ in range(READINGS)])[1]
        known_fs = kept_fs or self._agreed.get(name, (0, 0))[1]
        origin_fs = known_fs if abs(known_fs - found_fs) <= NEAR_FS else found_fs
        origin = Tai.from_fs(origin_fs)
        await worker.call("origin", lambda box: box.count_from(origin), CLOCK_S)
        self._agreed[name] = connection, origin_fs

    async def _reading(self, name: str) -> tuple[int, int]:
        """Return how long reading both clocks has taken, and the instant of tick 0, fs."""
        plane = self._instruments.any_worker(self._planes[name])
        worker = self._instruments.any_worker(name)
        before: Tai = await plane.call("time", lambda box: box.now(), CLOCK_S)
        counted_fs: int = await worker.call("time", lambda box: box.counted_fs(), CLOCK_S)
        after: Tai = await plane.call("time", lambda box: box.now(), CLOCK_S)
        middle_fs = (before.total_fs + after.total_fs) // 2
        return after - before, middle_fs - counted_fs


def _counts(driver: object) -> bool:
    return hasattr(driver, "count_from")
