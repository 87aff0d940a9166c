"""Turns data into parameters, qubit by qubit; a failure of one stays with it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from math import isfinite
from typing import TypeAlias, TypeVar

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.least_squares import (
    FitFailed,
    look_at,
    near,
    solutions_noted,
)
from podium.control.calibration.inputs import propagate
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.target import Target, captures_of
from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import AT_MOST_1, BY_NAME, told

Found = tuple[Mapping[str, Measured], Panel]
"""Parameters by quantity (``t1``), and the panel with the fit drawn in. The panel's text may name
quantities in braces (``T1 {t1}``): value and sigma are put there."""
T = TypeVar("T", bound=Target)
Fit: TypeAlias = Callable[[T, Panel], Found]
"""Takes the qubit and its panel of raw data. It may be called several times, with the values that
it takes from the bench shifted: it keeps nothing of its own between calls."""

FALSE_ALARMS = 1e-5
"""A fit to noise alone passes :func:`refuse_unexplained` in so many cases at most."""
PARAMETERS = 6
"""Free parameters that a fitted line is taken to have, places that it was looked for at left out;
one that has fewer is judged more strictly than it need be."""


def refuse_clipped(outcome: Outcome, element: str) -> None:
    """Raise FitFailed when the input clipped during a capture of that element.

    Its captures are the one of its name, and those that go on with an underscore after it
    (``q0_herald``): where one clipped, the data are not what came in.
    """
    if any(name == element or name.startswith(f"{element}_") for name in outcome.saturated):
        raise FitFailed(
            "the input clipped (ADC saturated): raise input_attenuation in the facility file's "
            "wiring, or lower the gain of the line"
        )


def record_failure(outcome: Outcome, target: str, panel: Panel, reason: str) -> None:
    """Say why nothing is stored of a target, and draw its data with that reason."""
    outcome.failures[target] = reason
    outcome.panels.append(replace(panel, text=reason, failed=True))


def refuse_unexplained(panel: Panel) -> None:
    """Raise FitFailed when the panel's lines explain its points no better than their mean does.

    An F test: the scatter that the lines take away from the points, against what they leave. A
    line may be found at as many places as there are points, each a chance of its own (Bonferroni).
    Panels whose numbers of lines and points differ are not judged.
    """
    points = [one for one in panel.series if not one.line]
    lines = [one for one in panel.series if one.line]
    if not points or len(points) != len(lines) or not panel.judged:
        return
    count = sum(len(one.x) for one in points)
    left = sum(_scatter(one, line) for one, line in zip(points, lines, strict=True))
    whole = sum(_scatter(one, None) for one in points)
    refuse_noise(whole, left, count, len(points))


def refuse_noise(whole: float, left: float, count: int, scans: int = 1) -> None:
    """Raise FitFailed when a fit leaves about as much scatter as a fit to noise would.

    ``whole``, ``left``: sums of squares of ``count`` points about their means, and about the fit;
    ``scans``: how many means there are.
    """
    degrees = count - PARAMETERS - scans
    if degrees < 1:
        return
    from scipy.special import fdtri  # heavy

    needed = float(fdtri(PARAMETERS, degrees, 1 - FALSE_ALARMS / count))
    if (whole - left) / PARAMETERS < needed * left / degrees:
        raise FitFailed(
            f"the fit leaves {left / whole * 100:.0f} % of the scatter of {count} points: they are "
            "noise, or not what is fitted"
        )


def _scatter(points: Series, line: Series | None) -> float:
    """Return the sum of squares of the points about a line, or else about their mean."""
    order = None if line is None else np.argsort(line.x)
    middle = (
        np.mean(points.y)
        if line is None or order is None
        else np.interp(points.x, line.x[order], line.y[order])
    )
    return float(np.sum((points.y - middle) ** 2))


def refuse_empty(panel: Panel) -> None:
    """Raise FitFailed when what is drawn holds what is no number, or is the same everywhere."""
    for one in panel.series:
        if one.y.size:
            look_at(one.y)
    if panel.picture is not None:
        look_at(panel.picture.z)


def refuse_senseless(found: Mapping[str, Measured]) -> None:
    """Raise FitFailed for a value or a sigma that no store would keep."""
    for name, one in found.items():
        if not (isfinite(one.value) and isfinite(one.sigma) and one.sigma > 0):
            raise FitFailed(f"the fit gives {name} = {one.value:.6g} ± {one.sigma:.3g} {one.unit}")


def bounded(found: Mapping[str, Measured]) -> dict[str, Measured]:
    """Return what was found with fidelities of 1 at most, and what is cut off in their sigmas.

    After the doubt of inputs has been propagated: a value that is held at 1 moves with none.
    """
    return {
        name: replace(one, value=1.0, sigma=float(np.hypot(one.sigma, one.value - 1)))
        if name in AT_MOST_1 and one.value > 1
        else one
        for name, one in found.items()
    }


def fitted(bench: Bench, qubit: T, raw: Panel, fit: Fit[T]) -> Found:
    """Fit one qubit's data, refuse what noise would give as well, and propagate the inputs' doubt.

    Raises FitFailed.
    """
    refuse_empty(raw)

    def refit(shifts: Mapping[str, float]) -> Mapping[str, Measured]:
        with bench.taking(shifts), near(solutions):
            return fit(qubit, raw)[0]

    with bench.known_now.unchanged():
        with bench.taking() as inputs, solutions_noted() as solutions:
            found, panel = fit(qubit, raw)
        refuse_unexplained(panel)
        refuse_senseless(found)
        found = bounded(propagate(found, inputs, refit))
    refuse_senseless(found)
    return found, replace(panel, text=panel.text.format_map(_Texts(found)))


class _Texts(dict[str, str]):
    """The values found, as people read them."""

    def __init__(self, found: Mapping[str, Measured]) -> None:
        super().__init__(
            (
                name,
                told(m.value, m.sigma, m.unit, percent=name in BY_NAME and BY_NAME[name].percent),
            )
            for name, m in found.items()
        )


async def analyse(
    bench: Bench,
    outcome: Outcome,
    qubits: Iterable[T],
    raw: Callable[[T], Panel],
    fit: Fit[T],
) -> tuple[T, ...]:
    """Fit every qubit's data off the event loop, store what was found, and draw all of it.

    ``qubits``: or edges, each with its own data.

    ``raw`` draws the data as they are; ``fit`` raises FitFailed when they do not carry the
    answer: then nothing is stored for that qubit, its panel says why, and the others go on. The
    same goes for data that clipped, are no numbers or all the same, and for a fit whose line
    explains no more of its points than a fit to noise would. What the fit takes from the bench
    brings its doubt along (:mod:`podium.control.calibration.inputs`).
    Returns the qubits that succeeded.
    """
    good: list[T] = []
    measured: dict[str, Measured] = {}
    for qubit in qubits:
        panel = raw(qubit)
        try:
            for element in captures_of(qubit):
                refuse_clipped(outcome, element)
            found, panel = await asyncio.to_thread(fitted, bench, qubit, panel, fit)
        except FitFailed as error:
            record_failure(outcome, qubit.name, panel, str(error))
            continue
        outcome.panels.append(panel)
        measured.update({f"{qubit.name}.{name}": value for name, value in found.items()})
        good.append(qubit)
    await bench.commit(outcome, measured)
    return tuple(good)


Verify: TypeAlias = Callable[[Mapping[str, Measured]], Awaitable[Panel]]
"""Measures anew, in another way, what a fit has found; raises FitFailed where the two disagree.
Returns a panel with what was seen."""


async def analyse_verified(
    bench: Bench,
    outcome: Outcome,
    target: T,
    raw: Callable[[], Panel],
    fit: Fit[T],
    verify: Verify,
) -> bool:
    """Fit a target's data, measure anew what was found, and store it only where both agree.

    ``raw``, ``fit``: as of :func:`analyse`. Both panels are drawn, also of what has failed. Tells
    whether it was stored.
    """
    panel = raw()
    try:
        for element in captures_of(target):
            refuse_clipped(outcome, element)
        found, panel = await asyncio.to_thread(fitted, bench, target, panel, fit)
        second = await verify(found)
    except FitFailed as error:
        record_failure(outcome, target.name, panel, str(error))
        return False
    outcome.panels += [panel, second]
    named = {f"{target.name}.{name}": value for name, value in found.items()}
    await bench.commit(outcome, named)
    return True
