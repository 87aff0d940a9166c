"""Listens to what others publish, and counts what cannot be used.

All who subscribe use it. What is no message, and what cannot be noted, is counted, logged, and
left; the loop goes on. One who is admitted and broken must not end those who listen to him.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from podium.control.bus.wire import BadMessage, decode

NEWS_BYTES_MAX = 1 << 26
"""What is published is not larger: the data of runs are thinned before, events are lines."""
LOG_EVERY_S = 10.0
"""What is discarded is logged at once, and after it at most so often, with the number since."""
IN_ONE_GO = 64
"""After so many messages the rest of the process has its turn."""

Message = TypeVar("Message")


class Discarded:
    """Counts what a process could not use, and logs it now and then, under ``what``."""

    def __init__(
        self,
        log: Any,
        what: str = "messages discarded",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._what = what
        self._clock = clock
        self._logged_at: float | None = None
        self._since = 0
        self.count = 0

    def add(self, key: str, reason: str) -> None:
        """Count one message; ``reason``: why it could not be used."""
        self.count += 1
        self._since += 1
        now = self._clock()
        if self._logged_at is None or now - self._logged_at >= LOG_EVERY_S:
            self._log.warning(
                self._what, key=key, reason=reason, now=self._since, in_all=self.count
            )
            self._logged_at, self._since = now, 0


async def listen(
    told: AsyncIterator[tuple[str, bytes]],
    kind: type[Message] | tuple[type[Message], ...],
    note: Callable[[str, Message], Awaitable[None] | None],
    discarded: Discarded,
) -> None:
    """Have every message of ``kind`` noted, with the last word of its key, until cancelled.

    Several kinds may come under one key.
    """
    heard = 0
    kinds = kind if isinstance(kind, tuple) else (kind,)
    async for key, payload in told:
        heard += 1
        try:
            message = decode(payload, *kinds, bytes_max=NEWS_BYTES_MAX)
            noting = note(key.rpartition("/")[2], message)
            if noting is not None:
                await noting
        except BadMessage as error:
            discarded.add(key, str(error))
        except Exception as error:  # of a message that makes no sense: its sender's fault or ours
            discarded.add(key, f"{type(error).__name__}: {error}"[:200])
        if heard % IN_ONE_GO == 0:
            await asyncio.sleep(0)  # a queue that is never empty would keep the loop for itself
