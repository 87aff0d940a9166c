"""Where this family's passes find the arrays over points: they are the same for every family."""

from podium.control.compilers.points import (
    BoolArray,
    FloatArray,
    IntArray,
    describe,
    values_of,
    where_first,
)

__all__ = ["BoolArray", "FloatArray", "IntArray", "describe", "values_of", "where_first"]
