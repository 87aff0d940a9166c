"""Thins a run's data so that every page that looks can receive them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.messages import CaptureData, RunId
from podium.control.bus.news import AxisSummary, CaptureSummary, DataSummary, VariableSummary
from podium.control.program.program import Axis, Program, Variable
from podium.firmware_interfaces.exact_time import FS_PER_S

POINTS = 2000
"""Most points of a line, and of a trace."""
SIDE = 160
"""Most points along one axis of a map."""
CLOUD = 2000
"""Most single shots, over all points."""
TRACE_STEP_S = 1e-9

_Pair = tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]


def summary_of(
    program: Program, run: RunId, captures: Mapping[str, CaptureData], *, complete: bool = True
) -> DataSummary:
    """Return the data of a run, thinned: every n-th point, the mean over shots, some shots.

    Its arrays are copies: a view would keep all that the run has brought, while it is shown.
    """
    most = POINTS if len(program.axes) < 2 else SIDE
    steps = [max(1, -(-axis.count // most)) for axis in program.axes]
    axes = tuple(_axis(axis, step) for axis, step in zip(program.axes, steps, strict=True))
    every = tuple(slice(None, None, step) for step in steps)
    thin = {name: _capture(one, program, every) for name, one in captures.items()}
    return DataSummary(run, program.name, axes, thin, complete)


def _axis(axis: Axis, step: int) -> AxisSummary:
    return AxisSummary(axis.name, tuple(_variable(one, step) for one in axis.variables))


def _variable(variable: Variable, step: int) -> VariableSummary:
    count = variable.values.count
    values = np.array([variable.value(k) for k in range(0, count, step)], np.float64)
    if variable.unit == "fs":
        return VariableSummary(variable.name, "s", values / FS_PER_S)
    return VariableSummary(variable.name, variable.unit, values)


def _capture(one: CaptureData, program: Program, every: tuple[slice, ...]) -> CaptureSummary:
    i, q = np.asarray(one.i, np.float64), np.asarray(one.q, np.float64)
    cloud: _Pair = (None, None)
    if program.keep_shots:
        points = i[0].size
        kept = max(1, CLOUD // max(1, points))
        step, apart = max(1, -(-i.shape[0] // kept)), max(1, -(-points // CLOUD))
        cloud_i, cloud_q = (one[::step].reshape(-1, points)[:, ::apart].copy() for one in (i, q))
        cloud = (cloud_i, cloud_q)
        i, q = _mean(i), _mean(q)
    trace: _Pair = (None, None)
    step_s = TRACE_STEP_S
    if one.trace_i is not None and one.trace_q is not None:
        step = max(1, -(-one.trace_i.size // POINTS))
        trace = (one.trace_i[::step].astype(np.float64), one.trace_q[::step].astype(np.float64))
        step_s *= step
    # A program without axes has arrays of no dimension, of which [()] would be plain numbers.
    i, q = np.array(i[every]), np.array(q[every])
    return CaptureSummary(i, q, *cloud, *trace, step_s, one.out_of_range)


def _mean(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean over shots of what was measured; nan where nothing was."""
    total = np.asarray(rows.sum(axis=0))
    if len(rows) and not np.isnan(total).any():
        return np.asarray(total / len(rows))
    counted = np.count_nonzero(~np.isnan(rows), axis=0)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(rows, axis=0) / counted)
