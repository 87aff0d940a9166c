"""Settings that an instrument stores and reads back, each by its own kind of parameter."""

from collections.abc import Mapping
from decimal import Decimal

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Real, Value


class Settings:
    """The values of commands that have one parameter and a query of the same header."""

    def __init__(self, defaults: Mapping[Command, Value]) -> None:
        self._values = dict(defaults)

    def value(self, command: Command) -> Value:
        """Return what was set last."""
        return self._values[command]

    def put(self, command: Command, values: tuple[Value, ...]) -> None:
        """Store the value of ``command``."""
        self._values[command] = values[0]

    def answer(self, command: Command, values: tuple[Value, ...] = ()) -> str:
        """Return the answer to the query, which may ask for a limit instead (``? MAX``)."""
        if command.sets is None:
            raise TypeError(f"{command.header} is only a query")
        kind = command.sets[0]
        asked = values[0] if values else None
        if asked is None:
            return kind.answer(self._values[command])
        if not isinstance(kind, Real):
            raise ScpiError(-108, str(asked))
        limits = {"MIN": kind.minimum, "MAX": kind.maximum, "DEF": kind.default}
        limit = limits[str(asked)]
        if limit is None:
            raise ScpiError(-141, str(asked))
        return kind.answer(limit)


def number_of(value: Value) -> Decimal:
    """Return the value of a numeric setting; TypeError for another."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        raise TypeError(f"{value!r} is no number")
    return Decimal(value)


def error_answer(error: ScpiError | None, with_detail: bool) -> str:
    """Return the answer to ``SYSTem:ERRor?``."""
    if error is None:
        return '0,"No error"'
    text = error.text.replace('"', "'")
    if with_detail and error.detail:
        text += ";" + error.detail.replace('"', "'")
    return f'{error.code},"{text}"'
