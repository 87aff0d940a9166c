"""A cable leads from an output connector to an input connector: with a gain, a delay and noise.

``received(t) = gain sent(t - delay) + noise``, the noise white and that of the input at the far
end. A cable answers as a feedline does: pulse trains in, one answer for each capture train out,
with the conventions of :mod:`.signals`. It is linear and has no state but what is on its way, so
that pieces of a run may come as they like; pulses stay until they are forgotten.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.draw import generator
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    Piece,
    PulseTrain,
    RunSignals,
    Window,
)

Complexes = NDArray[np.complex128]
Integers = NDArray[np.int64]
Reals = NDArray[np.float64]

TRACE_NS = 16_384
"""A trace is at least so long, as that of a feedline."""
_EVEN = 1e-12
"""Sine of half the phase between two samples below which they are alike."""


@dataclass(frozen=True, slots=True)
class Cable:
    """One cable, and the input at its far end."""

    name: str
    gain: float = 1.0
    """Of amplitudes."""
    delay_ns: int = 0
    noise_w_per_hz: float = 0.0
    """Power in 1 Hz at the input."""
    samples_per_ns: int = 1
    """Of all signals on it; noise fills the band that they leave room for."""

    @property
    def noise_sigma(self) -> float:
        """Return the root of a sample's mean squared magnitude, square roots of watts."""
        return float(np.sqrt(1e9 * self.samples_per_ns * self.noise_w_per_hz))


class WhiteNoise:
    """White noise of one input, for one listener: the same numbers however they are asked for."""

    def __init__(self, seed: int | None, *names: str | int) -> None:
        """``seed``: None has it silent."""
        self._random = None if seed is None else generator(seed, *names)

    def samples(self, sigma: float, shape: tuple[int, ...]) -> Complexes:
        """Return independent samples, ``sigma`` the root of their mean squared magnitude."""
        if self._random is None:
            return np.zeros(shape, np.complex128)
        pairs = self._random.standard_normal((*shape, 2)) * (sigma / np.sqrt(2))
        return np.asarray(pairs[..., 0] + 1j * pairs[..., 1], np.complex128)

    def sums(self, sigma: float, weights: Sequence[Complexes], count: int) -> Complexes:
        """Return ``count`` rows of weighted sums of samples, shape (count, weights).

        The law is that of the sums of samples, weight by weight, without the samples.
        """
        return np.asarray(self.samples(sigma, (count, len(weights))) @ _root(weights))


def _root(weights: Sequence[Complexes]) -> Complexes:
    """Return R, (w, w): rows of independent numbers times R are distributed as sums of samples."""
    table = np.zeros((max((len(one) for one in weights), default=0), len(weights)), np.complex128)
    for unit, one in enumerate(weights):
        table[: len(one), unit] = one
    values, vectors = np.linalg.eigh(table.conj().T @ table)
    return np.asarray(np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.conj().T)


