"""Virtual time, and processes that can be frozen and killed. One thread; the same for a seed."""

import heapq
from collections import deque
from collections.abc import Callable

from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_S
from podium.firmware_interfaces.tai import Tai

Call = Callable[[], None]
EPOCH_S = 1_900_000_000
"""TAI at the beginning of a world."""


def ms(milliseconds: float) -> int:
    """Return femtoseconds."""
    return int(milliseconds * FS_PER_MS)


def tai(now_fs: int) -> Tai:
    return Tai.from_fs(EPOCH_S * FS_PER_S + now_fs)


def since_begin_fs(instant: Tai) -> int:
    return instant.total_fs - EPOCH_S * FS_PER_S


class Scheduler:
    """Calls what is due, in the order of times and, at the same time, of being asked."""

    def __init__(self) -> None:
        self.now_fs = 0
        self._due: list[tuple[int, int, Call]] = []
        self._asked = 0

    def at(self, time_fs: int, call: Call) -> None:
        self._asked += 1
        heapq.heappush(self._due, (max(time_fs, self.now_fs), self._asked, call))

    def after(self, delay_fs: int, call: Call) -> None:
        self.at(self.now_fs + delay_fs, call)

    def run(self, until_fs: int, enough: Callable[[], bool]) -> None:
        """Go on until ``until_fs``, or until it is ``enough``."""
        while self._due and self._due[0][0] <= until_fs and not enough():
            self.now_fs, _, call = heapq.heappop(self._due)
            call()
        if not enough():
            self.now_fs = max(self.now_fs, until_fs)


class Process:
    """What a process is to the others: it runs, is frozen (and does all of it later), or dead."""

    def __init__(self, scheduler: Scheduler, wall_offset_s: float) -> None:
        self.scheduler = scheduler
        self.alive = True
        self.frozen = False
        self.backlog: deque[Call] = deque()
        self._wall_offset_s = wall_offset_s

    def wall_s(self) -> float:
        """Monotonic time of this host: its zero means nothing to the others."""
        return self.scheduler.now_fs / FS_PER_S + self._wall_offset_s

    def post(self, call: Call) -> None:
        """Do it now, or when the process is thawed, or never."""
        if not self.alive:
            return
        if self.frozen:
            self.backlog.append(call)
        else:
            call()

    def later(self, delay_fs: int, call: Call) -> None:
        self.scheduler.after(delay_fs, lambda: self.post(call))

    def kill(self) -> None:
        self.alive = False
        self.backlog.clear()

    def freeze(self, lasting_fs: int) -> None:
        if self.alive and not self.frozen:
            self.frozen = True
            self.scheduler.after(lasting_fs, self.thaw)

    def thaw(self) -> None:
        self.frozen = False
        while self.backlog and self.alive and not self.frozen:
            self.backlog.popleft()()
