"""An output cuts waveforms that add up beyond full scale.

ASSUMED: real and imaginary part are cut at full scale, sample by sample, as two converters would;
of a signal that turns with an oscillator the fundamental is what is left, and keeps its phase. A
phase that a sine generator adds without turning is not looked at.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from podium.sim_instruments.twins.clipping import clipped_tone
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes, Readouts

FULL: Final = 1 + 1e-4
"""Full scale, and what rounding to words of 14 bits may add to it."""


def cut(samples: Complexes) -> Complexes:
    """Return a signal of full scale 1 after its two converters."""
    return np.clip(samples.real, -1, 1) + 1j * np.clip(samples.imag, -1, 1)


def held_back(
    with_it: Complexes, against: Complexes, turns: bool
) -> tuple[Complexes, Complexes, bool]:
    """Return what of a generator's signal comes out, and whether it went beyond full scale.

    ``with_it`` turns with the oscillator, ``against`` the other way; ``turns``: whether it does.
    """
    size = np.abs(with_it) + np.abs(against)
    if not turns:
        whole = with_it + against
        left = cut(whole)
        over = bool(np.any(np.maximum(np.abs(whole.real), np.abs(whole.imag)) > FULL))
        share = np.divide(with_it, whole, out=np.zeros_like(whole), where=whole != 0)
        return (left * share, left * (1 - share), True) if over else (with_it, against, False)
    if not np.any(size > FULL):
        return with_it, against, False
    gain = clipped_tone(size)
    return with_it * gain, against * gain, True


def loud_masks(
    started: Readouts, waves: Mapping[int, Complexes]
) -> dict[int, tuple[int, Complexes]]:
    """Return, by mask of generators that add up beyond full scale, the loudest one's cut waveform.

    That is the generator with its waveform, less all that is cut of the sum."""
    found = {}
    for mask in np.unique(started.generators).tolist():
        slots = [slot for slot in waves if mask >> slot & 1]
        if not slots:
            continue
        total = np.zeros(max(len(waves[slot]) for slot in slots), np.complex128)
        for slot in slots:
            total[: len(waves[slot])] += waves[slot]
        if max(np.abs(total.real).max(), np.abs(total.imag).max()) <= FULL:
            continue
        loudest = max(slots, key=lambda slot: float(np.abs(waves[slot]).max()))
        left = cut(total) - total
        left[: len(waves[loudest])] += waves[loudest]
        found[mask] = (loudest, left)
    return found
