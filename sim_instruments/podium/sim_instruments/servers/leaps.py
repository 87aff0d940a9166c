"""World time leaps as far as the twins allow.

A leap is allowed only over a span in which no message from outside could change
anything: no twin is armed for a start that has not happened, none still computes, and
some running program has an end to leap to. It never goes past what a twin has named as its limit.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.kernel_compilation import KernelGate
from podium.sim_instruments.twins.twin import Horizon, Twin

_LINES = re.compile(rb"[^\n]*\n|[^\n]+")
HOLDS_FOR_S = 3.0
"""On a manual clock commands wait so long for a twin that computes: clients wait 5 s and more."""
MANY_LINES = 200
"""Carried out at a stretch: some milliseconds."""
_MANY_LINES = re.compile(rb"(?:[^\n]*\n){1,%d}|[^\n]+" % MANY_LINES)


def leap_target_fs(horizons: Iterable[Horizon], now_fs: int) -> int | None:
    """Return the moment to which world time may leap now, or None."""
    seen = tuple(horizons)
    if any(horizon.armed or horizon.computing for horizon in seen):
        return None
    ends = [h.busy_until_fs for h in seen if h.busy_until_fs is not None]
    ahead = [end_fs for end_fs in ends if end_fs > now_fs]
    if not ahead:
        return None
    limits = [h.not_beyond_fs for h in seen if h.not_beyond_fs is not None]
    target_fs = min(*ahead, *limits) if limits else min(ahead)
    return target_fs if target_fs > now_fs else None


class Time(Protocol):
    """The world's time as a way to an instrument needs it."""

    @property
    def clock(self) -> WorldClock:
        """The world's clock."""
        ...

    def leap(self) -> bool:
        """Leap as far as is allowed; tell whether."""
        ...

    def wake(self) -> None:
        """Take that the instrument may have become busy; time does not leap for it."""
        ...

    def holds(self) -> bool:
        """Tell whether commands must wait."""
        ...

    @property
    def holds_for_s(self) -> float:
        """Return how long commands must wait at most (wall time)."""
        ...

    def wait_for_turn(self) -> None:
        """Take that a command waits."""
        ...

    @property
    def answers_at_once(self) -> bool:
        """Tell whether boxes that take their time answer at once."""
        ...

    def answered(self) -> None:
        """Let pass what an answer takes."""
        ...

    @property
    def takes_turns(self) -> bool:
        """Tell whether connections may be served in turns."""
        ...

    def pieces(self, data: bytes) -> list[bytes]:
        """Cut what came in one packet at the places where time may pass."""
        ...


