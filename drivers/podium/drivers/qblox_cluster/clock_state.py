"""A cluster reports its clock: the source of its ticks, and whether a lock was lost."""

from functools import lru_cache
from typing import Any

from qblox_instruments.native.definitions import ClusterState

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.qblox_cluster.connection import asking, in_one_packet, in_words, telling
from podium.drivers.roles import ClockHistory

SOURCE, STATE = "STATus:QUEStionable:FREQuency:REFerence:SRC?", "STATE:GENeral:STATE?"
"""Whether its ticks are its own, and all that it says of its state (qblox-instruments 1.4.1,
``cluster_mm_1_2.py``)."""

LOST = "PLL_UNLOCKED"
"""The flag (qblox-instruments 1.4.1, ``HardwareFlag``). ASSUMED: it stands as resolved from when
the lock is back until the status is cleared."""
STRUCTURED = (1, 2)
"""From this version of its commands on (firmware 2.1.0) it tells what is resolved by itself."""


def history(name: str, cluster: Any) -> ClockHistory:
    """Return 1 where its ticks come from outside, 0 where it runs by itself, and what it lost.

    After power-on it runs by itself (ASSUMED: the setting is not kept): so a reboot shows, and
    taking up the outer reference again is a lock that shows too. ``Refused`` while it has no lock.
    """
    with asking(name, "history of its clock"):
        if cluster._scpi_version < STRUCTURED:
            raise ProtocolError(
                "its firmware is older than 2.1.0 and does not tell what is resolved"
            )
        internal, told = in_one_packet(cluster, (SOURCE, STATE))
        now, before = _lost(told)
    if now:
        raise Refused(
            f"{name}: its clock is not locked to its reference ({LOST}): nothing starts at a time "
            "before it is"
        )
    return ClockHistory({"external reference": int(not int(internal))}, before)


def clear_status(name: str, cluster: Any) -> None:
    """Let it forget what is resolved, and what is in its error queue."""
    with telling(name, "clearing its status"):
        in_words(cluster, "*CLS")


@lru_cache(16)
def _lost(told: str) -> tuple[bool, bool]:
    """Return whether a lock is lost now, and whether one was, by what it says of its state."""
    state = ClusterState._from_json_str(told)
    parts = (state.system, *state.modules.values())
    return (
        any(_holds(part.active_flags) for part in parts),
        any(_holds(part.resolved_flags) for part in parts),
    )


def _holds(flags: Any) -> bool:
    return any(getattr(flag, "name", flag) == LOST for flag in flags)
