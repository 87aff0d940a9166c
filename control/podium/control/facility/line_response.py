"""Defines what a flux line does to pulses, as it is calibrated: a property of its port.

The step response is ``1 + sum of a_k exp(-t / tau_k)``, behind it the high-pass of a bias tee, and
a part of all that once more, later, as :class:`LineResponse` holds it; the parameters of the store
are ``flux_amplitude1``, ``flux_tau1`` ..., ``flux_high_pass``, and ``flux_reflection`` with
``flux_reflection_delay``, of the element whose line it is; ``flux_delay``, by how much later it
comes than a drive; and ``pulsed_crosstalk_amplitude_q0`` of q1, what of pulses on another line
arrives in its loop. A correction is its inverse. A drive line has only what takes the drives of
others away (``drive_crosstalk_q0`` and ``drive_crosstalk_phase_q0`` of q1), and where the carrier
of a modulator in front of it is put (``drive_carrier``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST = 8
"""Exponentials of one line at most."""
DELAY_MAX_S = 1e-6
"""Cables of one qubit that differ by more, some 200 m, are a wrong number."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Describes what one line plays with each pulse on another, so that nothing arrives of it."""

    source: str
    """Port of the other line."""
    part: float
    """Amplitude for a pulse of amplitude 1 there."""
    turns: float = 0.0
    """By how much its carrier is ahead of that pulse's."""
    at_hz: float | None = None
    """Carrier of pulses that it is for; None: of all."""


CANCEL_REACH_HZ = 10e6
"""A cancelling tone goes with pulses so near to its frequency. ASSUMED: lines are 4 ns unlike in
length, which nobody has measured: a quarter of what arrives is left at the end of that reach."""


@dataclass(frozen=True, slots=True)
class LineResponse:
    """Describes what arrives of a step of one volt, and how long it takes to settle."""

    exponentials: tuple[tuple[float, float], ...] = ()
    """Amplitude (1) and time constant, s, of each."""
    high_pass_s: float | None = None
    """Time constant of a bias tee's high-pass; None: it passes static voltages."""
    reflection: tuple[float, float] | None = None
    """Part of the signal that arrives once more, and how much later, s; None: nothing does."""
    delay_s: float = 0.0
    """By how much later all of it arrives than a drive of the same element; below 0: earlier."""
    cancels: tuple[Cancel, ...] = ()
    """What is played here with pulses on other lines. A drive line may have this and the next."""
    carrier_hz: float | None = None
    """Where the carrier of the modulator in front of it is put; None: where the facility file has
    it."""

    def __post_init__(self) -> None:
        if not abs(self.delay_s) <= DELAY_MAX_S:
            raise ValueError(
                f"flux would arrive {self.delay_s:g} s later than a drive; at most "
                f"{DELAY_MAX_S:g} s, earlier or later, are undone"
            )

    @property
    def is_plain(self) -> bool:
        """Return whether there is nothing to undo."""
        return self.is_as_played and not self.cancels and self.carrier_hz is None

    @property
    def is_as_played(self) -> bool:
        """Return whether it arrives as it is played, and no filter or delay is asked for."""
        return not (self.distorts or self.delay_s)

    @property
    def distorts(self) -> bool:
        """Return whether a pulse arrives in another shape, and not just at another time."""
        shaped = self.exponentials or self.high_pass_s is not None or self.reflection is not None
        return bool(shaped)


def response_of(values: Mapping[str, float]) -> LineResponse | None:
    """Return the response that an element's parameters describe, by quantity; None: there is none.

    A reflection of 0 is none: so it is stored where a later run does not find one.
    ValueError for an amplitude without its time constant, a reflection without its delay, or the
    other way round.
    """
    exponentials = []

    def both(first: str, second: str) -> tuple[float, float] | None:
        there = [name for name in (first, second) if name in values]
        if len(there) == 1:
            missing = second if first in values else first
            raise ValueError(f"{there[0]} is there without {missing}")
        return (values[first], values[second]) if there else None

    for number in range(1, MOST + 1):
        one = both(f"flux_amplitude{number}", f"flux_tau{number}")
        if one is not None:
            exponentials.append(one)
    high_pass_s = values.get("flux_high_pass")
    reflection = both("flux_reflection", "flux_reflection_delay")
    if reflection is not None and reflection[0] == 0.0:
        reflection = None
    found = LineResponse(
        tuple(exponentials), high_pass_s, reflection, values.get("flux_delay", 0.0)
    )
    return None if found.is_plain else found


def lines_to_plain(lines: Mapping[str, LineResponse]) -> dict[str, Any]:
    """Return responses by port as JSON holds them."""
    return {
        port: {
            "exponentials": [list(one) for one in line.exponentials],
            "high": line.high_pass_s,
            "reflection": None if line.reflection is None else list(line.reflection),
            **({"delay": line.delay_s} if line.delay_s else {}),
            **({} if line.carrier_hz is None else {"carrier": line.carrier_hz}),
            **(
                {"cancels": [_cancel_to_plain(one) for one in line.cancels]} if line.cancels else {}
            ),
        }
        for port, line in sorted(lines.items())
    }


def lines_from_plain(plain: Mapping[str, Any]) -> dict[str, LineResponse]:
    """Return what :func:`lines_to_plain` was given; raises TypeError, KeyError, ValueError."""
    return {
        str(port): LineResponse(
            tuple(_pair(pair) for pair in one["exponentials"]),
            None if one["high"] is None else float(one["high"]),
            None if one["reflection"] is None else _pair(one["reflection"]),
            float(one.get("delay", 0.0)),
            tuple(_cancel(*each) for each in one.get("cancels", [])),
            None if one.get("carrier") is None else float(one["carrier"]),
        )
        for port, one in plain.items()
    }


def _cancel_to_plain(one: Cancel) -> list[str | float | None]:
    tone: list[str | float | None] = [] if one.at_hz is None else [one.turns, one.at_hz]
    return [one.source, one.part, *tone]


def _cancel(source: Any, part: Any, turns: Any = 0.0, at_hz: Any = None) -> Cancel:
    return Cancel(str(source), float(part), float(turns), None if at_hz is None else float(at_hz))


def _pair(plain: Any) -> tuple[float, float]:
    first, second = plain
    return float(first), float(second)
