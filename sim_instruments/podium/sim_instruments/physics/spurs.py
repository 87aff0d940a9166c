"""What mixers add to a line that nobody asked for: images of pulses, and carriers that leak.

A carrier that leaks into a feedline is there as long as its switch is closed. It is far from the
resonators, or the laboratory would not work: so the light that it leaves in them is left out, and
of what comes back it is added to every window in closed form, with the transmission past resonators
whose qubits are in their ground states. ASSUMED: that much is enough while fewer than PHOTONS_MAX
photons are in any resonator of a qubit that is driven; beyond, the run is refused in words.

On a drive line an image or a carrier is left out where it can do nothing: it excites less than
EXCITED_MAX and shifts by less than SHIFT_MAX_HZ. Else an image is played like any other pulse, and
a carrier refused.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, Window

PHOTONS_MAX: Final = 1e-2
"""ASSUMED: with a dispersive shift of 1 MHz they shift a qubit by 20 kHz."""
EXCITED_MAX: Final = 1e-3
SHIFT_MAX_HZ: Final = 5e3
"""ASSUMED: of a qubit's frequency, by the light shift of a far tone; less than its linewidth."""
PLANCK: Final = 6.626_070_15e-34


def is_steady(train: PulseTrain) -> bool:
    """Tell whether a train is a carrier that leaks."""
    return train.spur and all(piece.samples.size == 0 for piece in train.pieces)


def parted(trains: Iterable[PulseTrain]) -> tuple[list[PulseTrain], list[PulseTrain]]:
    """Return what was played, and the carriers that leak."""
    both = list(trains)
    return [one for one in both if not is_steady(one)], [one for one in both if is_steady(one)]


def _largest(train: PulseTrain) -> float:
    levels = [abs(piece.level) for piece in train.pieces]
    return max([*levels, *(float(np.abs(p.samples).max(initial=0.0)) for p in train.pieces)])


def felt(qubit: QubitPoint, trains: Sequence[PulseTrain]) -> list[PulseTrain]:
    """Return what of the trains on its drive line a qubit feels.

    Raises NotSimulated for a carrier that leaks too close to a transition.
    """
    return [train for train in trains if not train.spur or _is_felt(qubit, train)]


def _is_felt(qubit: QubitPoint, train: PulseTrain) -> bool:
    rabi_hz = qubit.rabi_hz_per_sqrt_w * _largest(train)
    if rabi_hz == 0:
        return False
    transitions = np.diff(qubit.levels_hz)
    strengths = rabi_hz * np.abs(qubit.ladder[: transitions.size])
    felt_at = None
    for piece in train.pieces:
        apart = np.maximum(np.abs(transitions - piece.carrier_hz), 1.0)
        excited = float(np.max((strengths / apart) ** 2))
        shift_hz = float(np.max(strengths**2 / (2 * apart)))
        if excited > EXCITED_MAX or shift_hz > SHIFT_MAX_HZ:
            felt_at = piece.carrier_hz
    if felt_at is not None and is_steady(train):
        raise NotSimulated(
            f"a carrier at {felt_at / 1e9:.6f} GHz leaks into {train.line}, close enough to a "
            f"transition of {qubit.name} to be felt ({rabi_hz / 1e3:.3g} kHz on resonance): a tone "
            "that never ends is not simulated; set the offsets of that output so that nothing "
            "leaks, or move its local oscillator away"
        )
    return felt_at is not None


