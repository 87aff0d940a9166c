"""The time of a cluster, and the captures that tell when something happened in it."""

from dataclasses import dataclass

from podium.sim_instruments.twins.qblox_cluster.cluster_clock import (
    SUBS_PER_TICK,
    ClusterClock,
    subs,
)

CMM = 0
"""Number of the CMM among the slots (qblox-instruments 1.4.1, ``CMM_SLOT_INDEX``)."""
PARTY_LINE = 0
"""Source of a capture: the line on which sequencers with ``sync_en`` meet."""
TRIGGER_INPUT = 1
"""Source of a capture on the CMM. ASSUMED: the one channel that a CMM has is its trigger input."""
REFERENCE_TICKS = 100
"""Period of the 10 MHz reference."""


@dataclass(slots=True)
class _Capture:
    """One capture unit, armed once."""

    source: int
    rising: bool
    to_reference: bool
    armed_fs: int
    captured_subs: int | None = None


class Timekeeping:
    """One counter for the whole cluster.

    ASSUMED: it counts from power-on; when the world begins somebody has set it to TAI.
    """

    def __init__(self, clock: ClusterClock) -> None:
        self._clock = clock
        self._adjusted_subs = 0
        self._captures: dict[int, _Capture] = {}

    def reset(self) -> None:
        """Forget all captures; the time goes on."""
        self._captures.clear()

    def power_on(self, now_fs: int) -> None:
        """Count from 0."""
        self.reset()
        self._adjusted_subs = -subs(self._clock, now_fs)

    def shown(self, at_subs: int) -> dict[str, int]:
        """Return an instant of the counter as the wire has it, adjusted."""
        ns, sub = divmod(at_subs + self._adjusted_subs, SUBS_PER_TICK)
        return {"ns": ns, "sub": sub}

    def now(self, now_fs: int) -> dict[str, int]:
        """Return the time."""
        return self.shown(subs(self._clock, now_fs))

    @property
    def adjusted_subs(self) -> int:
        """Return the sum of all adjustments of the counter so far."""
        return self._adjusted_subs

    def adjust(self, ns: int, sub: int) -> None:
        """Set the time forward (or back)."""
        self._adjusted_subs += ns * SUBS_PER_TICK + sub

    def arm(self, slot: int, source: int, rising: bool, to_reference: bool, now_fs: int) -> None:
        """Wait for the next event of a source; what the unit held is forgotten."""
        self._captures[slot] = _Capture(source, rising, to_reference, now_fs)

    def event(self, slot: int, source: int, at_fs: int, at_subs: int, rising: bool) -> None:
        """Let something happen that the unit of ``slot`` may wait for.

        ASSUMED: bound to the reference, a capture holds the next edge of the 10 MHz.
        """
        unit = self._captures.get(slot)
        if unit is None or unit.captured_subs is not None:
            return
        if unit.source != source or unit.rising != rising or at_fs < unit.armed_fs:
            return
        step = REFERENCE_TICKS * SUBS_PER_TICK
        unit.captured_subs = -(-at_subs // step) * step if unit.to_reference else at_subs

    def party_line(self, at_fs: int, tick: int) -> None:
        """Let the party line be released. ASSUMED: that is its rising edge."""
        for slot in tuple(self._captures):
            self.event(slot, PARTY_LINE, at_fs, tick * SUBS_PER_TICK, rising=True)

    def captured(self, slot: int) -> dict[str, int] | None:
        """Return what the unit of ``slot`` holds, None: nothing since it was armed."""
        unit = self._captures.get(slot)
        if unit is None or unit.captured_subs is None:
            return None
        return self.shown(unit.captured_subs)
