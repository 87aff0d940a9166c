"""Mixers add unwanted signals to a line: images of pulses, and carriers that leak.

On a feedline they are weak, and far from the resonators, or the laboratory would not work: the
light that they leave in them is left out, and what comes back is added to every window in closed
form, with the transmission past resonators whose qubits are in their ground states. So a carrier
may leak as long as it likes. ASSUMED: that much is enough while fewer than PHOTONS_MAX photons are
in any resonator. Beyond, an image is a tone like any other, and a carrier is refused in words where
a qubit of that resonator is driven.

On a drive line an image is left out where it can do nothing: it excites less than EXCITED_MAX and
shifts by less than SHIFT_MAX_HZ. Else it is played like any other pulse. A carrier never ends: what
it does is a rate between neighbouring levels, that of the Bloch equations once coherence has
decayed, Omega**2 / 2 * gamma / (gamma**2 + Delta**2) in angular units (Cohen-Tannoudji,
Dupont-Roc, Grynberg, Atom-Photon Interactions, chapter V), so that a qubit whose line lies on a
carrier is saturated and shows no line. ASSUMED: a carrier's light shift is part of the frequencies
that the world was drawn with.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint, frozen
from podium.sim_instruments.physics.signals import CaptureTrain, Piece, PulseTrain, Window
from podium.sim_instruments.physics.waveform_tones import tone_trains

PHOTONS_MAX: Final = 1e-2
"""ASSUMED: with a dispersive shift of 1 MHz they shift a qubit by 20 kHz."""
EXCITED_MAX: Final = 1e-3
SHIFT_MAX_HZ: Final = 5e3
"""ASSUMED: of a qubit's frequency, by the light shift of a far tone; less than its linewidth."""
FAINT_EXCITED: Final = 1e-6
FAINT_TURNS: Final = 1e-6
"""Crosstalk of another qubit's pulse that excites less and shifts by less is left out: a thousand
such pulses turn by a thousandth of a turn."""
PUMPED_MIN: Final = 1e-3
"""Of the rate at which a level decays: slower pumping by a carrier is left out."""
PUMPED_MAX_1_S: Final = 1e6
"""ASSUMED: faster pumping saturates no more than this does."""
FEWEST: Final = 64
"""Trains of a run that comes piece by piece, which are kept whether they are over or not."""
PLANCK: Final = 6.626_070_15e-34


def parted(
    feedline: FeedlinePoint, trains: Iterable[PulseTrain]
) -> tuple[list[PulseTrain], list[PulseTrain]]:
    """Return the tones that are played on a feedline, and what of mixers is only heard."""
    tones: list[PulseTrain] = []
    heard: list[PulseTrain] = []
    for train in trains:
        only_heard = train.spur == "carrier" or (train.spur == "image" and _is_dim(feedline, train))
        if only_heard:
            heard.append(train)
        else:
            tones.extend(tone_trains(train))
    return tones, heard


def _is_dim(feedline: FeedlinePoint, train: PulseTrain) -> bool:
    arriving = max(map(_size, train.pieces)) * feedline.transmission_in
    return all(
        _photons(qubit, hz, arriving) <= PHOTONS_MAX
        for qubit in feedline.qubits
        for hz in {piece.carrier_hz for piece in train.pieces}
    )


def _size(piece: Piece) -> float:
    return max(abs(piece.level), float(np.abs(piece.samples).max(initial=0.0)))


def felt(qubit: QubitPoint, trains: Sequence[PulseTrain]) -> list[PulseTrain]:
    """Return what of the trains on its drive line a qubit feels as pulses."""
    found: list[PulseTrain] = []
    for train in trains:
        if not train.spur:
            found.append(train)
        elif train.spur != "carrier":
            is_felt = _is_felt if train.spur == "image" else _is_crosstalk_felt
            near = np.array([is_felt(qubit, piece) for piece in train.pieces], bool)[train.piece]
            if near.any():
                found.append(train.only(near))
    return found


def without_faint_crosstalk(
    feedline: FeedlinePoint, trains: Iterable[PulseTrain]
) -> list[PulseTrain]:
    """Return trains without crosstalk that qubits of a feedline do not feel, or of others."""
    qubits = {f"{qubit.name}.drive": qubit for qubit in feedline.qubits}
    found = []
    for train in trains:
        if train.spur != "crosstalk":
            found.append(train)
        elif train.line in qubits:
            found += felt(qubits[train.line], [train])
    return found


