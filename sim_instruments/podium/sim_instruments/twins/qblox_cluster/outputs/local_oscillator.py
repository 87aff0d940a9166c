"""The local oscillators of RF modules: they are locked to the cluster's clock, each by itself."""

from dataclasses import dataclass, replace

from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import Afe

POWER_ON_LO_HZ = 6_000_000_000
"""ASSUMED: the frequency of a local oscillator that nobody has set."""


@dataclass(slots=True)
class LocalOscillator:
    """One oscillator, as it is set.

    ASSUMED: it locks anew, to another phase, when it is set to another frequency and when it is
    switched on; setting what is set already leaves it alone.
    """

    place: str
    """``slot4.lo1``."""
    hz: int = POWER_ON_LO_HZ
    on: bool = True
    locks: int = 0
    """Of its own: those of the cluster's clock come on top."""

    def tune(self, hz: int) -> None:
        """Set the frequency."""
        self.locks += hz != self.hz
        self.hz = hz

    def switch(self, on: bool) -> None:
        """Switch it on or off."""
        self.locks += on and not self.on
        self.on = on

    def reset(self) -> None:
        """Return to what it is after power-on, in phase excepted."""
        self.tune(POWER_ON_LO_HZ)
        self.switch(True)

    @property
    def lock(self) -> str:
        """Return a name for its present lock, no other's."""
        return f"{self.place} #{self.locks}"


def with_phases(afe: Afe, clock: ClusterClock, start_tick: int, lock_tick: int) -> Afe:
    """Return ``afe`` with the phases of its oscillators at ``start_tick``, a run's time 0.

    Locks are those that rule at ``lock_tick``: one that comes later in the run is not seen in it.
    """
    turns = tuple(
        (hz * start_tick % 1_000_000_000 * 1e-9 + clock.lo_turns(lock, lock_tick)) % 1.0
        for hz, lock in zip(afe.lo_hz, afe.lo_locks, strict=True)
    )
    return replace(afe, lo_turns=turns)