class CableSession:
    """Signals on one cable, as a :class:`.dialogue.Dialogue` has them. Belongs to one thread."""

    def __init__(self, cable: Cable, noise: WhiteNoise | None = None) -> None:
        self.cable = cable
        """As it stands now: to be replaced where gain or noise of the input are set anew."""
        self._noise = noise or WhiteNoise(None)
        self._sent: list[PulseTrain] = []
        self._traces: dict[int, tuple[Complexes, float]] = {}

    def play(self, drives: Sequence[PulseTrain]) -> None:
        """Send trains. Raises NotSimulated for another number of samples than the cable's."""
        self._check(drives)
        self._sent += [train for train in drives if len(train.start_ns)]

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[CaptureAnswer, ...]:
        """Send trains, and answer windows in which nothing further will be sent.

        Noise is common to windows of one call that open together. Raises NotSimulated, see
        :meth:`play`.
        """
        self.play(drives)
        self._check(captures)
        answers = []
        noises = self._noises(captures)
        for capture, noise, listener in zip(captures, noises, listeners, strict=True):
            values = self.integrals(self._sent, capture) + noise
            trace, trace_hz = None, 0.0
            if capture.scope and len(values):
                trace, trace_hz = self._traces[listener] = self._trace(capture)
                last = capture.windows[capture.window[-1]]
                values[-1] = _mean(trace[: last.duration_ns * self.cable.samples_per_ns], last)
            answers.append(CaptureAnswer(values, trace, trace_hz))
        return tuple(answers)

    def trace(self, listener: int) -> tuple[Complexes, float] | None:
        """Return the trace of a listener's last window and its frequency; None: it has none."""
        return self._traces.get(listener)

    def end(self, signals: RunSignals) -> None:
        """Hear that nothing more is played."""

    def forget(self, before_ns: int) -> None:
        """Drop trains that were over before a time."""
        delay_ns = self.cable.delay_ns
        self._sent = [one for one in self._sent if _end_ns(one) + delay_ns > before_ns]

    def received(self, firsts: Integers, each: Integers) -> Complexes:
        """Return the sum of records, shape of ``each``, without noise, square roots of watts.

        ``firsts``: where records begin, in samples; ``each``: samples of a record from there on,
        ascending. They are demodulated at 0 Hz.
        """
        return self.records(self._sent, firsts, each)

    def records(
        self, trains: Sequence[PulseTrain], firsts: Integers, each: Integers, hz: float = 0.0
    ) -> Complexes:
        """Return the sum of records of what ``trains`` alone bring, as :meth:`received` has it.

        ``hz``: of an oscillator at phase 0 where each record begins.
        """
        found = np.zeros(len(each), np.complex128)
        ends = firsts + int(each[-1]) + 1
        for train in trains:
            window, pulse, start = self._overlaps(train, firsts, ends)
            turned = np.exp(2j * np.pi * train.phase_turns[pulse])
            for (piece, offset), which in _kinds(train.piece[pulse], start - firsts[window]):
                one = train.pieces[piece]
                turns = self._turns(one.carrier_hz - hz, each) - self._turns(one.carrier_hz, offset)
                found += turned[which].sum() * self._at(one, each - offset) * _phasor(turns)
        return np.asarray(self.cable.gain * found)

    def integrals(self, trains: Sequence[PulseTrain], capture: CaptureTrain) -> Complexes:
        """Return the integrated values of what ``trains`` alone bring, shape (windows,)."""
        found = np.zeros(len(capture.start_ns), np.complex128)
        rate = self.cable.samples_per_ns
        lasts = np.array([one.duration_ns * rate for one in capture.windows], np.int64)
        opens = capture.start_ns * rate
        for train in trains:
            window, pulse, start = self._overlaps(train, opens, opens + lasts[capture.window])
            turned = _phasor(train.phase_turns[pulse] - capture.phase_turns[window])
            kind = train.piece[pulse].astype(np.int64) * len(lasts) + capture.window[window]
            for (number, offset), which in _kinds(kind, start - opens[window]):
                piece, listened = divmod(number, len(lasts))
                value = self._integral(train.pieces[piece], capture.windows[listened], offset)
                np.add.at(found, window[which], value * turned[which])
        return np.asarray(self.cable.gain * found)

    def _overlaps(
        self, train: PulseTrain, opens: Integers, ends: Integers
    ) -> tuple[Integers, Integers, Integers]:
        """Return pairs of a window and a pulse that arrives in it, and where the pulse begins."""
        rate = self.cable.samples_per_ns
        begins = (train.start_ns + self.cable.delay_ns) * rate
        lasts = np.array([one.duration_ns for one in train.pieces], np.int64) * rate
        low = np.searchsorted(begins, opens - lasts.max(initial=0), side="right")
        count = np.maximum(np.searchsorted(begins, ends, side="left") - low, 0)
        window = np.repeat(np.arange(len(opens)), count)
        pulse = np.arange(len(window)) - np.repeat(np.cumsum(count) - count - low, count)
        arrives = begins[pulse] + lasts[train.piece[pulse]] > opens[window]
        return window[arrives], pulse[arrives], begins[pulse[arrives]]

    def _integral(self, piece: Piece, window: Window, offset: int) -> complex:
        """Return the mean over a window of a piece that begins ``offset`` samples into it."""
        rate = self.cable.samples_per_ns
        samples = window.duration_ns * rate
        first, end = max(0, offset), min(samples, offset + piece.duration_ns * rate)
        step_hz, begun = piece.carrier_hz - window.demod_hz, self._turns(piece.carrier_hz, -offset)
        held = max(first, min(end, offset + len(piece.samples)))
        if window.weights is not None:
            held = end
        each = np.arange(first, held)
        total = complex(0)
        if len(each):
            signal = self._at(piece, each - offset) * _phasor(self._turns(step_hz, each) + begun)
            whole = signal if window.weights is None else signal * window.weights[each]
            total = complex(whole.sum())
        if held < end and piece.level:
            step = step_hz * 1e-9 / rate
            total += piece.level * _turning_sum(float(begun), step, held, end)
        return total / samples

    def _at(self, piece: Piece, samples: Integers) -> Complexes:
        """Return a piece's envelope at samples from its begin on; zero where it is not."""
        found = np.zeros(len(samples), np.complex128)
        lasts = piece.duration_ns * self.cable.samples_per_ns
        found[(samples >= len(piece.samples)) & (samples < lasts)] = piece.level
        shaped = (samples >= 0) & (samples < len(piece.samples))
        found[shaped] = piece.samples[samples[shaped]]
        return found

    def _turns(self, hz: float, samples: Integers | int) -> Reals:
        """Return how far an oscillator turns in so many samples, turns modulo 1."""
        return np.asarray(hz * 1e-9 / self.cable.samples_per_ns * samples % 1.0)

    def _trace(self, capture: CaptureTrain) -> tuple[Complexes, float]:
        window, rate = capture.windows[capture.window[-1]], self.cable.samples_per_ns
        each = np.arange(max(window.duration_ns, TRACE_NS) * rate)
        found = self.records(self._sent, capture.start_ns[-1:] * rate, each, window.demod_hz)
        found *= np.exp(-2j * np.pi * capture.phase_turns[-1])
        return found + self._noise.samples(self.cable.noise_sigma, found.shape), window.demod_hz

    def _noises(self, captures: Sequence[CaptureTrain]) -> Iterator[Complexes]:
        """Yield the noise in the values of each capture train."""
        if not self.cable.noise_w_per_hz:
            yield from (np.zeros(len(one.start_ns), np.complex128) for one in captures)
            return
        opens = np.unique(np.concatenate([np.zeros(0, np.int64), *(c.start_ns for c in captures)]))
        which = np.full((len(opens), len(captures)), -1, np.int64)
        rows = [np.searchsorted(opens, one.start_ns) for one in captures]
        for column, (row, one) in enumerate(zip(rows, captures, strict=True)):
            which[row, column] = one.window
        drawn = self._noise.samples(self.cable.noise_sigma, which.shape)
        for kind in which[distinct_rows(which.T)[0]]:
            here = np.flatnonzero((which == kind).all(axis=1))
            there = np.flatnonzero(kind >= 0)
            windows = [captures[c].windows[kind[c]] for c in there.tolist()]
            root = _root([self._mean_weights(one) for one in windows])
            drawn[np.ix_(here, there)] = drawn[np.ix_(here, there)] @ root
        for column, (row, one) in enumerate(zip(rows, captures, strict=True)):
            yield drawn[row, column] * _phasor(-one.phase_turns)

    def _mean_weights(self, window: Window) -> Complexes:
        """Return what each sample counts in a window's mean, its oscillator at phase 0."""
        samples = np.arange(window.duration_ns * self.cable.samples_per_ns)
        turning = _phasor(-self._turns(window.demod_hz, samples)) / len(samples)
        return turning if window.weights is None else turning * window.weights

    def _check(self, trains: Sequence[PulseTrain] | Sequence[CaptureTrain]) -> None:
        for train in trains:
            if train.samples_per_ns != self.cable.samples_per_ns:
                raise NotSimulated(
                    f"{train.samples_per_ns} samples a nanosecond on {self.cable.name}, which "
                    f"has {self.cable.samples_per_ns}"
                )


