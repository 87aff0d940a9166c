"""Waits for sequencers to stop, and tells a proper end from any other."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.qblox_cluster import slot_commands
from podium.drivers.qblox_cluster.connection import asking
from podium.drivers.qblox_cluster.slot_commands import place, places
from podium.firmware_interfaces.run_allowance import run_allowance_s

POLL_FIRST_S = 0.002
POLL_MAX_S = 0.1
POLL_SHARE = 0.2
"""Pause between two questions whether a program has begun, or is over: this share of the time
waited so far, between the first and the longest, so that it costs little of a short program and of
a long one. Each question is a packet there and one back."""
EARLY_SHARE, EARLY_PART = 0.4, 0.05
"""The same before a program's computed end: few end there, and one that does is asked then. A pause
is then at least that part of its duration, up to the longest."""

UNDER_WAY = ("ARMED", "RUNNING", "Q1_STOPPED")
"""States of a sequencer that was started: it is armed until those it starts with are started."""


def statuses(name: str, cluster: Any, sequencers: Sequence[tuple[int, int]]) -> list[Any]:
    """Return the vendor's status of each sequencer."""
    with asking(name, f"state of {places(sequencers)}"):
        return list(slot_commands.states(cluster, sequencers))


def flags(status: Any) -> str:
    """Return the flags of a status for a message: errors, warnings, then the rest."""
    names = [flag.name for flag in (*status.err_flags, *status.warn_flags, *status.info_flags)]
    return f": {', '.join(names)}" if names else ""


def wait_until_stopped(
    name: str,
    cluster: Any,
    sequencers: Sequence[tuple[int, int]],
    duration_s: float,
    what: str,
    interrupted: threading.Event,
    frame: Callable[[int, int], str],
) -> None:
    """Return when all sequencers have stopped without an error flag.

    One of those that run is asked at a time, in turn: a question to each module costs a packet
    there and back, and all but the last answers say that it still runs. Once one has stopped
    all others are asked together, at short pauses again: they end soon. At the computed end one is
    asked, too, and from there on at short pauses again.

    Raises ``ProtocolError`` at any other end, ``Unreachable`` past ``duration_s`` and the
    allowance, ``Refused`` when ``interrupted`` was set; the outputs are as they were.
    """
    waits_from, allowance_s = time.monotonic(), run_allowance_s()
    ends_at = waits_from + duration_s
    give_up = ends_at + allowance_s
    running = list(sequencers)
    early, one_has_stopped = True, False
    while running:
        asked = running if one_has_stopped else running[:1]
        still = [
            where
            for where, status in zip(asked, statuses(name, cluster, asked), strict=True)
            if not has_stopped(
                status, f"{name}: running {what!r}: {place(*where)} ({frame(*where)})"
            )
        ]
        running = [where for where in running if where not in asked] + still
        one_has_stopped = len(asked) == 1 and not still
        now = time.monotonic()
        if one_has_stopped:
            early, waits_from = False, now
            continue
        if now > give_up:
            raise Unreachable(
                f"{name}: running {what!r}: {places(running)} not stopped "
                f"{allowance_s:g} s after the computed {duration_s:g} s"
            )
        if early and now >= ends_at:
            early, waits_from = False, ends_at
        waited_s = now - waits_from
        if early:
            wanted_s = max(EARLY_SHARE * waited_s, EARLY_PART * duration_s)
            pause_s = max(POLL_FIRST_S, min(wanted_s, POLL_MAX_S, ends_at - now))
        else:
            pause_s = poll_pause_s(waited_s)
        if interrupted.wait(pause_s):
            interrupted.clear()
            raise Refused(f"{name}: running {what!r}: given up while it ran")


def poll_pause_s(waited_s: float) -> float:
    """Return the pause before the next question, after so long."""
    return min(max(POLL_FIRST_S, POLL_SHARE * waited_s), POLL_MAX_S)


def has_stopped(status: Any, which: str) -> bool:
    """Tell whether a sequencer has come to its proper end; ``ProtocolError`` at any other.

    ``which``: how a message names it.
    """
    if status.status.name == "ERROR" or status.err_flags:
        raise ProtocolError(f"{which} is {status.state.name} with an error{flags(status)}")
    if status.state.name == "STOPPED":
        if any(flag.name in ("DISARMED", "FORCED_STOP") for flag in status.info_flags):
            raise ProtocolError(f"{which} was stopped before its end{flags(status)}")
        return True
    if status.state.name not in UNDER_WAY:
        raise ProtocolError(
            f"{which} is {status.state.name} instead of running or stopped{flags(status)}"
        )
    return False
