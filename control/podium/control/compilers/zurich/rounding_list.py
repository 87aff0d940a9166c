"""Lists what is rounded: asked beside got, at all points."""

from collections.abc import Iterator, Mapping, Set

import numpy as np

from podium.control.compilers.placing import PlacedShot
from podium.control.compilers.points import FloatArray
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.rounding import (
    AMPLITUDE_STEP,
    FREQUENCY_STEP_HZ,
    amplitude_words,
)
from podium.firmware_interfaces.compiled import Quantised


def quantised(
    placed: PlacedShot, oscillators_of: Mapping[str, Oscillators], read_out: Set[str]
) -> Iterator[Quantised]:
    """Yield what is rounded, of frames that ``oscillators_of`` names.

    Readout waveforms and weights are given as they are asked for; of the frames ``read_out`` only
    the oscillators are rounded that they ride on.
    """
    axes = placed.axes

    def entry(
        frame: str,
        statement: int,
        quantity: str,
        step: float,
        asked: FloatArray,
        got: FloatArray,
    ) -> Quantised:
        where = "at the start" if statement < 0 else f"of statement {statement}"
        dimensions = [(axis.name, n) for axis, n in zip(axes, asked.shape, strict=True) if n > 1]
        return Quantised(
            what=f"{frame}: {quantity} {where}",
            frame=frame,
            statement=statement,
            quantity=quantity,
            unit="Hz" if quantity == "frequency" else "1",
            step=step,
            axes=tuple(name for name, _ in dimensions),
            shape=tuple(n for _, n in dimensions),
            asked=tuple(asked.ravel().tolist()),
            got=tuple(got.ravel().tolist()),
        )

    for one in placed.frames:
        name = one.frame.name
        oscillators = oscillators_of.get(name)
        if oscillators is None:
            continue
        first_hz = np.full((1,) * len(axes), one.frame.frequency_hz)
        if oscillators.lo_hz is not None:
            tunings = [(tuning.statement, tuning.frequency_hz) for tuning in one.tunings]
            for index, hz in ((-1, first_hz), *tunings):
                got = oscillators.lo_hz + oscillators.got_hz(hz)
                words = hz.size if oscillators.words(hz)[1] is not None else 1
                yield entry(name, index, "frequency", words * FREQUENCY_STEP_HZ, hz, got)
        for pulse in one.pulses if name not in read_out else ():
            amplitude = np.asarray(amplitude_words(pulse.amplitude) * AMPLITUDE_STEP)
            yield entry(
                name, pulse.statement, "amplitude", AMPLITUDE_STEP, pulse.amplitude, amplitude
            )
