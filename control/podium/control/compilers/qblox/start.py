"""Begins a program: at once, or when the external trigger comes."""

from dataclasses import replace

from podium.control.compilers.qblox.assembly import Assembly
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart

OFFSET_MAX_NS = 1_000_000_000
"""A skew that takes a second is none."""


def check_start(start: ExternalStart) -> None:
    """Raise ValueError where a start names no trigger, or an offset that cannot be waited."""
    if not 1 <= start.address <= limits.TRIGGERS:
        raise ValueError(
            f"start on trigger {start.address}: the trigger network has addresses 1 to "
            f"{limits.TRIGGERS}"
        )
    if not 0 <= start.offset_ns <= OFFSET_MAX_NS:
        raise ValueError(
            f"start {start.offset_ns} ns after the trigger: a program can be held back by 0 to "
            f"{OFFSET_MAX_NS} ns; give the latest node 0 and the others what they are ahead of it"
        )
    if not 0 <= start.held_ns <= OFFSET_MAX_NS:
        raise ValueError(
            f"held back by {start.held_ns} ns for filters of flux lines: 0 to {OFFSET_MAX_NS} ns "
            "can be waited"
        )
    if not -FS_PER_NS <= 2 * start.late_fs < 2 * FS_PER_NS:
        raise ValueError(
            f"a rest of {start.late_fs} fs: it is less than a tick of {FS_PER_NS} fs; whole ticks "
            "belong into offset_ns"
        )


def nearest(start: ExternalStart) -> ExternalStart:
    """Return the same start with the tick that is nearest to it, and a rest to either side.

    Windows, markers and hard pulses then stand half a tick off at most.
    """
    if 2 * start.late_fs < FS_PER_NS:
        return start
    return replace(start, offset_ns=start.offset_ns + 1, late_fs=start.late_fs - FS_PER_NS)


def preamble_ns(start: ExternalStart | None) -> int:
    """Return how long it is from the common start to the lead.

    At once, that is ``upd_param 4`` and ``wait_sync 4``; by trigger, where the common start is
    the release of the party line, ``wait_sync 4`` and the offset.
    """
    if start is None:
        return 2 * REAL_TIME_MIN_NS
    return REAL_TIME_MIN_NS + start.offset_ns


def begin(assembly: Assembly, start: ExternalStart | None) -> None:
    """Emit what all sequencers of a cluster go through before they begin together."""
    if start is not None:
        assembly.emit(
            "wait_trigger", start.address, REAL_TIME_MIN_NS, comment="the external trigger"
        )
    assembly.emit("wait_sync", REAL_TIME_MIN_NS)
