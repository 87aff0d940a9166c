"""Kinds of parameters: what a command accepts, how strict, and how its value is answered.

A kind is a value. ``take`` turns a parameter of a message into a plain Python
value or raises the :class:`ScpiError` that the instrument would; ``answer``
turns the value into response data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Protocol

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.header import short_form
from podium.firmware_interfaces.ieee4882.program_message import (
    Block,
    Empty,
    Expression,
    Number,
    Parameter,
    Quoted,
    Word,
)
from podium.firmware_interfaces.ieee4882.responses import nr3, quoted

Value = Decimal | int | bool | str | Parameter | None
"""What a kind makes of a parameter; None: left out where that is allowed."""

_MULTIPLIERS = {  # IEEE 488.2, 7.7.3.3
    "EX": 18,
    "PE": 15,
    "T": 12,
    "G": 9,
    "MA": 6,
    "K": 3,
    "": 0,
    "M": -3,
    "U": -6,
    "N": -9,
    "P": -12,
    "F": -15,
    "A": -18,
}
_MEGA_BY_M = ("HZ", "OHM")  # IEEE 488.2, 7.7.3.3: MHZ and MOHM are mega, not milli
_WITHOUT_MULTIPLIER = ("DB", "DBM", "PCT", "DEG")


class Kind(Protocol):
    """One parameter of a command."""

    def take(self, parameter: Parameter) -> Value:
        """Return the value, or raise the :class:`ScpiError` that refuses it."""
        ...

    def answer(self, value: Value) -> str:
        """Return the response data that stands for ``value``."""
        ...


@dataclass(frozen=True, slots=True)
class Real:
    """A number with a unit, limits and a resolution."""

    unit: str
    """In capitals as SCPI writes it (``HZ``, ``V``, ``DBM``); ``""``: no unit may be written."""
    minimum: Decimal
    maximum: Decimal
    resolution: Decimal | None = None
    """Finer values are rounded to it; None: kept as they are."""
    default: Decimal | None = None
    """What the word DEFault means."""
    style: Callable[[Decimal], str] = nr3
    words: bool = True
    """The words MINimum, MAXimum and DEFault are understood."""

    def take(self, parameter: Parameter) -> Decimal:
        """Take a number or a word for one."""
        match parameter:
            case Number():
                value = self._rounded(in_unit(parameter, self.unit))
            case Word(text) if self.words:
                value = self._special(text)
            case _:
                raise _wrong_type(parameter)
        if not self.minimum <= value <= self.maximum:
            raise ScpiError(-222, f"{value} is outside {self.minimum} to {self.maximum}")
        return value

    def answer(self, value: Value) -> str:
        """Write the number in the instrument's style, without unit."""
        if not isinstance(value, Decimal):
            raise TypeError(f"{value!r} is not the value of a number with a unit")
        return self.style(value)

    def _rounded(self, value: Decimal) -> Decimal:
        if self.resolution is None or abs(value) > abs(self.maximum) + abs(self.minimum):
            return value  # out of range anyway, and perhaps too long to be rounded
        with localcontext() as context:
            context.prec = 60
            steps = (value / self.resolution).to_integral_value(ROUND_HALF_UP)
            return int(steps) * self.resolution

    def _special(self, text: str) -> Decimal:
        if text in ("MIN", "MINIMUM"):
            return self.minimum
        if text in ("MAX", "MAXIMUM"):
            return self.maximum
        if text in ("DEF", "DEFAULT") and self.default is not None:
            return self.default
        raise ScpiError(-141, text)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number; fractions are rounded, as IEEE 488.2, 7.7.2.4 wants."""

    minimum: int
    maximum: int
    digits: int = 1
    """Width of the answer, with leading zeros."""
    words: bool = True
    """The words MINimum and MAXimum are understood."""

    def take(self, parameter: Parameter) -> int:
        """Take a number without unit or a word for one."""
        match parameter:
            case Number():
                exact = in_unit(parameter, "")
            case Word("MIN" | "MINIMUM") if self.words:
                return self.minimum
            case Word("MAX" | "MAXIMUM") if self.words:
                return self.maximum
            case _:
                raise _wrong_type(parameter)
        if not self.minimum - 1 <= exact <= self.maximum + 1:
            raise ScpiError(-222, f"{exact} is outside {self.minimum} to {self.maximum}")
        value = int(exact.to_integral_value(ROUND_HALF_UP))
        if not self.minimum <= value <= self.maximum:
            raise ScpiError(-222, f"{value} is outside {self.minimum} to {self.maximum}")
        return value

    def answer(self, value: Value) -> str:
        """Write the number with leading zeros."""
        return f"{value:0{self.digits}d}"


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off; answered 1 or 0."""

    def take(self, parameter: Parameter) -> bool:
        """Take ON, OFF or a number, of which any but 0 is on (SCPI-1999, volume 1, 7.3)."""
        match parameter:
            case Word("ON"):
                return True
            case Word("OFF"):
                return False
            case Word(text):
                raise ScpiError(-141, text)
            case Number():
                value = in_unit(parameter, "")
                return abs(value) >= Decimal("0.5")
            case _:
                raise _wrong_type(parameter)

    def answer(self, value: Value) -> str:
        """Write 1 or 0."""
        return "1" if value else "0"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the instrument's own words, written as in manuals: ``VOLTage``, ``CURRent``."""

    words: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...] = ()
    """Further words that are taken, each with the word of ``words`` that it stands for."""

    def take(self, parameter: Parameter) -> str:
        """Take a word in its short or long form; the value is the short form."""
        if isinstance(parameter, Number) and self._numeric:
            parameter = Word(f"{parameter.value}{parameter.suffix}".upper())
        if not isinstance(parameter, Word):
            raise _wrong_type(parameter)
        for word in self.words:
            if parameter.text in (short_form(word), word.upper()):
                return short_form(word)
        for alias, word in self.aliases:
            if parameter.text == alias.upper():
                return short_form(word)
        raise ScpiError(-141, parameter.text)

    @property
    def _numeric(self) -> bool:
        """Words such as 10MHZ look like numbers to the parser."""
        return any(word[0].isdigit() for word in self.words)

    def answer(self, value: Value) -> str:
        """Write the short form."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Text:
    """Text in quotes; a bare word is taken too where the instrument does so."""

    max_length: int = 255
    bare_words: bool = False
    style: Callable[[str], str] = quoted

    def take(self, parameter: Parameter) -> str:
        """Take the text between the quotes."""
        match parameter:
            case Quoted(text):
                pass
            case Word(text) if self.bare_words:
                pass
            case Number(value, suffix) if self.bare_words:
                text = f"{value}{suffix}"
            case _:
                raise _wrong_type(parameter)
        if len(text) > self.max_length:
            raise ScpiError(-223, f"{len(text)} characters, {self.max_length} are possible")
        return text

    def answer(self, value: Value) -> str:
        """Write the text in the instrument's style."""
        return self.style(str(value))


