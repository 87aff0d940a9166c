"""Builds a program's dataset from its captures, with names, units, coordinates."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from podium.control.program.capture_counts import capture_counts
from podium.control.program.program import Program, Variable
from podium.firmware_interfaces.exact_time import FS_PER_S

if TYPE_CHECKING:
    import xarray

NS_S = 1e-9
"""Spacing of the samples of a raw trace."""


class CaptureValues(Protocol):
    """Holds one capture's values, V at the input connector."""

    @property
    def i(self) -> NDArray[Any]:
        """Shape ([shots,] *axes)."""
        ...

    @property
    def q(self) -> NDArray[Any]:
        """Same shape."""
        ...

    @property
    def counts(self) -> NDArray[Any] | int:
        """Return the numbers of averaged shots, same shape; or one number for all."""
        ...

    @property
    def results(self) -> NDArray[Any] | None:
        """Share of results that were 1, same shape; None: there are none."""
        ...

    @property
    def clicks(self) -> bool:
        """Tell whether ``i`` is a number of clicks, and ``q`` when the first came, s."""
        ...

    @property
    def trace_i(self) -> NDArray[Any] | None:
        """Raw trace, 1 ns a sample, or None."""
        ...

    @property
    def trace_q(self) -> NDArray[Any] | None:
        """Same shape."""
        ...

    @property
    def out_of_range(self) -> bool:
        """Return whether the input clipped."""
        ...


def dataset_of(
    program: Program,
    captures: Mapping[str, CaptureValues],
    attributes: Mapping[str, str | int | float],
) -> "xarray.Dataset":
    """Return the dataset of a run: ``<capture>_i`` and ``<capture>_q`` over the program's axes.

    ``<capture>_outcome`` is the share of results that were 1 (of each shot where they were kept),
    where the capture has a discriminator; ``<capture>_count`` how often it was made, where that
    depends on what was measured (the others are NaN where it was never). Of a detector's port there
    are ``<capture>_clicks`` and ``<capture>_first`` in their place: how often it clicked in the
    window, and how long after its opening first (NaN: never). Dimension ``shot`` comes
    first when the shots were kept. Every swept variable is a coordinate (times in s); every
    variable and coordinate has ``units``.
    """
    import xarray

    dimensions = (*(("shot",) if program.keep_shots else ()), *(axis.name for axis in program.axes))
    variables: dict[str, xarray.Variable] = {}
    coordinates: dict[str, xarray.Variable] = {}
    varying = {one.name: one.least < one.most for one in capture_counts(program).values()}
    for axis in program.axes:
        for variable in axis.variables:
            values, unit = _points(variable)
            coordinates[variable.name] = _coordinate_of(variable.name, axis.name, values, unit)
    for name, capture in captures.items():
        if capture.clicks:
            variables[f"{name}_clicks"] = _variable_of(dimensions, capture.i, {"units": "1"})
            variables[f"{name}_first"] = _variable_of(dimensions, capture.q, {"units": "s"})
            continue
        said = {"units": "V", "out_of_range": int(capture.out_of_range)}
        variables[f"{name}_i"] = _variable_of(dimensions, capture.i, said)
        variables[f"{name}_q"] = _variable_of(dimensions, capture.q, said)
        if capture.results is not None:
            variables[f"{name}_outcome"] = _variable_of(dimensions, capture.results, {"units": "1"})
        if varying.get(name):
            counts = np.broadcast_to(capture.counts, capture.i.shape).copy()
            variables[f"{name}_count"] = _variable_of(dimensions, counts, {"units": "1"})
        if capture.trace_i is not None and capture.trace_q is not None:
            time = f"{name}_time"
            seconds = np.arange(capture.trace_i.size) * NS_S
            coordinates[time] = _coordinate_of(time, time, seconds, "s")
            variables[f"{name}_trace_i"] = _variable_of((time,), capture.trace_i, said)
            variables[f"{name}_trace_q"] = _variable_of((time,), capture.trace_q, said)
    return xarray.Dataset(variables, coordinates, dict(attributes))


def _variable_of(
    dimensions: tuple[str, ...], values: NDArray[Any], attributes: Mapping[str, Any]
) -> "xarray.Variable":
    """Return an array with its dimensions and attributes, as xarray holds it.

    ``values`` is an array of numbers already. Asked to find that out, xarray imports Dask where it
    is installed, which takes a tenth of a second to half of one.
    """
    import xarray

    return xarray.Variable(dimensions, values, attributes, fastpath=True)


def _coordinate_of(name: str, dimension: str, values: NDArray[Any], unit: str) -> "xarray.Variable":
    """Return a coordinate along a dimension; one of the same name is an index of pandas already."""
    import pandas

    values = pandas.Index(values) if name == dimension else values
    return _variable_of((dimension,), values, {"units": unit})


def _points(variable: Variable) -> tuple[NDArray[np.float64], str]:
    values = np.array([variable.value(index) for index in range(variable.values.count)], np.float64)
    if variable.unit == "fs":
        return values / FS_PER_S, "s"
    return values, variable.unit
