"""From the program of a core to what its nodes are given: compiled by the vendor's compiler."""

from collections.abc import Iterator

import numpy as np
from zhinst.core import compile_seqc

from podium.drivers.errors import Refused
from podium.drivers.zurich.connection import Item
from podium.firmware_interfaces.zurich.awg_limits import HDAWG_RATE_HZ
from podium.firmware_interfaces.zurich.program import CoreProgram, Waveform


def compiled(who: str, core: CoreProgram, model: str, options: str) -> bytes:
    """Return the machine code of a core's SeqC.

    ``who`` names program and instrument. Raises ``Refused`` with the compiler's own words, which
    name the line.
    """
    what = f"{who}: {core.node} ({', '.join(core.frames)})"
    sequencer = "auto" if core.kind == "hdawg" else core.kind
    rate = float(HDAWG_RATE_HZ) if core.kind == "hdawg" else None
    try:
        elf, told = compile_seqc(
            core.text, model, options, core.index, samplerate=rate, sequencer=sequencer
        )
    except RuntimeError as error:
        raise Refused(f"{what} does not compile: {error}") from error
    most = int(told["maxelfsize"])
    if len(elf) > most:
        raise Refused(f"{what}: {len(elf)} bytes compiled, at most {most}; take fewer points")
    return bytes(elf)


def items_of(root: str, core: CoreProgram) -> Iterator[Item]:
    """Yield what a core is given beside its machine code, after it."""
    for wave in core.waveforms:
        yield f"{root}/{core.node}/waveform/waves/{wave.index}", _words(wave)
    if core.command_table is not None:
        yield f"{root}/{core.node}/commandtable/data", core.command_table
    channel = f"{root}/qachannels/{core.index}"
    for pulse in core.readout_waveforms:
        samples = np.array(pulse.i) + 1j * np.array(pulse.q)
        yield f"{channel}/generator/waveforms/{pulse.slot}/wave", samples
    for weights in core.weights:
        samples = np.array(weights.i) + 1j * np.array(weights.q)
        yield f"{channel}/readout/integration/weights/{weights.slot}/wave", samples


def _words(wave: Waveform) -> np.ndarray[tuple[int], np.dtype[np.uint16]]:
    """Return a waveform as it is written: both channels by turns, 16 bits each."""
    channels = (wave.i,) if wave.q is None else (wave.i, wave.q)
    return np.stack([np.array(one, np.int16) for one in channels], axis=1).ravel().view(np.uint16)
