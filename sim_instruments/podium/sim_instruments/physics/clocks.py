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
from dataclasses import dataclass
from enum import Enum
from math import cos, log, pi, sqrt

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, FS_PER_US
from podium.sim_instruments.physics.noise import gaussians, key, uniform
from podium.sim_instruments.physics.room import Room

PS = 1_000  # fs
WHITE_TICK_FS = FS_PER_US
"""White phase noise is another number each microsecond: band limit 500 kHz. ASSUMED."""
FLICKER_BAND_S = (10e-6, 1e5)
"""Shortest and longest period of flicker phase noise. ASSUMED: 10 us to a day."""
COSINES_PER_DECADE = 6


class LockState(Enum):
    """How a clock stands to its reference."""

    FREE = "free"
    LOCKING = "locking"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class ClockMake:
    """What clocks of one make have in common; single clocks are drawn from it."""

    offset_fs: float = 0.0
    """Standard deviation of the constant offset between clocks of this make."""
    relock_window_fs: int = 0
    """Each lock ends up somewhere within this window, evenly."""
    delay_per_k_fs: float = 0.0
    """What a locked clock is later for each kelvin of the room."""
    white_fs: float = 0.0
    """White phase noise, rms."""
    flicker_fs: float = 0.0
    """Flicker phase noise (spectrum 1/f), rms in each decade of frequency."""
    frequency: float = 0.0
    """Standard deviation of the free oscillator's relative frequency error."""
    ageing_per_s: float = 0.0
    """What its relative frequency error grows by each second, standard deviation."""
    frequency_per_k: float = 0.0
    """What its relative frequency error is more for each kelvin of the room."""
    trigger_grid_fs: int = 4 * FS_PER_NS
    """Spacing of the samples that its trigger inputs take."""
    lock_fs: int = 10 * FS_PER_S
    """How long it takes to lock. ASSUMED."""


WHITE_RABBIT = ClockMake(
    offset_fs=20 * PS,  # ASSUMED: calibration of fixed delays
    relock_window_fs=20 * PS,  # ASSUMED: phase measurement repeats to some 10 ps
    delay_per_k_fs=1 * PS,  # ASSUMED
    white_fs=13 * PS,  # facts/distributed: 13 ps rms, default switch (low-jitter paper)
    flicker_fs=1 * PS,  # ASSUMED
    frequency=1e-9,  # ASSUMED: holdover, in which the loop's last setting stays
    frequency_per_k=1e-8,  # ASSUMED
    ageing_per_s=3e-14,  # ASSUMED: 1 ppm a year
    trigger_grid_fs=8 * FS_PER_NS,  # 125 MHz, clock of White Rabbit's gateware
)
WHITE_RABBIT_LOW_JITTER = ClockMake(
    offset_fs=20 * PS,
    relock_window_fs=20 * PS,
    delay_per_k_fs=1 * PS,
    white_fs=180.0,  # facts/distributed: 0.18 ps with the low-jitter daughterboard
    flicker_fs=50.0,  # ASSUMED
    frequency=1e-9,
    frequency_per_k=1e-8,
    ageing_per_s=3e-14,
    trigger_grid_fs=8 * FS_PER_NS,
)
CONTROLLER = ClockMake(
    offset_fs=500 * PS,  # ASSUMED: clock tree, box to box
    relock_window_fs=4 * FS_PER_NS,  # ASSUMED: one period of a 250 MHz clock out of 10 MHz
    delay_per_k_fs=3 * PS,  # ASSUMED
    white_fs=2 * PS,  # ASSUMED
    flicker_fs=0.3 * PS,  # ASSUMED
    frequency=1e-6,  # ASSUMED: internal TCXO
    frequency_per_k=5e-8,  # ASSUMED
    ageing_per_s=3e-14,  # ASSUMED: 1 ppm a year
)
RUBIDIUM = ClockMake(
    # Locked it is right by definition: all the laboratory's time comes from it.
    white_fs=5 * PS,  # ASSUMED
    flicker_fs=2 * PS,  # ASSUMED
    frequency=1e-8,  # ASSUMED: its crystal, when the lock is lost
    frequency_per_k=1e-9,  # ASSUMED
    ageing_per_s=3e-15,  # ASSUMED
    lock_fs=60 * FS_PER_S,  # ASSUMED: warm; from cold it takes six minutes
)


