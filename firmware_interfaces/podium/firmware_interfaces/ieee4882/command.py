"""A command of an instrument as its manual lists it: header, parameters, query."""

from dataclasses import dataclass

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Kind, Value
from podium.firmware_interfaces.ieee4882.program_message import Empty, Parameter


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the command table."""

    header: str
    """Pattern, see :mod:`podium.firmware_interfaces.ieee4882.header`."""
    sets: tuple[Kind, ...] | None = None
    """Parameters of the command; None: it is only a query."""
    asks: tuple[Kind, ...] | None = None
    """Parameters of the query; None: it is only a command."""
    optional: int = 0
    """How many of ``sets``, counted from the end, may be left out."""
    asks_optional: int = 0
    """The same of ``asks``."""
    empty_keeps: bool = False
    """Nothing between two commas is allowed and taken as None."""
    first_left_out: Value = None
    """What the first parameter is where one is missing: in boxes whose predecessors had none such.
    None: it must be there."""

    def take(self, query: bool, parameters: tuple[Parameter, ...]) -> tuple[Value, ...]:
        """Return the parameters' values, None for those left out; :class:`ScpiError` if refused."""
        kinds = self.asks if query else self.sets
        optional = self.asks_optional if query else self.optional
        if kinds is None:
            raise ScpiError(-113, self.header + ("?" if query else ""))
        if self.first_left_out is not None and len(parameters) == len(kinds) - 1:
            rest = zip(kinds[1:], parameters, strict=True)
            return (self.first_left_out, *(kind.take(parameter) for kind, parameter in rest))
        if len(parameters) > len(kinds):
            raise ScpiError(-108, f"{len(parameters)} parameters, {len(kinds)} are possible")
        if len(parameters) < len(kinds) - optional:
            raise ScpiError(-109, f"{len(parameters)} of {len(kinds) - optional} parameters")
        values = []
        for kind, parameter in zip(kinds, parameters, strict=False):
            keeps = self.empty_keeps and isinstance(parameter, Empty)
            values.append(None if keeps else kind.take(parameter))
        return (*values, *(None for _ in kinds[len(parameters) :]))