def pumped(qubit: QubitPoint, trains: Iterable[PulseTrain]) -> QubitPoint:
    """Return a qubit as carriers on its drive line leave it; the same where they do nothing."""
    rates = qubit.rates_1_s
    for train in trains:
        if train.spur == "carrier":
            for piece in train.pieces:
                rates = _with_pump(qubit, rates, piece.carrier_hz, abs(piece.level))
    return qubit if rates is qubit.rates_1_s else replace(qubit, rates_1_s=frozen(rates))


def refuse_more_pump(at_rest: QubitPoint, qubit: QubitPoint, trains: Sequence[PulseTrain]) -> None:
    """Raise NotSimulated for a carrier that begins to pump a qubit in the middle of a run.

    ``at_rest``: without carriers; ``qubit``: with those that were there at the beginning.
    """
    now = pumped(at_rest, trains)
    if now is at_rest or np.array_equal(now.rates_1_s, qubit.rates_1_s):
        return
    carrier_hz = next(p.carrier_hz for t in trains if t.spur == "carrier" for p in t.pieces)
    raise NotSimulated(
        f"a carrier at {carrier_hz / 1e9:.6f} GHz leaks into {qubit.name}.drive, close enough to a "
        f"transition of {qubit.name} to excite it, and began to in the middle of a run in which "
        "what is played depends on what was measured: that is not simulated; set the offsets of "
        "that output so that nothing leaks, or move its local oscillator away"
    )


def _with_pump(
    qubit: QubitPoint, rates: NDArray[np.float64], carrier_hz: float, level: float
) -> NDArray[np.float64]:
    """Return jump rates, 1/s, with those by a carrier between neighbouring levels."""
    transitions = np.diff(qubit.levels_hz)
    rabi = 2 * np.pi * qubit.rabi_hz_per_sqrt_w * level * np.abs(qubit.ladder[: transitions.size])
    apart = 2 * np.pi * (transitions - carrier_hz)
    away = qubit.rates_1_s.sum(axis=0)
    width = (away[:-1] + away[1:]) / 2 + qubit.dephasing_1_s + 2 * np.pi * qubit.slow_sigma_hz
    pump = np.minimum(rabi**2 / 2 * width / (width**2 + apart**2), PUMPED_MAX_1_S)
    pump[pump < PUMPED_MIN * away[1:]] = 0.0
    if not pump.any():
        return rates
    return rates + np.diag(pump, 1) + np.diag(pump, -1)


def _is_felt(qubit: QubitPoint, piece: Piece) -> bool:
    excited, shift_hz = _done_by(qubit, piece)
    return excited > EXCITED_MAX or shift_hz > SHIFT_MAX_HZ


def _is_crosstalk_felt(qubit: QubitPoint, piece: Piece) -> bool:
    excited, shift_hz = _done_by(qubit, piece)
    return excited > FAINT_EXCITED or 1e-9 * shift_hz * piece.duration_ns > FAINT_TURNS


def _done_by(qubit: QubitPoint, piece: Piece) -> tuple[float, float]:
    """Return what a piece may excite, and by how much it shifts a level, Hz."""
    rabi_hz = qubit.rabi_hz_per_sqrt_w * _size(piece)
    if rabi_hz == 0:
        return 0.0, 0.0
    transitions = np.diff(qubit.levels_hz)
    strengths = rabi_hz * np.abs(qubit.ladder[: transitions.size])
    apart = np.maximum(np.abs(transitions - piece.carrier_hz), 1.0)
    excited = float(np.max((strengths / apart) ** 2))
    return excited, float(np.max(strengths**2 / (2 * apart)))


