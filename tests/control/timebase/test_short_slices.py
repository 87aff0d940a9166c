"""Short slices of time: asked for in a process of their own, as they are inherited."""

import os
import platform
import subprocess
import sys

import pytest

from podium.control.timebase import short_slices

SAID = """
import os, threading
from podium.control.timebase.short_slices import ask_for_short_slices
before = os.nice(0), os.sched_getscheduler(0)
print(ask_for_short_slices())
print((os.nice(0), os.sched_getscheduler(0)) == before)
"""


def linux_release() -> tuple[int, ...]:
    return tuple(int(one) for one in platform.release().split("-")[0].split(".")[:2])


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone is asked")
def test_they_are_had_where_linux_gives_them_and_priority_stays_as_it_was() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SAID], capture_output=True, text=True, check=True, env=os.environ
    )
    had, same = ended.stdout.split()
    assert same == "True"
    if linux_release() >= (6, 12) and platform.machine() in short_slices.CALLS:
        assert had == "True"


TOLD = """
import ctypes, threading
from podium.control.timebase.short_slices import ask_for_exact_timers
libc = ctypes.CDLL(None)
print(ask_for_exact_timers())
asking = threading.Thread(target=lambda: print(libc.prctl(30, 0, 0, 0, 0)))  # PR_GET_TIMERSLACK
asking.start()
asking.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone is asked")
def test_timers_are_exact_in_threads_that_are_begun_afterwards() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", TOLD], capture_output=True, text=True, check=True, env=os.environ
    )
    assert ended.stdout.split() == ["True", str(short_slices.SLACK_NS)]


def test_another_system_is_not_asked_for_exact_timers(monkeypatch) -> None:
    monkeypatch.setattr(sys, "platform", "sparc")
    assert not short_slices.ask_for_exact_timers()


def test_a_processor_whose_calls_are_not_known_is_not_asked(monkeypatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "sparc")
    assert not short_slices.ask_for_short_slices()
