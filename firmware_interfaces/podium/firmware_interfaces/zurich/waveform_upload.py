"""Waveforms in the form in which they are written to ``waveform/waves/N``, and back.

Integers of 16 bits, interleaved: the channels, then the markers where there are any
(zhinst-utils 0.7, ``convert_awg_waveform``, MIT). In the program's memory the markers are the
lowest bits of each word instead.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from podium.firmware_interfaces.zurich.elf import SequencerElf, Waveform

_MARKER_STEP: Final = 2
"""Bits 0 and 1 of a marker word are the first channel's, 2 and 3 the second's."""


class BadWaveform(ValueError):
    """The upload fits no waveform of the program: its memory is unchanged."""


def write_waveform(elf: SequencerElf, index: int, data: bytes) -> SequencerElf:
    """Return the program with a waveform replaced. Raises :class:`BadWaveform`.

    ASSUMED: without markers in ``data`` they are zero.
    """
    if not 0 <= index < len(elf.waveforms):
        raise BadWaveform(
            f"waveform {index} is written; the program has {len(elf.waveforms)}, from 0 on"
        )
    before = elf.waveforms[index]
    waveforms = list(elf.waveforms)
    waveforms[index] = replace(before, data=_packed(before, index, data))
    return replace(elf, waveforms=tuple(waveforms))


def _packed(waveform: Waveform, index: int, data: bytes) -> bytes:
    size = 2 * waveform.length
    columns = len(data) // size
    marked = any(waveform.marker_bits)
    allowed = (waveform.channels, waveform.channels + 1) if marked else (waveform.channels,)
    if len(data) != columns * size or columns not in allowed:
        raise BadWaveform(
            f"waveform {index} ({waveform.name}) has {waveform.length} samples of "
            f"{waveform.channels} channels{' and markers' if marked else ''}: "
            f"{' or '.join(str(count * size) for count in allowed)} bytes, not {len(data)}"
        )
    words = np.frombuffer(data, "<i2").reshape(waveform.length, columns)
    packed = words[:, : waveform.channels].astype(np.int64)
    markers = words[:, waveform.channels :].astype(np.int64)
    for channel, bits in enumerate(waveform.marker_bits[: waveform.channels]):
        mask = (1 << bits) - 1
        packed[:, channel] &= ~mask
        if markers.shape[1]:
            packed[:, channel] |= markers[:, 0] >> _MARKER_STEP * channel & mask
    return packed.astype("<i2").tobytes()


def read_waveform(waveform: Waveform) -> bytes:
    """Return a waveform as the node gives it."""
    words = waveform.words().astype(np.int64)
    if not any(waveform.marker_bits):
        return waveform.data
    markers = np.zeros(waveform.length, np.int64)
    for channel, bits in enumerate(waveform.marker_bits[: waveform.channels]):
        mask = (1 << bits) - 1
        markers |= (words[:, channel] & mask) << _MARKER_STEP * channel
        words[:, channel] &= ~mask
    return np.column_stack([words, markers]).astype("<i2").tobytes()
