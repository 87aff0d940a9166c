"""One play of a signal generator's channel, as it leaves the connector."""

import numpy as np

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes
from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.render import waveform_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import AMPLITUDE_ONE, Kind, Row
from podium.sim_instruments.twins.zurich.signals.output_saturation import held_back
from podium.sim_instruments.twins.zurich.signals.signal_pieces import SignalPiece, sent


class DrivePlay:
    """One play or hold; its two sides are made when they are first asked for."""

    def __init__(
        self, row: Integers, before: int, lasts: tuple[int, int], image: Image, hz: float
    ) -> None:
        """``before``: how long the play was that it is or repeats.

        ``lasts``: samples after the nanosecond, and for how many its last one is held; ``hz``: of
        its oscillator.
        """
        *self._sides, self.beyond = held_back(*_signals(row, before, image), bool(hz))
        self.sounds = tuple(bool(np.any(one)) for one in self._sides)
        """On each side: what turns with the oscillator, and against it."""
        self._held, self._samples = bool(row[Row.KIND] == Kind.HOLD), int(row[Row.A])
        self._lasts = lasts
        self._pieces: dict[int, SignalPiece] = {}

    def piece(self, side: int, carrier_hz: float, full: float) -> SignalPiece:
        """Return a side, 0 or 1; ``full``: amplitude of full scale, square roots of watts.

        The carrier and full scale are those of the channel, the same whenever it is asked for.
        """
        if side not in self._pieces:
            signal = self._sides[side] * full
            self._pieces[side] = sent(carrier_hz, signal, self._held, self._samples, *self._lasts)
        return self._pieces[side]


DrivePlays = dict[tuple[float, ...], DrivePlay]
"""Those of one channel, by all that they depend on."""


def _signals(row: Integers, before: int, image: Image) -> tuple[Complexes, Complexes]:
    """Return what turns with the oscillator and what turns against it, full scale 1."""
    played = row.copy()
    if row[Row.KIND] == Kind.HOLD:
        played[Row.A] = before
    (real_i, real_q), (imaginary_i, imaginary_q) = waveform_of(played.tolist(), image)
    if row[Row.KIND] == Kind.HOLD:
        real_i, real_q = real_i[-1:], real_q[-1:]
        imaginary_i, imaginary_q = imaginary_i[-1:], imaginary_q[-1:]
    packed = np.ascontiguousarray(row[[Row.AMPLITUDES_01, Row.AMPLITUDES_23]])
    a = packed.view("<i4").astype(np.float64) / AMPLITUDE_ONE
    # Real and imaginary part are a0 i cos + a1 q sin and a2 i sin + a3 q cos.
    with_it = (a[0] * real_i + a[2] * imaginary_i) / 2
    with_it = with_it + 1j * (a[3] * imaginary_q - a[1] * real_q) / 2
    against = (a[0] * real_i - a[2] * imaginary_i) / 2
    against = against + 1j * (a[3] * imaginary_q + a[1] * real_q) / 2
    return np.asarray(with_it, np.complex128), np.asarray(against, np.complex128)
