"""Lays out a core's shot: waveforms on the grid of 16 samples, silence between.

The hardware begins waveforms and silence at multiples of 16 samples from the start, each at least
32 long. A pulse that begins between is stored with as many zeros before it; pulses that share a
grain of 16 become one waveform.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from podium.firmware_interfaces.zurich.awg_limits import GRANULARITY, WAVE_MIN


@dataclass(frozen=True, slots=True)
class Stretch:
    """A waveform from ``begin`` to ``end``, samples, and the pulses in it."""

    begin: int
    end: int
    pulses: tuple[int, ...]


def floor(samples: int) -> int:
    """Return the multiple of 16 at or before."""
    return samples // GRANULARITY * GRANULARITY


def ceil(samples: int) -> int:
    """Return the multiple of 16 at or after."""
    return -(-samples // GRANULARITY) * GRANULARITY


def stretches(begins: Sequence[int], lengths: Sequence[int], start: int, end: int) -> list[Stretch]:
    """Return the waveforms that pulses make, in time, between ``start`` and ``end``.

    A gap of 16 samples is too short for silence: the waveform before is longer then, or the first
    begins earlier. The last may reach beyond ``end``.
    """
    order = sorted(range(len(begins)), key=lambda k: begins[k])
    made: list[Stretch] = []
    for k in order:
        begin, until = floor(begins[k]), ceil(begins[k] + lengths[k])
        until = max(until, begin + WAVE_MIN)
        if made and begin < made[-1].end:
            last = made.pop()
            made.append(Stretch(last.begin, max(last.end, until), (*last.pulses, k)))
            continue
        if made and begin - made[-1].end == GRANULARITY:
            last = made.pop()
            made.append(Stretch(last.begin, begin, last.pulses))
        made.append(Stretch(begin, until, (k,)))
    if made and made[0].begin - start == GRANULARITY:
        made[0] = Stretch(start, made[0].end, made[0].pulses)
    if made and end - made[-1].end == GRANULARITY:
        last = made.pop()
        made.append(Stretch(last.begin, end, last.pulses))
    return made
