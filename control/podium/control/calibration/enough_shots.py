"""Takes as many shots as a sigma needs that says something beside the design, and no more."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.inputs import propagate
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured

ENOUGH = 0.19
"""Sigma aimed at, of the design's spread, by what a rough scan has found. A fifth is what is asked
for; where it comes out greater, :func:`further_shots` follow."""
FEWEST, MOST = 0.2, 1.5
"""Share of a routine's usual shots that are taken at least, and at most."""
WITHIN, AIMED_AT = 0.195, 0.18
"""Sigmas, of the design's spread: where one is above the first, shots are added for the second.
Beyond a fifth, a measurement says little that the design does not."""
ADDED_AT_LEAST, ADDED_AT_MOST = 0.1, 3.0
"""Of the shots there were."""
ADDED_TIMES = 3
"""Runs of further shots at most: where points come to scatter more than they should, a sigma grows
with the shots."""


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


async def measure_on(
    qubits: Collection[Qubit],
    quantity: str,
    fit: Callable[[Qubit], Fit],
    counts: Sequence[int],
    run: Callable[[int], Awaitable[None]],
) -> None:
    """Have :func:`further_shots` taken until all sigmas are well, :data:`ADDED_TIMES` at most.

    ``counts``: the shots of each run so far; ``run`` takes more, and adds to them.
    """
    for _ in range(ADDED_TIMES):
        more = await asyncio.to_thread(further_shots, qubits, quantity, fit, sum(counts))
        if not more:
            break
        await run(more)


def further_shots(
    qubits: Iterable[Qubit], quantity: str, fit: Callable[[Qubit], Fit], shots: int
) -> int:
    """Return how many shots more bring all sigmas to :data:`AIMED_AT`; 0 where all are well.

    ``fit`` fits what there is, of so many ``shots``, and calls ``quantity`` its ``decay``. A qubit
    whose fit fails, or whose design has no spread, asks for none.
    """
    share = 0.0
    for qubit in qubits:
        expected = qubit.design.get(quantity)
        if expected is None or not expected.spread > 0:
            continue
        try:
            sigma = fit(qubit).sigmas["decay"] / expected.spread
        except FitFailed:
            continue
        if sigma > WITHIN:
            share = max(share, (sigma / AIMED_AT) ** 2 - 1, ADDED_AT_LEAST)
    return round(min(share, ADDED_AT_MOST) * shots)


def found_and_sigma(bench: Bench, measure: Callable[[], Measured]) -> tuple[Measured, float]:
    """Return what ``measure`` finds, and its sigma with the doubt of what that takes of the bench.

    Raises FitFailed.
    """

    def refit(shifts: Mapping[str, float]) -> dict[str, Measured]:
        with bench.taking(shifts):
            return {"": measure()}

    with bench.known_now.unchanged():
        with bench.taking() as inputs:
            found = measure()
        return found, propagate({"": found}, inputs, refit)[""].sigma