@dataclass(frozen=True, slots=True, eq=False)
class _Heard:
    """A train, and when its elements begin and end at the listener, ns; it has some."""

    train: PulseTrain
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class HeardSpurs:
    """Signals of mixers that only reach the feedline's output during a run."""

    def __init__(self, feedline: FeedlinePoint) -> None:
        self._feedline = feedline
        self._heard: list[_Heard] = []
        self._begin, self._end = array("q"), array("q")
        """When the first element of each begins, and its last one ends."""
        self._many = FEWEST
        """So many are looked through for what is over."""
        self._leaks: dict[tuple[str, float, complex], None] = {}
        """Line, frequency and level of carriers among them, or of some time before."""
        self._steady: dict[tuple[float, Window], complex] = {}
        """What a window's mean is of a level of 1 that is held throughout, by its frequency."""

    def __bool__(self) -> bool:
        return bool(self._heard)

    def copy(self) -> "HeardSpurs":
        """Return the same signals."""
        found = HeardSpurs(self._feedline)
        found._heard = list(self._heard)
        found._begin, found._end = self._begin[:], self._end[:]
        found._many = self._many
        found._leaks = dict(self._leaks)
        found._steady = self._steady
        return found

    def add(self, trains: Iterable[PulseTrain]) -> None:
        """Let them be heard: trains of :func:`parted`."""
        delay = self._feedline.delay_in_ns + self._feedline.delay_out_ns
        for train in trains:
            if len(train.piece):
                starts = train.start_ns.astype(np.int64) + int(np.ceil(delay))
                one = _Heard(train, starts, starts + train.lasts_ns)
                self._heard.append(one)
                self._begin.append(int(starts[0]))
                self._end.append(int(one.ends[-1]))
                self._leaks |= _leaks(train)

    def forget(self, before_ns: int) -> None:
        """Drop what was over at the listener before a time, once there may be much of it."""
        if len(self._heard) < self._many:
            return
        kept = [k for k, end in enumerate(self._end) if end >= before_ns]
        self._heard = [self._heard[k] for k in kept]
        self._begin = array("q", [self._begin[k] for k in kept])
        self._end = array("q", [self._end[k] for k in kept])
        self._many = max(FEWEST, 2 * len(kept))
        self._leaks = {}
        for one in self._heard:
            self._leaks |= _leaks(one.train)

    def _between(self, begin_ns: int, end_ns: int) -> list[_Heard]:
        """Return those that may be heard between two times."""
        begins, ends = np.frombuffer(self._begin, np.int64), np.frombuffer(self._end, np.int64)
        return [
            self._heard[k] for k in np.flatnonzero((begins < end_ns) & (ends > begin_ns)).tolist()
        ]

    def refuse_light(self, qubit: QubitPoint) -> None:
        """Raise NotSimulated where they leave light in the resonator of a qubit that is driven."""
        for line, carrier_hz, level in self._leaks:
            photons = _photons(qubit, carrier_hz, self._arriving(level))
            if photons > PHOTONS_MAX:
                raise NotSimulated(
                    f"a carrier at {carrier_hz / 1e9:.6f} GHz leaks into {line} and leaves "
                    f"{photons:.2g} photons in the resonator of {qubit.name} while it is driven: a "
                    "tone that never ends is not simulated; set the offsets of that output so that "
                    "nothing leaks, or attenuate it"
                )

    def _arriving(self, level: complex) -> complex:
        return level * self._feedline.transmission_in

    def means(self, capture: CaptureTrain) -> NDArray[np.complex128]:
        """Return what they add to the mean of each window, sqrt(W)."""
        found = np.zeros(capture.start_ns.size, np.complex128)
        open_ns = capture.start_ns.astype(np.int64)
        lasts = np.array([window.duration_ns for window in capture.windows], np.int64)
        close_ns = open_ns + lasts[capture.window]
        if not open_ns.size:
            return found
        for one in self._between(int(open_ns.min()), int(close_ns.max())):
            train, starts = one.train, one.starts
            first = np.searchsorted(one.ends, open_ns, side="right")
            behind = np.searchsorted(starts, close_ns, side="left")
            for row in range(int((behind - first).max(initial=0))):
                rows = np.flatnonzero(first + row < behind)
                of = first[rows] + row
                found[rows] += self._mean_of(train, starts[of], of, capture, rows)
        return found

    def _mean_of(
        self,
        train: PulseTrain,
        starts: NDArray[np.int64],
        of: NDArray[np.int64],
        capture: CaptureTrain,
        rows: NDArray[np.int64],
    ) -> NDArray[np.complex128]:
        """Return what one element of a train adds to the mean of each of some windows."""
        into = capture.start_ns[rows] - starts
        piece, window = train.piece[of], capture.window[rows]
        hz = np.array([one.carrier_hz for one in train.pieces])[piece]
        turned = train.phase_turns[of] + 1e-9 * hz * (into + self._fraction)
        turned -= capture.phase_turns[rows]
        lasts = np.array([one.duration_ns for one in train.pieces], np.int64)[piece]
        wide = np.array([one.duration_ns for one in capture.windows], np.int64)[window]
        level_from = np.array([one.samples.size for one in train.pieces], np.int64)[piece]
        steady = (into >= level_from) & (into + wide <= lasts)
        # of a level that is held throughout, it is the same wherever the window opens
        kinds = np.stack([piece, np.where(steady, -1, into), window, steady])
        first, number = distinct_rows(kinds)
        parts = np.array(
            [
                self._part(train.pieces[kind[0]], int(kind[1]), capture.windows[kind[2]])
                for kind in kinds[:, first].T.tolist()
            ]
        )
        return np.asarray(parts[number.reshape(-1)] * np.exp(2j * np.pi * turned), np.complex128)

    def _part(self, piece: Piece, into_ns: int, window: Window) -> complex:
        """Return the mean of a window that opens so far into a piece; -1: amid its level."""
        hz = piece.carrier_hz
        if into_ns == -1:
            if (hz, window) not in self._steady:
                self._steady[hz, window] = self._passed(hz) * complex(_along(window, hz).sum())
            return piece.level * self._steady[hz, window]
        within = np.sum(_envelope(piece, into_ns, window.duration_ns) * _along(window, hz))
        return self._passed(hz) * complex(within)

    def _passed(self, hz: float) -> complex:
        """Return what of a tone comes back, past resonators of qubits in their ground states."""
        return complex(self._arriving(1.0) * self._feedline.gain_out * self._passes(hz))

    @property
    def _fraction(self) -> float:
        delay = self._feedline.delay_in_ns + self._feedline.delay_out_ns
        return float(np.ceil(delay) - delay)

    def _passes(self, hz: float) -> complex:
        """Return the transmission past the resonators of qubits in their ground states."""
        taken = 0j
        for qubit in self._feedline.qubits:
            apart = hz - float(qubit.resonator_hz[0])
            taken += qubit.kappa_coupling_hz / (qubit.kappa_hz + 2j * apart)
        return 1 - taken

    def trace(self, open_ns: int, count: int, hz: float, turns: float) -> NDArray[np.complex128]:
        """Return what an oscilloscope sees of them, demodulated by an oscillator of that phase."""
        seen = np.zeros(count, np.complex128)
        sample = np.arange(count)
        for one in self._between(open_ns, open_ns + count):
            train, during = one.train, (one.starts < open_ns + count) & (one.ends > open_ns)
            for of in np.flatnonzero(during).tolist():
                piece = train.pieces[train.piece[of]]
                into = open_ns - int(one.starts[of])
                passed = self._passed(piece.carrier_hz)
                phase = train.phase_turns[of]
                phase = phase + 1e-9 * piece.carrier_hz * (into + sample + self._fraction)
                seen += passed * _envelope(piece, into, count) * np.exp(2j * np.pi * phase)
        back = np.exp(-2j * np.pi * ((1e-9 * hz * sample + turns) % 1.0))
        return np.asarray(seen * back, np.complex128)


