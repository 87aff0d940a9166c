"""Drivers of network analyzers share this: checks before a sweep, and the data after it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.roles import NetworkSweep
from podium.drivers.tone_range import check_range
from podium.drivers.visa_session import VisaSession

SWEEP_ALLOWANCE_S = 10.0
"""A reply to ``*OPC?`` may come so much later than the instrument's own sweep time says."""


def check_sweep(
    name: str,
    sweep: NetworkSweep,
    frequency_hz: tuple[SupportsFloat, SupportsFloat],
    power_dbm: tuple[SupportsFloat, SupportsFloat],
    points_max: int,
    ports: int,
) -> None:
    """Raise :class:`Refused` for a sweep that the analyzer does not reach."""
    check_range(name, "start", sweep.start_hz, *frequency_hz, "Hz")
    check_range(name, "stop", sweep.stop_hz, *frequency_hz, "Hz")
    check_range(name, "power", sweep.power_dbm, *power_dbm, "dBm")
    if sweep.start_hz >= sweep.stop_hz:
        raise Refused(f"{name}: a sweep ends above its start, not {sweep.stop_hz:g} Hz")
    if not 2 <= sweep.points <= points_max:
        raise Refused(f"{name} sweeps 2 to {points_max} points, not {sweep.points}")
    if sweep.averages < 1:
        raise Refused(f"{name}: the mean of {sweep.averages} sweeps is none")
    if re.fullmatch(f"S[1-{ports}][1-{ports}]", sweep.parameter) is None:
        raise Refused(f"{name} has {ports} ports and measures no {sweep.parameter!r}")


@contextmanager
def waiting_for(session: VisaSession[Any], sweeps_s: float) -> Iterator[None]:
    """Let replies meanwhile take as long as the sweeps, and an allowance."""
    timeout = session.instrument.timeout
    with timeout.set_to(max(float(timeout() or 0.0), sweeps_s + SWEEP_ALLOWANCE_S)):
        yield


def numbers_of(session: VisaSession[Any], query: str) -> NDArray[np.float64]:
    """Ask for a list of numbers as text; raises :class:`ProtocolError` for something else."""
    answer = session.ask(query)
    try:
        return np.array([float(one) for one in answer.split(",")])
    except ValueError:
        shown = f"{answer[:60]} ..." if len(answer) > 60 else answer
        raise ProtocolError(f"{session.name} was asked {query!r} and said {shown!r}") from None


def complex_of(session: VisaSession[Any], query: str, points: int) -> NDArray[np.complex128]:
    """Ask for real and imaginary parts in turn; raises :class:`ProtocolError`."""
    values = numbers_of(session, query)
    if values.size != 2 * points:
        raise ProtocolError(
            f"{session.name} was asked {query!r} for {points} points and gave {values.size} "
            f"numbers, not {2 * points}"
        )
    return values[0::2] + 1j * values[1::2]
