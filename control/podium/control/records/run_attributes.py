"""Lays attributes over the data of the runs that are asked for meanwhile.

A routine knows what a run is for; the lab, which records it, does not. Between the two there may be
any runner of somebody's own, which passes nothing on.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    import xarray

ROUTINE, QUBITS = "routine", "qubits"
"""By these a routine says what a run is for: its name, and full names with blanks between."""

FIRST_SHOTS = "first_shots"
"""JSON: by controller, TAI at which the first shot began, of a run that started at a time."""
LATE_STARTS = "late_starts"
"""JSON: why each start before the run's came too late, so that nothing was played."""

_LAID_OVER: ContextVar[Mapping[str, str]] = ContextVar("run attributes")
Later = Callable[[], Awaitable[Mapping[str, str]]]
"""Returns attributes that are known once a run's data are there."""
_LAID_LATER: ContextVar[Later | None] = ContextVar("later run attributes", default=None)


def run_attributes() -> Mapping[str, str]:
    """Return the attributes for data of a run that is asked for now, in this task."""
    return _LAID_OVER.get({})


async def all_run_attributes() -> Mapping[str, str]:
    """Return the same with those that are known only once the data are there."""
    later = _LAID_LATER.get()
    return run_attributes() if later is None else {**run_attributes(), **(await later())}


@contextmanager
def attributes_laid(attributes: Mapping[str, str], later: Later | None = None) -> Iterator[None]:
    """Lay attributes over data of runs that this task asks for while the context is open.

    ``later``: of one run, those that are known once its data are there; it may wait for them.
    """
    token = _LAID_OVER.set({**run_attributes(), **attributes})
    late = _LAID_LATER.set(later)
    try:
        yield
    finally:
        _LAID_LATER.reset(late)
        _LAID_OVER.reset(token)


def epochs_of(data: "xarray.Dataset") -> dict[str, int]:
    """Return the epochs of all clock domains that had a part in a run; KeyError: it has none."""
    return {str(name): int(one) for name, one in json.loads(data.attrs["epochs"]).items()}


def first_shot_fs(data: "xarray.Dataset", settle_fs: int = 0) -> int:
    """Return when the first shot of a run had begun on all controllers, TAI, fs since 1970.

    Of a run that started at once: ``settle_fs`` after it did.
    """
    shots = json.loads(data.attrs.get(FIRST_SHOTS, "{}")).values()
    if not shots:
        return Tai.parse(str(data.attrs["started_tai"])).total_fs + settle_fs
    return max(Tai.parse(str(one)).total_fs for one in shots)


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
