"""Lays attributes over the data of the runs that are asked for meanwhile.

A routine knows what a run is for; the lab, which records it, does not. Between the two there may be
any runner of somebody's own, which passes nothing on.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

ROUTINE, QUBITS = "routine", "qubits"
"""By these a routine says what a run is for: its name, and full names with blanks between."""

_LAID_OVER: ContextVar[Mapping[str, str]] = ContextVar("run attributes")


def run_attributes() -> Mapping[str, str]:
    """Return the attributes for data of a run that is asked for now, in this task."""
    return _LAID_OVER.get({})


@contextmanager
def attributes_laid(attributes: Mapping[str, str]) -> Iterator[None]:
    """Lay ``attributes`` over data of runs that this task asks for while the context is open."""
    token = _LAID_OVER.set({**run_attributes(), **attributes})
    try:
        yield
    finally:
        _LAID_OVER.reset(token)
