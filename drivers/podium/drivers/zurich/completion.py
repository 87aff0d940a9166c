"""Waits for sequencers: until they wait for their trigger, until they have ended."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.zurich.client_messages import GetValues, PollIntegers
from podium.drivers.zurich.connection import Asked, Connection
from podium.drivers.zurich.error_log import ASKED_FOR_LOG, check_faults, check_logs, log_nodes
from podium.firmware_interfaces.run_allowance import run_allowance_s
from podium.firmware_interfaces.zurich.program import ZurichProgram

WAITING_FOR_TRIGGER = 1 << 2
"""Bit of ``sequencer/status`` (node documentation)."""
READY_S = 10.0
"""A program is ready, and waits for its trigger, within this. ASSUMED."""
POLL_S = 0.2
"""Longest pause between two looks; an interrupt is heard between them.

Nodes that have come to what is waited for end a pause: the server says so, pauses are for what it
does not say. Each look is a request, which costs both sides a few tenths of a millisecond.
"""


def loggers_of(program: ZurichProgram) -> list[int]:
    """Return the channels whose result loggers a program fills."""
    recording = () if program.record is None else (program.record.channel,)
    return sorted({*(one.channel for one in program.results), *recording})


def until(
    done: Callable[[float], bool],
    within_s: float,
    interrupted: threading.Event | None = None,
    first_s: float = 0.0,
) -> bool:
    """Look until ``done``; return whether it was within ``within_s``.

    ``done`` looks after a pause, s; ``first_s`` at first. An interrupt ends it, too, between two
    looks.
    """
    began = time.monotonic()
    pause_s = first_s
    while not done(pause_s):
        waited_s = time.monotonic() - began
        if waited_s > within_s or (interrupted is not None and interrupted.is_set()):
            return False
        pause_s = POLL_S
    return True


def arm_and_wait(
    name: str,
    server: Connection,
    steps: Sequence[Asked],
    parts: Mapping[str, ZurichProgram],
    interrupted: threading.Event,
) -> None:
    """Take steps, and return when all cores wait for their trigger.

    ``steps`` go in one request with the first look. ``parts``: what each instrument plays, by its
    root. Raises ``Refused`` where one does not wait, and when ``interrupted`` was set.
    """
    what = next(iter(parts.values())).name
    left = {
        f"{root}/{core.node}/sequencer/status": core
        for root, one in parts.items()
        for core in one.cores
    }
    shown: dict[str, int] = {}
    first = [*steps]

    def wait(after_s: float) -> bool:
        look = PollIntegers(tuple(left), after_s, WAITING_FOR_TRIGGER)
        asked = f"whether {', '.join(left)} shows a wait, of {what!r}"
        statuses = server.several([*first, (asked, look)])[-1]
        first.clear()
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
    where readouts were lost, or where an instrument complains: also of one that has ended while
    something else is not over, which would be waited for in vain. The outputs are as they were.
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
        asked = f"whether {', '.join(left)} is over, of {what!r}"
        held = server.wholes(asked, tuple(left), after_s, 0)
        left[:] = [path for path, value in zip(left, held, strict=True) if value]
        over = [root for root, paths in cores.items() if left and paths.isdisjoint(left)]
        for root in over:
            del cores[root]
        check_faults(name, server, what, over)
        return not left

    allowance_s = run_allowance_s()
    if until(ended, duration_s + allowance_s, interrupted, first_s=POLL_S):
        counts = tuple(
            f"{root}/qachannels/{channel}/readout/result/error/count" for root, channel in channels
        )
        asked = f"how many readouts of {what!r} were lost"
        lost_of, logs = server.several(
            [(asked, PollIntegers(counts)), (ASKED_FOR_LOG, GetValues(tuple(log_nodes(parts))))]
        )
        for (root, channel), lost in zip(channels, lost_of, strict=True):
            if lost:
                raise ProtocolError(
                    f"{name}: running {what!r}: {lost} readouts of {root} channel "
                    f"{channel} came while the one before was still integrated"
                )
        check_logs(name, what, parts, logs)
        return
    if interrupted.is_set():
        interrupted.clear()
        raise Refused(f"{name}: running {what!r}: given up while it ran")
    raise Unreachable(
        f"{name}: running {what!r}: {', '.join(left)} not 0 {allowance_s:g} s after the "
        f"computed {duration_s:g} s"
    )