GoOn = Callable[
    [Sequence[PulseTrain], Sequence[CaptureTrain], Sequence[int]], tuple[CaptureAnswer, ...]
]


def split_by_cable(
    cables: Mapping[str, CableSession],
    others: GoOn,
    drives: Sequence[PulseTrain],
    captures: Sequence[CaptureTrain],
    listeners: Sequence[int],
) -> tuple[CaptureAnswer, ...]:
    """Have cables answer what is on them, by name, and ``others`` all else: see ``go_on``."""
    found: dict[int, CaptureAnswer] = {}
    for name in (*cables, None):
        mine = [k for k, one in enumerate(captures) if _cable_of(cables, one.line) == name]
        sent = [train for train in drives if _cable_of(cables, train.line) == name]
        if sent or mine:
            go_on = others if name is None else cables[name].go_on
            answers = go_on(sent, [captures[k] for k in mine], [listeners[k] for k in mine])
            found |= zip(mine, answers, strict=True)
    return tuple(found[k] for k in range(len(captures)))


def _cable_of(cables: Mapping[str, CableSession], line: str) -> str | None:
    return line if line in cables else None


def _kinds(
    kind: NDArray[np.integer], offset: Integers
) -> Iterator[tuple[tuple[int, int], Integers]]:
    """Yield each different pair of a kind and an offset, and which elements have it."""
    if not len(kind):
        return
    offsets, of = np.unique(offset, return_inverse=True)
    pairs = kind.astype(np.int64) * len(offsets) + of.reshape(-1)
    key, which = np.unique(pairs, return_inverse=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(which.reshape(-1)))[:-1])
    for one, part in zip(key.tolist(), parts, strict=True):
        number, place = divmod(one, len(offsets))
        yield (number, int(offsets[place])), part


def _phasor(turns: Reals) -> Complexes:
    return np.asarray(np.exp(2j * np.pi * turns), np.complex128)


def _turning_sum(turns: float, step: float, first: int, end: int) -> complex:
    """Return the sum of ``exp(2j pi (turns + step m))`` for m from ``first`` to before ``end``."""
    step -= round(step)
    slow = np.sin(np.pi * step)
    size = end - first if abs(slow) < _EVEN else np.sin(np.pi * step * (end - first)) / slow
    return complex(size * np.exp(2j * np.pi * (turns + step * (first + end - 1) / 2)))


def _mean(heard: Complexes, window: Window) -> complex:
    return complex(np.mean(heard if window.weights is None else heard * window.weights))


def _end_ns(train: PulseTrain) -> int:
    return int((train.start_ns + train.lasts_ns).max())
