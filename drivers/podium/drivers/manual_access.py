"""Reads and sets one parameter of a QCoDeS driver by the path that a person types."""

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Any, Protocol, cast

from qcodes.instrument import InstrumentBase
from qcodes.parameters import ParameterBase

from podium.drivers.errors import Refused

Plain = None | bool | int | float | str | list[Any] | dict[str, Any]


class ManuallyAccessible(Protocol):
    """A driver that a person can ask through its owner; every method raises its errors."""

    def ask(self, message: str) -> str:
        """Send a query in the instrument's own words and return the reply."""
        ...

    def tell(self, message: str) -> None:
        """Send a command in the instrument's own words; return once it is accepted."""
        ...

    def get(self, parameter: str) -> tuple[Plain, str]:
        """Read a parameter and return its value and unit."""
        ...

    def set(self, parameter: str, value: object) -> None:
        """Set a parameter."""
        ...


def parameter_of(name: str, instrument: InstrumentBase, path: str) -> ParameterBase:
    """Return the parameter ``path`` (``power``, ``module2.sequencer0.sync_en``).

    Raises :class:`Refused`, naming the nearest that there is.
    """
    here = instrument
    *parts, last = path.split(".")
    for part in parts:
        below = _below(here)
        if part not in below:
            raise Refused(f"{name} has no {path!r}: {_nearest(part, below)}")
        here = below[part]
    if last not in here.parameters:
        raise Refused(
            f"{name} has no parameter {path!r}: {_nearest(last, [*here.parameters, *_below(here)])}"
        )
    return here.parameters[last]


def value_of(name: str, parameter: ParameterBase) -> tuple[Plain, str]:
    """Read ``parameter`` and return its value, as plain data, and its unit."""
    if not parameter.gettable:
        raise Refused(f"{name}: {parameter.name} can be set but not read")
    return plain(parameter.get()), str(getattr(parameter, "unit", "") or "")


def set_value(name: str, parameter: ParameterBase, value: object) -> None:
    """Set ``parameter``; raises :class:`Refused` with the driver's words for a wrong value."""
    if not parameter.settable:
        raise Refused(f"{name}: {parameter.name} can be read but not set")
    try:
        parameter.validate(value)
    except (TypeError, ValueError) as error:
        raise Refused(f"{name}: {parameter.name} cannot be {value!r}: {_first(error)}") from error
    parameter.set(value)


def plain(value: object) -> Plain:
    """Return ``value`` as what any message can carry; what is nothing of that as its text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or type(value) in (bool, int, float, str):
        return cast(Plain, value)
    if isinstance(value, Enum):
        return value.name
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(entry) for entry in value]
    return str(value)


def _below(instrument: InstrumentBase) -> dict[str, Any]:
    return {**instrument.submodules, **instrument.instrument_modules}


def _nearest(word: str, known: Sequence[str] | Mapping[str, object]) -> str:
    near = get_close_matches(word, list(known), n=3, cutoff=0.5)
    if near:
        return f"did you mean {' or '.join(near)}?"
    return f"there are {', '.join(sorted(known)[:12])}" if known else "there is nothing there"


def _first(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
