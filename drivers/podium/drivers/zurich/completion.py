"""Waits for sequencers: until they wait for their trigger, until they have ended."""

import threading
import time
from collections.abc import Callable, Mapping

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.zurich.connection import Connection
from podium.drivers.zurich.error_log import check_faults
from podium.firmware_interfaces.run_allowance import run_allowance_s
from podium.firmware_interfaces.zurich.program import ZurichProgram

WAITING_FOR_TRIGGER = 1 << 2
"""Bit of ``sequencer/status`` (node documentation)."""
READY_S = 10.0
"""A program is ready, and waits for its trigger, within this. ASSUMED."""
POLL_FIRST_S = 0.002
"""First pause between two looks. In it listening begins: what changed before is seen after it."""
POLL_LEAST_S, POLL_SHARE, POLL_MAX_S = 0.1, 0.5, 0.2
"""Later ones: a share of the time waited so far, between the least and the most.

Nodes that have all changed end a pause: the server says so, pauses are for what it does not say.
Each look is a request, which costs both sides a few tenths of a millisecond.
"""


def loggers_of(program: ZurichProgram) -> list[int]:
    """Return the channels whose result loggers a program fills."""
    recording = () if program.record is None else (program.record.channel,)
    return sorted({*(one.channel for one in program.results), *recording})


def until(
    done: Callable[[float], bool], within_s: float, interrupted: threading.Event | None = None
) -> bool:
    """Look until ``done``; return whether it was within ``within_s``.

    ``done`` looks after a pause, s; 0 at first. An interrupt ends it, too, between two looks.
    """
    began = time.monotonic()
    pause_s = 0.0
    while not done(pause_s):
        waited_s = time.monotonic() - began
        if waited_s > within_s or (interrupted is not None and interrupted.is_set()):
            return False
        later_s = min(max(POLL_LEAST_S, POLL_SHARE * waited_s), POLL_MAX_S)
        pause_s = later_s if pause_s else POLL_FIRST_S
    return True


def wait_until_armed(
    name: str,
    server: Connection,
    parts: Mapping[str, ZurichProgram],
    interrupted: threading.Event,
) -> None:
    """Return when all cores wait for their trigger; raises ``Refused`` where one does not.

    ``parts``: what each instrument plays, by its root. So it does when ``interrupted`` was set.
    """
    what = next(iter(parts.values())).name
    left = {
        f"{root}/{core.node}/sequencer/status": core
        for root, one in parts.items()
        for core in one.cores
    }
    shown: dict[str, int] = {}

    def wait(after_s: float) -> bool:
        statuses = server.wholes(
            f"whether {', '.join(left)} shows a wait, of {what!r}", tuple(left), after_s
        )
        shown.update(zip(tuple(left), statuses, strict=True))
        for path, status in shown.items():
            if status & WAITING_FOR_TRIGGER:
                left.pop(path, None)
        return not left

    if until(wait, READY_S, interrupted):
        return
    if interrupted.is_set():
        raise Refused(f"{name}: arming {what!r}: given up")
    path, core = next(iter(left.items()))
    raise Refused(
        f"{name}: arming {what!r}: {path.removesuffix('/sequencer/status')} "
        f"({', '.join(core.frames)}) does not wait for its trigger; its status is {shown[path]}"
    )


def wait_until_ended(
    name: str,
    server: Connection,
    parts: Mapping[str, ZurichProgram],
    duration_s: float,
    interrupted: threading.Event,
) -> None:
    """Return when all sequencers have ended and all results are there.

    ``parts``: one program as the instruments play it, by their roots. Raises ``Unreachable`` past
    ``duration_s`` and the allowance, ``Refused`` when ``interrupted`` was set, ``ProtocolError``
    where readouts were lost, or where an instrument has ended and complains while something else
    is not over: that would be waited for in vain. The outputs are as they were.
    """
    what = next(iter(parts.values())).name
    channels = [(root, one) for root, part in parts.items() for one in loggers_of(part)]
    cores = {
        root: {f"{root}/{core.node}/enable" for core in one.cores} for root, one in parts.items()
    }
    left = [path for paths in cores.values() for path in sorted(paths)]
    left += [f"{root}/qachannels/{channel}/readout/result/enable" for root, channel in channels]
    for root, one in parts.items():
        if any(result.trace_skip is not None for result in one.results):
            left.append(f"{root}/scopes/0/enable")

    def ended(after_s: float) -> bool:
        held = server.wholes(
            f"whether {', '.join(left)} is over, of {what!r}", tuple(left), after_s
        )
        left[:] = [path for path, value in zip(left, held, strict=True) if value]
        over = [root for root, paths in cores.items() if left and paths.isdisjoint(left)]
        for root in over:
            del cores[root]
        check_faults(name, server, what, over)
        return not left

    allowance_s = run_allowance_s()
    if until(ended, duration_s + allowance_s, interrupted):
        counts = server.wholes(
            f"how many readouts of {what!r} were lost",
            [
                f"{root}/qachannels/{channel}/readout/result/error/count"
                for root, channel in channels
            ],
            0.0,
        )
        for (root, channel), lost in zip(channels, counts, strict=True):
            if lost:
                raise ProtocolError(
                    f"{name}: running {what!r}: {lost} readouts of {root} channel "
                    f"{channel} came while the one before was still integrated"
                )
        return
    if interrupted.is_set():
        interrupted.clear()
        raise Refused(f"{name}: running {what!r}: given up while it ran")
    raise Unreachable(
        f"{name}: running {what!r}: {', '.join(left)} not 0 {allowance_s:g} s after the "
        f"computed {duration_s:g} s"
    )
