"""A controller's counter of ticks: where its ticks lie in the world."""

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.clocks import Clock


class TickCounter:
    """Counts ticks of a clock, 1 ns each unless told otherwise.

    The number of a tick is TAI's as the clock has it; where the ticks lie between those of TAI is
    the world's secret, and another one after each lock. The count never goes back.
    """

    def __init__(self, clock: Clock, period_fs: int = FS_PER_NS) -> None:
        self.clock = clock
        self._period_fs = period_fs

    def to_ticks(self, at_fs: int) -> int:
        """Return the number of the first tick at or after a world instant."""
        return self.clock.first_tick(at_fs, self._period_fs)

    def to_world(self, tick: int) -> int:
        """Return the instant of a tick: never before that of the tick before it."""
        return self.clock.tick_fs(tick, self._period_fs)

    def lo_turns(self, oscillator: str, tick: int) -> float:
        """Return by how much an oscillator is ahead of its frequency times the ticks, in turns.

        Drawn anew at each lock of the clock.
        """
        return self.clock.lo_phase_turns(oscillator, self.to_world(tick))
