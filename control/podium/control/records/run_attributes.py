"""Lays attributes over the data of the runs that are asked for meanwhile.

A routine knows what a run is for; the lab, which records it, does not. Between the two there may be
any runner of somebody's own, which passes nothing on.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray

ROUTINE, QUBITS = "routine", "qubits"
"""By these a routine says what a run is for: its name, and full names with blanks between."""

LATE_STARTS = "late_starts"
"""JSON: why each start before the run's came too late, so that nothing was played."""

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


def epochs_of(data: "xarray.Dataset") -> dict[str, int]:
    """Return the epochs of all clock domains that had a part in a run; KeyError: it has none."""
    return {str(name): int(one) for name, one in json.loads(data.attrs["epochs"]).items()}


def late_starts(data: "xarray.Dataset") -> int:
    """Return how many starts came too late before that of a run."""
    return len(json.loads(data.attrs.get(LATE_STARTS, "[]")))


def qubits_of(ports: Sequence[str], named: str = "") -> tuple[str, ...]:
    """Return full names of qubits: those that are named, then those whose ports are played on.

    ``ports``: ``node_a.q0.drive`` (that of a feedline, ``node_a.feedline``, names no qubit);
    ``named``: ``node_a.q0 node_a.q1``, with blanks between.
    """
    of_ports = [port.rpartition(".")[0] for port in ports if port.count(".") == 2]
    return tuple(dict.fromkeys([*named.split(), *of_ports]))
