"""Small Protocols state what control asks of hardware; a driver has those that its box can play.

All methods block and are called from one worker thread, one at a time. The one
exception is ``close``: it may be called from another thread while a call hangs,
and that call then raises.

A channel is the connector's name within its instrument (``slot6.out2``,
``mixing_chamber``), and the empty string where the instrument has one output only.
Every method raises the errors of :mod:`podium.drivers.errors`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from podium.drivers.channel_readings import ChannelReadings
from podium.firmware_interfaces.tai import Tai

Artifact = TypeVar("Artifact", contravariant=True)
"""What a sequencer of one family loads, e.g. a ``ClusterProgram``."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """An instrument identifies itself by these."""

    vendor: str
    model: str
    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Tone:
    """A continuous tone of a microwave source."""

    frequency_hz: float
    power_dbm: float
    modulated: bool
    """Whether the IQ modulation inputs act on it."""
    on: bool
    """Whether it leaves the connector."""


@dataclass(frozen=True, slots=True)
class Examination:
    """An instrument reports this of itself, beyond its identity."""

    options: tuple[str, ...] = ()
    """What is fitted, in the maker's words."""
    modules: Mapping[int, str] = field(default_factory=dict)
    """Of a modular box, slot: kind."""
    module_firmware: Mapping[int, str] = field(default_factory=dict)
    reference: str = ""
    """``internal`` or ``external``: where its clock takes its ticks; empty: it does not say."""
    complaints: tuple[str, ...] = ()
    """What it reports as wrong with itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Acquired:
    """One capture of a program brought back these values."""

    i: NDArray[np.float64]
    """In-phase mean over the window, V at the input connector; NaN where nothing was acquired."""
    q: NDArray[np.float64]
    """Quadrature, V; same shape."""
    counts: NDArray[np.int64]
    """How many acquisitions were averaged in each bin; same shape."""
    trace: NDArray[np.complex128] | None = None
    """Raw trace (averaged by the hardware, if at all), V, 1 ns a sample; None: not asked for."""
    out_of_range: bool = False
    """Whether the input clipped while the raw trace was taken."""
    results: NDArray[np.float64] | None = None
    """Share of results that were 1 in each bin; NaN where nothing was acquired; None: no
    discriminator."""
    clicks: bool = False
    """Of a window of a time tagger: ``i`` is how many edges came in it, ``q`` how long after its
    opening the first one did, s (NaN: none)."""


@dataclass(frozen=True, slots=True, eq=False)
class Tags:
    """The windows of one acquisition of a time tagger held these; all arrays have shape (bins,)."""

    windows: NDArray[np.int64]
    """How many windows were put into each bin; 0: nothing else of the bin means anything."""
    counts: NDArray[np.int64]
    """Edges in all of them together."""
    delta_fs: NDArray[np.int64]
    """Mean time from the window's reference to the tag, fs."""
    above: NDArray[np.int64]
    """In how many of them the count met the threshold."""


class Instrument(Protocol):
    """Every driver has this role. Constructing one connects, and connecting only reads."""

    def identity(self) -> Identity:
        """Return who answers."""
        ...

    def snapshot(self) -> Mapping[str, object]:
        """Return the settings by name, read in one round trip where the protocol allows it."""
        ...

    def close(self) -> None:
        """Close the connection, from whatever thread; outputs stay as they are. Idempotent."""
        ...


class ShowsClock(Protocol):
    """An instrument that shows what became of its clock."""

    def clock_signs(self) -> Mapping[str, int]:
        """Return readings that change whenever its clock was reset or locked anew.

        How often it has booted, how often it has lost its lock: not what changes otherwise. A
        new connection changes nothing of it.
        """
        ...


class LooksBehind(ShowsClock, Protocol):
    """One that shows what became of its clock in the packet of what it is asked before that."""

    def signs_behind(self, ask: Callable[[Self], T]) -> tuple[T, Mapping[str, int]]:
        """Return what ``ask`` returns, called with it, and :meth:`clock_signs` as after that."""
        ...


@dataclass(frozen=True, slots=True)
class ClockHistory:
    """Holds what became of a clock, as its instrument keeps it."""

    signs: Mapping[str, int]
    """As :meth:`ShowsClock.clock_signs` has them."""
    disturbed: bool
    """Whether its clock was reset or locked anew since it was told to forget that."""


