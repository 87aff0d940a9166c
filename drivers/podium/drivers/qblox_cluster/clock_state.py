"""A cluster reports its clock: the source of its ticks, and whether a lock was lost."""

from typing import Any

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.qblox_cluster.connection import asking, in_words, telling

LOST = "PLL_UNLOCKED"
"""The flag (qblox-instruments 1.4.1, ``HardwareFlag``). ASSUMED: it stands as resolved from when
the lock is back until the status is cleared."""
STRUCTURED = (1, 2)
"""From this version of its commands on (firmware 2.1.0) it tells what is resolved by itself."""


def reference_of(name: str, cluster: Any) -> int:
    """Return 1 where its ticks come from outside, 0 where it runs by itself.

    After power-on it does (ASSUMED: the setting is not kept): so a reboot shows, and taking up the
    outer reference again is a lock that shows too.
    """
    with asking(name, "source of its ticks"):
        return int(cluster.reference_source() == "external")


def lock_was_lost(name: str, cluster: Any) -> bool:
    """Return whether its lock was lost since the status was cleared; ``Refused`` while it is."""
    with asking(name, "state of its lock"):
        state = _state(cluster)
        parts = (state.system, *state.modules.values())
        now = any(_holds(part.active_flags) for part in parts)
        before = any(_holds(part.resolved_flags) for part in parts)
    if now:
        raise Refused(
            f"{name}: its clock is not locked to its reference ({LOST}): nothing starts at a time "
            "before it is"
        )
    return before


def clear_status(name: str, cluster: Any) -> None:
    """Let it forget what is resolved, and what is in its error queue."""
    with telling(name, "clearing its status"):
        in_words(cluster, "*CLS", answered=False)


def _state(cluster: Any) -> Any:
    if cluster._scpi_version < STRUCTURED:
        raise ProtocolError("its firmware is older than 2.1.0 and does not tell what is resolved")
    return cluster._get_cluster_state()


def _holds(flags: Any) -> bool:
    return any(getattr(flag, "name", flag) == LOST for flag in flags)
