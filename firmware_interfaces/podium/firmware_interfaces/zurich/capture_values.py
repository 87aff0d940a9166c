"""Shapes the result logger's vectors into the values of a capture."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.program import ResultLayout


def _logged(
    layout: ResultLayout, vectors: Mapping[int, NDArray[np.complex128]]
) -> NDArray[np.complex128]:
    """Return averages over the window as the logger has them, shape (repetitions, *axes)."""
    count = layout.logged * int(np.prod(layout.shape, dtype=np.int64))
    values = np.zeros(count, np.complex128)
    # Integrators recur after a round of repetitions, and rounds that are averaged are as one.
    recurs = np.array(layout.slots)
    for slot in np.unique(recurs[:count]).tolist():
        first = np.flatnonzero(recurs == slot)
        here: slice | NDArray[np.int64] = slice(None)  # the usual case: one for all
        needed = count
        if len(first) < len(recurs):
            rounds = np.arange(0, count, len(recurs))
            here = (rounds[:, None] + first).ravel()
            here = here[here < count]
            needed = int(here[-1]) + 1
        needed = (needed - 1) * layout.entries + layout.entry + 1
        vector = vectors[slot]
        if len(vector) < needed:
            raise ValueError(
                f"capture {layout.capture!r}: integrator {slot} has {len(vector)} results, "
                f"{needed} are needed"
            )
        values[here] = vector[layout.entry : needed : layout.entries][here]
    values /= layout.samples
    return values.reshape(layout.logged, *layout.shape)


def captured(
    layout: ResultLayout, vectors: Mapping[int, NDArray[np.complex128]]
) -> NDArray[np.complex128]:
    """Return what a capture brought back, shape ([shots,] *axes): averages over its window.

    ``vectors``: by integrator, what ``readout/result/data/N/wave`` gave. Raises KeyError where one
    is missing, ValueError where it is too short: the run was not at its end.
    """
    shaped = _logged(layout, vectors)
    shaped *= np.exp(-2j * np.pi * layout.rotation_turns)
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
