"""Heralds shots that begin in 0 for sure, by a known readout; none has to wait.

The heralding readouts have frames of their own. So the readout that follows may have any setting
and length while the herald keeps the one with which 0 and 1 were told apart before. (Johnson et
al., Phys. Rev. Lett. 109, 050506 (2012).)
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.iq_clouds import heralded_zeros
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.sequences import FORGOTTEN, Pulses, emptied, ringdown
from podium.control.program.program import Barrier, Delay, Frame, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

HERALD = "herald"
"""A qubit's readout before its preparation is the capture ``<element>_herald``."""
SILENCE_NS = 400
"""After the last pulse of a shot: some controllers begin their oscillators anew in the silence
between two shots."""
AT_ONCE = 3
"""Qubits of one feedline: two readout frames of each have a sequencer each, of six in a module."""


def can_herald(pulses: Sequence[Pulses]) -> bool:
    """Tell whether the results of all are known for the readout in use, and frames suffice."""
    crowd = Counter(p.qubit.feedline for p in pulses)
    return max(crowd.values(), default=0) <= AT_ONCE and all(p.can_discriminate() for p in pulses)


def herald_frames(pulses: Sequence[Pulses]) -> tuple[Frame, ...]:
    """Return the frames of the heralding readouts, at the probe frequencies in use."""
    return tuple(
        Frame(p.herald, p.qubit.readout_port, p.readout_frame().frequency_hz, restarts=True)
        for p in pulses
    )


def herald(
    pulses: Sequence[Pulses],
    frames: Sequence[str],
    *,
    own_frames: bool = False,
    emptied_before: bool = False,
    folds: float = FORGOTTEN,
) -> list[Statement]:
    """Read all qubits, and wait until the resonators are empty again.

    ``frames``: all that take part. ``own_frames``: read in those of :func:`herald_frames`.
    ``emptied_before``: the shot before has ended with :func:`back_to_0`, or this one begins with a
    wait; otherwise the resonators empty first. ``folds``: of 1 / (2 pi kappa), for which they empty
    behind it.
    """
    # Some controllers set their oscillators anew in the silence before a shot's first readout:
    # back_to_0 ends with one.
    body: list[Statement] = []
    if not emptied_before:
        body = [*ringdown(pulses, frames), Barrier(tuple(frames))]
    for p in pulses:
        frame = p.herald if own_frames else None
        body += p.measure(name=f"{p.qubit.element}_{HERALD}", frame=frame)
    return [*body, *emptied(pulses, frames, folds)]


def back_to_0(
    pulses: Sequence[Pulses], frames: Sequence[str], undo: Sequence[Statement]
) -> list[Statement]:
    """Play ``undo`` once the resonators are empty, so that the next herald finds 0."""
    silence = Delay(tuple(frames), SILENCE_NS * FS_PER_NS)
    return [*emptied(pulses, frames), *undo, Barrier(tuple(frames)), silence]


def heralded(
    pulses: Sequence[Pulses],
    frames: Sequence[str],
    prepare: Sequence[Statement],
    read: Sequence[Statement],
) -> list[Statement]:
    """Return one shot: herald in frames of its own, ``prepare``, ``read``, ``prepare`` once more.

    The resonators are empty before each preparation. ``frames``: all others that take part.
    """
    every = (*frames, *(p.herald for p in pulses))
    shot = herald(pulses, every, own_frames=True, emptied_before=True)
    shot += [*prepare, Barrier(every), *read]
    return [*shot, *back_to_0(pulses, every, prepare), Barrier(every)]


def began_in_0(data: "xarray.Dataset", element: str, levels: Levels) -> NDArray[np.bool_] | None:
    """Return which shots were heralded in 0, in the shape of the captures; None: not heralded.

    ``levels``: of the readout in use. Raises FitFailed where they overlap too much.
    """
    if f"{element}_{HERALD}_i" not in data:
        return None
    return heralded_zeros(iq_of(data, f"{element}_{HERALD}"), levels)