@dataclass(frozen=True, slots=True)
class Cable:
    """A cable of the timing plane."""

    length_m: float
    per_m_fs: float = 5_000 * PS
    """Delay of a metre; polyethylene coaxial cable has about 5 ns."""
    per_k: float = 5e-5
    """Relative change of the delay with temperature. ASSUMED."""

    def delay_fs(self, room: Room, at_fs: int) -> int:
        """Return how long a signal that goes in at ``at_fs`` is on its way."""
        nominal_fs = self.length_m * self.per_m_fs
        return round(nominal_fs * (1.0 + self.per_k * room.deviation_k(at_fs)))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From one change of a lock to the next."""

    begun_fs: int
    state: LockState
    epoch: int
    error_fs: float
    """At its beginning, without noise; locked: without temperature too."""


class Clock:
    """One clock, from power-on to now. It is asked about the past as well as about now."""

    def __init__(self, seed: int, element: str, make: ClockMake, room: Room) -> None:
        """Draw a clock that has been locked for ever; ``element`` names it in the world."""
        self.make = make
        self.element = element
        self._seed = seed
        self._room = room
        self._frequency = make.frequency * self._gaussian("frequency", 0)
        self._ageing = make.ageing_per_s * self._gaussian("ageing", 0)
        self._white_key = key(seed, element, "white")
        self._flicker = self._cosines()
        self._stretches = [_Stretch(0, LockState.LOCKED, 0, self._lock_offset_fs(0))]
        self._reference: Clock | None = None

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

    # --- lock -------------------------------------------------------------------------

    def lose(self, at_fs: int) -> None:
        """Lose the reference at ``at_fs``: the clock goes on with its own oscillator."""
        self._change(at_fs, LockState.FREE)

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

    def state(self, at_fs: int) -> LockState:
        """Return how it stands to its reference at ``at_fs``."""
        return self._stretch(at_fs).state

    def since_fs(self, at_fs: int) -> int:
        """Return when the state that it has at ``at_fs`` began."""
        return self._stretch(at_fs).begun_fs

    def epoch(self, at_fs: int) -> int:
        """Return the number of locks up to ``at_fs``, the first not counted."""
        return self._stretch(at_fs).epoch

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

    def local_fs(self, at_fs: int) -> int:
        """Return what it shows at ``at_fs``."""
        return at_fs + self.error_fs(at_fs)

    def world_fs(self, local_fs: int) -> int:
        """Return when, in TAI, it acts on a time that it is to act at by its own reckoning."""
        noise_fs = self._noise_fs(local_fs)
        at_fs = local_fs
        for _ in range(3):  # slopes are below 1e-4: each round gains four digits
            at_fs = local_fs - round(self._smooth_fs(at_fs) + noise_fs)
        return at_fs

    def captured_fs(self, edge_fs: int) -> int:
        """Return when, in TAI, its trigger input sees an edge that arrives at ``edge_fs``."""
        grid_fs = self.make.trigger_grid_fs
        epoch = self._stretch(edge_fs).epoch
        phase_fs = int(self._uniform("sampling grid", epoch) * grid_fs)
        samples = -((phase_fs - self.local_fs(edge_fs)) // grid_fs)
        return self.world_fs(samples * grid_fs + phase_fs)

    def lo_phase_turns(self, oscillator: str, at_fs: int) -> float:
        """Return the phase that ``oscillator`` has against TAI since the last lock, in turns."""
        return self._uniform(f"phase of {oscillator}", self._stretch(at_fs).epoch)

    # --- how it comes about -----------------------------------------------------------

    def _stretch(self, at_fs: int) -> _Stretch:
        number = bisect_right(self._stretches, at_fs, key=lambda one: one.begun_fs)
        return self._stretches[max(0, number - 1)]

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

    def _smooth_fs(self, at_fs: int) -> float:
        """Return the error without noise."""
        since = self._stretch(at_fs)
        if since.state is LockState.LOCKED:
            followed_fs = 0.0 if self._reference is None else self._reference._smooth_fs(at_fs)
            warm_fs = self.make.delay_per_k_fs * self._room.deviation_k(at_fs)
            return since.error_fs + warm_fs + followed_fs
        span_s = (at_fs - since.begun_fs) / FS_PER_S
        warm = self.make.frequency_per_k * self._room.kelvin_seconds(since.begun_fs, at_fs)
        ran_s = self._frequency * span_s + 0.5 * self._ageing * span_s**2 + warm
        return since.error_fs + ran_s * FS_PER_S

    def _noise_fs(self, at_fs: int) -> float:
        noise_fs = 0.0
        if self.make.white_fs:
            tick = at_fs // WHITE_TICK_FS
            noise_fs += self.make.white_fs * float(gaussians(self._white_key, tick, 1)[0].real)
        for period_fs, phase in self._flicker:
            turns = at_fs % period_fs / period_fs + phase
            noise_fs += self._amplitude_fs * cos(2 * pi * turns)
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
        constant_fs = self.make.offset_fs * self._gaussian("offset", 0)
        return constant_fs + self.make.relock_window_fs * (self._uniform("lock", epoch) - 0.5)

    def _gaussian(self, use: str, number: int) -> float:
        return float(gaussians(key(self._seed, self.element, use), number, 1)[0].real)

    def _uniform(self, use: str, number: int) -> float:
        return uniform(key(self._seed, self.element, use), number)
