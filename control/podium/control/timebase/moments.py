"""Moments as people name them, as TAI: ``now``, ``2 h ago``, ``2026-11-20 09:30``."""

import re
from datetime import UTC, datetime

from podium.control.timebase.host_clock import TAI_MINUS_UTC_S

LENGTHS_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

# Possessive (++): a text that does not fit costs no more than its length.
_AGO = re.compile(r"(\d++\.?+\d*+|\.\d++)\s*+(\w++)(\s++ago)?")

LONGEST_S = 100 * 366 * 86400.0
"""A century: what is longer was never measured."""


class NoMoment(ValueError):
    """A text names no moment or length of time; the message says what would."""


def moment(text: str, now_tai_s: float) -> float:
    """Return the TAI of ``text``, s. Dates are local where they name no zone."""
    said = text.strip()
    if said == "now":
        return now_tai_s
    ago = _AGO.fullmatch(said)
    if ago is not None and ago[2] in LENGTHS_S:
        return now_tai_s - _checked(ago, text)
    try:
        return datetime.fromisoformat(said).astimezone(UTC).timestamp() + TAI_MINUS_UTC_S
    except (ValueError, OverflowError, OSError):
        raise NoMoment(
            f"{text!r:.80} is no moment; write it like 'now', '2 h ago' (s, min, h, d, w) "
            "or '2026-11-20 09:30'"
        ) from None


def length_s(text: str) -> float:
    """Return a length of time, s; raises :class:`NoMoment`."""
    found = _AGO.fullmatch(text.strip())
    if found is None or found[2] not in LENGTHS_S or found[3]:
        raise NoMoment(f"{text!r:.80} is no length of time; write it like '12 h' (s, min, h, d, w)")
    return _checked(found, text)


def _checked(found: re.Match[str], text: str) -> float:
    length = float(found[1]) * LENGTHS_S[found[2]]
    if length > LONGEST_S:
        raise NoMoment(f"{text!r:.80} is more than a century")
    return length


def told_moment(tai_s: float) -> str:
    """Return the local date and time of a TAI, to the second."""
    local = datetime.fromtimestamp(tai_s - TAI_MINUS_UTC_S, tz=UTC).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S")
