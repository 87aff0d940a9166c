"""Reads times as people name them: ``monday``, ``yesterday``, ``3 h ago``, ``2026-11-20 09:30``."""

import re
from datetime import datetime, timedelta

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LENGTHS_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
# Possessive (++): a text that does not fit costs no more than its length.
_AGO = re.compile(r"(\d++(?:\.\d++)?+)\s*+(s|min|h|d|w)(?:\s++ago)?+")
LONGEST_S = 100 * 366 * 86_400.0
EARLIEST_S, LATEST_S = -62_000_000_000.0, 253_000_000_000.0
"""In the years 5 and 9987: a calendar and its zones of time go little further."""


class NoTime(ValueError):
    """A text names no time; the message says what would."""


def moment_s(value: float | str) -> float:
    """Return a Unix time that is kept somewhere; raises :class:`NoTime` where it cannot be one."""
    found = float(value)
    if not EARLIEST_S <= found <= LATEST_S:
        raise NoTime(f"{value!r} s is no time of the years 5 to 9987")
    return found


def begin_of(text: str, now_s: float) -> float:
    """Return the Unix time at which what ``text`` names begins, by the local clock.

    ``monday`` is the latest one, today if it is Monday. Raises :class:`NoTime`.
    """
    return _begin_and_end(text, now_s)[0]


def end_of(text: str, now_s: float) -> float:
    """Return the Unix time at which what ``text`` names is over: of a day its midnight."""
    return _begin_and_end(text, now_s)[1]


def length_s(text: str) -> float:
    """Return a length of time, s: ``90 d``; raises :class:`NoTime`."""
    found = _AGO.fullmatch(text.strip().lower())
    if found is None:
        raise NoTime(f"{text!r:.80} is no length of time; write it like '90 d' (s, min, h, d, w)")
    return min(float(found[1]) * LENGTHS_S[found[2]], LONGEST_S)


def _begin_and_end(text: str, now_s: float) -> tuple[float, float]:
    said = text.strip().lower().removeprefix("last ").strip()
    midnight = datetime.fromtimestamp(now_s).replace(hour=0, minute=0, second=0, microsecond=0)
    if said == "now":
        return now_s, now_s
    if _AGO.fullmatch(said):
        at_s = now_s - length_s(said)
        return at_s, at_s
    back = {"today": 0, "yesterday": 1}.get(said)
    if said in DAYS:
        back = (midnight.weekday() - DAYS.index(said)) % 7
        if text.strip().lower().startswith("last ") and back == 0:
            back = 7
    if back is not None:
        day = midnight - timedelta(days=back)
        return day.timestamp(), (day + timedelta(days=1)).timestamp()
    try:
        at = datetime.fromisoformat(said.upper())
        whole = timedelta(days=1) if len(said) <= len("2026-11-20") else timedelta()
        return at.timestamp(), (at + whole).timestamp()
    except (ValueError, OverflowError, OSError):
        raise NoTime(
            f"{text!r:.80} is no time; write it like 'monday', 'yesterday', '3 h ago' (s, min, h, "
            "d, w) or '2026-11-20 09:30'"
        ) from None