class KeepsDisturbance(Protocol):
    """An instrument that does not count, but keeps it that its clock was disturbed."""

    def clock_history(self) -> ClockHistory:
        """Return what it shows of its clock, in as few round trips as it can.

        Looking changes nothing. Raises ``Refused`` while its clock is not locked.
        """
        ...

    def forget_disturbance(self) -> None:
        """Let it forget: what it has shown is written down elsewhere."""
        ...


class HasReadings(Protocol):
    """An instrument that measures all the time. Reading sets nothing and disturbs no run."""

    def readings(self) -> Mapping[str, tuple[float, str]]:
        """Return what it reads now by channel: value and unit, in few round trips.

        In SI units; what is switched reads 1 or 0, of unit ``1``. Only valid, finite values: a
        channel that has none is left out, and never reads 0 instead.
        """
        ...


@runtime_checkable
class TellsWhatIsMissing(HasReadings, Protocol):
    """An instrument that also tells which channels have no valid value, and why."""

    def read_channels(self) -> ChannelReadings:
        """Return what :meth:`readings` does, every channel that it leaves out, and complaints."""
        ...


class Examinable(Protocol):
    """An instrument that can tell more of itself than who it is."""

    def examine(self) -> Examination:
        """Return what it says of itself, by reading alone."""
        ...


class MakesSafe(Protocol):
    """An instrument with outputs."""

    def safe(self) -> None:
        """Stop what plays and switch off what may be off at once. A bias is never moved by it."""
        ...


class Thermometer(Protocol):
    """Reads temperatures by the names that the facility file gives to the channels."""

    def temperature_k(self, channel: str) -> float:
        """Return the temperature in K."""
        ...


class Heater(Protocol):
    """Heats parts of a fridge, each by the name that the facility file gives to the heater."""

    def heater_power_w(self, heater: str) -> float:
        """Return the power that the instrument says it delivers, W."""
        ...

    def heat(self, heater: str, power_w: float) -> None:
        """Deliver ``power_w``, without regulation, from now on; 0 switches the heater off.

        Raises ``Refused`` for more than it can deliver; then nothing has changed.
        """
        ...


class FluxSource(Protocol):
    """Holds static biases, moved only in ramps."""

    def level_v(self, channel: str) -> float:
        """Return the level that is programmed now, V, as read from the instrument."""
        ...

    def output_on(self, channel: str) -> bool:
        """Return whether the level is at the terminals."""
        ...

    def ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        """Ramp to ``target_v`` by the instrument's own means; return once it is read back there."""
        ...

    def safe(self) -> None:
        """Hold: stop a ramp where it is. The level and the output stay on."""
        ...


@runtime_checkable
class MovesTogether(Protocol):
    """A FluxSource of several channels that moves them side by side."""

    def ramp_together_v(self, ramps: Mapping[str, tuple[float, float]]) -> None:
        """Ramp channels to their levels, V, each at its slew, V/s; return once all are there."""
        ...


@runtime_checkable
class RampsByItself(Protocol):
    """A FluxSource that needs nobody while it ramps: others may move meanwhile."""

    def begin_ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        """Begin what ``ramp_v`` does; returns at once, and the level moves."""
        ...

    def end_ramp_v(self, channel: str) -> None:
        """Return once the level is read back where the ramp that was begun goes.

        Raises ``Unreachable`` where none was begun on this connection.
        """
        ...


class MicrowaveSource(Protocol):
    """A generator of a continuous tone, e.g. the local oscillator of an IQ modulator."""

    def set_tone(self, frequency_hz: float, power_dbm: float, modulated: bool) -> None:
        """Set the tone; whether it leaves the connector is unchanged."""
        ...

    def tone(self) -> Tone:
        """Return the tone as read from the instrument."""
        ...

    def output(self, on: bool) -> None:
        """Switch the output; return once the instrument has confirmed."""
        ...

    def safe(self) -> None:
        """Switch the output off."""
        ...


@dataclass(frozen=True, slots=True)
class NetworkSweep:
    """One S-parameter over equally spaced frequencies, for a network analyzer to measure."""

    start_hz: float
    stop_hz: float
    points: int
    power_dbm: float
    """At the driving port."""
    bandwidth_hz: float
    """Of the receiver's filter; an analyzer takes the next one that it has."""
    averages: int = 1
    """Sweeps whose mean is wanted."""
    parameter: str = "S21"
    """``S21``: what comes in at port 2 of what port 1 puts out."""


