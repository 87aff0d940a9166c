"""Turns the program of a core into what its nodes are given."""

from collections.abc import Iterator

import numpy as np

from podium.drivers.zurich.client_messages import CompileSource
from podium.drivers.zurich.connection import Item
from podium.firmware_interfaces.zurich.awg_limits import HDAWG_RATE_HZ
from podium.firmware_interfaces.zurich.program import CoreProgram, Waveform


def nothing_in(core: CoreProgram) -> CoreProgram:
    """Return what a core holds that was given machine code and nothing else since."""
    return CoreProgram(core.kind, core.index, core.frames, core.text)


def source_of(
    core: CoreProgram, model: str, options: str, rate_hz: float = HDAWG_RATE_HZ
) -> CompileSource:
    """Return what the vendor's compiler is given; ``options`` as the instrument tells them.

    ``rate_hz``: of an HDAWG's samples.
    """
    hdawg = core.kind == "hdawg"
    return CompileSource(
        core.text,
        model,
        options,
        core.index,
        sequencer="auto" if hdawg else core.kind,
        rate_hz=float(rate_hz) if hdawg else None,
    )


def items_of(root: str, core: CoreProgram, held: CoreProgram) -> Iterator[Item]:
    """Yield what a core is given beside its machine code, after it, and is not ``held`` there."""
    for wave in core.waveforms:
        if wave not in held.waveforms:
            yield f"{root}/{core.node}/waveform/waves/{wave.index}", _words(wave)
    if core.command_table is not None and core.command_table != held.command_table:
        yield f"{root}/{core.node}/commandtable/data", core.command_table
    channel = f"{root}/qachannels/{core.index}"
    for pulse in core.readout_waveforms:
        if pulse in held.readout_waveforms:
            continue
        samples = np.array(pulse.i) + 1j * np.array(pulse.q)
        yield f"{channel}/generator/waveforms/{pulse.slot}/wave", samples
    for weights in core.weights:
        if weights in held.weights:
            continue
        samples = np.array(weights.i) + 1j * np.array(weights.q)
        yield f"{channel}/readout/integration/weights/{weights.slot}/wave", samples


def _words(wave: Waveform) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    """Return a waveform as it is written: both channels by turns, 16 bits each."""
    channels = (wave.i,) if wave.q is None else (wave.i, wave.q)
    return np.stack([np.array(one, np.int16) for one in channels], axis=1).ravel().view(np.uint16)