class SteadyTones:
    """The carriers that leak into one feedline during a run."""

    def __init__(self, feedline: FeedlinePoint) -> None:
        self._feedline = feedline
        self._trains: list[PulseTrain] = []

    def __bool__(self) -> bool:
        return bool(self._trains)

    def add(self, trains: Iterable[PulseTrain]) -> None:
        """Let carriers leak: trains of :func:`is_steady`."""
        self._trains += trains

    def refuse_light(self, qubit: QubitPoint) -> None:
        """Raise NotSimulated where they leave light in the resonator of a qubit that is driven."""
        for train in self._trains:
            for piece in train.pieces:
                photons = _photons(qubit, piece.carrier_hz, self._arriving(piece.level))
                if photons > PHOTONS_MAX:
                    raise NotSimulated(
                        f"a carrier at {piece.carrier_hz / 1e9:.6f} GHz leaks into {train.line} "
                        f"and leaves {photons:.2g} photons in the resonator of {qubit.name} while "
                        "it is driven: a tone that never ends is not simulated; set the offsets "
                        "of that output so that nothing leaks, or attenuate it"
                    )

    def _arriving(self, level: complex) -> complex:
        return level * self._feedline.transmission_in

    def means(self, capture: CaptureTrain) -> NDArray[np.complex128]:
        """Return what they add to the mean of each window, sqrt(W)."""
        found = np.zeros(capture.start_ns.size, np.complex128)
        for train in self._trains:
            starts, lengths, levels, turns = self._stretches(train)
            for number, window in enumerate(capture.windows):
                mine = np.flatnonzero(capture.window == number)
                open_ns = capture.start_ns[mine].astype(np.int64)
                at = np.searchsorted(starts, open_ns, side="right") - 1
                first = np.maximum(at, 0)
                ends = starts[first] + lengths[first]
                whole = (at >= 0) & (open_ns + window.duration_ns <= ends)
                for hz in {piece.carrier_hz for piece in train.pieces}:
                    rows = np.flatnonzero(whole & (self._carriers(train)[first] == hz))
                    of = first[rows]
                    turned = self._turned(
                        hz, turns[of], open_ns[rows] - starts[of], capture.phase_turns[mine[rows]]
                    )
                    total = _along(window, hz).sum()
                    found[mine[rows]] += levels[of] * np.exp(2j * np.pi * turned) * total
                for row in np.flatnonzero(~whole):
                    found[mine[row]] += self._part(
                        train, window, int(open_ns[row]), float(capture.phase_turns[mine[row]])
                    )
        return found

    def _carriers(self, train: PulseTrain) -> NDArray[np.float64]:
        return np.array([piece.carrier_hz for piece in train.pieces])[train.piece]

    def _stretches(
        self, train: PulseTrain
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.complex128], NDArray[np.float64]]:
        """Return beginnings and lengths at the listener, levels there, phases where it begins."""
        delay = self._feedline.delay_in_ns + self._feedline.delay_out_ns
        lengths = np.array([piece.duration_ns for piece in train.pieces], np.int64)[train.piece]
        passed = np.array(
            [
                self._arriving(p.level) * self._feedline.gain_out * self._passes(p.carrier_hz)
                for p in train.pieces
            ]
        )
        starts = train.start_ns.astype(np.int64) + int(np.ceil(delay))
        return starts, lengths, passed[train.piece], train.phase_turns

    def _passes(self, hz: float) -> complex:
        """Return the transmission past the resonators of qubits in their ground states."""
        taken = 0j
        for qubit in self._feedline.qubits:
            apart = hz - float(qubit.resonator_hz[0])
            taken += qubit.kappa_coupling_hz / (qubit.kappa_hz + 2j * apart)
        return 1 - taken

    def _turned(
        self,
        hz: float,
        turns: NDArray[np.float64],
        into_ns: NDArray[np.int64],
        demod_turns: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the phase at the listener when a window opens, over its own oscillator."""
        delay = self._feedline.delay_in_ns + self._feedline.delay_out_ns
        fraction = np.ceil(delay) - delay
        return np.asarray(turns + 1e-9 * hz * (into_ns + fraction) - demod_turns, np.float64)

    def _part(self, train: PulseTrain, window: Window, open_ns: int, turns: float) -> complex:
        """Return the mean of a window in part of which the carrier leaks."""
        seen = self._samples(train, open_ns, window.duration_ns)
        back = np.exp(-2j * np.pi * turns)
        weights = _along(window, 0.0)
        return complex(np.sum(seen * weights) * back)

    def _samples(self, train: PulseTrain, open_ns: int, count: int) -> NDArray[np.complex128]:
        """Return the signal at the listener, a sample each ns, on no carrier."""
        seen = np.zeros(count, np.complex128)
        starts, lengths, levels, turns = self._stretches(train)
        carriers = self._carriers(train)
        near = np.flatnonzero((starts < open_ns + count) & (starts + lengths > open_ns))
        for one in near.tolist():
            low = max(int(starts[one]) - open_ns, 0)
            high = min(int(starts[one] + lengths[one]) - open_ns, count)
            into = np.arange(low, high) + open_ns - int(starts[one])
            phase = self._turned(carriers[one], turns[one], into, np.zeros(1))
            seen[low:high] += levels[one] * np.exp(2j * np.pi * phase)
        return seen

    def trace(self, open_ns: int, count: int, hz: float, turns: float) -> NDArray[np.complex128]:
        """Return what an oscilloscope sees of them, demodulated by an oscillator of that phase."""
        seen = np.zeros(count, np.complex128)
        for train in self._trains:
            seen += self._samples(train, open_ns, count)
        back = np.exp(-2j * np.pi * ((1e-9 * hz * np.arange(count) + turns) % 1.0))
        return np.asarray(seen * back, np.complex128)


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
