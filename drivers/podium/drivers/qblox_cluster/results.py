"""From the bins and the scope of a cluster to what a capture brought back, in volts."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from podium.drivers.errors import ProtocolError
from podium.drivers.roles import Acquired
from podium.firmware_interfaces.qblox_cluster.program import ResultLayout


def acquired(
    name: str, layout: ResultLayout, acquisitions: Mapping[str, Any], full_scale_v: float
) -> Acquired:
    """Return the result of one capture from what the vendor's client gives for its sequencer.

    ``acquisitions`` as ``get_all_acquisitions(..., as_numpy=True)`` has it: a bin holds the sum
    of the demodulated samples over the window as a fraction of full scale.
    Raises ``ProtocolError`` if a bin was not filled as often as the program fills it: part of
    the program did not play, and its data are not to be had.
    """
    where = f"{name}: slot{layout.slot}.sequencer{layout.sequencer}: {layout.capture}"
    try:
        content = acquisitions[layout.acquisition]["acquisition"]
        paths = content["bins"]["integration"]
        sums = [np.asarray(paths[path], np.float64) for path in ("path0", "path1")]
        filled = np.asarray(content["bins"]["avg_cnt"])
        above = np.asarray(content["bins"]["threshold"], np.float64) if layout.result else None
    except KeyError as error:
        raise ProtocolError(
            f"{where}: asked for acquisition {layout.acquisition!r}, "
            f"got {sorted(acquisitions)} without {error}"
        ) from error
    shape = (layout.shots, *layout.shape) if layout.keep_shots else layout.shape
    times = 1 if layout.keep_shots else layout.shots
    least, most = layout.least * times, layout.most * times
    bins = math.prod(shape)
    if filled.size < bins:
        raise ProtocolError(f"{where}: {bins} bins expected, got {filled.size}")
    if filled.dtype.kind == "f":  # a bin in which nothing came has no count
        filled = np.nan_to_num(filled)
    counts = filled[:bins].astype(np.int64)
    off = (counts < least) | (counts > most)
    if off.any():
        wrong = np.flatnonzero(off)
        expected = f"{least}" if least == most else f"{least} to {most}"
        raise ProtocolError(
            f"{where}: {wrong.size} of {bins} bins were not filled {expected} times, the first is "
            f"bin {wrong[0]} with {counts[wrong[0]]}: part of the program did not play"
        )
    scale_v = full_scale_v / layout.integration_ns
    i, q = (np.asarray(values[:bins].reshape(shape) * scale_v) for values in sums)
    counts = counts.reshape(shape)
    results = None if above is None else np.asarray(above[:bins].reshape(shape))
    if not layout.trace:
        return Acquired(i, q, counts, results=results)
    scope = content["scope"]
    trace = [np.asarray(scope[path]["data"], np.float64) for path in ("path0", "path1")]
    out_of_range = any(bool(scope[path]["out-of-range"]) for path in ("path0", "path1"))
    volts = np.asarray(full_scale_v * (trace[0] + 1j * trace[1]), np.complex128)
    return Acquired(i, q, counts, volts, out_of_range, results)
