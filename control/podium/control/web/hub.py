"""Draws topics of the pages once when something has changed, and sends viewers what differs.

A topic is one element of a page. While nobody looks at it, it is not drawn. One that is drawn as
:class:`Rows` is sent row by row: a viewer receives the rows that have changed since what it has,
however long it was away. Every state has a number, which goes along as the event's id: a page and
its stream, and a stream that was cut, go on where they were.
"""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

from podium.control.bus.listener import Discarded
from podium.control.bus.log import event_log

GAP_S = 0.1
"""A topic is drawn at most so often."""
TICK_S = 1.0
"""Everything is drawn anew at least so often: what nobody tells changes too (silence, ages)."""
ALIVE = b"event: alive\ndata: 1\n\n"
"""Is sent where nothing has changed for :data:`TICK_S`: a viewer takes silence for a loss."""
TOPICS_KEPT = 200
"""So many topics are remembered at most that nobody looks at."""
GONE_KEPT = 1000
"""So many rows that are gone are remembered of a topic."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A topic in rows: each is one HTML element with an id."""

    html: Mapping[str, str]
    """By id, in their order."""
    whole: Callable[[], str]
    """Renders the topic with all rows in it."""
    listed: bool = True
    """Rows are the children of one list, ``data-rows``, and may come and go; otherwise they stand
    somewhere in the topic, and where one comes or goes the topic is sent whole."""


Draw = Callable[[], str | Rows]