class Timekeeper:
    """Moves the world's clock as the twins allow.

    All twins are asked before a leap. Whether one is worth asking for is seen of those that may
    be busy: whoever was idle is so until somebody speaks to it (:meth:`wake`).
    """

    def __init__(
        self,
        clock: WorldClock,
        twins: Mapping[str, Twin],
        kernels: KernelGate | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
        *,
        chip: bool = False,
    ) -> None:
        """``chip``: programs are played on one."""
        self.clock = clock
        self._chip = chip
        self._kernels = KernelGate() if kernels is None else kernels
        self._twins = twins
        self._awake = dict.fromkeys(twins)
        self.woken = asyncio.Event()
        """Set when somebody speaks to a twin; whoever waits for that clears it before."""
        self._monotonic_s = monotonic_s
        self._holds_since_s: float | None = None

    def wake(self, *names: str) -> None:
        """Somebody has spoken to these twins; without names: anything may have happened."""
        self._awake |= dict.fromkeys(names or self._twins)
        self.woken.set()

    @property
    def is_awake(self) -> bool:
        """Tell whether a twin may do something: it did when asked, or was spoken to since."""
        return bool(self._awake)

    def leap(self) -> bool:
        """Leap from end to end until nothing runs or nothing more is allowed; tell whether."""
        if self.clock.mode is ClockMode.PACED:
            return False
        leapt = False
        while self._some_end_is_near():
            target_fs = leap_target_fs(self._horizons(), self.clock.now_fs())
            if target_fs is None:
                break
            self.clock.leap_to(target_fs)
            leapt = True
        return leapt

    def _some_end_is_near(self) -> bool:
        """Say whether something runs whose end is known, and nobody who is awake forbids a leap."""
        now_fs, running, forbidden = self.clock.now_fs(), False, False
        for name in tuple(self._awake):
            horizon = self._twins[name].horizon(now_fs)
            if horizon.armed or horizon.computing:
                forbidden = True
            elif horizon.busy_until_fs is not None and horizon.busy_until_fs > now_fs:
                running = True
            elif horizon.not_beyond_fs is None:
                del self._awake[name]
        return running and not forbidden

    def holds(self) -> bool:
        """Tell whether commands must wait because a twin computes.

        So it is on a manual clock, where physics takes no time: whether a command finds a
        program running must not depend on how fast this machine is. A client that waits for an
        answer does not wait for ever, though: after :attr:`holds_for_s` commands find the program
        running, and answers take no time, so that their number tells nothing.
        """
        if self.clock.stands or not self._computes():
            self._holds_since_s = None  # one that stands at a breakpoint computes nothing
            return False
        now_s = self._monotonic_s()
        if self._holds_since_s is None:
            self._holds_since_s = now_s
        return now_s - self._holds_since_s < self.holds_for_s

    @property
    def holds_for_s(self) -> float:
        """Return how long commands must wait at most (wall time)."""
        return HOLDS_FOR_S

    def wait_for_turn(self) -> None:
        """Take that a command waits: in one process it is always its turn."""

    @property
    def answers_at_once(self) -> bool:
        """Tell whether boxes that take their time answer at once.

        On a manual clock, beside a chip: what such a box takes passes beside programs in a
        laboratory, but there everybody would wait for it, the more often the busier this machine
        is. While a twin computes the answer would never be due.
        """
        return self._computes() or (self._chip and self.clock.mode is ClockMode.MANUAL)

    def answered(self) -> None:
        """Let pass what an answer takes, but for one that was given while a twin computes."""
        if not self._computes():
            self.clock.answered()

    def _computes(self) -> bool:
        """Tell whether, on a manual clock, a twin computes."""
        manual = self.clock.mode is ClockMode.MANUAL
        return manual and any(h.computing for h in self._horizons())

    def compiles(self, name: str) -> bool:
        """Tell whether a twin waits for kernels: it has begun what executes them."""
        if self._kernels.is_open:
            return False
        horizon = self._twins[name].horizon(self.clock.now_fs())
        return horizon.armed or horizon.computing

    @property
    def takes_turns(self) -> bool:
        """Tell whether connections may be served in turns, so that none holds up another for long.

        On a manual clock each is served to the end: whose turn it is must not depend on how fast
        this machine is.
        """
        return self.clock.mode is not ClockMode.MANUAL

    def pieces(self, data: bytes) -> list[bytes]:
        """Cut what came in one packet at the places where time may pass, or others have a turn.

        On a manual clock after every line: how a client's commands were packed into packets
        must not tell there; nor while kernels are compiled, as one command may have to wait for
        them. Elsewhere after many.
        """
        if self.clock.mode is ClockMode.MANUAL or not self._kernels.is_open:
            return _LINES.findall(data)
        return _MANY_LINES.findall(data) if data.count(b"\n") > MANY_LINES else [data]

    def _horizons(self) -> tuple[Horizon, ...]:
        now_fs = self.clock.now_fs()
        return tuple(twin.horizon(now_fs) for twin in self._twins.values())


@dataclass(frozen=True, slots=True)
class TimeOf:
    """The world's time for the ways to one instrument: who is spoken to is awake."""

    timekeeper: Timekeeper
    name: str

    @property
    def clock(self) -> WorldClock:
        """The world's clock."""
        return self.timekeeper.clock

    def leap(self) -> bool:
        """Leap as far as those allow that are awake; tell whether."""
        return self.timekeeper.leap()

    def wake(self) -> None:
        """Take that the instrument may have become busy."""
        self.timekeeper.wake(self.name)

    def holds(self) -> bool:
        """Tell whether commands must wait."""
        return self.timekeeper.holds() or self.timekeeper.compiles(self.name)

    @property
    def holds_for_s(self) -> float:
        """Return how long commands must wait at most (wall time)."""
        return self.timekeeper.holds_for_s

    def wait_for_turn(self) -> None:
        """Take that a command waits."""
        self.timekeeper.wait_for_turn()

    @property
    def answers_at_once(self) -> bool:
        """Tell whether boxes that take their time answer at once."""
        return self.timekeeper.answers_at_once

    def answered(self) -> None:
        """Let pass what an answer takes."""
        self.timekeeper.answered()

    @property
    def takes_turns(self) -> bool:
        """Tell whether connections may be served in turns."""
        return self.timekeeper.takes_turns

    def pieces(self, data: bytes) -> list[bytes]:
        """Cut what came in one packet at the places where time may pass."""
        return self.timekeeper.pieces(data)
