"""Defines what a flux line does to pulses, as it is calibrated: a property of its port.

The step response is ``1 + sum of a_k exp(-t / tau_k)``, behind it the high-pass of a bias tee, as
:class:`LineResponse` holds it; the parameters of the store are ``flux_amplitude1``, ``flux_tau1``
... and ``flux_high_pass`` of the element whose line it is. A correction is its inverse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 8
"""Exponentials of one line at most."""


@dataclass(frozen=True, slots=True)
class LineResponse:
    """Describes what arrives of a step of one volt, and how long it takes to settle."""

    exponentials: tuple[tuple[float, float], ...] = ()
    """Amplitude (1) and time constant, s, of each."""
    high_pass_s: float | None = None
    """Time constant of a bias tee's high-pass; None: it passes static voltages."""


def response_of(values: Mapping[str, float]) -> LineResponse | None:
    """Return the response that an element's parameters describe, by quantity; None: there is none.

    ValueError for an amplitude without its time constant, or the other way round.
    """
    exponentials = []
    for number in range(1, MOST + 1):
        names = f"flux_amplitude{number}", f"flux_tau{number}"
        there = [name for name in names if name in values]
        if len(there) == 1:
            missing = next(name for name in names if name not in values)
            raise ValueError(f"{there[0]} is there without {missing}")
        if there:
            exponentials.append((values[names[0]], values[names[1]]))
    high_pass_s = values.get("flux_high_pass")
    if not exponentials and high_pass_s is None:
        return None
    return LineResponse(tuple(exponentials), high_pass_s)


def lines_to_plain(lines: Mapping[str, LineResponse]) -> dict[str, Any]:
    """Return responses by port as JSON holds them."""
    return {
        port: {"exponentials": [list(one) for one in line.exponentials], "high": line.high_pass_s}
        for port, line in sorted(lines.items())
    }


def lines_from_plain(plain: Mapping[str, Any]) -> dict[str, LineResponse]:
    """Return what :func:`lines_to_plain` was given; raises TypeError, KeyError, ValueError."""
    return {
        str(port): LineResponse(
            tuple((float(a), float(tau)) for a, tau in one["exponentials"]),
            None if one["high"] is None else float(one["high"]),
        )
        for port, one in plain.items()
    }
