"""Counts what both ends of an edge are read as, in shots that began in 0."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.least_squares import look_at
from podium.control.calibration.fits.two_qubit_state import Confusion, pair_counts
from podium.control.calibration.herald import began_in_0, can_herald, herald
from podium.control.calibration.polarisation import is_hot, polarisation
from podium.control.calibration.reset import EMPTY
from podium.control.calibration.routines.single_shot import levels
from podium.control.program.program import Statement

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]


def begun(p: EdgePulses) -> list[Statement]:
    """Return the beginning of a shot: a reset.

    Where heat leaves an end in 1 too often, a readout behind it tells which shots began in 0.
    """
    hot = any(is_hot(p.bench, one.qubit) for one in p.both)
    if p.heralds or not hot or not can_herald(p.both):
        return p.begin()
    return [*p.rest(), *herald(p.both, p.names, emptied_before=True, folds=EMPTY)]


def shots_of(p: EdgePulses, shots: int) -> int:
    """Return how many shots are to be played so that about ``shots`` begin in 0."""
    least = min(polarisation(p.bench, one.qubit) for one in p.both)
    return p.bench.shots(round(shots / least**2))


def confusion_of(p: EdgePulses) -> Array:
    """Return P(told | was), (4, 4), as it was measured. Raises NotMeasured."""
    excited, ground = (
        tuple(p.bench.known(one.qubit, name).value for one in p.both)
        for name in ("false_excited", "false_ground")
    )
    return Confusion((excited[0], excited[1]), (ground[0], ground[1])).matrix()


def counts_of(p: EdgePulses, data: "xarray.Dataset") -> Array:
    """Return counts of 00, 01, 10, 11 at each point, (points, 4), of a run whose shots are kept.

    Raises FitFailed and NotMeasured.
    """
    bench, told = p.bench, []
    kept: NDArray[np.bool_] = np.ones((1, 1), np.bool_)
    for one in p.both:
        element, reference = one.qubit.element, levels(bench, one.qubit)
        iq = iq_of(data, element)
        look_at(iq)
        began = began_in_0(data, element, reference)
        if began is not None:
            kept = kept & began.reshape(len(iq), -1)
        threshold = bench.known_now.record.get(f"{one.qubit.name}.readout_threshold")
        above = 0.5 if threshold is None else threshold.value
        told.append((reference.project(iq) > above).reshape(len(iq), -1))
    return pair_counts(told[0], told[1], kept)
