"""Response data: how instruments write numbers and text, and how a response is taken apart."""

from decimal import Decimal


def plain(value: Decimal) -> str:
    """Write without exponent and without trailing zeros: ``5800000000``, ``-12.5``."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def nr3(value: Decimal) -> str:
    """Write with a signed mantissa below ten and an exponent: ``+1.5E+0``."""
    return _with_exponent(value, 1)


def engineering(value: Decimal) -> str:
    """Write with an exponent that is a multiple of three, all digits kept: ``+100.0E-3``."""
    return _with_exponent(value, 3)


def quoted(text: str) -> str:
    """Write text as string response data, quotes doubled."""
    return '"' + text.replace('"', '""') + '"'


def split_response(line: str) -> list[str]:
    """Take the answers to a compound message apart: semicolons inside quotes do not count."""
    parts: list[str] = []
    begin, inside = 0, False
    for at, character in enumerate(line):
        inside ^= character == '"'
        if character == ";" and not inside:
            parts.append(line[begin:at])
            begin = at + 1
    return [*parts, line[begin:]]


def _with_exponent(value: Decimal, multiple: int) -> str:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is not a finite number")
    significant = len(digits) - 1 + exponent if any(digits) else max(exponent, 0)
    power = significant // multiple * multiple if any(digits) else 0
    mantissa = f"{Decimal((0, digits, exponent - power)):f}"
    return f"{'-' if sign and any(digits) else '+'}{mantissa}E{power:+d}"
