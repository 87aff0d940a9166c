"""From the result logger to what a capture brought back, in volts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.drivers.errors import ProtocolError
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.zurich.captured import captured
from podium.firmware_interfaces.zurich.program import ResultLayout


def acquired(
    name: str, layout: ResultLayout, vectors: Mapping[int, NDArray[np.complex128]]
) -> Acquired:
    """Return the result of one capture; ``vectors``: what the logger holds, by integrator.

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
    each = 1 if layout.keep_shots else layout.shots
    return Acquired(
        np.ascontiguousarray(volts.real),
        np.ascontiguousarray(volts.imag),
        np.full(volts.shape, each, np.int64),
    )
