"""Prepares a run's data for the page: plain lists, five digits, JSON's values only."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.news import AxisSummary, CaptureSummary, DataSummary, RunNews
from podium.control.bus.records import RunPreview

DIGITS = 5
EXACT_TENS = 22
"""Ten to this power is the largest that a double holds exactly (5**22 < 2**53)."""
V_TO_MV = 1e3


def drawn(summary: DataSummary | None, news: RunNews | None) -> str:
    """Return the JSON of a run's summary, ``null`` without one; ``news``: how the run goes."""
    return json.dumps(None if summary is None else plain(summary, news), separators=(",", ":"))


def plain(summary: DataSummary, news: RunNews | None) -> Mapping[str, object]:
    """Return a summary in plain values; signals in mV."""
    return {
        "run": str(summary.run),
        "program": summary.program,
        "complete": summary.complete,
        "extent": extent(summary, news),
        "axes": [_axis(one) for one in summary.axes],
        "captures": {name: _capture(one) for name, one in summary.captures.items()},
    }


def recorded(preview: RunPreview) -> str:
    """Return the JSON of recorded data, thinned, in the form of :func:`drawn`."""
    said = "" if preview.complete else "incomplete"
    summary: dict[str, object] = {
        "run": preview.run,
        "program": preview.program,
        "complete": preview.complete,
        "extent": said,
        "axes": [_axis(one) for one in preview.axes],
        "captures": {name: _capture(one) for name, one in preview.captures.items()},
        "values": {
            name: {"axes": one.axes, "unit": one.unit, "values": _list(one.values)}
            for name, one in preview.values.items()
        },
    }
    return json.dumps(summary, separators=(",", ":"))


def _axis(axis: AxisSummary) -> dict[str, object]:
    return {
        "name": axis.name,
        "variables": [
            {"name": one.name, "unit": one.unit, "values": _list(one.values, 12)}
            for one in axis.variables
        ],
    }


def extent(summary: DataSummary, news: RunNews | None) -> str:
    """Return how far the data go, in words; empty when they are complete."""
    if summary.complete:
        return ""
    if news is None:
        return "incomplete"
    far = f"{news.shots_done} of {news.shots} shots"
    return f"so far {far}" if news.state == "on" else f"incomplete: {far}"


def _capture(one: CaptureSummary) -> dict[str, object]:
    found: dict[str, object] = {
        "i": _list(one.i * V_TO_MV),
        "q": _list(one.q * V_TO_MV),
        "out_of_range": one.out_of_range,
    }
    if one.cloud_i is not None and one.cloud_q is not None:
        # By point: the cloud of each is drawn in a colour of its own.
        found["cloud"] = [
            {"i": _list(i * V_TO_MV), "q": _list(q * V_TO_MV)}
            for i, q in zip(one.cloud_i.T, one.cloud_q.T, strict=True)
        ]
    if one.trace_i is not None and one.trace_q is not None:
        found["trace"] = {
            "step_s": one.trace_step_s,
            "i": _list(one.trace_i * V_TO_MV),
            "q": _list(one.trace_q * V_TO_MV),
        }
    return found


def _list(values: NDArray[Any], digits: int = DIGITS) -> list[Any]:
    array = np.atleast_1d(np.asarray(values, np.float64))
    finite = np.isfinite(array)
    short = _rounded(np.where(finite, array, 0.0), digits)
    if not finite.all():
        objects = short.astype(object)
        objects[~finite] = None
        short = objects
    nested: list[Any] = short.tolist()
    return nested


def _rounded(values: NDArray[np.float64], digits: int) -> NDArray[np.float64]:
    """Return values with so many digits: each is the double next to that decimal number."""
    size = np.abs(values)
    places = np.zeros(values.shape, np.int64)
    np.floor(np.log10(size, where=size > 0, out=np.zeros_like(size)), out=size)
    np.subtract(digits - 1, size.astype(np.int64), out=places)
    # A power of ten up to 22 is a double itself, so that one division rounds once.
    quick = np.abs(places) <= EXACT_TENS
    up, down = 10.0 ** np.clip(places, 0, EXACT_TENS), 10.0 ** np.clip(-places, 0, EXACT_TENS)
    found = np.where(places >= 0, np.rint(values * up) / up, np.rint(values / down) * down)
    for where in np.argwhere(~quick):
        found[tuple(where)] = float(f"{values[tuple(where)]:.{digits}g}")
    return np.asarray(found)
