"""Shapes the result logger's vectors into the values of a capture."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.program import ResultLayout


def _logged(
    layout: ResultLayout, vectors: Mapping[int, NDArray[np.complex128]]
) -> NDArray[np.complex128]:
    """Return averages over the window as the logger has them, shape (repetitions, *axes)."""
    points = int(np.prod(layout.shape, dtype=np.int64))
    apart = np.arange(layout.logged * points)
    # Integrators recur after a round of repetitions, and rounds that are averaged are as one.
    slots = np.array(layout.slots)[apart % len(layout.slots)]
    places = apart * layout.entries + layout.entry
    values = np.zeros(len(apart), np.complex128)
    for slot in np.unique(slots).tolist():
        here, vector = slots == slot, vectors[slot]
        if len(vector) <= places[here].max(initial=-1):
            raise ValueError(
                f"capture {layout.capture!r}: integrator {slot} has {len(vector)} results, "
                f"{places[here].max() + 1} are needed"
            )
        values[here] = vector[places[here]]
    return values.reshape(layout.logged, *layout.shape) / layout.samples


def captured(
    layout: ResultLayout, vectors: Mapping[int, NDArray[np.complex128]]
) -> NDArray[np.complex128]:
    """Return what a capture brought back, shape ([shots,] *axes): averages over its window.

    ``vectors``: by integrator, what ``readout/result/data/N/wave`` gave. Raises KeyError where one
    is missing, ValueError where it is too short: the run was not at its end.
    """
    shaped = _logged(layout, vectors) * np.exp(-2j * np.pi * layout.rotation_turns)
    return shaped if layout.keep_shots else np.asarray(shaped.mean(axis=0))


def outcomes(
    layout: ResultLayout, vectors: Mapping[int, NDArray[np.complex128]]
) -> NDArray[np.float64] | None:
    """Return the share of results that were 1, as :func:`captured`; None: it has no results.

    The instrument compares the same sums with the same thresholds.
    """
    if layout.threshold_v is None:
        return None
    ones = (_logged(layout, vectors).real > layout.threshold_v).astype(np.float64)
    return ones if layout.keep_shots else np.asarray(ones.mean(axis=0))
