"""How a routine turns data into parameters: qubit by qubit, a failure of one stays with it."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel
from podium.control.facility.facility import Qubit

Found = tuple[dict[str, Measured], Panel]
"""Parameters by quantity (``t1``), and the panel with the fit drawn in."""


def refuse_clipped(outcome: Outcome, capture: str) -> None:
    """Raise FitFailed when the input clipped during that capture: the data are not what came in."""
    if capture in outcome.saturated:
        raise FitFailed(
            "the input clipped (ADC saturated): raise input_attenuation in the facility file's "
            "wiring, or lower the gain of the line"
        )


async def analyse(
    bench: Bench,
    outcome: Outcome,
    qubits: Iterable[Qubit],
    raw: Callable[[Qubit], Panel],
    fit: Callable[[Qubit, Panel], Found],
) -> tuple[Qubit, ...]:
    """Fit every qubit's data off the event loop, store what was found, and draw all of it.

    ``raw`` draws the data as they are; ``fit`` raises FitFailed when they do not carry the
    answer: then nothing is stored for that qubit, its panel says why, and the others go on.
    Returns the qubits that succeeded.
    """
    good: list[Qubit] = []
    measured: dict[str, Measured] = {}
    for qubit in qubits:
        panel = raw(qubit)
        try:
            refuse_clipped(outcome, qubit.element)
            found, panel = await asyncio.to_thread(fit, qubit, panel)
        except FitFailed as error:
            outcome.failures[qubit.name] = str(error)
            outcome.panels.append(replace(panel, text=str(error), failed=True))
            continue
        outcome.panels.append(panel)
        measured.update({f"{qubit.name}.{name}": value for name, value in found.items()})
        good.append(qubit)
    await bench.commit(outcome, measured)
    return tuple(good)
