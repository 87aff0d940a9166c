"""From the result logger to what a capture brought back, in volts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.drivers.errors import ProtocolError
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.zurich.capture_values import captured, outcomes
from podium.firmware_interfaces.zurich.program import ResultLayout


def acquired(
    name: str,
    layout: ResultLayout,
    vectors: Mapping[int, NDArray[np.complex128]],
    record: NDArray[np.complex128] | None = None,
) -> Acquired:
    """Return the result of one capture; ``vectors``: what the logger holds, by integrator.

    ``record``: of the scope, V, 2 GSa/s, where a raw trace is wanted.

    Raises ``ProtocolError`` where entries are missing: part of the program did not play.
    """
    try:
        volts = captured(layout, vectors)
    except ValueError as error:
        raise ProtocolError(f"{name}: {error}: part of the program did not play") from error
    missing = int(np.isnan(volts).sum())
    if missing:
        raise ProtocolError(
            f"{name}: {layout.capture}: {missing} of {volts.size} results are missing: part of the "
            "program did not play"
        )
    trace = None if record is None else _trace(name, layout, record)
    each = 1 if layout.keep_shots else layout.shots
    return Acquired(
        np.array(volts.real),
        np.array(volts.imag),
        np.full(volts.shape, each, np.int64),
        trace,
        results=outcomes(layout, vectors),
    )


def _trace(
    name: str, layout: ResultLayout, record: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return the window of a record, two samples averaged: 1 ns a sample."""
    begin = layout.trace_skip or 0
    samples = layout.samples // 2 * 2
    if len(record) < begin + samples:
        raise ProtocolError(
            f"{name}: {layout.capture}: the scope has {len(record)} samples, {begin + samples} are "
            "needed: it was not triggered"
        )
    return np.asarray(record[begin : begin + samples].reshape(-1, 2).mean(axis=1))
