"""Quantities as people write them (``7.1 GHz``, ``-30 dBm``) and as code holds them (floats in SI).

A number without its unit is refused: ``limit: 1200`` has cost people a chip. Units
are written as in a paper, upper and lower case told apart (``mHz`` is not ``MHz``).
"""

import difflib
import math
import re

UNITS: dict[str, dict[str, float]] = {
    "Hz": {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9, "mHz": 1e-3},
    "s": {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "ps": 1e-12}
    | {"fs": 1e-15, "min": 60.0, "h": 3600.0},
    "V": {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "μV": 1e-6, "nV": 1e-9},
    "V/s": {"V/s": 1.0, "mV/s": 1e-3, "uV/s": 1e-6, "µV/s": 1e-6, "μV/s": 1e-6},
    "A": {"A": 1.0, "mA": 1e-3, "uA": 1e-6, "µA": 1e-6, "μA": 1e-6, "nA": 1e-9},
    "K": {"K": 1.0, "mK": 1e-3, "uK": 1e-6, "µK": 1e-6, "μK": 1e-6},
    "W": {"W": 1.0, "mW": 1e-3, "uW": 1e-6, "µW": 1e-6, "μW": 1e-6, "nW": 1e-9},
    "Pa": {"Pa": 1.0, "hPa": 1e2, "kPa": 1e3, "mbar": 1e2, "bar": 1e5},
    "ohm": {"ohm": 1.0, "kohm": 1e3, "Mohm": 1e6},
    "dB": {"dB": 1.0},
    "dBm": {"dBm": 1.0},
    "1": {"%": 1e-2},
}
"""For each unit that code holds: what may be written instead, and its factor.

Decibels stay decibels. A dimensionless quantity (``1``) needs no unit.
"""

DIMENSIONS: dict[str, str] = {
    "Hz": "a frequency",
    "s": "a time",
    "V": "a voltage",
    "V/s": "a rate of voltage",
    "A": "a current",
    "K": "a temperature",
    "W": "a power",
    "Pa": "a pressure",
    "ohm": "a resistance",
    "dB": "a ratio in decibels",
    "dBm": "a power in dBm",
    "1": "a plain number",
}

EXAMPLES: dict[str, str] = {
    "Hz": "7.1 GHz",
    "s": "30 us",
    "V": "1.2 V",
    "V/s": "0.5 V/s",
    "A": "1 mA",
    "K": "20 mK",
    "W": "1 uW",
    "Pa": "1 mbar",
    "ohm": "50 ohm",
    "dB": "20 dB",
    "dBm": "-30 dBm",
    "1": "0.4",
}
"""For each unit that code holds: a quantity as a person writes it."""

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
"""Regular expression of the number before the unit, as any library reads it."""

LENGTH_MAX = 200
"""Characters: nobody writes a longer quantity."""

# The same number with possessive quantifiers: a text that fits nothing is given up at once.
_QUANTITY = re.compile(r"\s*+([+-]?(?:\d++\.?+\d*+|\.\d++)(?:[eE][+-]?\d++)?)\s*+(\S*+)\s*+")


class QuantityError(ValueError):
    """A text is not a quantity of the wanted unit; the message says what would be right."""


def parse_quantity(text: str | float, unit: str) -> float:
    """Return ``text`` in ``unit`` (a key of :data:`UNITS`), or raise :class:`QuantityError`.

    ``parse_quantity("7.1 GHz", unit="Hz")`` is 7.1e9. A bare number is accepted only
    where no unit is wanted (``"1"``); zero needs its unit too (``0 dB``).
    """
    wanted = UNITS[unit]
    example = EXAMPLES[unit]
    if isinstance(text, str | int) and _is_endless(text):
        what = "the text" if isinstance(text, str) else "the number"
        raise QuantityError(
            f"{what} is too long for {DIMENSIONS[unit]}, which is written like {example!r}"
        )
    match = None if isinstance(text, bool) else _QUANTITY.fullmatch(str(text))
    if match is None:
        raise QuantityError(f"{text!r} is not {DIMENSIONS[unit]}; write it like {example!r}")
    number, suffix = match[1], match[2]
    if not suffix and unit != "1":
        raise QuantityError(
            f"{text!r} has no unit; {DIMENSIONS[unit]} is wanted, written like {example!r}"
        )
    if suffix and suffix not in wanted:
        raise QuantityError(_wrong_unit(str(text), number, suffix, unit))
    scaled = _scaled(number, wanted[suffix] if suffix else 1.0)
    if not math.isfinite(scaled):
        raise QuantityError(f"{text!r} is too large")
    return scaled


def _is_endless(text: str | int) -> bool:
    """Tell whether nobody means it: a whole number so long cannot even be printed."""
    return len(text) > LENGTH_MAX if isinstance(text, str) else abs(text) >= 10**LENGTH_MAX


def _scaled(number: str, factor: float) -> float:
    """Return the number times a power of ten, rounded once: 33 us is 3.3e-05 exactly as typed."""
    exponent = f"{factor:e}".split("e")
    if float(exponent[0]) == 1.0:
        mantissa, _, power = number.lower().partition("e")
        return float(f"{mantissa}e{int(power or 0) + int(exponent[1])}")
    return float(number) * factor


def _wrong_unit(text: str, number: str, suffix: str, unit: str) -> str:
    """Say what kind of quantity was written, and what would be right."""
    for other, suffixes in UNITS.items():
        if suffix in suffixes and other != unit:
            return (
                f"{text!r} is {DIMENSIONS[other]}; {DIMENSIONS[unit]} is wanted, "
                f"written like {EXAMPLES[unit]!r}"
            )
    if unit == "1":
        return f"{text!r} has a unit that is not known; a plain number is wanted, like '0.4'"
    known = [name for name in UNITS[unit] if name.lower() == suffix.lower()]
    known += difflib.get_close_matches(suffix, UNITS[unit], n=1)
    if known:
        return f"the unit of {text!r} is not known; did you mean {f'{number} {known[0]}'!r}?"
    choices = ", ".join(name for name in UNITS[unit] if name.isascii())
    return f"the unit of {text!r} is not known; {DIMENSIONS[unit]} is given in {choices}"


_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"))
_UNPREFIXED = ("dB", "dBm", "1")


def format_quantity(value: float, unit: str) -> str:
    """Return ``value`` (in ``unit``) as a person would write it, to six digits: ``7.1 GHz``."""
    if unit == "1":
        return f"{value:.6g}"
    if unit in _UNPREFIXED or value == 0.0:
        return f"{value:.6g} {unit}"
    for factor, prefix in _PREFIXES:
        if prefix + unit in UNITS[unit] and abs(value) >= factor * (1 - 1e-9):
            return f"{value / factor:.6g} {prefix}{unit}"
    return f"{value:.6g} {unit}"
