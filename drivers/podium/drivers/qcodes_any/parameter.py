"""One parameter of a QCoDeS instrument, by its name, in SI units, with refusals in our words."""

from collections.abc import Iterator
from typing import Any

from qcodes.instrument import ChannelTuple
from qcodes.parameters import ManualParameter, ParameterBase

from podium.drivers.errors import Refused
from podium.drivers.manual_access import parameter_of
from podium.drivers.visa_session import VisaSession
from podium.firmware_interfaces.quantity import DIMENSIONS, UNITS

Session = VisaSession[Any]

ON: tuple[object, ...] = (1, "on", "ON", "On", True, "1")
OFF: tuple[object, ...] = (0, "off", "OFF", "Off", False, "0")
"""What drivers take to switch something; the first that the parameter allows is sent."""


class RoleParameter:
    """A parameter used in a role. ``unit``: a key of ``UNITS``; None: any value, as it is."""

    def __init__(self, session: Session, name: str, unit: str | None = None) -> None:
        self._session = session
        self._name = name
        self._parameter = parameter_of(session.name, session.instrument, name)
        self._factor = 1.0 if unit is None else self._factor_to(unit)

    @property
    def of_the_driver(self) -> bool:
        """Tell whether the driver alone keeps it, so that the instrument never receives it."""
        return isinstance(self._parameter, ManualParameter)

    def value(self) -> object:
        """Return what the driver reads."""
        with self._session.talking(f"for {self._name!r}"):
            value: object = self._parameter.get()
            return value

    def number(self) -> float:
        """Return the value in SI units, as read from the instrument."""
        value = self.value()
        with self._session.talking(f"for {self._name!r}"):
            return float(value) * self._factor  # type: ignore[arg-type]  # else: makes no sense

    def is_on(self) -> bool:
        """Return whether what it switches is on."""
        value = self.value()
        if str(value).lower() in ("1", "on", "true", "1.0"):
            return True
        if str(value).lower() in ("0", "off", "false", "0.0"):
            return False
        raise self._refused(f"reads {value!r}, which is neither on nor off")

    def put_number(self, value: float) -> None:
        """Set it to ``value``, in SI units."""
        self.put(value / self._factor)

    def switch(self, on: bool) -> None:
        """Switch on or off."""
        for word in ON if on else OFF:
            if self._allows(word):
                self.put(word)
                return
        raise self._refused(f"takes none of {', '.join(map(repr, ON if on else OFF))}")

    def put(self, value: object) -> None:
        """Set it; raises :class:`Refused` with the driver's words when it will not."""
        try:
            self._parameter.validate(value)
        except (TypeError, ValueError) as error:
            raise self._refused(f"does not take {value!r}: {_first(error)}") from error
        with self._session.talking(f"to set {self._name!r} to {value!r}"):
            try:
                self._parameter.set(value)
            except (TypeError, ValueError, RuntimeError) as error:
                raise self._refused(f"was not set to {value!r}: {_first(error)}") from error

    def _allows(self, word: object) -> bool:
        mapping = getattr(self._parameter, "val_mapping", None)
        if mapping is not None:
            return any(word == key and type(word) is type(key) for key in mapping)
        try:
            self._parameter.validate(word)
        except (TypeError, ValueError):
            return False
        return True

    def _factor_to(self, unit: str) -> float:
        given = str(getattr(self._parameter, "unit", ""))
        if given not in UNITS[unit]:
            raise self._refused(f"has the unit {given!r}; {DIMENSIONS[unit]} is wanted")
        return UNITS[unit][given]

    def _refused(self, why: str) -> Refused:
        return Refused(f"{self._session.name}: its parameter {self._name!r} {why}")


def parameters(part: Any, prefix: str = "") -> Iterator[tuple[str, ParameterBase]]:
    """Yield all parameters of an instrument and its parts, by name; nothing is asked."""
    if isinstance(part, ChannelTuple):
        for number, channel in enumerate(part):
            yield from parameters(channel, f"{prefix}{number}.")
        return
    for name, parameter in part.parameters.items():
        yield f"{prefix}{name}", parameter
    for name, below in part.submodules.items():
        yield from parameters(below, f"{prefix}{name}.")


def _first(error: BaseException) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
