"""Commands of Lake Shore's temperature controllers: records of fields, and how numbers are written.

The 336, 350 and 372 share it: a flat mnemonic, parameters that say of which input, output or
curve, then fields that are stored; a query of the same mnemonic answers the fields. Sources:
chapters "Interface Commands" of the manuals 119-048 (336), 119-057 (350) and 119-372 (372).
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10

from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Kind, Real, Text, Value, Whole
from podium.firmware_interfaces.ieee4882.program_message import Parameter
from podium.firmware_interfaces.ieee4882.status import Status

TCP_PORT = 7777
CLIENTS_MAX = 2
"""Sockets at once: an attempt to open a third one fails (chapter 6.4.3; 119-372, page 140)."""
VENDOR = "LSCI"
TERMINATOR = b"\r\n"
BEGINS_S = 0.010
"""From a query to its response. Manual of the 370, 6.2.5, as those of the 340 and 625: "Typically
it takes 10 ms for the instrument to begin the response". ASSUMED: so do the 336, 350 and 372,
whose manuals say "as soon as possible"."""
QUIET_S = 0.050
"""Between a response, or a command without one, and the next message: chapter "Message Flow
Control" (6.3.4 of the 336, 350 and 372), not more than 20 messages a second. socs' client of the
336's socket waits 61 ms for a response and 100 ms after it."""
REGISTER_DIGITS = 3  # *ESR? and the like answer nnn
NAME_MAX = 15  # INNAME
STANDARD_CURVES_END, CURVES_END = 20, 59
"""Curves 1 to 20 are the factory's and can only be read, 21 to 59 the user's (CRVHDR, CRVPT)."""
STATUS_BITS = Status.MESSAGE_AVAILABLE | Status.EVENT_SUMMARY | Status.MASTER_SUMMARY
"""None of these boxes has an error queue, nor a bit for it in its status byte."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """A number out of a list that has gaps."""

    numbers: tuple[int, ...]

    def take(self, parameter: Parameter) -> int:
        """Take one of the numbers; another is an execution error."""
        value = whole(min(self.numbers), max(self.numbers)).take(parameter)
        if value not in self.numbers:
            raise ScpiError(-222, f"{value} is none of {', '.join(map(str, self.numbers))}")
        return value

    def answer(self, value: Value) -> str:
        """Write the number."""
        return str(value)


@dataclass(frozen=True, slots=True)
class RampRate:
    """A rate in K/min: 0, which is at once, or from the smallest to the largest of the box."""

    kind: Real
    least: Decimal

    def take(self, parameter: Parameter) -> Decimal:
        """Take a rate; between 0 and the smallest there is none."""
        value = self.kind.take(parameter)
        if 0 < value < self.least:
            raise ScpiError(-222, f"{value} K/min, the least is {self.least}")
        return value

    def answer(self, value: Value) -> str:
        """Write the rate."""
        return self.kind.answer(value)


@dataclass(frozen=True, slots=True)
class Record:
    """A command that stores several fields for an input, an output, a curve..., and its query."""

    command: Command
    defaults: tuple[Value, ...]
    """One for each field; the first parameters say of what."""
    all_inputs: bool = False
    """The command, not the query, takes 0 for all measurement inputs."""

    @property
    def keys(self) -> int:
        """Return how many parameters name what the command is about."""
        return len(self.command.asks or ())

    @property
    def fields(self) -> tuple[Kind, ...]:
        """The kinds of the fields that are stored."""
        return (self.command.sets or ())[self.keys :]


def record(
    mnemonic: str,
    keys: tuple[Kind, ...],
    *fields: tuple[Kind, Value],
    any_of: Kind | None = None,
    set_keys: tuple[Kind, ...] | None = None,
    first_left_out: Value = None,
) -> Record:
    """Return a record: ``fields`` are kinds with their defaults; those at the end may be left out.

    ``any_of``: what the command, not the query, takes in place of ``keys``, as 0 for all inputs;
    ``set_keys``: where the command takes fewer than the query; ``first_left_out``: the first key
    where one parameter is missing: then no others may be left out.
    """
    kinds = tuple(kind for kind, _ in fields)
    sets = (*(set_keys or (keys if any_of is None else (any_of,))), *kinds)
    optional = len(kinds) - 1 if first_left_out is None else 0
    command = Command(
        mnemonic, sets, keys, optional, empty_keeps=True, first_left_out=first_left_out
    )
    return Record(command, tuple(default for _, default in fields), any_of is not None)


def query(mnemonic: str, *keys: Kind, optional: int = 0) -> Command:
    """Return a command that can only be asked."""
    return Command(mnemonic, asks=keys, asks_optional=optional)


def signed(width: int, decimals: int) -> Callable[[Decimal], str]:
    """Return a style: sign, leading zeros to ``width`` characters, ``decimals``."""
    return lambda value: f"{value:+0{width}.{decimals}f}"


def whole(low: int, high: int, digits: int = 1) -> Whole:
    """Return the kind of a whole number, answered with ``digits`` digits."""
    return Whole(low, high, digits, words=False)


def real(low: str, high: str, width: int = 8, decimals: int = 3) -> Real:
    """Return the kind of a number with a sign and a fixed point."""
    return Real("", Decimal(low), Decimal(high), style=signed(width, decimals), words=False)


def reading(value: float) -> str:
    """Write a reading as the box does: six digits, exponent a multiple of three."""
    if value == 0:
        return "+000.000E+00"
    power = floor(log10(abs(value)) / 3) * 3
    mantissa = f"{value / 10.0**power:+08.3f}"
    if mantissa.lstrip("+-") == "1000.000":
        power += 3
        mantissa = f"{value / 10.0**power:+08.3f}"
    return f"{mantissa}E{power:+03d}"


def text(longest: int) -> Text:
    """Return the kind of a text, in quotes or bare, answered bare."""
    return Text(longest, bare_words=True, style=_bare)


def _bare(text: str) -> str:
    return text


OFF_ON = whole(0, 1)
ANY_VALUE = real("-1E9", "1E9")
FREE_VALUE = Real("", Decimal("-1E9"), Decimal("1E9"), words=False)
