"""The clock of a cluster: instants of the world and ticks of 1 ns, as the cluster counts them."""

import zlib
from typing import Protocol

from podium.firmware_interfaces.exact_time import FS_PER_NS

CYCLE_TICKS = 4
"""The clock of the sequence processors (q1simulator 1.3.4: 4 ns): starts, triggers and the common
start of ``wait_sync`` fall on it. ASSUMED: the trigger input is sampled with it."""
SUBS_PER_TICK = 2048
"""Fine units of the cluster's time: 1/2048 ns (qblox-instruments 1.4.1, ``time.py``)."""


class ClusterClock(Protocol):
    """Locates a cluster's ticks in the world: phase and frequency are the world's secret."""

    def to_ticks(self, at_fs: int) -> int:
        """Return the number of the first tick at or after a world instant."""
        ...

    def to_world(self, tick: int) -> int:
        """Return the instant of a tick: never before that of the tick before it."""
        ...

    def lo_turns(self, oscillator: str, tick: int) -> float:
        """Return by how much an oscillator is ahead of its frequency times the ticks, in turns.

        Constant during a lock; another one after each.
        """
        ...


class IdealClock:
    """Counts nanoseconds of TAI, and has never been locked anew."""

    def __init__(self, name: str = "") -> None:
        """``name`` tells its oscillators from those of others."""
        self._name = name

    def to_ticks(self, at_fs: int) -> int:
        """Return the number of the first tick at or after a world instant."""
        return -(-at_fs // FS_PER_NS)

    def to_world(self, tick: int) -> int:
        """Return the instant of a tick."""
        return tick * FS_PER_NS

    def lo_turns(self, oscillator: str, tick: int) -> float:
        """Return the phase that an oscillator has for ever."""
        return zlib.crc32(f"{self._name} {oscillator}".encode()) / 2**32


def next_cycle(clock: ClusterClock, at_fs: int) -> int:
    """Return the first tick at or after ``at_fs`` at which a cycle of the processors begins."""
    return -(-clock.to_ticks(at_fs) // CYCLE_TICKS) * CYCLE_TICKS


def subs(clock: ClusterClock, at_fs: int) -> int:
    """Return an instant in units of 1/2048 tick, floored."""
    tick = clock.to_ticks(at_fs)
    until_fs = clock.to_world(tick)
    if until_fs == at_fs:
        return tick * SUBS_PER_TICK
    from_fs = clock.to_world(tick - 1)
    return (tick - 1) * SUBS_PER_TICK + (at_fs - from_fs) * SUBS_PER_TICK // (until_fs - from_fs)


def world_of_subs(clock: ClusterClock, at_subs: int) -> int:
    """Return the world instant of a time in units of 1/2048 tick, floored to 1 fs."""
    tick, rest = divmod(at_subs, SUBS_PER_TICK)
    from_fs = clock.to_world(tick)
    if not rest:
        return from_fs
    return from_fs + (clock.to_world(tick + 1) - from_fs) * rest // SUBS_PER_TICK
