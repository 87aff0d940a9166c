"""Takes as many shots as a sigma needs that says something beside the design, and no more."""

from collections.abc import Iterable

from podium.control.calibration.bench import Bench
from podium.control.facility.facility import Qubit

ENOUGH = 0.175
"""Sigma aimed at, of the design's spread: a fifth is what is asked for, and shots scatter."""
FEWEST, MOST = 0.2, 1.5
"""Share of a routine's usual shots that are taken at least, and at most."""


def enough_shots(
    bench: Bench, qubits: Iterable[Qubit], quantity: str, shots: int, relative: float
) -> int:
    """Return how many shots bring ``quantity`` of each qubit to :data:`ENOUGH` of its spread.

    ``shots``: the usual number, which leaves a sigma of ``relative``, a share of the value. Where
    the value has not been measured yet, the design has no spread, or fewer shots than usual are
    wanted anyway, the usual number is returned, times the thoroughness.
    """
    if bench.thoroughness < 1:
        return bench.shots(shots)
    share = 0.0
    for qubit in qubits:
        entry, design = bench.record.get(f"{qubit.name}.{quantity}"), qubit.design.get(quantity)
        if entry is None or design is None or design.spread <= 0:
            return bench.shots(shots)
        share = max(share, (relative * entry.value / (ENOUGH * design.spread)) ** 2)
    return bench.shots(round(shots * min(max(share, FEWEST), MOST)))