@dataclass(frozen=True, slots=True, eq=False)
class NetworkTrace:
    """One S-parameter, as measured."""

    frequency_hz: NDArray[np.float64]
    """Shape (points,), as the instrument says."""
    s: NDArray[np.complex128]
    """Ratio of waves at the ports, shape (points,); the phase falls along a delay."""


class NetworkAnalyzer(Protocol):
    """Measures what passes between its ports, or comes back, over frequency."""

    def trace(self, sweep: NetworkSweep) -> NetworkTrace:
        """Measure and return when the sweeps are done; the source is then as it was before.

        Raises ``Refused`` for what it cannot sweep.
        """
        ...

    def safe(self) -> None:
        """Switch the source off."""
        ...


@dataclass(frozen=True, slots=True)
class MixerSettings:
    """These settings, held by the instrument, compensate the errors of one output's I/Q mixer."""

    offset_i_v: float
    """Static offset of path I, V: with that of path Q no carrier leaks."""
    offset_q_v: float
    gain_ratio: float
    """Of path Q to path I: with the phase there is no image."""
    phase_rad: float
    """By which path Q is turned."""


@dataclass(frozen=True, slots=True)
class MixerTone:
    """Tells how an output is set whose mixer is calibrated: as programs set it."""

    channel: str
    lo_hz: float
    attenuation_db: float
    intermediate_hz: float
    """The tone's distance from the local oscillator, signed, for which the image is taken out."""


class CalibratesMixers(Protocol):
    """An instrument that calibrates the I/Q mixers of its outputs by itself."""

    def calibrate_mixers(self, tones: Sequence[MixerTone]) -> list[MixerSettings]:
        """Calibrate outputs, side by side where it can; return when all are done, after seconds.

        What was found is in the order of ``tones``. Nothing plays meanwhile, and outputs are silent
        at the end.
        """
        ...

    def hold_mixer(self, channel: str, settings: MixerSettings) -> None:
        """Set what an earlier calibration has found."""
        ...


class PulseSequencer(Protocol[Artifact]):
    """Plays compiled programs: load, arm, start, wait, collect."""

    def load(self, artifact: Artifact) -> None:
        """Upload what differs from what the instrument holds. Nothing plays yet.

        Returns only when the instrument has accepted all of it; raises ``Refused`` with the
        instrument's own words otherwise, and then nothing may be armed.
        """
        ...

    def arm(self) -> None:
        """Make the loaded sequencers ready to start; clears the bins of an earlier run."""
        ...

    def start(self) -> None:
        """Start what is armed. Returns at once; the program plays."""
        ...

    def wait(self, duration_s: float) -> None:
        """Return when all have stopped.

        ``duration_s`` is the program's computed duration; past it and an allowance, or when a
        sequencer reports an error flag, raises and leaves the outputs as they are: call ``safe``.
        """
        ...

    def collect(self) -> dict[str, Acquired]:
        """Return the results by capture name."""
        ...

    def safe(self) -> None:
        """Stop all sequencers, RF and waveform outputs silent; static biases stay."""
        ...


@runtime_checkable
class PlaysAtOnce(Protocol[Artifact]):
    """A PulseSequencer that loads, starts and collects in one call, with fewer messages."""

    def play_at_once(
        self, artifact: Artifact, duration_s: float, go_on: Callable[[], None]
    ) -> tuple[Tai, dict[str, Acquired]]:
        """Load, arm, start, wait and collect; return the time just before the start, and the data.

        ``duration_s``: that it may take, an allowance for simulated instruments included.
        ``go_on`` is called between steps, and raises where the run was given up.
        """
        ...


class TriggeredSequencer(PulseSequencer[Artifact], Protocol[Artifact]):
    """Plays programs that begin on an external trigger, and tells when they did.

    For such a program ``arm`` leaves all sequencers waiting for the trigger, ``start`` is refused,
    and ``wait`` raises ``NotStarted`` where the trigger does not come.
    """

    def disarm(self) -> bool:
        """Stop what waits for a trigger or plays; the program stays loaded.

        Returns whether it had started before it was stopped: then something has played.
        """
        ...

    def started_at(self) -> Tai | None:
        """Return when the program that was armed last went on from its trigger, None: not yet.

        It is the controller's own record of its own clock, not the time of the trigger.
        """
        ...

    def start_source(self) -> str:
        """Return where :meth:`started_at` takes it from; empty: the controller has no record."""
        ...


