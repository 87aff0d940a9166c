"""Draws the page's parts once when something has changed, and sends them to all who look.

While nobody looks nothing is drawn.
Every part is sent whole, and only the latest of it: a browser that is slow, or was away,
misses what lay between and is up to date with the next message.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

from podium.control.bus.listener import Discarded
from podium.control.bus.log import event_log

GAP_S = 0.1
"""A part is drawn at most so often."""
TICK_S = 1.0
"""Everything is drawn anew at least so often: what nobody tells changes too (silence, ages)."""

Draw = Callable[[], str]


class Hub:
    """Draws while :meth:`run` runs; :meth:`stream` is what one browser receives."""

    def __init__(self, parts: Mapping[str, Draw], changed: asyncio.Event) -> None:
        """``changed`` is set by whoever has something new."""
        self._parts = dict(parts)
        self._changed = changed
        self._latest: dict[str, str] = {}
        self._frames: dict[str, bytes] = {}
        self._news = asyncio.Event()
        self._closed = False
        self._not_drawn = Discarded(event_log("page"), "not drawn")
        self.looking = 0
        """How many streams are open."""

    def part(self, name: str) -> str:
        """Return a part as it is now."""
        return self._parts[name]()

    async def run(self) -> None:
        """Draw for ever what has changed, while somebody looks."""
        while True:
            self._changed.clear()
            if self.looking:
                self._draw()
            await asyncio.sleep(GAP_S)
            try:
                async with asyncio.timeout(TICK_S - GAP_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def close(self) -> None:
        """End all streams: their browsers come back by themselves."""
        self._closed = True
        self._wake()

    async def stream(self) -> AsyncIterator[bytes]:
        """Give messages of a ``text/event-stream``: everything at first, then what changes."""
        self.looking += 1
        sent: dict[str, bytes] = {}
        try:
            if self.looking == 1:
                self._draw()
            yield b"retry: 1000\n\n"
            while not self._closed:
                news = self._news
                for name, frame in list(self._frames.items()):
                    if sent.get(name) is not frame:
                        sent[name] = frame
                        yield frame
                await news.wait()
        finally:
            self.looking -= 1

    def _draw(self) -> None:
        fresh = False
        for name, draw in self._parts.items():
            try:
                drawn = draw()
            except Exception as error:  # of what somebody told: what was drawn last stays
                self._not_drawn.add(name, f"{type(error).__name__}: {error}"[:200])
                continue
            if drawn != self._latest.get(name):
                self._latest[name] = drawn
                self._frames[name] = _frame(name, drawn)
                fresh = True
        if fresh:
            self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


def _frame(name: str, text: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode()
