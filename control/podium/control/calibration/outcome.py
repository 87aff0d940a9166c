"""Defines a routine's outcome: parameters, reasons for failures, and figures."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.parameters.entry import Measured

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One set of points or one line of a panel."""

    label: str
    x: Array
    y: Array
    """Same shape as ``x``, (n,)."""
    line: bool = False
    """Draw a line (a fit) instead of points."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A map over two sweeps."""

    x: Array
    y: Array
    z: Array
    """Shape (len(y), len(x))."""
    z_label: str
    y_log: bool = False
    best: tuple[float, float] | None = None
    """The place that was chosen, marked; contours are drawn about it."""

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a place lies on the map."""
        return bool(np.min(self.x) <= x <= np.max(self.x) and np.min(self.y) <= y <= np.max(self.y))


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One plot: points, fits, marks, and one line of text about how the fit went."""

    element: str
    """Which qubit or feedline, e.g. ``q0``."""
    x_label: str
    y_label: str
    series: tuple[Series, ...] = ()
    picture: Picture | None = None
    marks: tuple[tuple[str, float], ...] = ()
    """Vertical lines: label and position on x."""
    text: str = ""
    """What came out, or why the fit failed."""
    failed: bool = False
    equal_axes: bool = False
    judged: bool = True
    """Its lines must explain its points better than a constant does, or the fit has failed."""

    def fitted(
        self,
        *lines: Series,
        text: str,
        marks: tuple[tuple[str, float], ...] = (),
        judged: bool = True,
    ) -> "Panel":
        """Return it with what was fitted drawn in, and with what came out in words.

        ``judged``: False where lines need not explain points better than a constant does.
        """
        return replace(
            self,
            series=(*self.series, *lines),
            text=text,
            marks=(*self.marks, *marks),
            judged=self.judged and judged,
        )


@dataclass(slots=True, eq=False)
class Outcome:
    """Collects one routine's results while it works."""

    routine: str
    title: str
    runs: list[str] = field(default_factory=list)
    measured: dict[str, Measured] = field(default_factory=dict)
    """By full name, ``node_a.q0.t1``."""
    failures: dict[str, str] = field(default_factory=dict)
    """Why it failed, by element (``node_a.q0``)."""
    panels: list[Panel] = field(default_factory=list)
    saturated: set[str] = field(default_factory=set)
    """Captures during which the input clipped: what they hold is not what came in."""
    notes: list[str] = field(default_factory=list)
    """What a person should know beside: parameters too old to be used."""
    assumed: list[str] = field(default_factory=list)
    """Design values that were taken in place of measurements that are missing, in words."""
    states: dict[str, NDArray[np.complex128]] = field(default_factory=dict)
    """Density matrices of pairs that were found, (4, 4) in the order 00, 01, 10, 11, by element."""


def joined(first: Outcome, second: Outcome) -> Outcome:
    """Return the results of a routine that worked on some targets and then on others."""
    return Outcome(
        first.routine,
        first.title,
        [*first.runs, *second.runs],
        {**first.measured, **second.measured},
        {**first.failures, **second.failures},
        [*first.panels, *second.panels],
        first.saturated | second.saturated,
        list(dict.fromkeys([*first.notes, *second.notes])),
        list(dict.fromkeys([*first.assumed, *second.assumed])),
        {**first.states, **second.states},
    )