class TimeTagger(PulseSequencer[Artifact], Protocol[Artifact]):
    """Tags edges in windows that its program opens."""

    def tags(self) -> Mapping[str, Tags]:
        """Return the windows by place and acquisition (``slot10.io2.start``), after ``wait``."""
        ...


class DigitalOutput(Protocol):
    """Holds TTL levels."""

    def set_level(self, channel: str, high: bool) -> None:
        """Drive the output high or low; its program has no part in it then."""
        ...

    def is_high(self, channel: str) -> bool:
        """Return whether the channel is high, as read from the instrument."""
        ...


class Clock(Protocol):
    """Tells TAI."""

    def now(self) -> Tai:
        """Return the instrument's time."""
        ...


class CountsTicks(Protocol):
    """An instrument that counts from when it was switched on, and knows no time of day.

    Its TAI is counted from the time that was set for its tick 0.
    """

    def counted_fs(self) -> int:
        """Return how long it has counted."""
        ...

    def count_from(self, origin: Tai) -> None:
        """Take ``origin`` for the instant of its tick 0 from now on; nothing is sent to it."""
        ...


@dataclass(frozen=True, slots=True)
class TriggerCounts:
    """Events that were to raise one output are counted here, since it was prepared."""

    received: int
    raised: int
    late: int
    """Came too late to be raised at their time, and were not."""
    held_off: int
    """Came too soon after the one before, or twice."""
    unsynchronised: int
    """Came while the node had no time."""
    overflowed: int
    """Found too many before them."""

    @property
    def missed(self) -> int:
        """All that raised nothing."""
        return self.late + self.held_off + self.unsynchronised + self.overflowed


class TriggerPlane(Protocol):
    """Raises trigger outputs at TAI times that event messages name."""

    def prepare_trigger(
        self, output: str, event_id: str, holdoff_ns: int, delay_ns: int = 0
    ) -> None:
        """Let ``output`` rise ``delay_ns`` after the time stamp of each event from now on.

        A delay moves the edge to where the controller's trigger input samples it safely. What
        comes too late raises nothing, nor does what comes within ``holdoff_ns`` of the event
        before. The counts of the output begin at 0. Returns once it is read back so; another
        event that the output was prepared for is forgotten.
        """
        ...

    def release_trigger(self, output: str) -> None:
        """Let ``output`` rise for no further event; what was accepted before still is raised."""
        ...

    def send_event(self, event_id: str, at: Tai) -> None:
        """Send the message of an event at ``at``. Nobody answers: look at the counts."""
        ...

    def trigger_counts(self, output: str) -> TriggerCounts:
        """Return the counts of a prepared output."""
        ...

    def link(self) -> str:
        """Return how it stands to its network: ``synced``, or what is on the way to it."""
        ...


@dataclass(frozen=True, slots=True)
class TimingPort:
    """One connection of a box that distributes time."""

    name: str
    up: bool
    mode: str
    """``master`` gives time, ``slave`` takes it."""
    locked: bool
    """Whether a slave's clock is locked to what comes here."""


@dataclass(frozen=True, slots=True)
class TimingStatus:
    """A box that distributes time is in this state."""

    locked: bool
    """Whether its own clock is locked to its reference."""
    source: str
    """Where its time comes from: ``grandmaster`` or ``slave``, or what else its maker says."""
    servo: str
    """State of its servo in the maker's words; empty where it has none."""
    offset_s: float | None
    """What its servo still sees between its clock and its master's; None where it has none."""
    lost_locks: int | None
    """How often its lock was lost since it was started; None: it does not say."""
    ports: tuple[TimingPort, ...] = ()
    complaints: tuple[str, ...] = ()
    """What it reports as wrong with itself."""


class TimingPlane(Protocol):
    """Gives time and ticks to others."""

    def timing(self) -> TimingStatus:
        """Return how its clock and its connections are, as read from it."""
        ...
