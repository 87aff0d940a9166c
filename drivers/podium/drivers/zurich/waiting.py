"""Waiting for sequencers: until they wait for their trigger, until they have ended."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.zurich.connection import Connection
from podium.drivers.zurich.error_log import check_faults
from podium.firmware_interfaces.zurich.program import CoreProgram, ZurichProgram

WAITING_FOR_TRIGGER = 1 << 2
"""Bit of ``sequencer/status`` (node documentation)."""
READY_S = 10.0
"""A program is ready, and waits for its trigger, within this. ASSUMED."""
ALLOWANCE_S = 60.0
"""Past the computed duration: for whatever the data server does beside."""
POLL_FIRST_S, POLL_SHARE, POLL_MAX_S = 0.002, 0.05, 0.2
"""First pause between two looks; later a share of the time waited so far, up to the most."""


def loggers_of(program: ZurichProgram) -> list[int]:
    """Return the channels whose result loggers a program fills."""
    recording = () if program.record is None else (program.record.channel,)
    return sorted({*(one.channel for one in program.results), *recording})


def until(
    done: Callable[[], bool], within_s: float, interrupted: threading.Event | None = None
) -> bool:
    """Look until ``done``; return whether it was within ``within_s``. An interrupt ends it, too."""
    began = time.monotonic()
    pause = interrupted or threading.Event()
    while not done():
        waited_s = time.monotonic() - began
        if waited_s > within_s:
            return False
        if pause.wait(min(max(POLL_FIRST_S, POLL_SHARE * waited_s), POLL_MAX_S)):
            return False
    return True


def wait_until_armed(
    name: str,
    server: Connection,
    root: str,
    cores: Sequence[CoreProgram],
    what: str,
    interrupted: threading.Event,
) -> None:
    """Return when all cores wait for their trigger; raises ``Refused`` where one does not.

    So it does when ``interrupted`` was set.
    """
    for core in cores:
        path = f"{root}/{core.node}/sequencer/status"

        def waits(path: str = path) -> bool:
            status = server.whole(f"whether {path} waits, of {what!r}", path)
            return bool(status & WAITING_FOR_TRIGGER)

        if not until(waits, READY_S, interrupted):
            if interrupted.is_set():
                raise Refused(f"{name}: arming {what!r}: given up")
            raise Refused(
                f"{name}: arming {what!r}: {root}/{core.node} ({', '.join(core.frames)}) does not "
                f"wait for its trigger; its status is {server.whole('its status', path)}"
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

    def ended() -> bool:
        left[:] = [
            path for path in left if server.whole(f"whether {path} is over, of {what!r}", path)
        ]
        over = [root for root, paths in cores.items() if left and paths.isdisjoint(left)]
        for root in over:
            del cores[root]
        check_faults(name, server, what, over)
        return not left

    if until(ended, duration_s + ALLOWANCE_S, interrupted):
        for root, channel in channels:
            path = f"{root}/qachannels/{channel}/readout/result/error/count"
            lost = server.whole(f"how many readouts of {what!r} were lost", path)
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
        f"{name}: running {what!r}: {', '.join(left)} not 0 {ALLOWANCE_S:g} s after the "
        f"computed {duration_s:g} s"
    )
