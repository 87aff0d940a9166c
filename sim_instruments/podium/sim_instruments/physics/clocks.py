"""Clocks of controllers and of the timing plane: by how much they are wrong, at any instant.

An error is local time minus TAI, in femtoseconds. Locked, a clock is off by a constant that
each lock draws anew, by its delay's drift with temperature, and by phase noise; free, it runs
away with its oscillator's frequency error, ageing and temperature coefficient, from where the
lock was lost. All of it is a function of the instant asked about: nothing is stepped, and how
often one looks changes nothing. Random numbers are Philox's, keyed by world seed, clock and
lock or tick of time.

A trigger input samples with its clock: an edge counts at the next sample, and where the samples
lie between two edges of the reference is drawn at each lock, like the phases of local
oscillators.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise
from math import ceil, log, pi, sqrt
from typing import TYPE_CHECKING

from podium.firmware_interfaces.exact_time import FS_PER_S, FS_PER_US
from podium.sim_instruments.physics.clock_makes import ClockMake
from podium.sim_instruments.physics.counter_based_random import gaussian, key, uniform
from podium.sim_instruments.physics.room import Room

if TYPE_CHECKING:
    from podium.sim_instruments.physics.sum_of_cosines import SumOfCosines

WHITE_TICK_FS = FS_PER_US
"""White phase noise is another number each microsecond: band limit 500 kHz. ASSUMED."""
FLICKER_BAND_S = (10e-6, 1e5)
"""Shortest and longest period of flicker phase noise. ASSUMED: 10 us to a day."""
COSINES_PER_DECADE = 6
REACH_FS = 60 * FS_PER_S
"""No clock is ever further off."""
DRIFT_MAX = 1e-3
"""Share of a span by which clocks never drift apart in it: their slopes are below 1e-4."""
WHITE_REMEMBERED = 1024
"""Neighbouring instants have the same number."""
TICKS_REMEMBERED = 256
"""The same few (ends of what runs) are asked for at each message that comes."""


_white = lru_cache(WHITE_REMEMBERED)(gaussian)


class LockState(Enum):
    """The state of a clock's lock to its reference."""

    FREE = "free"
    LOCKING = "locking"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From one change of a lock to the next."""

    begun_fs: int
    state: LockState
    epoch: int
    error_fs: float
    """At its beginning, without noise; locked: without temperature too."""


@dataclass(frozen=True, slots=True)
class ClockErrors:
    """Errors that one clock keeps through all its locks."""

    offset_fs: float
    """Locked, beside what each lock draws anew."""
    frequency: float
    """Relative error of the free oscillator."""
    ageing_per_s: float
    """What that grows by each second."""
    delay_per_k_fs: float
    """Locked, what it is later for each kelvin of the room."""


@dataclass(frozen=True, slots=True)
class NoiseSource:
    """Phase noise of one clock as plain numbers."""

    white_fs: float
    """Standard deviation of white noise, which changes each WHITE_TICK_FS."""
    white_key: int
    """Of its random numbers, by number of the tick."""
    flicker_fs: float
    """Amplitude of each cosine."""
    flicker: tuple[tuple[int, float], ...]
    """Period, fs, and phase, turns, of each cosine."""


def draw_errors(seed: int, element: str, make: ClockMake) -> ClockErrors:
    """Draw one clock of a make; ``element`` names it in the world."""

    def normal(use: str) -> float:
        return gaussian(key(seed, element, use), 0)

    return ClockErrors(
        make.offset_fs * normal("offset"),
        make.frequency * normal("frequency"),
        make.ageing_per_s * normal("ageing"),
        make.delay_per_k_fs * (1.0 + make.delay_per_k_spread * normal("delay per kelvin")),
    )


class Clock:
    """One clock, from power-on to now. It is asked about the past as well as about now."""

    def __init__(
        self,
        seed: int,
        element: str,
        make: ClockMake,
        room: Room,
        errors: ClockErrors | None = None,
    ) -> None:
        """Return a clock that has been locked for ever; ``element`` names it in the world.

        ``errors``: those that it has; None: they are drawn.
        """
        self.make = make
        self.element = element
        self._seed = seed
        self._room = room
        self._errors = errors or draw_errors(seed, element, make)
        self._white_key = key(seed, element, "white")
        self._flicker = self._cosines()
        self._flicker_sum = _sum_of(self._flicker)
        self._stretches = [_Stretch(0, LockState.LOCKED, 0, self._lock_offset_fs(0))]
        self._reference: Clock | None = None
        self._changed = 0
        self._known_ticks: tuple[int, dict[tuple[int, int], int]] = (0, {})
        self._grid_phases_fs: dict[int, int] = {}
        """By epoch."""
        self._own_slope: float | None = None
        """Of its own flicker noise, at most."""
        self.on_lose: Callable[[int], object] = lambda at_fs: None
        """Is called with when it has lost its reference."""
        self.on_lock: Callable[[int, int], object] = lambda at_fs, takes_fs: None
        """Is called with when it has begun to lock, and how long that takes, fs."""

    def follow(self, reference: "Clock") -> None:
        """Take the ticks of ``reference``: locked, its errors are added to one's own.

        All of them, noise too (ASSUMED: the loop is as fast as the noise; slower is better).
        Its re-locks are not one's own: the epoch stays. Raises ValueError for a circle.
        """
        one: Clock | None = reference
        while one is not None:
            if one is self:
                raise ValueError(f"{self.element} cannot follow itself by {reference.element}")
            one = one._reference
        self._reference = reference
        self._known_ticks = (-1, {})

    def room_k(self, at_fs: int) -> float:
        """Return how much warmer than its mean the room is where it stands, K."""
        return self._room.deviation_k(at_fs)

    # --- lock -------------------------------------------------------------------------

    def lose(self, at_fs: int) -> None:
        """Lose the reference at ``at_fs``: the clock goes on with its own oscillator."""
        self._change(at_fs, LockState.FREE)
        self.on_lose(at_fs)

    def lock(self, at_fs: int, takes_fs: int | None = None) -> None:
        """Begin to lock at ``at_fs``; ``takes_fs`` later it is locked, in a new epoch.

        None: as long as its make takes.
        """
        if takes_fs is None:
            takes_fs = self.make.lock_fs
        if takes_fs < 0:
            raise ValueError(f"{self.element} cannot take {takes_fs} fs to lock")
        self._change(at_fs, LockState.LOCKING)
        epoch = self._stretches[-1].epoch + 1
        locked = _Stretch(at_fs + takes_fs, LockState.LOCKED, epoch, self._lock_offset_fs(epoch))
        self._stretches.append(locked)
        self._changed += 1
        self.on_lock(at_fs, takes_fs)

    def state(self, at_fs: int) -> LockState:
        """Return how it stands to its reference at ``at_fs``."""
        return self._stretch(at_fs).state

    def since_fs(self, at_fs: int) -> int:
        """Return when the state that it has at ``at_fs`` began."""
        return self._stretch(at_fs).begun_fs

    def epoch(self, at_fs: int) -> int:
        """Return the number of locks up to ``at_fs``, the first not counted."""
        return self._stretch(at_fs).epoch

    def losses(self, at_fs: int) -> int:
        """Return how often it was locked and then was not, up to ``at_fs``."""
        states = [one.state for one in self._stretches if one.begun_fs <= at_fs]
        locked = [one is LockState.LOCKED for one in states]
        return sum(one and not other for one, other in pairwise(locked))

    def held(self, from_fs: int, to_fs: int) -> bool:
        """Tell whether it was locked all the time, in one epoch."""
        first = self._stretch(from_fs)
        return first.state is LockState.LOCKED and first is self._stretch(to_fs)

    # --- time -------------------------------------------------------------------------

    def error_fs(self, at_fs: int) -> int:
        """Return local time minus TAI at ``at_fs``, fs."""
        return round(self._smooth_fs(at_fs) + self._noise_fs(at_fs))

    def noise_fs(self, at_fs: int) -> int:
        """Return the part of the error that is phase noise, fs: what a servo sees."""
        return round(self._noise_fs(at_fs))

    def noise_sources(self, at_fs: int) -> tuple["NoiseSource", ...]:
        """Return what its phase noise is made of: its own, and that of clocks it follows."""
        own = NoiseSource(self.make.white_fs, self._white_key, self._amplitude_fs, self._flicker)
        if self._reference is None or self.state(at_fs) is not LockState.LOCKED:
            return (own,)
        return (own, *self._reference.noise_sources(at_fs))

    def local_fs(self, at_fs: int) -> int:
        """Return what it shows at ``at_fs``."""
        return at_fs + self.error_fs(at_fs)

    def world_fs(self, local_fs: int) -> int:
        """Return when, in TAI, it acts on a time that it is to act at by its own reckoning.

        Where a lock has moved it on, it acts at once on what it has passed over; where it was
        set back, when it first came to it. So what is later by its reckoning is never earlier.
        """
        return self._solve_fs(lambda epoch: local_fs)

    def tick_fs(self, tick: int, period_fs: int) -> int:
        """Return when, in TAI, its counter of ``period_fs`` comes to ``tick``.

        Ticks lie off TAI's by the clock's error, and by where its grid lies since the last lock.
        """
        changes, known = self._known_ticks
        if changes != (now := self._changes()) or len(known) >= TICKS_REMEMBERED:
            known = {}
            self._known_ticks = (now, known)
        at_fs = known.get((tick, period_fs))
        if at_fs is None:
            at_fs = self._solve_fs(lambda epoch: tick * period_fs + self._grid_phase_fs(epoch))
            known[tick, period_fs] = at_fs
        return at_fs

    def first_tick(self, at_fs: int, period_fs: int) -> int:
        """Return the first tick of its counter at or after ``at_fs``, TAI."""
        phase_fs = self._grid_phase_fs(self._stretch(at_fs).epoch)
        if self._is_steady(at_fs):
            shown_fs = at_fs + round(self._smooth_fs(at_fs)) - phase_fs
            near = (2 * shown_fs + period_fs) // (2 * period_fs)
            later_fs = self.tick_fs(near, period_fs) - at_fs
            # The ticks next to it are a period off, but for a little.
            if abs(later_fs) < period_fs - self._wobble_fs(near, period_fs):
                return near if later_fs >= 0 else near + 1
        tick = -((phase_fs - self.local_fs(at_fs)) // period_fs)
        while self.tick_fs(tick, period_fs) < at_fs:
            tick += 1
        while self.tick_fs(tick - 1, period_fs) >= at_fs:
            tick -= 1
        return tick

    def captured_fs(self, edge_fs: int) -> int:
        """Return when, in TAI, its trigger input sees an edge that arrives at ``edge_fs``."""
        grid_fs = self.make.trigger_grid_fs
        return self.tick_fs(self.first_tick(edge_fs, grid_fs), grid_fs)

    def lo_phase_turns(self, oscillator: str, at_fs: int) -> float:
        """Return the phase that ``oscillator`` has against TAI since the last lock, in turns."""
        return self._uniform(f"phase of {oscillator}", self._stretch(at_fs).epoch)

    # --- how it comes about -----------------------------------------------------------

    def _wobble_fs(self, tick: int, period_fs: int) -> int:
        """Return by how much less than a period a tick is from those next to it, at most, fs."""
        nominal_fs = tick * period_fs + self._grid_phase_fs(self._stretches[-1].epoch)
        if (nominal_fs - period_fs) // WHITE_TICK_FS != (nominal_fs + period_fs) // WHITE_TICK_FS:
            return period_fs  # white noise is another: nothing is known
        return ceil(period_fs * (self._flicker_slope + DRIFT_MAX)) + 2  # what is rounded

    @property
    def _flicker_slope(self) -> float:
        """Return by how much flicker noise changes in an instant at most, that it follows too."""
        if self._own_slope is None:
            self._own_slope = self._amplitude_fs * sum(2 * pi / fs for fs, _ in self._flicker)
        followed = 0.0 if self._reference is None else self._reference._flicker_slope
        return self._own_slope + followed

    def _is_steady(self, at_fs: int) -> bool:
        """Tell whether no lock, its own or one that it follows, has changed near an instant."""
        near = self._stretch(at_fs - REACH_FS) is self._stretch(at_fs + REACH_FS)
        return near and (self._reference is None or self._reference._is_steady(at_fs))

    def _changes(self) -> int:
        """Return how often its lock, or that of a clock that it follows, has changed so far."""
        followed = 0 if self._reference is None else self._reference._changes()
        return self._changed + followed

    def _stretch(self, at_fs: int) -> _Stretch:
        return self._stretches[self._number_of_stretch(at_fs)]

    def _number_of_stretch(self, at_fs: int) -> int:
        last = len(self._stretches) - 1
        if self._stretches[last].begun_fs <= at_fs:  # as good as always
            return last
        return max(0, bisect_right(self._stretches, at_fs, key=lambda one: one.begun_fs) - 1)

    def _change(self, at_fs: int, state: LockState) -> None:
        present = self._stretch(at_fs)
        error_fs = self._smooth_fs(at_fs)
        settled = [one for one in self._stretches if one.begun_fs <= at_fs]
        undone = self._stretches[len(settled) :]
        if any(one.state is not LockState.LOCKED for one in undone):
            raise ValueError(
                f"the lock of {self.element} cannot change at {at_fs} fs: it has changed at "
                f"{undone[0].begun_fs} fs, and time does not go back"
            )
        self._stretches = [*settled, _Stretch(at_fs, state, present.epoch, error_fs)]
        self._changed += 1

    def _solve_fs(self, local_fs: Callable[[int], int]) -> int:
        """Return when it shows what ``local_fs`` says for an epoch, by the first lock that does."""
        nominal_fs = local_fs(self._stretches[-1].epoch)
        number = self._number_of_stretch(nominal_fs - REACH_FS)
        while True:
            since = self._stretches[number]
            wanted_fs = at_fs = local_fs(since.epoch)
            noise_fs = self._noise_fs(wanted_fs)
            for _ in range(3):  # slopes are below 1e-4: each round gains four digits
                before_fs = at_fs
                at_fs = wanted_fs - round(self._smooth_in(since, at_fs) + noise_fs)
                if at_fs == before_fs:
                    break
            number += 1
            if number == len(self._stretches) or at_fs < self._stretches[number].begun_fs:
                return max(at_fs, since.begun_fs)

    def _grid_phase_fs(self, epoch: int) -> int:
        phase_fs = self._grid_phases_fs.get(epoch)
        if phase_fs is None:
            phase_fs = int(self._uniform("sampling grid", epoch) * self.make.trigger_grid_fs)
            self._grid_phases_fs[epoch] = phase_fs
        return phase_fs

    def _smooth_fs(self, at_fs: int) -> float:
        """Return the error without noise."""
        return self._smooth_in(self._stretch(at_fs), at_fs)

    def _smooth_in(self, since: _Stretch, at_fs: int) -> float:
        """Return what it would be, had nothing changed after the beginning of ``since``."""
        if since.state is LockState.LOCKED:
            followed_fs = 0.0 if self._reference is None else self._reference._smooth_fs(at_fs)
            warm_fs = self._errors.delay_per_k_fs * self._room.deviation_k(at_fs)
            return since.error_fs + warm_fs + followed_fs
        span_s = (at_fs - since.begun_fs) / FS_PER_S
        warm = self.make.frequency_per_k * self._room.kelvin_seconds(since.begun_fs, at_fs)
        errors = self._errors
        ran_s = errors.frequency * span_s + 0.5 * errors.ageing_per_s * span_s**2 + warm
        return since.error_fs + ran_s * FS_PER_S

    def _noise_fs(self, at_fs: int) -> float:
        noise_fs = 0.0
        if self.make.white_fs:
            tick = at_fs // WHITE_TICK_FS
            noise_fs += self.make.white_fs * _white(self._white_key, tick)
        if self._flicker_sum is not None:
            noise_fs += self._amplitude_fs * self._flicker_sum.at(at_fs)
        if self._reference is not None and self.state(at_fs) is LockState.LOCKED:
            noise_fs += self._reference._noise_fs(at_fs)
        return noise_fs

    @property
    def _amplitude_fs(self) -> float:
        return self.make.flicker_fs * sqrt(2 / COSINES_PER_DECADE)

    def _cosines(self) -> tuple[tuple[int, float], ...]:
        """Return period (fs) and phase (turns) of each: even in the logarithm, as 1/f is."""
        if not self.make.flicker_fs:
            return ()
        shortest_s, longest_s = FLICKER_BAND_S
        count = round(COSINES_PER_DECADE * log(longest_s / shortest_s, 10))
        ratio = (longest_s / shortest_s) ** (1 / count)
        return tuple(
            (
                round(shortest_s * ratio ** (n + self._uniform("period", n)) * FS_PER_S),
                self._uniform("phase", n),
            )
            for n in range(count)
        )

    def _lock_offset_fs(self, epoch: int) -> float:
        drawn_fs = self.make.relock_window_fs * (self._uniform("lock", epoch) - 0.5)
        return self._errors.offset_fs + drawn_fs

    def _uniform(self, use: str, number: int) -> float:
        return uniform(key(self._seed, self.element, use), number)


def _sum_of(cosines: tuple[tuple[int, float], ...]) -> "SumOfCosines | None":
    """Return what adds them; a box on a bench has no flicker, and may have no numpy."""
    if not cosines:
        return None
    from podium.sim_instruments.physics.sum_of_cosines import SumOfCosines

    return SumOfCosines(cosines)
