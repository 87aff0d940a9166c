"""Tells how much longer than computed a program may take, before its instrument counts as hung."""

from math import isfinite
from os import environ

VARIABLE = "PODIUM_RUN_ALLOWANCE"
KEY = "run_allowance_s"
"""Of an endpoints file."""
DEFAULT_S = 60.0
"""For transport and a busy machine."""
BEYOND_DRIVER_S = 30.0
"""By how much whoever waits for a driver waits longer than it, so that its message is heard."""
SIMULATED_S = 600.0
"""Of simulated instruments, which compute what they play; an endpoints file says it of them."""


class BadAllowance(ValueError):
    """The environment says no time; the message says what would be one."""


def run_allowance_s() -> float:
    """Return the seconds past a program's computed duration, from the environment or the default.

    Raises :class:`BadAllowance` where ``PODIUM_RUN_ALLOWANCE`` is no number of seconds above 0.
    """
    said = environ.get(VARIABLE)
    if said is None:
        return DEFAULT_S
    try:
        found = float(said)
    except ValueError:
        found = -1.0
    if not (isfinite(found) and found > 0.0):
        raise BadAllowance(f"{VARIABLE} is {said!r}; a number of seconds above 0 is expected")
    return found


def beyond_driver_s() -> float:
    """Return the same for whoever waits for a driver, whose message is to be heard first, s."""
    return run_allowance_s() + BEYOND_DRIVER_S
