"""Reads TAI by this computer's clock: for people and logs, never for an experiment."""

import time

TAI_MINUS_UTC_S = 37.0  # since 2017-01-01, IERS Bulletin C


def host_tai_s() -> float:
    """Return TAI by this computer's clock, s since 1970-01-01."""
    return time.time() + TAI_MINUS_UTC_S
