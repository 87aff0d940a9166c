"""Quantities over all points of a program's axes at once, as arrays that broadcast.

An array has one dimension for each axis; its length is 1 along axes on which the
quantity does not depend.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from podium.control.program.program import Affine, Axis, Linear, Value, as_set

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]


def values_of(value: Value, axes: tuple[Axis, ...]) -> FloatArray:
    """Return ``value`` at all points of ``axes``, broadcastable to their shape."""
    value = as_set(value)
    if not isinstance(value, Affine):
        return np.full((1,) * len(axes), float(value))
    for position, axis in enumerate(axes):
        for variable in axis.variables:
            if variable.name != value.variable:
                continue
            match variable.values:
                case Linear(start=start, step=step, count=count):
                    swept = start + np.arange(count) * float(step)
                case table:
                    swept = np.array(table.values, np.float64)
            shape = [1] * len(axes)
            shape[position] = len(swept)
            return np.asarray(value.offset + value.scale * swept.reshape(shape))
    raise KeyError(f"no variable {value.variable!r}")  # validate() has seen to it


def where_first(mask: BoolArray, axes: tuple[Axis, ...]) -> tuple[int, ...]:
    """Return the index (0 along axes that do not matter) of the first point where ``mask`` is."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), mask.shape))


def describe(index: tuple[int, ...], shape: tuple[int, ...], axes: tuple[Axis, ...]) -> str:
    """Say for a person which point ``index`` of an array of ``shape`` is."""
    parts = [
        f"{variable.name} = {variable.value(i):.12g} {variable.unit}"
        for i, n, axis in zip(index, shape, axes, strict=True)
        if n > 1
        for variable in axis.variables
    ]
    return f"at {', '.join(parts)}" if parts else "at every point"
