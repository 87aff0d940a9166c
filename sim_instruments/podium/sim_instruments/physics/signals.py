"""The world and the twins exchange signals on lines, as values.

Physics knows no instrument. A twin says what leaves its connectors; the wiring
says which line of the world that is; the world answers with what arrives.
Times are integer nanoseconds from the start of the run, at the connector.
Amplitudes are in square roots of watts (|a|**2 is the power into 50 ohms),
complex baseband about ``carrier_hz``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from podium.sim_instruments.physics.bath import Bath


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One stretch of signal: samples of 1 ns, each held, then a constant level to the end.

    On a line that has several samples in a nanosecond (:attr:`PulseTrain.samples_per_ns`) each
    lasts so much shorter.
    """

    carrier_hz: float
    """Absolute frequency of the carrier on the line, Hz."""
    samples: "NDArray[np.complex128]"
    """Shape (m,), m <= duration_ns * samples_per_ns; may be empty. Square roots of watts."""
    level: complex
    """Held from the last sample to the end of the piece. Square roots of watts."""
    duration_ns: int

    @property
    def ends(self) -> tuple[float, float]:
        """Return the least and the largest real part of its samples and its level."""
        level, samples = complex(self.level).real, self.samples.real
        return float(samples.min(initial=level)), float(samples.max(initial=level))


Spur = Literal["", "image", "carrier", "crosstalk"]


@dataclass(frozen=True, slots=True, eq=False)
class PulseTrain:
    """All that one tone generator (one sequencer) sends down one line during a run.

    Pieces do not overlap; between two pieces the tone is off. Several trains
    may share a line: their signals add.
    """

    line: str
    """Name of the line of the world, e.g. ``node_a.q0.drive`` or ``node_a.feedline``."""
    start_ns: "NDArray[np.int64]"
    """Shape (n,), ascending."""
    piece: "NDArray[np.int32]"
    """Shape (n,): index into ``pieces``. Equal pieces share an index: caches depend on it."""
    phase_turns: "NDArray[np.float64]"
    """Shape (n,): phase of the carrier at ``start_ns``, in turns: the signal of element k is
    ``samples[j] * exp(2j*pi*(phase_turns[k] + carrier_hz*1e-9*j))`` at ``start_ns[k] + j``."""
    pieces: tuple[Piece, ...]
    sender: str = ""
    """Which part of its instrument sends it: one that can be stopped by itself."""
    spur: Spur = ""
    """What nobody asked for: the world may leave out what it cannot feel of it (:mod:`.spurs`). A
    mixer adds images and carriers; a carrier leaks for as long as it can: its pieces are levels.
    Crosstalk is what another qubit's drive brings (:mod:`.drive_crosstalk`)."""
    goes_on: bool = False
    """Whether its pieces only end what another train of the line has begun."""
    samples_per_ns: int = 1
    """Of its pieces. Chips take one, a cable as many as it has."""

    @property
    def lasts_ns(self) -> "NDArray[np.int64]":
        """Return the duration of each element, shape (n,)."""
        import numpy as np  # signals without arrays do without it

        return np.array([one.duration_ns for one in self.pieces], np.int64)[self.piece]

    @property
    def end_ns(self) -> int:
        """Return when the last pulse is over, of a train that has one."""
        return int(self.start_ns[-1]) + self.pieces[int(self.piece[-1])].duration_ns

    def only(self, rows: "slice | NDArray[np.bool_]") -> "PulseTrain":
        """Return the train with these of its elements."""
        return replace(
            self,
            start_ns=self.start_ns[rows],
            piece=self.piece[rows],
            phase_turns=self.phase_turns[rows],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The frequency, the weights and the duration of one acquisition."""

    demod_hz: float
    """Absolute frequency at which the incoming signal is demodulated, Hz."""
    duration_ns: int
    weights: "NDArray[np.complex128] | None"
    """Shape (duration_ns * samples_per_ns,) or None for a boxcar."""


@dataclass(frozen=True, slots=True, eq=False)
class CaptureTrain:
    """All acquisitions of one sequencer on one line during a run."""

    line: str
    """Name of the line that comes back from the world, e.g. ``node_a.feedline``."""
    start_ns: "NDArray[np.int64]"
    """Shape (n,), ascending."""
    window: "NDArray[np.int32]"
    """Shape (n,): index into ``windows``."""
    phase_turns: "NDArray[np.float64]"
    """Shape (n,): phase of the demodulating oscillator at ``start_ns``, in turns."""
    windows: tuple[Window, ...]
    scope: bool = False
    """Whether the raw trace of the last acquisition is wanted as well."""
    samples_per_ns: int = 1
    """Of its weights, as of :class:`PulseTrain`."""

    def only(self, rows: "slice | NDArray[np.bool_] | NDArray[np.int64]") -> "CaptureTrain":
        """Return the train with these of its acquisitions."""
        return replace(
            self,
            start_ns=self.start_ns[rows],
            window=self.window[rows],
            phase_turns=self.phase_turns[rows],
        )


def within_a_turn(turns: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return phases without whole turns, as ``turns % 1.0``: the same bits in a fifth of the time.

    The remainder of a division by 1 is exact, and so is the difference from the whole turns below.
    """
    import numpy as np  # signals without arrays do without it

    below = np.floor(turns)
    return np.subtract(turns, below, out=below)


@dataclass(frozen=True, slots=True, eq=False)
class RunSignals:
    """One run of one start: everything that is played and listened to between arm and stop."""

    run: int
    """Serial number of the run: keys the random numbers."""
    start_tai_fs: int
    """World time of the run's nanosecond 0."""
    duration_ns: int
    drives: tuple[PulseTrain, ...]
    """Trains on qubit drive lines and on feedlines alike; the line's name tells them apart."""
    captures: tuple[CaptureTrain, ...]
    biases_v: dict[str, float]
    """Volts that the slow sources hold on each flux line during the run."""
    baths: "Mapping[str, Bath]" = field(default_factory=dict)
    """By node: its mixing chamber as the run begins; those not named are cold."""


@dataclass(frozen=True, slots=True, eq=False)
class CaptureAnswer:
    """The answer to one :class:`CaptureTrain`."""

    integrated: "NDArray[np.complex128]"
    """Shape (n,): mean over the window (weighted: sum of weight * signal / duration) of the
    demodulated signal at the connector, amplifier noise included. Square roots of watts."""
    trace: "NDArray[np.complex128] | None"
    """Shape (m,), m >= the window's duration: not demodulated to the carrier but to
    ``trace_hz``, the line's samples, one a nanosecond on a chip, noise included; None unless
    asked for."""
    trace_hz: float = 0.0
