"""The clocks of a laboratory's instruments: what they count, and the phases that follow from it."""

from collections.abc import Callable, Mapping

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.clock_makes import CONTROLLER, SOURCE, ClockMake
from podium.sim_instruments.physics.clocks import Clock, ClockErrors
from podium.sim_instruments.physics.oscillators import turns_of
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.physics.timing_design import TimingDesign
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import IdealClock
from podium.sim_instruments.wiring import Carrier


class InstrumentClocks:
    """Makes the clocks of a facility's instruments, each when it is first asked for."""

    def __init__(
        self, seed: int, timing: TimingDesign, room: Room, errors: Mapping[str, ClockErrors]
    ) -> None:
        """``errors``: of the world's clocks, by instrument; others are drawn from their make."""
        self._seed, self._timing, self._room, self._errors = seed, timing, room, errors
        self.clocks: dict[str, Clock] = {}
        """Those that were made, by instrument."""
        self.counters: dict[str, TickCounter] = {}
        """Those that the timing plane starts, by instrument."""

    def clock_of(self, name: str, make: ClockMake) -> Clock:
        """Return the clock of an instrument; it is made when first asked for.

        ``make``: its model's; the facility's timing may have a better one in the box.
        """
        if name not in self.clocks:
            errors = self._errors.get(name)
            make = self._timing.clocks.get(name, make)
            self.clocks[name] = Clock(self._seed, name, make, self._room, errors)
        return self.clocks[name]

    def counter(self, name: str) -> TickCounter | None:
        """Return the counter of a controller that the timing plane starts."""
        if name in {cable.sink[0] for cable in self._timing.triggers}:
            return self.counters.setdefault(name, TickCounter(self.clock_of(name, CONTROLLER)))
        return None

    def own_clock(self, name: str) -> Clock | None:
        """Return the clock of a microwave source that is in a domain of its own."""
        make = self._timing.clocks.get(name)
        return self.clock_of(name, make) if make is SOURCE else None

    def carrier_turns(self, instrument: str, at_fs: int, source: str, carrier: Carrier) -> float:
        """Return the phase that a microwave source has at the start of a run.

        ASSUMED: a source that is in no clock domain takes its 10 MHz from the controller whose
        signals it carries. What its phase does against that controller's during a run is left out.
        """
        lock = f"{source} {carrier.lock}"
        clock = self.clocks.get(source)
        if clock is not None:
            turns = turns_of(carrier.frequency_hz, clock.local_fs(at_fs))
            return (turns + clock.lo_phase_turns(lock, at_fs)) % 1.0
        counter = self.counters.get(instrument) or IdealClock(instrument)
        tick = counter.to_ticks(at_fs)
        turns = turns_of(carrier.frequency_hz, tick * FS_PER_NS)
        return (turns + counter.lo_turns(lock, tick)) % 1.0

    def instants(self, instrument: str, start_fs: int) -> Callable[[int], int]:
        """Return what tells the world instant of a nanosecond of a run that starts at ``start_fs``.

        It is kept for as long as a record of the run is: it holds nothing of its signals.
        """
        counter = self.counters.get(instrument)
        if counter is None:
            return lambda ns: start_fs + ns * FS_PER_NS
        begin = counter.to_ticks(start_fs)
        return lambda ns: counter.to_world(begin + ns)