def _leaks(train: PulseTrain) -> dict[tuple[str, float, complex], None]:
    """Return line, frequency and level of a train's carriers; of an image there are none."""
    if train.spur != "carrier":
        return {}
    return dict.fromkeys((train.line, one.carrier_hz, one.level) for one in train.pieces)


def _envelope(piece: Piece, into_ns: int, count: int) -> NDArray[np.complex128]:
    """Return the envelope of a piece from so far into it on, 0 before and behind it."""
    at = into_ns + np.arange(count)
    found = np.where((at >= 0) & (at < piece.duration_ns), piece.level, 0j)
    sampled = (at >= 0) & (at < piece.samples.size)
    found[sampled] = piece.samples[at[sampled]]
    return np.asarray(found, np.complex128)


def _along(window: Window, hz: float) -> NDArray[np.complex128]:
    """Return what each sample of a tone counts in the window's mean, shape (duration_ns,)."""
    sample = np.arange(window.duration_ns)
    turning = np.exp(2j * np.pi * 1e-9 * (hz - window.demod_hz) * sample)
    weights = 1.0 if window.weights is None else window.weights
    return np.asarray(turning * weights / window.duration_ns, np.complex128)


def _photons(qubit: QubitPoint, hz: float, arriving: complex) -> float:
    """Return the photons that a steady tone leaves in the resonator, the most of both levels.

    Gardiner and Collett's input-output relation for a resonator beside a line.
    """
    apart = float(np.min(np.abs(qubit.resonator_hz[:2] - hz)))
    half, into = np.pi * qubit.kappa_hz, np.pi * qubit.kappa_coupling_hz
    power = abs(arriving) ** 2
    return float(into * power / (PLANCK * hz) / (half**2 + (2 * np.pi * apart) ** 2))
