"""A cluster takes its 10 MHz from inside or outside, and reports a lost lock."""

from podium.sim_instruments.physics.clocks import LockState
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock


class Reference:
    """The switch between the internal and the external reference, and the state of the lock.

    ASSUMED: a cluster on a timing plane was set to the external reference by hand, and keeps it
    through a reset, not when it is switched off; a lock that was lost shows as PLL UNLOCKED, and
    as resolved once it is back, until the status is cleared.
    """

    def __init__(self, clock: ClusterClock) -> None:
        self._clock = clock.clock if isinstance(clock, TickCounter) else None
        self.external = self._clock is not None
        self._cleared_fs = 0

    def select(self, external: bool, now_fs: int) -> None:
        """Switch over; the clock locks anew, or runs by itself."""
        if external == self.external:
            return
        self.external = external
        if self._clock is None:
            return
        if external:
            self._clock.lock(now_fs)
        else:
            self._clock.lose(now_fs)

    def power_on(self, now_fs: int) -> None:
        """Run by itself, and remember nothing."""
        self.select(False, now_fs)
        self.clear(now_fs)

    def clear(self, now_fs: int) -> None:
        """Forget a lock that was lost and is back."""
        self._cleared_fs = now_fs

    def state(self, now_fs: int) -> tuple[str, tuple[str, ...]]:
        """Return the state of the system and its flags, in the words of the wire."""
        if self._clock is None or not self.external:
            return "OKAY", ()
        if self._clock.state(now_fs) is not LockState.LOCKED:
            return "ERROR", ("PLL UNLOCKED",)
        if self._clock.since_fs(now_fs) > self._cleared_fs:
            return "RESOLVED", ("PLL UNLOCKED",)
        return "OKAY", ()