@dataclass(frozen=True, slots=True)
class Extreme:
    """MINimum or MAXimum after a question mark: asks for a limit, not for the setting."""

    def take(self, parameter: Parameter) -> str:
        """Take MINimum, MAXimum or DEFault; the value is the short form."""
        return Choice(("MINimum", "MAXimum", "DEFault")).take(parameter)

    def answer(self, value: Value) -> str:
        """Write the short form."""
        return str(value)


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Anything: what is allowed depends on the instrument's state, so its firmware looks."""

    def take(self, parameter: Parameter) -> Parameter:
        """Take the parameter as it is, but not nothing."""
        if isinstance(parameter, Empty):
            raise _wrong_type(parameter)
        return parameter

    def answer(self, value: Value) -> str:
        """Write nothing: the firmware knows the kind."""
        raise TypeError(f"{value!r} can be answered by the instrument's firmware only")


def in_unit(number: Number, unit: str) -> Decimal:
    """Return the value of ``number`` in ``unit``, e.g. ``1.5 GHZ`` in ``HZ``.

    Raises :class:`ScpiError` -131 for another unit, -138 where no unit is allowed.
    """
    if not number.suffix:
        return number.value
    if not unit:
        raise ScpiError(-138, number.suffix)
    prefix = number.suffix.removesuffix(unit)
    if not number.suffix.endswith(unit) or prefix not in _MULTIPLIERS:
        raise ScpiError(-131, number.suffix)
    if prefix and unit in _WITHOUT_MULTIPLIER:
        raise ScpiError(-131, number.suffix)
    power = 6 if prefix == "M" and unit in _MEGA_BY_M else _MULTIPLIERS[prefix]
    return number.value.scaleb(power)


def _wrong_type(parameter: Parameter) -> ScpiError:
    match parameter:
        case Number(value, suffix):
            return ScpiError(-128, f"{value}{suffix}")
        case Word(text):
            return ScpiError(-148, text)
        case Quoted(text):
            return ScpiError(-158, text)
        case Block():
            return ScpiError(-168)
        case Expression(text):
            return ScpiError(-178, text)
        case Empty():
            return ScpiError(-109)
