"""Converts the pulses of one core to ticks, each on its oscillator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import PlacedFrame, PlacedPulse
from podium.control.compilers.points import FloatArray, IntArray
from podium.control.compilers.zurich.oscillators import Oscillators, phase_before
from podium.control.compilers.zurich.starts import check_apart, first_ticks
from podium.control.compilers.zurich.waves import WaveTable
from podium.control.program.program import Axis

HDAWG_BAND_HZ: Final = 750e6
"""HDAWG user manual, specifications: signal bandwidth of an output."""


@dataclass(frozen=True, slots=True, eq=False)
class Pulse:
    """A pulse in ticks, on its oscillator."""

    statement: int
    frame: str
    start: IntArray
    late_fs: IntArray
    """By how much it begins later, see ``starts``."""
    samples: int
    placed: PlacedPulse
    plane: int
    oscillator: int
    turns: FloatArray
    """Phase of its carrier, continued back to the start of the shot."""
    offset_hz: FloatArray
    """Its carrier about the local oscillator."""

    @property
    def in_samples(self) -> bool:
        """Return whether a carrier or a phase has to stand in the samples, as on flux lines."""
        return bool(self.offset_hz.any() or self.turns.any() or self.placed.turned)


def pulses_of(
    frames: Sequence[tuple[PlacedFrame, int]],
    oscillators: Oscillators,
    waves: WaveTable,
    axes: tuple[Axis, ...],
    rest_fs: int,
) -> tuple[Pulse, ...]:
    """Return the pulses of a core's frames, each frame with its plane; ``rest_fs``: of a skew."""
    made = []
    for frame, plane in frames:
        name = frame.frame.name
        for placed in frame.pulses:
            where = f"{name}: statement {placed.statement}"
            start, late_fs, samples = first_ticks(
                placed, waves.rate_hz, f"{where} (Play)", axes, rest_fs
            )
            number, offset_hz = oscillators.carrier(name, placed.carrier, axes)
            if waves.kind == "hdawg":
                _check_baseband(where, placed, waves)
            turns = placed.carrier.turns + phase_before(placed.carrier, oscillators)
            made.append(
                Pulse(
                    placed.statement,
                    name,
                    start,
                    late_fs,
                    samples,
                    placed,
                    plane,
                    number,
                    turns,
                    offset_hz,
                )
            )
        mine = [one for one in made if one.frame == name]
        apart = [(p.statement, p.start, p.late_fs, p.samples, p.placed.guard) for p in mine]
        check_apart(name, apart, axes)
    return tuple(made)


def _check_baseband(where: str, placed: PlacedPulse, waves: WaveTable) -> None:
    """Refuse what an HDAWG cannot play by one output: it has the real part of the signal."""
    far_hz = float(np.abs(placed.carrier.frequency_hz).max())
    if far_hz > HDAWG_BAND_HZ:
        raise DoesNotFit(
            f"{where}: a carrier of {far_hz / 1e6:g} MHz on an HDAWG, whose band ends at "
            f"{HDAWG_BAND_HZ / 1e6:g} MHz; use a signal generator"
        )
    if far_hz == 0 and waves.shape(placed.waveform).imag.any():
        raise DoesNotFit(
            f"{where}: an HDAWG plays one real signal: without a carrier no Drag and no imaginary "
            "samples; use a signal generator"
        )