@dataclass(slots=True)
class _Topic:
    """A topic as it was drawn last."""

    whole_at: int = 0
    """State in which it was last to be sent whole."""
    changed_at: int = 0
    text: str | None = None
    rows: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By id: since which state it is so, and its HTML."""
    gone: dict[str, int] = field(default_factory=dict)
    whole: Callable[[], str] | None = None
    frames: dict[int, bytes] = field(default_factory=dict)
    """What brings a viewer up to date, by the state that it has."""

    def take(self, drawn: str | Rows, state: int) -> bool:
        """Take note of a drawing; tell whether anything differs."""
        if isinstance(drawn, str):
            if drawn == self.text:
                return False
            self.text, self.whole, self.rows, self.gone = drawn, None, {}, {}
            self.whole_at = state
        else:
            same = self.whole is not None and self._fits(drawn)
            fresh = {
                name: self.rows[name] if name in self.rows and self.rows[name][1] == html
                else (state, html)
                for name, html in drawn.html.items()
            }  # fmt: skip
            self.whole = drawn.whole
            if same and fresh == self.rows:
                return False
            for name in self.rows.keys() - fresh.keys():
                self.gone[name] = state
            for name in fresh:
                self.gone.pop(name, None)
            self.text, self.rows = None, fresh
            if not same or len(self.gone) > GONE_KEPT:
                self.whole_at, self.gone = state, {}
        self.changed_at = state
        self.frames.clear()
        return True

    def _fits(self, drawn: Rows) -> bool:
        """Tell whether the rows that stay have kept their order, and may come and go at all."""
        before = [name for name in self.rows if name in drawn.html]
        after = [name for name in drawn.html if name in self.rows]
        if drawn.listed:
            return before == after and bool(self.rows)
        return list(self.rows) == list(drawn.html)

    def shown(self) -> str:
        return self.whole() if self.whole is not None else self.text or ""

    def frame(self, name: str, since: int) -> bytes:
        """Return what brings a viewer of the state ``since`` up to date; empty: nothing has to."""
        if since >= self.changed_at:
            return b""
        if since < self.whole_at:
            since = 0
        if since not in self.frames:
            self.frames[since] = self._frame(name, since)
        return self.frames[since]

    def _frame(self, name: str, since: int) -> bytes:
        if since == 0:
            return _event(name, self.shown())
        rows, before = [], ""
        for row, (at, html) in self.rows.items():
            if at > since:
                rows.append((row, before, html))
            before = row
        gone = [row for row, at in self.gone.items() if at > since]
        told = {"topic": name, "gone": gone, "rows": rows}
        return _event("rows", json.dumps(told, separators=(",", ":"), ensure_ascii=False))


NOT_DRAWN = (
    '<p class="note bad">This could not be drawn. The log of the page\'s process says why, '
    "under <em>not drawn</em>.</p>"
)


class Hub:
    """Draws while :meth:`run` runs; :meth:`stream` is what one browser receives."""

    def __init__(self, topics: Callable[[str], Draw | None], changed: asyncio.Event) -> None:
        """``topics`` returns what draws a topic, None where there is none of that name;
        ``changed`` is set by whoever has something new."""
        self._draw_of = topics
        self._changed = changed
        self._topics: dict[str, _Topic] = {}
        self._looked_at: Counter[str] = Counter()
        self._state = 0
        self._start = secrets.token_hex(4)
        self._news = asyncio.Event()
        self._closed = False
        self._not_drawn = Discarded(event_log("page"), "not drawn")

    @property
    def looking(self) -> int:
        """Return the number of topics that are looked at, counted once for each viewer."""
        return self._looked_at.total()

    @property
    def state(self) -> str:
        """Name of the state that was drawn last: the id of events, and ``since`` of a stream."""
        return f"{self._start}-{self._state}"

    def shown(self, names: Iterable[str]) -> dict[str, str]:
        """Draw topics as they are now; return them, whole.

        One that cannot be drawn, and never was, says so in its place.
        """
        wanted = [name for name in names if self._draw_of(name) is not None]
        self._draw(wanted)
        known = self._topics
        return {name: known[name].shown() if name in known else NOT_DRAWN for name in wanted}

    async def run(self) -> None:
        """Draw for ever what has changed, while somebody looks."""
        while True:
            self._changed.clear()
            if self._looked_at:
                self._draw(self._looked_at)
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

    async def stream(
        self,
        names: Iterable[str],
        since: str = "",
        *,
        whole: Callable[[str], bool] = lambda _: False,
    ) -> AsyncIterator[bytes]:
        """Give messages of a ``text/event-stream``: what differs from ``since``, then changes.

        ``whole`` tells topics that no page has in its HTML: they are sent first as they are.
        Names that are no topics are passed over.
        """
        wanted = [name for name in dict.fromkeys(names) if self._draw_of(name) is not None]
        self._looked_at.update(wanted)
        try:
            self._draw(wanted)
            yield b"retry: 1000\n\n"
            has = {name: 0 if whole(name) else self._number(since) for name in wanted}
            while not self._closed:
                news, state = self._news, self._state
                fresh = False
                for name in wanted:
                    topic = self._topics.get(name)
                    frame = b"" if topic is None else topic.frame(name, has[name])
                    has[name] = state
                    if frame:
                        fresh = True
                        yield frame
                if fresh and state == self._state:
                    yield f"id: {self._start}-{state}\n\n".encode()
                if state == self._state and not await _came(news):
                    yield ALIVE
        finally:
            self._looked_at.subtract(wanted)
            self._looked_at += Counter()  # without those that nobody looks at

    def _number(self, since: str) -> int:
        start, _, number = since.rpartition("-")
        known = start == self._start and number.isdecimal() and len(number) < 19
        return min(int(number), self._state) if known else 0

    def _draw(self, names: Iterable[str]) -> None:
        fresh, state = False, self._state + 1
        for name in tuple(names):
            draw = self._draw_of(name)
            if draw is None:
                continue
            try:
                drawn = draw()
                topic = self._topics.setdefault(name, _Topic())
                fresh = topic.take(drawn, state) or fresh
            except Exception as error:  # of what somebody told: what was drawn last stays
                self._not_drawn.add(name, f"{type(error).__name__}: {error}"[:200])
        if fresh:
            self._state = state
            self._forget()
            self._wake()

    def _forget(self) -> None:
        idle = [name for name in self._topics if name not in self._looked_at]
        for name in idle[: max(0, len(idle) - TOPICS_KEPT)]:
            del self._topics[name]

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


async def _came(news: asyncio.Event) -> bool:
    """Wait for news; False: there were none for a while."""
    try:
        async with asyncio.timeout(TICK_S):
            await news.wait()
    except TimeoutError:
        return False
    return True


def _event(name: str, text: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode()
