"""Publishes a process's log over the bus."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from podium.control.bus.bus import Bus, BusError
from podium.control.bus.log import ROOT
from podium.control.bus.news import Event, PastEvents, Recent, events_key, past_events_key
from podium.control.bus.wire import decode, encode

KEPT = 300
"""So many events are kept for those who come late."""
LEVELS = {logging.INFO: "info", logging.WARNING: "warning", logging.ERROR: "error"}


@asynccontextmanager
async def publish_log(bus: Bus, facility: str, process: str) -> AsyncGenerator[None]:
    """Tell the events of this process's log to whoever listens while the context is open."""
    ears = _LogQueue(process, asyncio.get_running_loop())
    key = events_key(facility, process)

    async def publish() -> None:
        while True:
            event = await ears.heard.get()
            with suppress(BusError):  # the log itself has it
                await bus.publish(key, encode(event))

    async def answer(payload: bytes) -> bytes:
        decode(payload, Recent)
        return encode(PastEvents(tuple(ears.kept)))

    logger = logging.getLogger(ROOT)
    logger.addHandler(ears)
    try:
        async with (
            bus.serve(past_events_key(facility, process), answer),
            asyncio.TaskGroup() as tasks,
        ):
            publishing = tasks.create_task(publish(), name="tell the log")
            try:
                yield
            finally:
                publishing.cancel()
    finally:
        logger.removeHandler(ears)


class _LogQueue(logging.Handler):
    """Hears the log from any thread; hands events to the loop."""

    def __init__(self, process: str, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.INFO)
        self._process = process
        self._loop = loop
        self._number = 0
        self.heard: asyncio.Queue[Event] = asyncio.Queue()
        self.kept: deque[Event] = deque(maxlen=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        what = getattr(record, "event", None) or record.getMessage()
        told = getattr(record, "told", {})
        level = LEVELS.get(record.levelno, record.levelname.lower())
        self._number += 1
        event = Event(self._number, record.created, self._process, level, what, told)
        self.kept.append(event)
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self.heard.put_nowait, event)
