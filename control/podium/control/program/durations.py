"""Converts durations from people's nanoseconds to whole femtoseconds.

Nothing is rounded: a number counts as it is written in decimal, so 0.1 ns are 100 000 fs.
"""

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from numbers import Integral, Real
from typing import TypeVar

from podium.firmware_interfaces.exact_time import FS_PER_NS

Ns = int | float | str | Decimal
"""Nanoseconds; a string has a number alone, without a unit."""
LONGEST_DIGITS = 13
"""Digits of a duration in ns before the point, at most: 2^63 fs are 9 223 372 036 854 ns."""

Fs = TypeVar("Fs")


class NotATime(ValueError):
    """A duration is missing, given twice, or no whole number of femtoseconds.

    Write it as the message says; nothing was made.
    """


def exact(number: Ns) -> Fraction:
    """Return a number as it is written in decimal; raises ``ValueError`` for what is none."""
    if isinstance(number, bool) or not isinstance(number, Real | Decimal | str):
        raise ValueError(f"{number!r} is no number")
    if isinstance(number, Integral):
        return Fraction(int(number))
    try:
        decimal = Decimal(str(number))
    except InvalidOperation as error:
        raise ValueError(f"{number!r} is no number") from error
    if not decimal.is_finite() or abs(decimal.adjusted()) > 400:
        raise ValueError(f"{number!r} is no finite number")
    return Fraction(decimal)


def fs_of_ns(ns: Ns, what: str) -> int:
    """Return ``ns`` nanoseconds in femtoseconds; ``what`` names the place in the error.

    Raises :class:`NotATime` where they are not a whole number of femtoseconds.
    """
    try:
        fs = exact(ns) * FS_PER_NS
    except ValueError as error:
        raise NotATime(f"{what}: {error}; a number of nanoseconds, such as 40 or 12.5") from error
    if abs(fs) >= 10**LONGEST_DIGITS * FS_PER_NS:
        raise NotATime(f"{what} = {ns} ns is more than a run can last (2.5 h)")
    if fs.denominator != 1:
        below = fs.numerator // fs.denominator
        raise NotATime(
            f"{what} = {ns} ns is no whole number of femtoseconds; the nearest are "
            f"{_ns(below)} and {_ns(below + 1)} ns"
        )
    return int(fs)


def given_time(what: str, fs: Fs | None, ns: Ns | None) -> Fs | int:
    """Return a time in femtoseconds that is given as ``fs`` or as ``ns``.

    ``what`` is the keyword for nanoseconds after its class, e.g. ``Square ns``. Raises
    :class:`NotATime`.
    """
    if ns is None:
        if fs is None:
            raise NotATime(f"{what} is missing: a number of nanoseconds")
        return fs
    if fs is not None:
        raise NotATime(f"{what} = {ns!r}, and {fs!r} femtoseconds as well: give one of the two")
    return fs_of_ns(ns, what)


def _ns(fs: int) -> str:
    return f"{Decimal(fs).scaleb(-6).normalize():f}"
