"""Logs what was asked of a facility's instruments, by whom, and how it ended."""

import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from podium.control.bus.messages import LoggedRequest

KEPT = 100
"""So many things that were asked are remembered."""


@dataclass(slots=True, eq=False)
class RequestEntry:
    """Something that was asked and is being done."""

    number: int
    what: str
    by: str
    at_s: float
    state: str = "on"
    took_s: float = 0.0
    error: str = ""
    why_stopped: Callable[[], str] = field(default=lambda: "")
    repeats: str = ""
    """What is done again and again; empty: it is done once."""
    times: int = 1

    def told(self) -> LoggedRequest:
        """Return it as others see it."""
        return LoggedRequest(
            self.number, self.what, self.by, self.at_s, self.took_s, self.state, self.error
        )


class RequestLog:
    """Numbers what is done, and remembers the latest."""

    def __init__(self) -> None:
        self._number = 0
        self._entries: deque[RequestEntry] = deque(maxlen=KEPT)

    @contextmanager
    def doing(self, what: str, by: str) -> Generator[RequestEntry]:
        """Note that something is done while the context is open, and how it ended."""
        self._number += 1
        entry = RequestEntry(self._number, what, by, time.time())
        self._entries.append(entry)
        with self._noted(entry, time.monotonic()):
            yield entry

    @contextmanager
    def _noted(self, entry: RequestEntry, began: float) -> Generator[None]:
        try:
            yield
        except BaseException as error:
            stopped = entry.why_stopped()
            entry.state = "stopped" if stopped else "failed"
            entry.error = stopped or str(error) or type(error).__name__
            raise
        else:
            entry.state = "done"
        finally:
            entry.took_s = time.monotonic() - began

    @contextmanager
    def repeated(self, what: str, by: str) -> Generator[RequestEntry]:
        """Do as :meth:`doing` does; what is done again and again is one entry, which counts."""
        last = self._entries[-1] if self._entries else None
        if last is None or last.repeats != what or last.by != by or last.state != "done":
            with self.doing(what, by) as entry:
                entry.repeats = what
                yield entry
            return
        last.times += 1
        last.state = "on"
        last.what = f"{what}, {last.times} times"
        with self._noted(last, time.monotonic() - last.took_s):
            yield last

    def count(self, what: str, by: str, times: int) -> None:
        """Count that what is done again and again was done so often more."""
        for entry in reversed(self._entries):
            if times and entry.repeats == what and entry.by == by:
                entry.times += times
                entry.what = f"{what}, {entry.times} times"
                return

    def latest(self) -> tuple[LoggedRequest, ...]:
        """Return what was asked lately, oldest first."""
        return tuple(entry.told() for entry in self._entries)
