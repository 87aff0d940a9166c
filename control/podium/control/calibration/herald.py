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
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.sequences import FORGOTTEN, Pulses, emptied, ringdown
from podium.control.program.program import Barrier, Delay, Frame, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

HERALD = "herald"
"""A qubit's readout before its preparation is the capture ``<element>_herald``."""
UNSHELVED = "herald_unshelved"
"""Of a qubit that is shelved before a readout, one before that which it is not: it tells 2 from 0,
and takes nothing to 1. Shots count that both of them find in 0."""
SILENCE_NS = 400
"""After the last pulse of a shot: some controllers begin their oscillators anew in the silence
between two shots."""
FEWEST = 2
"""Heralded shots of a point that has a mean."""
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
    shelved = [p for p in pulses if p.shelving() is not None]
    for p in shelved:
        frame = p.herald if own_frames else None
        body += p.measure(name=f"{p.qubit.element}_{UNSHELVED}", frame=frame, shelved=False)
    if shelved:
        body += emptied(pulses, frames)
    for p in pulses:
        frame = p.herald if own_frames else None
        body += p.measure(name=f"{p.qubit.element}_{HERALD}", frame=frame)
    return [*body, *emptied(pulses, frames, folds)]


def back_to_0(
    pulses: Sequence[Pulses],
    frames: Sequence[str],
    undo: Sequence[Statement],
    shelved: bool = True,
) -> list[Statement]:
    """Play ``undo`` once the resonators are empty, so that the next herald finds 0.

    ``shelved``: the readout was one before which 1 was shelved, where that is done at all.
    """
    every = tuple(frames)
    shelvings = [one for one in (p.shelving() for p in pulses) if shelved and one is not None]
    silence = Delay(every, SILENCE_NS * FS_PER_NS)
    down: list[Statement] = [*(one.pulse() for one in shelvings)]
    if down:
        down.append(Barrier(every))
    return [*emptied(pulses, frames), *down, *undo, Barrier(every), silence]


def heralded(
    pulses: Sequence[Pulses],
    frames: Sequence[str],
    prepare: Sequence[Statement],
    read: Sequence[Statement],
    shelved: bool = True,
) -> list[Statement]:
    """Return one shot: herald in frames of its own, ``prepare``, ``read``, ``prepare`` once more.

    The resonators are empty before each preparation. ``frames``: all others that take part;
    ``shelved``: as of :func:`back_to_0`.
    """
    every = (*frames, *(p.herald for p in pulses))
    shot = herald(pulses, every, own_frames=True, emptied_before=True)
    shot += [*prepare, Barrier(every), *read]
    return [*shot, *back_to_0(pulses, every, prepare, shelved), Barrier(every)]


def began_in_0(data: "xarray.Dataset", element: str, levels: Levels) -> NDArray[np.bool_] | None:
    """Return which shots were heralded in 0, in the shape of the captures; None: not heralded.

    ``levels``: of the readout in use. Raises FitFailed where they overlap too much.
    """
    heralds = heralds_of(data, element)
    return surely_in_0(heralds, levels) if heralds else None


def heralds_of(data: "xarray.Dataset", element: str) -> tuple[NDArray[np.complex128], ...]:
    """Return the readouts before a preparation, each in the shape of the captures, V."""
    names = (f"{element}_{one}" for one in (UNSHELVED, HERALD))
    return tuple(iq_of(data, name) for name in names if f"{name}_i" in data)


def mean_in_0(data: "xarray.Dataset", element: str, levels: Levels) -> NDArray[np.complex128]:
    """Return the means of the shots that began in 0 for sure, in the shape of the axes, V.

    Raises FitFailed where a point has none.
    """
    iq = iq_of(data, element)
    look_at(iq)
    sure = surely_in_0(heralds_of(data, element), levels)
    count = np.sum(sure, axis=0)
    if int(np.min(count)) < FEWEST:
        raise FitFailed("no shots that began in 0 for sure: the herald does not tell 0 from 1")
    return np.asarray(np.sum(np.where(sure, iq, 0), axis=0) / count)


def surely_in_0(heralds: Sequence[NDArray[np.complex128]], levels: Levels) -> NDArray[np.bool_]:
    """Return which shots all heralds have found in 0. Raises FitFailed."""
    return np.asarray(np.logical_and.reduce([heralded_zeros(one, levels) for one in heralds]))
