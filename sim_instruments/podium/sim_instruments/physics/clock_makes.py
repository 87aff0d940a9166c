"""Makes of clocks, with their spreads and noises, and the cables between them.

Single clocks are drawn from a make: :mod:`podium.sim_instruments.physics.clocks`.
"""

from dataclasses import dataclass

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.sim_instruments.physics.room import Room

PS = 1_000  # fs


@dataclass(frozen=True, slots=True)
class ClockMake:
    """Clocks of one make share these spreads; single clocks are drawn from them."""

    offset_fs: float = 0.0
    """Standard deviation of the constant offset between clocks of this make."""
    relock_window_fs: int = 0
    """Each lock ends up somewhere within this window, evenly."""
    delay_per_k_fs: float = 0.0
    """What a locked clock is later for each kelvin of the room, in the mean of the make."""
    delay_per_k_spread: float = 0.0
    """Standard deviation of that from box to box, as a share of it: what is left of the room in
    the skew of two boxes of one make."""
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
    delay_per_k_spread=0.5,  # ASSUMED
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
    delay_per_k_spread=0.5,
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
    delay_per_k_spread=0.5,  # ASSUMED
    white_fs=2 * PS,  # ASSUMED
    flicker_fs=0.3 * PS,  # ASSUMED
    frequency=1e-6,  # ASSUMED: internal TCXO
    frequency_per_k=5e-8,  # ASSUMED
    ageing_per_s=3e-14,  # ASSUMED: 1 ppm a year
)
SOURCE = ClockMake(
    # Microwave source on an external 10 MHz: its time counts only as the phase of its tone.
    delay_per_k_fs=1 * PS,  # ASSUMED
    delay_per_k_spread=0.5,  # ASSUMED
    white_fs=20.0,  # ASSUMED
    flicker_fs=10.0,  # ASSUMED
    frequency=1e-7,  # ASSUMED: internal crystal oscillator
    frequency_per_k=1e-9,  # ASSUMED
    ageing_per_s=1e-14,  # ASSUMED: 0.3 ppm a year
    lock_fs=FS_PER_S,  # ASSUMED
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
