"""Asks the kernel for short time slices and exact timers, without privileges.

A process that starts things at a time sleeps most of it, and has to run as soon as it is woken.
From Linux 6.12 on a thread may ask for short slices of time: it gets no more of the processor,
but sooner (``sched_setattr``, Documentation/scheduler/sched-eevdf.rst). Earlier ones take no
notice, other systems are not asked. A thread that waits for a time is woken up to 50 us later, so
that others may be woken with it, unless it asks for less (``man 2 prctl``, ``PR_SET_TIMERSLACK``).
"""

import ctypes
import platform
import struct
import sys

SLICE_NS = 100_000
"""The shortest that may be asked for (kernel/sched/syscalls.c: 0.1 ms to 100 ms)."""
CALLS = {"x86_64": (314, 315), "aarch64": (274, 275)}
"""Numbers of ``sched_setattr`` and ``sched_getattr`` by processor; the C library has no names for
them (arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h)."""
ATTRIBUTES = struct.Struct("=IIQiIQQQ")
"""``struct sched_attr`` as it was first (48 bytes): size, policy, flags, nice, priority, runtime,
deadline, period. For a thread of the usual policy the runtime is its slice, ns."""
OTHER = 0
SET_TIMER_SLACK, SLACK_NS = 29, 1
"""``PR_SET_TIMERSLACK`` (include/uapi/linux/prctl.h); 0 would ask for what is usual."""


def ask_for_short_slices() -> bool:
    """Ask for short slices for this thread and all that it begins, and return whether it has them.

    Call it before anything else is begun. Priority and all else stay as they are.
    """
    calls = CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None:
        return False
    libc, room = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(ATTRIBUTES.size)
    set_attributes, get_attributes = calls
    if libc.syscall(get_attributes, 0, room, ATTRIBUTES.size, 0) != 0:
        return False
    _, policy, flags, nice, priority, _, _, _ = ATTRIBUTES.unpack(room.raw)
    if policy != OTHER:  # somebody has given it better than that
        return False
    asked = ATTRIBUTES.pack(ATTRIBUTES.size, policy, flags, nice, priority, SLICE_NS, 0, 0)
    if libc.syscall(set_attributes, 0, ctypes.create_string_buffer(asked), 0) != 0:
        return False
    if libc.syscall(get_attributes, 0, room, ATTRIBUTES.size, 0) != 0:
        return False
    return bool(ATTRIBUTES.unpack(room.raw)[5] == SLICE_NS)


def ask_for_exact_timers() -> bool:
    """Ask that this thread, and all that it begins, is woken as soon as a wait is over.

    Returns whether that is so. Call it before anything else is begun.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(SET_TIMER_SLACK, ctypes.c_ulong(SLACK_NS), 0, 0, 0) == 0)
