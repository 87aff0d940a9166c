"""From the result logger to what a capture brought back, in volts."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.drivers.errors import ProtocolError
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.zurich.program import ResultLayout


def acquired(
    name: str, layout: ResultLayout, vectors: Mapping[int, NDArray[np.generic]]
) -> Acquired:
    """Return the result of one capture; ``vectors``: what the logger holds, by integrator.

    Raises ``ProtocolError`` where entries are missing: part of the program did not play.
    """
    points = int(np.prod(layout.shape))
    entry = np.arange(layout.logged * points)
    slots = np.array(layout.slots)[entry % len(layout.slots)]
    index = entry * layout.entries + layout.entry
    sums = np.full(len(entry), complex(np.nan, np.nan))
    for slot in np.unique(slots).tolist():
        vector, here = np.asarray(vectors[slot], np.complex128), slots == slot
        if len(vector) <= index[here].max():
            raise ProtocolError(
                f"{name}: {layout.capture}: integrator {slot} has {len(vector)} results, "
                f"{index[here].max() + 1} expected: part of the program did not play"
            )
        sums[here] = vector[index[here]]
    if np.isnan(sums).any():
        raise ProtocolError(
            f"{name}: {layout.capture}: {np.isnan(sums).sum()} of {len(sums)} results are missing: "
            "part of the program did not play"
        )
    volts = sums.reshape(layout.logged, *layout.shape) / layout.samples
    if not layout.keep_shots:
        volts = np.asarray(volts.mean(axis=0))
    each = 1 if layout.keep_shots else layout.shots
    return Acquired(
        np.ascontiguousarray(volts.real),
        np.ascontiguousarray(volts.imag),
        np.full(volts.shape, each, np.int64),
    )
